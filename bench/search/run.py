"""Lets contestants search, and writes what came of it; a run that was cut goes on where it was.

`python -m bench.search.run --part development --seeds 3 --contestants random tunewright-random`
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.search.conditions import Condition
from bench.search.contestants import OURS, compete
from bench.search.families import available, load
from bench.search.peers import PEERS, compete_peer
from bench.search.results import RESULTS, Key, append, code_of, known
from bench.search.split import names

if TYPE_CHECKING:
    from bench.search.contestants import Outcome
    from bench.search.problem import Problem

TRIALS, PARALLEL = 60, 5


def told(problem: Problem, outcome: Outcome) -> dict[str, Any]:
    """Return an outcome as JSON takes it: after each trial the regret of the best by then.

    Which trial is best is judged as a person would, by what was measured; its regret is without
    noise.
    """
    best, shown, course = float("inf"), 1e9, []
    scale = problem.measured
    for trial in outcome.trials:
        if trial.told is not None and trial.told < best:
            best, shown = trial.told, problem.regret(trial.true)
        course.append(round(shown, 5))
    width = scale.typical - scale.best
    forecasts = [
        {
            name: value if name == "round" or value is None else round(value / width, 5)
            for name, value in each.items()
        }
        for each in outcome.forecasts
    ]
    found: dict[str, Any] = {"regret": course, "makespan": round(outcome.makespan, 3)}
    return found | ({"forecasts": forecasts} if forecasts else {})


def main() -> None:
    """Run what is asked for and not yet known."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--part", default="development")
    parser.add_argument("--problems", nargs="*")
    parser.add_argument("--conditions", nargs="*", default=["right", "half"])
    parser.add_argument("--contestants", nargs="*", default=list(OURS))
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--trials", type=int, default=TRIALS)
    parser.add_argument("--out", type=Path, default=RESULTS / "search.jsonl")
    asked = parser.parse_args()
    problems = asked.problems or names(asked.part)
    missing = [name for name in problems if not available(name)]
    if missing:
        print(f"left out, for their data is not here: {', '.join(missing)}", flush=True)
    loaded = {name: load(name) for name in problems if name not in missing}
    done, began = known(asked.out), time.monotonic()
    for seed in range(asked.seeds):
        for name, problem in loaded.items():
            for condition in asked.conditions:
                for contestant in asked.contestants:
                    key = Key(
                        name,
                        condition,
                        contestant,
                        seed,
                        asked.trials,
                        PARALLEL,
                        code_of(contestant),
                    )
                    if key not in done:
                        search = compete_peer if contestant in PEERS else compete
                        found = search(
                            contestant,
                            problem,
                            Condition.named(condition),
                            seed,
                            asked.trials,
                            PARALLEL,
                        )
                        append(asked.out, key, told(problem, found))
        print(f"seed {seed}: {time.monotonic() - began:.0f} s", flush=True)


if __name__ == "__main__":
    main()
