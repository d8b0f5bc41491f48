"""Searches whose winner must keep a limit that cuts the best of all off.

    python -m bench.search.limited [--part reporting] [--seeds 20] [--only-table]

What is limited is made up: the load, the mean place on two of a problem's numeric axes, drawn by
its name, each turned so that the load is high at the problem's optimum. About a third of the ranges
keeps the limit. AMT follows the objective and knows nothing of it.
"""

from __future__ import annotations

import argparse
import sys
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.search.conditions import Condition, space_of
from bench.search.contestants import OURS, tunewright
from bench.search.duel import AGAINST, CONTESTANTS, code_with, duels, search
from bench.search.families import available, load
from bench.search.results import RESULTS, newest, read
from bench.search.run import PARALLEL, TRIALS
from bench.search.simulator import World
from bench.search.split import names
from bench.search.statistics import show
from tunewright.domain.spec import Bound

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.search.problem import Axis, Point, Problem

RUNS = RESULTS / "limited.jsonl"
CONDITION = "right+limit"
AXES, KEEPING, DRAWN = 2, 0.35, 4000


@dataclass(frozen=True)
class Limit:
    """A limit on a load that rises with some axes and falls with others.

    Attributes:
        axes: The axes, and whether the load rises with them.
        most: The greatest load that keeps the limit.
    """

    axes: tuple[tuple[Axis, bool], ...]
    most: float

    @classmethod
    def of(cls, problem: Problem) -> Limit:
        """Return a problem's limit, the same for all seeds and contestants."""
        rng = np.random.default_rng([zlib.crc32(problem.name.encode()), 5])
        axes = numeric(problem)
        chosen = [axes[index] for index in rng.permutation(len(axes))[:AXES]]
        turned = tuple((each, float(problem.measured.optimum[each.name]) >= 0.5) for each in chosen)
        points = [{each.name: each.value(rng.random()) for each in axes} for _ in range(DRAWN)]
        loads = [load_of(turned, point) for point in points]
        return cls(turned, float(np.quantile(loads, KEEPING)))

    @property
    def bound(self) -> Bound:
        """The limit as a study has it."""
        return Bound(quantity="load", at_most=self.most)

    def load(self, point: Point) -> float:
        """Return the load of a point."""
        return load_of(self.axes, point)


def load_of(axes: Sequence[tuple[Axis, bool]], point: Point) -> float:
    """Return the mean place on the axes, each in its direction."""
    places = [(each.place(float(point[each.name])), rises) for each, rises in axes]
    return sum(place if rises else 1.0 - place for place, rises in places) / len(places)


def numeric(problem: Problem) -> list[Axis]:
    """Return a problem's numeric axes."""
    return [each for each in problem.axes if not each.words]


def run(problem: Problem, who: str, seed: int) -> dict[str, Any]:
    """Let a contestant search.

    Returns the loss of every trial, None where it breaks the limit, and the width that regrets are
    measured by: how far the median of random points is from the best of all.
    """
    search, strategy, _ = OURS[who]
    condition, limit = Condition.named("right"), Limit.of(problem)
    world, space = World(problem, condition, seed), space_of(problem, condition, seed)
    more = {"limit": limit} if search is tunewright else {}
    found = search(world, space, seed, strategy, TRIALS, PARALLEL, **more)
    keep = [limit.load(each.parameters) <= limit.most for each in found.trials]
    return {
        "losses": [
            round(each.true, 6) if kept else None
            for each, kept in zip(found.trials, keep, strict=True)
        ],
        "width": problem.measured.typical - problem.measured.best,
        "makespan": round(found.makespan, 3),
    }


def code(who: str) -> str:
    """Return a short hash of what a contestant runs, with this module."""
    return code_with(Path(__file__), who)


def known_rows(path: Path) -> dict[tuple[str, str, str, int], dict[str, Any]]:
    """Return the runs of the code as it is, with their final regrets.

    0 is the best loss within the limit that any of them found; 1 is as far from that as the median
    of random points is from the best of all, or further. A search of which no trial keeps the limit
    has 1.
    """
    rows = newest(read(path), code)
    for name in {key[0] for key in rows}:
        own = [row for key, row in rows.items() if key[0] == name]
        kept = [[loss for loss in row["losses"] if loss is not None] for row in own]
        least = min((min(losses) for losses in kept if losses), default=0.0)
        for row, losses in zip(own, kept, strict=True):
            behind = (min(losses) - least) / row["width"] if losses else 1.0
            row["regret"], row["kept"] = [min(1.0, behind)], len(losses) / len(row["losses"])
    return rows


def section(path: Path) -> list[str]:
    """Return the page's section, none where nothing was run."""
    rows = known_rows(path)

    def kept(who: str) -> float:
        return float(np.mean([row["kept"] for key, row in rows.items() if key[2] == who]))

    lines = [
        f"| {CONTESTANTS[who]} | {show(found)} | {found.won:.0%} / {found.lost:.0%} | "
        f"{kept(who):.0%} / {kept(AGAINST[who]):.0%} | {wall:.2f} | {problems} / {found.runs} |"
        for who, found, wall, problems in duels(rows, CONDITION)
    ]
    if not lines:
        return []
    return [
        "## A limit that the winner must keep\n",
        "Right ranges, and a limit (`winner.subject_to`) on something that rises towards the best "
        f"point of all: {KEEPING:.0%} of the\nranges keeps it. Regret is that of the best trial "
        "within it; 0 is the best that any of these searches found there.\nAMT knows nothing of "
        "the limit; Tunewright cuts the ranges towards the best that keeps it.\n",
        "| search | regret / one job's | won / lost | trials within: its own / one job's | "
        "wall-clock | problems / pairs |",
        "|---|---|---|---|---|---|",
        *lines,
        "",
    ]


def main() -> None:
    """Run what is not yet known, and show the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--part", default="reporting")
    parser.add_argument("--problems", nargs="*")
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--out", type=Path, default=RUNS)
    parser.add_argument("--only-table", action="store_true", help="run nothing")
    asked = parser.parse_args()
    if not asked.only_table:
        there = [name for name in asked.problems or names(asked.part) if available(name)]
        loaded = {name: load(name) for name in there}
        problems = {name: each for name, each in loaded.items() if len(numeric(each)) >= AXES}
        search(asked.out, problems, CONDITION, asked.seeds, code=code, run=run)
    sys.stdout.write("\n".join(section(asked.out)) + "\n")


if __name__ == "__main__":
    main()
