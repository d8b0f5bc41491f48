"""Real XGBoost over the ranges of a guide: what refining is worth where they are sane already.

    python -m bench.search.real [--seeds 20] [--only-table]

The seven ranges are those that a common guide to SageMaker's tuning gives; their limits are what
the catalogue of algorithms gives to a study that names none. Data sets come with scikit-learn and
statsmodels. A training is a matter of parameters and data only, so searches that draw the same
point share it. What is chosen by the validation part is scored on a part that no search sees.
"""

from __future__ import annotations

import argparse
import functools
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.search.conditions import Condition, whole
from bench.search.contestants import OURS
from bench.search.duel import CONTESTANTS, code_with, duels, search
from bench.search.problem import Axis, Point, Problem, Scale
from bench.search.results import RESULTS, newest, read
from bench.search.run import PARALLEL, TRIALS
from bench.search.simulator import World
from bench.search.statistics import show
from tunewright.domain.expand import expand
from tunewright.domain.space import CategoricalRange, Scaling

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from tunewright.domain.space import SearchSpace

RUNS = RESULTS / "real.jsonl"
ROUNDS = 60
MOST_ROWS = 6000
CONDITION = "guide"
GUIDE: dict[str, Any] = {
    "eta": {"range": [0.01, 0.3], "log": True},
    "subsample": [0.5, 1.0],
    "colsample_bytree": [0.5, 1.0],
    "gamma": [0.0, 5.0],
    "min_child_weight": [1.0, 10.0],
    "alpha": [0.0, 2.0],
    "max_depth": [3, 12],
}


Rows = tuple[np.ndarray, np.ndarray]
"""Features (rows, columns), and what is to be predicted (rows,)."""


@dataclass(frozen=True)
class Data:
    """A data set.

    Attributes:
        about: What is predicted, and whose data it is.
        metric: XGBoost's name of what is measured; `auc` is better the greater.
        load: Reads it.
    """

    about: str
    metric: str
    load: Callable[[], Rows]

    @property
    def sign(self) -> float:
        """What the metric is multiplied by to be a loss."""
        return -1.0 if self.metric == "auc" else 1.0


def _digits() -> Rows:
    from sklearn.datasets import load_digits  # noqa: PLC0415 - it takes a second to import

    data = load_digits()
    return data.data, data.target % 2


def _diabetes() -> Rows:
    from sklearn.datasets import load_diabetes  # noqa: PLC0415 - as above

    data = load_diabetes()
    return data.data, data.target


def _affairs() -> Rows:
    from statsmodels.datasets import fair  # noqa: PLC0415 - an optional package of the benchmarks

    rows = fair.load_pandas().data.to_numpy(dtype=float)
    return rows[:, :-1], rows[:, -1] > 0


def _visits() -> Rows:
    from statsmodels.datasets import randhie  # noqa: PLC0415 - as above

    rows = randhie.load_pandas().data.to_numpy(dtype=float)
    return rows[:, 1:], rows[:, 0] > 0


DATA = {
    "digits": Data("handwritten digits, even or odd (UCI)", "auc", _digits),
    "diabetes": Data("diabetes after a year (Efron et al.)", "rmse", _diabetes),
    "affairs": Data("extramarital affairs, any (Fair)", "auc", _affairs),
    "visits": Data("visits to a doctor, any (RAND HIE)", "auc", _visits),
}


def guide_space() -> SearchSpace:
    """Return the guide's ranges with the limits that a study gets which names none."""
    document = {
        "study": "guide",
        "objective": {"maximize": "validation:auc"},
        "training": {
            "algorithm": "xgboost:1.7-1",
            "instance": "ml.m5.xlarge",
            "max_run": "1h",
            "inputs": {"train": "s3://bench/train/", "validation": "s3://bench/validation/"},
            "fixed": {"objective": "binary:logistic", "num_round": ROUNDS},
        },
        "search_space": GUIDE,
    }
    return expand(document).search_space


def problem_of(name: str, space: SearchSpace) -> Problem:
    """Return the problem of a data set: the first half trains, a quarter validates, one tests."""
    import xgboost  # noqa: PLC0415 - an optional package of the benchmarks

    data = DATA[name]
    features, target = data.load()
    order = np.random.default_rng(0).permutation(len(features))[:MOST_ROWS]
    half, three = len(order) // 2, len(order) * 3 // 4
    train, validation, test = (
        xgboost.DMatrix(features[part], np.asarray(target, float)[part])
        for part in (order[:half], order[half:three], order[three:])
    )
    fixed = {
        "objective": "binary:logistic" if data.metric == "auc" else "reg:squarederror",
        "eval_metric": data.metric,
        "nthread": 1,
        "seed": 0,
    }

    @functools.cache
    def losses(point: tuple[tuple[str, float], ...]) -> tuple[float, float]:
        given = {key: int(value) if key == "max_depth" else value for key, value in point}
        model = xgboost.train({**fixed, **given}, train, ROUNDS)
        told = (model.eval(each).rpartition(":")[2] for each in (validation, test))
        first, second = (data.sign * float(each) for each in told)
        return first, second

    def at(point: Point) -> tuple[float, float]:
        return losses(tuple((key, float(value)) for key, value in sorted(point.items())))

    return Problem(
        name=name,
        family="real",
        axes=_axes(space),
        inner=lambda points: np.array([at(point)[0] for point in points]),
        scale=Scale(best=0.0, typical=1.0, optimum={}),  # losses are kept as they are
        test=lambda point: at(point)[1],
    )


