"""Plans the next round: whether there is one, how big, over which ranges, learning from whom."""

import hashlib
import math
from datetime import datetime
from decimal import Decimal

from tunewright.domain import budget, names
from tunewright.domain.forecast import Forecast, forecast
from tunewright.domain.refinement import Refinement, refine, unchanged_space
from tunewright.domain.request import compile_request
from tunewright.domain.round import Round, RoundPlan, needed_gain
from tunewright.domain.space import (
    CategoricalRange,
    NumericRange,
    Range,
    Scaling,
    SearchSpace,
    choose_scaling,
    show_range,
)
from tunewright.domain.spec import Strategy, StudySpec
from tunewright.domain.steps.fold import carry
from tunewright.domain.steps.step import Look, Observation, Step, View
from tunewright.domain.study import DecisionKind, Hold, Phase, StartRound, Study
from tunewright.domain.values import show_gain, show_money, show_number
from tunewright.domain.warm_start import Ancestor, Parent, forbidden, plan_warm_start

MAX_ROUNDS = 6
"""The sixth round can still name its five ancestors as parents."""
ROUNDS, ROUNDS_AT_RANDOM = 3, 4
"""Rounds into which trials are cut at least. At each barrier workers idle: with five of them two
barriers take 8 % longer than one job, three take 17 % where trials learn from each other. A random
search, which learns at the barriers alone, is worth one more."""
_MAX_SEED = 2**31 - 1


def round_count(spec: StudySpec) -> tuple[int, int]:
    """Return how many rounds a study has, and how many trials each has at most.

    With `sizes` auto the same trials are cut into at least three rounds (four for trials that do
    not learn from each other), as long as each of them is still worth launching.
    """
    rounds = spec.rounds
    if rounds.sizes == "fixed" or rounds.max == 1:
        return rounds.max, rounds.trials
    total = rounds.max * rounds.trials
    worthwhile = total // max(budget.least_trials(spec), 2 * len(spec.search_space))
    planned = ROUNDS if rounds.strategy is Strategy.BAYESIAN else ROUNDS_AT_RANDOM
    number = max(rounds.max, min(planned, worthwhile))
    return min(number, MAX_ROUNDS), min(rounds.trials, math.ceil(total / min(number, MAX_ROUNDS)))


def round_size(spec: StudySpec, space: SearchSpace, left: int) -> int:
    """Return how many trials a round over a space has at most, of those that are left.

    What a barrier is good for is to move ranges. Where trials learn from each other and none of
    the ranges has room to move, one job finds as much, and sooner: it gets all that are left.
    Not where the winner must keep limits, of which that job knows nothing. Not with parents from
    outside: AMT holds their trials and the round's to 500 together.
    """
    rounds, (_, size) = spec.rounds, round_count(spec)
    learns = rounds.sizes == "auto" and rounds.strategy is Strategy.BAYESIAN
    if learns and not (space.has_room or rounds.parents or spec.winner.subject_to):
        size = max(size, int(min(space.combinations(), left)))  # AMT refuses more than there are
    return min(size, left)


def next_round(study: Study, seen: Observation, now: datetime) -> Step | Look:
    """Plan the next round, or end the search and say why."""
    spec, number = study.spec, len(study.rounds) + 1
    most, size = round_count(spec)
    left = spec.rounds.max * spec.rounds.trials - study.ledger.used_trials
    if number > most:
        done = "its only round is done" if most == 1 else f"all {most} rounds are done"
        return end(study, done, now)
    if left < min(size, budget.least_trials(spec)):
        return end(study, f"{left} trials are left, too few for another round", now)
    limit = study.profile.budget(spec)
    money = study.ledger.left(limit)
    space = spec.search_space if number == 1 else study.rounds[-1].plan.space
    # What a month has no room for in one round it may have room for in several.
    whole = study.held is not Hold.BUDGET
    wanted = round_size(spec, space, left) if whole else min(size, left)
    trials = budget.affordable_trials(spec, study.profile.prices, wanted, money)
    if trials == 0:
        return end(study, _too_dear(study, money), now)
    if number == 1:
        return _start(study, Step(study), space, trials, now)
    if seen.trials is None:
        return Look(View.TRIALS)
    return _refined(study, seen, trials, now)


def _too_dear(study: Study, money: Decimal | None) -> str:
    cost = budget.least_round_cost(study.spec, study.profile.prices)
    return (
        f"{show_money(money or Decimal(0))} is left, and the least round of "
        f"{budget.least_trials(study.spec)} trials can cost {show_money(cost)}"
    )


