"""What follows when the default rules end a round: another one or the end, and who was right.

On each recorded search of 100 trials the default rules are replayed. Where they fire, the planner
is asked as it is on AWS, with the trials that had ended by then: it starts another round or ends
the search. Hindsight judges both by the gain that the rule itself asks for: a round was worth
starting if it found more, which a real run of it shows; the end was right if the rest of the
recorded search did not.
"""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from bench.search.contestants import OURS, closed
from bench.search.families import load
from bench.search.results import RESULTS
from bench.search.simulator import Amt, Ended, World
from bench.stopping.tables import table
from bench.stopping.traces import RIGHT, study_of
from tunewright.domain.budget import Ledger
from tunewright.domain.round import needed_gain
from tunewright.domain.spec import DEFAULT_RULES, Refine, Rounds, Strategy
from tunewright.domain.steps.plan import next_round
from tunewright.domain.steps.step import Observation, Step
from tunewright.domain.whatif import what_if

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.search.problem import Problem
    from tunewright.domain.trial import Trial

TRIALS = 20
"""Trials of the round that may follow."""


@dataclass(frozen=True)
class Fired:
    """What came of one firing.

    Attributes:
        went_on: Whether another round was started.
        moved: Whether that round's ranges were other ones.
        gained: What it found, or the rest of the recorded search did, over the gain asked for.
    """

    went_on: bool
    moved: bool
    gained: float

    @property
    def right(self) -> bool:
        """Whether hindsight confirms it."""
        return (self.gained > 0) == self.went_on


@dataclass(frozen=True)
class Line:
    """All firings on an engine's traces.

    Attributes:
        engine: Whose traces.
        firings: How many traces the rules ended.
        went_on: The share of them after which another round was started.
        moved: The share after which it was started over other ranges.
        worth: The share of the started rounds that gained more than was asked for.
        over: The share of the ended searches that would have gained no more than that.
    """

    engine: str
    firings: int
    went_on: float
    moved: float
    worth: float | None
    over: float | None


def fired(problem: Problem, trace: dict[str, Any]) -> Fired | None:
    """Replay the default rules, and see what follows; None if they never fire."""
    strategy = OURS[trace["engine"]][1]
    rounds = Rounds(trials=TRIALS, max=6, parallel=5, strategy=Strategy(strategy), sizes="fixed")
    study, trials = study_of(problem, trace, refine=Refine(), rounds=rounds)
    firings = what_if(study, trials, DEFAULT_RULES).firings
    if not firings:
        return None
    at = firings[0].at
    known = tuple(each for each in trials if (each.ended or at) <= at)
    ended = closed(study.but(ledger=Ledger()), known)
    needed = needed_gain(ended.gain, ended.progress, ended.spec.objective)
    best = min(_losses(known))
    step = next_round(ended, Observation(trials=known), at)
    assert isinstance(step, Step)  # noqa: S101 - all trials are given
    live = step.study.live
    if live is None:
        return Fired(False, False, best - min(_losses(trials)) - needed)
    world = World(problem, RIGHT, 1000 + trace["seed"])
    amt = Amt.of(live.plan.space, strategy, live.plan.seed, _parents(trace)[: len(known)])
    news = world.run_job(amt, live.plan.trials, live.plan.parallel)
    found = min(each.true for each in news)
    return Fired(True, live.plan.space != study.rounds[0].plan.space, best - found - needed)


def _losses(trials: Sequence[Trial]) -> list[float]:
    return [each.objective for each in trials if each.objective is not None]


def _parents(trace: dict[str, Any]) -> list[Ended]:
    return [
        Ended(dict(zip(trace["names"], words, strict=True)), loss, loss, created, ended, 1)
        for created, ended, loss, words in trace["trials"]
    ]


def follow(traces: list[dict[str, Any]]) -> list[Line]:
    """Ask what follows on every trace, on all cores."""
    found: dict[str, list[Fired]] = {}
    with ProcessPoolExecutor() as pool:
        for trace, came in zip(traces, pool.map(_came, traces), strict=True):
            if came is not None:
                found.setdefault(trace["engine"], []).append(came)
    return [_line(engine, every) for engine, every in sorted(found.items())]


def _came(trace: dict[str, Any]) -> Fired | None:
    return fired(_problem(trace["problem"]), trace)


_problem = cache(load)


def _line(engine: str, every: list[Fired]) -> Line:
    started = [each for each in every if each.went_on]
    ended = [each for each in every if not each.went_on]
    return Line(
        engine=engine,
        firings=len(every),
        went_on=len(started) / len(every),
        moved=sum(each.moved for each in started) / len(every),
        worth=sum(each.right for each in started) / len(started) if started else None,
        over=sum(each.right for each in ended) / len(ended) if ended else None,
    )


def main() -> None:
    """Print the table, and write it as JSON."""
    for line in table(__doc__, RESULTS / "after.json", follow):
        worth, over = (
            "none" if each is None else f"{each:.0%}" for each in (line.worth, line.over)
        )
        print(
            f"{line.engine:<10} {line.firings:4d} firings, another round after {line.went_on:.0%} "
            f"(over other ranges {line.moved:.0%}), worth it {worth}; right to end {over}"
        )


if __name__ == "__main__":
    main()