def _axes(space: SearchSpace) -> tuple[Axis, ...]:
    return tuple(
        Axis(
            each.name,
            each.hard_low,
            each.hard_high,
            log=each.scaling is Scaling.LOGARITHMIC,
            whole=each.kind == "integer",
        )
        for each in space.ranges
        if not isinstance(each, CategoricalRange)
    )


def run(problem: Problem, space: SearchSpace, who: str, seed: int) -> dict[str, Any]:
    """Let a contestant search; return every trial's loss, and the chosen one's on the test part."""
    assert problem.test is not None  # noqa: S101 - all of this family have one
    search, strategy, wide = OURS[who]
    world = World(problem, Condition.named("right"), seed)
    found = search(world, whole(space) if wide else space, seed, strategy, TRIALS, PARALLEL)
    best = min(found.trials, key=lambda each: each.true)
    point = {name: float(value) for name, value in best.parameters.items()}
    return {
        "losses": [round(each.true, 6) for each in found.trials],
        "test": round(problem.test(point), 6),
        "makespan": round(found.makespan, 3),
    }


def code(who: str) -> str:
    """Return a short hash of what a contestant runs, with this module."""
    return code_with(Path(__file__), who)


def known_rows(path: Path) -> dict[tuple[str, str, str, int], dict[str, Any]]:
    """Return the runs of the code as it is, with regrets: 0 is the best loss of any, 1 the median.

    The median is that of the points which the random job drew.
    """
    rows = newest(read(path), code)
    for name in {key[0] for key in rows}:
        own = {key: row for key, row in rows.items() if key[0] == name}
        best = min(min(row["losses"]) for row in own.values())
        drawn = [loss for key, row in own.items() if key[2] == "random" for loss in row["losses"]]
        if not drawn:
            continue
        width = float(np.median(drawn)) - best
        for row in own.values():
            row["regret"] = (np.minimum.accumulate(row["losses"]) - best) / width
    return {key: row for key, row in rows.items() if "regret" in row}


def section(path: Path) -> list[str]:
    """Return the page's section, none where nothing was run."""
    rows = known_rows(path)
    lines = [
        f"| {CONTESTANTS[who]} | {show(found)} | {found.won:.0%} / {found.lost:.0%} | "
        f"{wall:.2f} | {sets} / {found.runs} |"
        for who, found, wall, sets in duels(rows, CONDITION)
    ]
    if not lines:
        return []
    return [
        "## Real XGBoost, a guide's ranges\n",
        f"{ROUNDS} rounds of boosting on data that scikit-learn and statsmodels carry, over the "
        "seven ranges of a guide with the\ncatalogue's limits. Regret: 0 is the best loss that "
        "any of these searches found, 1 the median of the random job's.\n",
        "| search | regret / one job's | won / lost | wall-clock | data sets / pairs |",
        "|---|---|---|---|---|",
        *lines,
        "",
        "The scores of the models chosen, mean and its standard error, on the part that chose "
        "them and on one that no search saw:\n",
        f"| data | part | {' | '.join(CONTESTANTS.values())} |",
        "|---|---|" + "---|" * len(CONTESTANTS),
        *_scores(rows),
        "",
    ]


def _scores(rows: Mapping[tuple[str, str, str, int], Mapping[str, Any]]) -> Iterable[str]:
    for name in sorted({key[0] for key in rows}):
        data = DATA[name]
        for part in ("validation", "test"):
            cells = []
            for who in CONTESTANTS:
                own = [row for key, row in rows.items() if key[0] == name and key[2] == who]
                values = [row["test"] if part == "test" else min(row["losses"]) for row in own]
                cells.append(_mean(data.sign * np.array(values)) if len(values) > 1 else "-")
            label = f"{data.about}: {data.metric.upper()}" if part == "validation" else ""
            yield f"| {label} | {part} | {' | '.join(cells)} |"


def _mean(values: np.ndarray) -> str:
    error = float(values.std(ddof=1) / np.sqrt(len(values)))
    digits = 4 if abs(float(values.mean())) < 10 else 2
    return f"{values.mean():.{digits}f} ± {error:.{digits}f}"


def main() -> None:
    """Run what is not yet known, and show the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--data", nargs="+", choices=DATA, default=list(DATA))
    parser.add_argument("--out", type=Path, default=RUNS)
    parser.add_argument("--only-table", action="store_true", help="run nothing")
    asked = parser.parse_args()
    if not asked.only_table:
        space = guide_space()
        problems = {name: problem_of(name, space) for name in asked.data}
        search(
            asked.out,
            problems,
            CONDITION,
            asked.seeds,
            code=code,
            run=lambda problem, who, seed: run(problem, space, who, seed),
        )
    sys.stdout.write("\n".join(section(asked.out)) + "\n")


if __name__ == "__main__":
    main()