def end(study: Study, why: str, now: datetime) -> Step:
    """End the search."""
    step = Step(study.but(phase=Phase.CHOOSING, ending=why))
    best = study.incumbent
    metric = study.spec.objective.metric
    found = f"best {metric} {show_number(best.value)} by {best.trial}" if best else "nothing found"
    used, number = study.ledger.used_trials, len(study.rounds)
    reason = (
        f"the search ends: {why}; {found} after {used} trials in {number} "
        f"round{'s' if number != 1 else ''} for {show_money(study.ledger.spent)}"
    )
    numbers = {"trials": used, "rounds": number, "spent": str(study.ledger.spent)}
    return step.tell(DecisionKind.SEARCH_ENDED, reason, now, numbers=numbers)


def _refined(study: Study, seen: Observation, trials: int, now: datetime) -> Step:
    """Refine the ranges, and go on only if that promises enough."""
    spec, last = study.spec, study.rounds[-1]
    every = seen.trials or ()
    adaptive = spec.rounds.strategy is Strategy.BAYESIAN
    refinement = refine(
        last.plan.space,
        every,
        spec.objective,
        study_id=study.id,
        round_number=last.plan.number + 1,
        keep_exploring=spec.refine.keep_exploring,
        adaptive=adaptive,
        limits=spec.winner.subject_to,
    )
    if refinement.space.combinations() < trials:  # AMT would refuse it
        few = f"narrower ones would have fewer points than the round's {trials} trials"
        refinement = unchanged_space(last.plan.space, few)
    space, rescaled = follow_scaling(refinement.space, spec.search_space)
    expected = forecast(
        refinement.space,
        every,
        spec.objective,
        trials_ahead=trials,
        adaptive=adaptive,
        study_id=study.id,
        round_number=last.plan.number + 1,
        limits=spec.winner.subject_to,
    )
    needed = gain_to_go_on(study)
    step = Step(study)
    if expected.gain is not None and (expected.gain < needed or expected.gain == needed == 0):
        bar = f", and less than {show_gain(needed)} is not worth a round" if needed > 0 else ""
        return end(study, f"{expected.reason}{bar}", now)
    step = step.tell(
        DecisionKind.REFINED,
        _describe(refinement, rescaled, expected, last.plan.number + 1),
        now,
        round_number=last.plan.number + 1,
        numbers=_numbers(refinement, expected, needed),
    )
    return _start(step.study, step, space, trials, now, expected)


def gain_to_go_on(study: Study) -> float:
    """Return the expected gain below which another round is not worth it, in metric units."""
    if study.spec.refine.gain_above is not None:
        return study.spec.refine.gain_above
    return needed_gain(study.gain, study.progress, study.spec.objective)


def follow_scaling(space: SearchSpace, given: SearchSpace) -> tuple[SearchSpace, tuple[str, ...]]:
    """Go over to a log scale where the scaling is left to us and a range has left what was given.

    A person's own range was narrow enough for a linear scale; one that moves on may come to span
    all of its hard limits, and where those span decades a linear scale hides the lower ones.

    Returns:
        The space, and the parameters whose scaling has changed.
    """
    ranges: list[Range] = []
    changed: list[str] = []
    for each in space.ranges:
        if isinstance(each, CategoricalRange) or not _outgrew(each, given[each.name]):
            ranges.append(each)
            continue
        changed.append(each.name)
        ranges.append(each.but(scaling=Scaling.LOGARITHMIC))
    return SearchSpace(ranges=tuple(ranges)), tuple(changed)


def _outgrew(range_: NumericRange, given: Range) -> bool:
    if isinstance(given, CategoricalRange) or not range_.auto_scaling:
        return False
    moved = range_.low < given.low or range_.high > given.high
    decades = choose_scaling(range_.hard_low, range_.hard_high) is Scaling.LOGARITHMIC
    return moved and decades and range_.scaling is Scaling.LINEAR


def _describe(
    refinement: Refinement, rescaled: tuple[str, ...], expected: Forecast, number: int
) -> str:
    moved = [each.sentence for each in refinement.changes if each.kind != "unchanged"]
    stayed = [each.name for each in refinement.changes if each.kind == "unchanged"]
    parts = [f"ranges for round {number} ({refinement.method}: {refinement.reason})", *moved]
    if rescaled:
        parts.append(f"{', '.join(rescaled)} on a log scale from now on: its limits span decades")
    if stayed:
        parts.append(f"{', '.join(stayed)} unchanged" if moved else "all of them stay as they are")
    parts.append(expected.reason)
    return "; ".join(parts)


