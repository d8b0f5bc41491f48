"""Who is compared: each spends the same trials with the same workers, and tells how it went."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from bench.search.conditions import space_of, whole
from bench.search.simulator import Amt, Ended, World
from tunewright.domain.expand import expand
from tunewright.domain.objective import Goal, Objective
from tunewright.domain.profile import Profile
from tunewright.domain.round import RoundStatus, count
from tunewright.domain.space import CategoricalRange, SearchSpace
from tunewright.domain.spec import Winner
from tunewright.domain.steps.fold import best_of
from tunewright.domain.steps.plan import next_round
from tunewright.domain.steps.step import Observation, Step
from tunewright.domain.study import Study
from tunewright.domain.trial import Trial, TrialStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bench.search.conditions import Condition
    from bench.search.limited import Limit
    from bench.search.problem import Problem
    from tunewright.domain.round import RoundPlan

LOSS = Objective(metric="validation:loss", goal=Goal.MINIMIZE)
START = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass
class Outcome:
    """How a search went.

    Attributes:
        trials: All trials, in the order in which they ended.
        makespan: When the last one ended, in trial durations.
        forecasts: For each later round what was foreseen, and what came of it.
    """

    trials: list[Ended]
    makespan: float
    forecasts: list[dict[str, float | int | None]] = field(default_factory=list)


def one_job(
    world: World, space: SearchSpace, seed: int, strategy: str, trials: int, parallel: int
) -> Outcome:
    """Run one tuning job."""
    done = world.run_job(Amt.of(space, strategy, seed * 1000 + 1), trials, parallel)
    return Outcome(done, world.now)


def plain_rounds(
    world: World, space: SearchSpace, seed: int, strategy: str, trials: int, parallel: int
) -> Outcome:
    """Run three rounds over the same ranges, each learning from all before it."""
    done: list[Ended] = []
    for number in range(1, 4):
        amt = Amt.of(space, strategy, seed * 1000 + number, done)
        done += world.run_job(amt, trials // 3, parallel)
    return Outcome(done, world.now)


def shrinking_box(
    world: World, space: SearchSpace, seed: int, strategy: str, trials: int, parallel: int
) -> Outcome:
    """Run three rounds, each over the box of the best fifth of the trials before it."""
    done: list[Ended] = []
    for number in range(1, 4):
        amt = Amt.of(space, strategy, seed * 1000 + number, done)
        done += world.run_job(amt, trials // 3, parallel)
        space = _box(space, done)
    return Outcome(done, world.now)


def _box(space: SearchSpace, done: Sequence[Ended]) -> SearchSpace:
    scored = sorted((each for each in done if each.told is not None), key=lambda e: e.told or 0.0)
    elite = scored[: max(2, len(scored) // 5)]
    ranges = []
    for each in space.ranges:
        words = [trial.parameters[each.name] for trial in elite]
        if isinstance(each, CategoricalRange):
            kept = tuple(word for word in each.choices if word in words)
            ranges.append(each.but(choices=kept))
            continue
        values = [each.parse(word) for word in words]
        low, high = min(values), max(values)
        ranges.append(each.but(low=low, high=high) if low < high else each)
    return SearchSpace(ranges=tuple(ranges))


def tunewright(
    world: World,
    space: SearchSpace,
    seed: int,
    strategy: str,
    trials: int,
    parallel: int,
    *,
    limit: Limit | None = None,
) -> Outcome:
    """Run a study: the domain plans each round, and the local AMT runs it."""
    changes = {} if limit is None else {"winner": Winner(subject_to=(limit.bound,))}
    study = a_study(space, strategy, trials, parallel, seed, **changes)
    done: list[Ended] = []
    records: list[Trial] = []
    forecasts: list[dict[str, float | int | None]] = []
    while True:
        now = START + timedelta(minutes=world.now)
        step = next_round(study, Observation(trials=tuple(records)), now)
        assert isinstance(step, Step)  # noqa: S101 - all trials are given
        study = step.study
        if study.live is None:
            return Outcome(done, world.now, forecasts)
        plan = study.live.plan
        named = plan.warm_start.parents if plan.warm_start else ()
        parents = [
            each for each, record in zip(done, records, strict=True) if record.tuning_job in named
        ]
        # The first round draws what the single job draws: only what differs is compared.
        amt = Amt.of(plan.space, strategy, seed * 1000 + plan.number, parents)
        before = [each.told for each in done if each.told is not None]
        news = world.run_job(amt, plan.trials, plan.parallel)
        if before:
            after = [each.told for each in news if each.told is not None]
            forecasts.append(_scored(step, plan, min(before), min(after, default=min(before))))
        done += news
        records += [recorded(each, plan, index, limit) for index, each in enumerate(news)]
        study = closed(study, records)


def _scored(step: Step, plan: RoundPlan, before: float, after: float) -> dict[str, Any]:
    told: dict[str, Any] = {"round": plan.number, "gained": max(0.0, before - after)}
    for decision in step.decisions:
        told |= {
            name: decision.numbers[name]
            for name in ("expected_gain", "expected_low", "expected_high")
            if name in decision.numbers
        }
    return told


def a_study(
    space: SearchSpace, strategy: str, trials: int, parallel: int, seed: int, **changes: object
) -> Study:
    """Return a study of so many trials that never stops by itself."""
    document = {
        "study": "bench",
        "objective": {"minimize": "validation:rmse"},
        "training": {
            "algorithm": "xgboost:1.7-1",
            "instance": "ml.m5.xlarge",
            "max_run": "1h",
            "inputs": {"train": "s3://bench/train/", "validation": "s3://bench/validation/"},
            "fixed": {"num_round": 1},
        },
        "search_space": {"eta": [0.1, 0.3]},
        "rounds": {
            "max": 3,
            "trials": trials // 3,
            "parallel": parallel,
            "sizes": "auto",
            "strategy": strategy.lower(),
            "early_stopping": False,
        },
        "refine": {"when": {"gain_above": 0}},
    }
    return Study(
        id=f"bench-{seed:06d}",
        stack="bench",
        submitted_by="bench",
        submitted=START,
        spec=expand(document).but(search_space=space, objective=LOSS, **changes),
        profile=Profile(
            region="us-east-1",
            training_role="arn:aws:iam::123456789012:role/training",
            hosting_role="arn:aws:iam::123456789012:role/hosting",
            output="s3://bench/out",
        ),
    )


def recorded(ended: Ended, plan: RoundPlan, index: int, limit: Limit | None = None) -> Trial:
    """Return the record of a trial, with its load where that is limited."""
    return Trial(
        name=f"{plan.job}-{index:03d}",
        study_id="bench",
        tuning_job=plan.job,
        round_number=plan.number,
        parameters=dict(ended.parameters),
        status=TrialStatus.FAILED if ended.told is None else TrialStatus.COMPLETED,
        objective=ended.told,
        metrics={} if limit is None else {limit.bound.quantity: limit.load(ended.parameters)},
        failure_reason="AlgorithmError: exit code 1" if ended.told is None else None,
        created=START + timedelta(minutes=ended.created),
        started=START + timedelta(minutes=ended.created),
        ended=START + timedelta(minutes=ended.ended),
        billable_seconds=60,
        cost=Decimal("0.01"),
    )


def closed(study: Study, records: Sequence[Trial]) -> Study:
    """Close the live round of a study, all of whose trials are recorded."""
    live = study.rounds[-1]
    own = [each for each in records if each.tuning_job == live.plan.job]
    progress = count(own, live.start, study.spec.objective, study.gain)
    ended = live.but(progress=progress, status=RoundStatus.CLOSED, launched=len(own))
    after = study.with_live(ended).but(
        owed=(), ledger=study.ledger.settle(progress.spent, len(own))
    )
    return after.but(incumbent=best_of(after, list(records), None))


Contestant = tuple["Callable[..., Outcome]", str, bool]
OURS: dict[str, Contestant] = {
    "random": (one_job, "Random", False),
    "random-wide": (one_job, "Random", True),
    "random-rounds": (plain_rounds, "Random", False),
    "random-box": (shrinking_box, "Random", False),
    "tunewright-random": (tunewright, "Random", False),
    "bayesian": (one_job, "Bayesian", False),
    "bayesian-wide": (one_job, "Bayesian", True),
    "bayesian-rounds": (plain_rounds, "Bayesian", False),
    "bayesian-box": (shrinking_box, "Bayesian", False),
    "tunewright": (tunewright, "Bayesian", False),
}
"""By name: how it searches, with AMT's which strategy, and whether over everything allowed."""


def compete(
    name: str, problem: Problem, condition: Condition, seed: int, trials: int, parallel: int
) -> Outcome:
    """Let a contestant search."""
    search, strategy, wide = OURS[name]
    space = space_of(problem, condition, seed)
    world = World(problem, condition, seed)
    return search(world, whole(space) if wide else space, seed, strategy, trials, parallel)
