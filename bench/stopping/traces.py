"""Records searches of 100 trials, once; every stopping rule is then replayed on the same traces.

`python -m bench.stopping.traces --part development --seeds 4`
"""

from __future__ import annotations

import argparse
import gzip
import json
import time
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.search.conditions import Condition, space_of
from bench.search.contestants import OURS, START, a_study, closed, recorded
from bench.search.families import available, load
from bench.search.results import RESULTS, code_of
from bench.search.simulator import Ended, World
from bench.search.split import names
from tunewright.domain.round import Round, RoundPlan, RoundStatus

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.search.problem import Problem
    from tunewright.domain.study import Study
    from tunewright.domain.trial import Trial

TRIALS, PARALLEL = 100, 5
TRACES = RESULTS / "traces.jsonl.gz"
RIGHT = Condition.named("right")


def record(problem: Problem, engine: str, seed: int) -> dict[str, Any]:
    """Run one search whole and return it as JSON takes it."""
    search, strategy, _ = OURS[engine]
    space = space_of(problem, RIGHT, seed)
    world = World(problem, RIGHT, seed)
    done = search(world, space, seed, strategy, TRIALS, PARALLEL).trials
    return {
        "problem": problem.name,
        "engine": engine,
        "seed": seed,
        "code": code_of(engine),
        "trials": [
            [round(e.created, 4), round(e.ended, 4), e.true, list(e.parameters.values())]
            for e in done
        ],
        "names": list(done[0].parameters),
    }


def read(path: Path = TRACES) -> Iterator[dict[str, Any]]:
    """Read all traces."""
    if path.exists():
        with gzip.open(path, "rt") as file:
            yield from (json.loads(line) for line in file)


def study_of(
    problem: Problem, trace: dict[str, Any], **changes: object
) -> tuple[Study, list[Trial]]:
    """Return a trace as a study of one closed round, with its trials."""
    space = space_of(problem, RIGHT, trace["seed"])
    strategy = OURS[trace["engine"]][1]
    study = a_study(space, strategy, TRIALS, PARALLEL, trace["seed"], **changes)
    plan = RoundPlan(
        number=1,
        job=f"tw-{study.id}-r01",
        space=space,
        trials=TRIALS,
        parallel=PARALLEL,
        reserved=0,
        seed=1,
    )
    live = Round(plan=plan, status=RoundStatus.RUNNING, began=START)
    records = [
        recorded(
            Ended(dict(zip(trace["names"], values, strict=True)), loss, loss, created, ended, 1),
            plan,
            index,
        )
        for index, (created, ended, loss, values) in enumerate(trace["trials"])
    ]
    after = closed(study.but(rounds=(live,)), records)
    last = START + timedelta(minutes=trace["trials"][-1][1])
    return after.with_live(after.rounds[0].but(ended=last)), records


def main() -> None:
    """Record what is asked for and not yet there."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--part", default="development")
    parser.add_argument("--engines", nargs="*", default=["bayesian", "random"])
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--out", type=Path, default=TRACES)
    asked = parser.parse_args()
    keys = ("problem", "engine", "seed", "code")
    done = {tuple(trace[key] for key in keys) for trace in read(asked.out)}
    asked.out.parent.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    for seed in range(asked.seeds):
        for name in names(asked.part):
            for engine in asked.engines:
                if (name, engine, seed, code_of(engine)) in done or not available(name):
                    continue
                trace = record(load(name), engine, seed)
                with gzip.open(asked.out, "at") as file:
                    file.write(json.dumps(trace) + "\n")
        print(f"seed {seed}: {time.monotonic() - began:.0f} s", flush=True)


if __name__ == "__main__":
    main()