def _numbers(refinement: Refinement, expected: Forecast, needed: float) -> dict[str, object]:
    return {
        "method": refinement.method,
        "changes": {
            each.name: {
                "before": show_range(each.before),
                "after": show_range(each.after),
                "kind": each.kind,
                "why": each.why,
            }
            for each in refinement.changes
        },
        "at_edge": list(refinement.at_edge),
        "expected_gain": expected.gain,
        "expected_low": expected.low,
        "expected_high": expected.high,
        "needed_gain": needed,
    }


def _start(
    study: Study,
    step: Step,
    space: SearchSpace,
    trials: int,
    now: datetime,
    expected: Forecast | None = None,
) -> Step:
    """Owe the start of a round, with its worst case reserved in the same step."""
    number = len(study.rounds) + 1
    plan = RoundPlan(
        number=number,
        job=names.tuning_job(study.id, number),
        space=space,
        trials=trials,
        parallel=min(study.spec.rounds.parallel, trials),
        warm_start=plan_warm_start(_ancestors(study), study.spec.rounds.parents, trials),
        reserved=budget.worst_case(study.spec, study.profile.prices, trials),
        seed=study.spec.rounds.seed
        if study.spec.rounds.seed is not None
        else seed_of(study.id, number),
    )
    plan, why = _allowed(study, plan)
    live = Round(
        plan=plan,
        start=carry(study.progress),
        progress=carry(study.progress),
        forecast=expected.gain if expected else None,
    )
    after = step.study.but(
        rounds=(*study.rounds, live),
        ledger=study.ledger.reserve(plan.reserved, trials),
        owed=(StartRound(job=plan.job),),
    )
    return Step(after, step.decisions).tell(
        DecisionKind.ROUND_PLANNED,
        _plan_text(plan, why),
        now,
        round_number=number,
        numbers={"trials": trials, "parallel": plan.parallel, "reserved": str(plan.reserved)},
    )


def _plan_text(plan: RoundPlan, why: str | None) -> str:
    learns = ""
    if plan.warm_start is not None:
        learns = f", learning from {', '.join(plan.warm_start.parents)}"
    elif why:
        learns = f", without warm start ({why})"
    return (
        f"round {plan.number} is planned: up to {plan.trials} trials, {plan.parallel} at a time"
        f"{learns}; {show_money(plan.reserved)} is reserved for its worst case"
    )


def seed_of(study_id: str, round_number: int) -> int:
    """Derive AMT's seed: the same study and round give the same one."""
    digest = hashlib.sha256(f"{study_id}/{round_number}".encode()).digest()
    return int.from_bytes(digest[:4]) % _MAX_SEED


def _ancestors(study: Study) -> tuple[Ancestor, ...]:
    best = study.incumbent
    return tuple(
        Ancestor(
            job=each.plan.job,
            trials=each.launched,
            holds_best=best is not None and best.round_number == each.plan.number,
        )
        for each in study.closed
    )


def _allowed(study: Study, plan: RoundPlan) -> tuple[RoundPlan, str | None]:
    """Leave warm start out where its rules forbid it, and say which rule does."""
    if plan.warm_start is None:
        return plan, None
    child = compile_request(study.spec, study.profile, plan, study.tags)
    parents = tuple(
        Parent(
            request=compile_request(study.spec, study.profile, each.plan, study.tags),
            status="Completed",
            trials=each.launched,
        )
        for each in study.closed
        if each.plan.job in plan.warm_start.parents
    )
    broken = forbidden(child, parents)
    if not broken:
        return plan, None
    return plan.but(warm_start=None), "; ".join(str(each) for each in broken)


def another_attempt(study: Study, live: Round) -> RoundPlan | None:
    """Return the plan to try when SageMaker refused the last one; None when none is left.

    What AMT refuses in a warm start is partly undocumented: attempt 2 goes back to the parents'
    scalings, attempt 3 goes without warm start. A first round has only parents from outside the
    study, whose scalings are not known: there attempt 2 goes without.
    """
    plan = live.plan
    if plan.warm_start is None:
        return None
    attempt = plan.attempt + 1
    job = names.tuning_job(study.id, plan.number, attempt)
    if plan.attempt == 1 and len(study.rounds) > 1:
        space = _parents_scalings(plan.space, study.rounds[-2].plan.space)
        return plan.but(attempt=attempt, job=job, space=space)
    return plan.but(attempt=attempt, job=job, warm_start=None)


def _parents_scalings(space: SearchSpace, parent: SearchSpace) -> SearchSpace:
    ranges: list[Range] = []
    for each in space.ranges:
        before = parent[each.name]
        if isinstance(each, CategoricalRange) or isinstance(before, CategoricalRange):
            ranges.append(each)
        else:
            ranges.append(each.but(scaling=before.scaling))
    return SearchSpace(ranges=tuple(ranges))
