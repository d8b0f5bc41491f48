"""Shows what a study would do, with everything checked and nothing launched."""

from decimal import Decimal
from typing import Any

from tunewright.domain import budget, names
from tunewright.domain.checks import notes
from tunewright.domain.errors import Problem
from tunewright.domain.profile import Profile
from tunewright.domain.request import compile_request
from tunewright.domain.round import RoundPlan
from tunewright.domain.spec import StudySpec
from tunewright.domain.steps.plan import round_count, seed_of
from tunewright.domain.values import Value


class StudyPlan(Value):
    """What a study would do.

    Attributes:
        spec: The study, every key explicit.
        rounds: How many rounds there may be.
        first_trials: Trials of the first round at most.
        trials: Trials of all rounds at most.
        round_cost: What the first round can cost at worst, in US dollars.
        search_cost: What all rounds can cost at worst.
        reserve: What is kept for the endpoint.
        budget: The limit on both together; None for no limit.
        request: The first round's CreateHyperParameterTuningJob request.
        notes: What is not wrong, but may not be meant.
    """

    spec: StudySpec
    rounds: int
    first_trials: int
    trials: int
    round_cost: Decimal
    search_cost: Decimal
    reserve: Decimal
    budget: Decimal | None
    request: dict[str, Any]
    notes: tuple[tuple[str, str], ...]


def plan_study(spec: StudySpec, profile: Profile, *, stack: str) -> StudyPlan:
    """Plan a study without launching anything.

    Raises:
        NotAllowedError: The profile does not allow it.
    """
    profile.check(spec)
    rounds, size = round_count(spec)
    limit = profile.budget(spec)
    reserve = budget.deployment_reserve(spec, profile.prices)
    money = None if limit is None else limit - reserve
    first = budget.affordable_trials(spec, profile.prices, size, money)
    most = min(rounds * size, spec.rounds.max * spec.rounds.trials)
    cost = budget.worst_case(spec, profile.prices, most)
    study_id = names.study_id(spec.study, stack, "", "")
    plan = RoundPlan(
        number=1,
        job=names.tuning_job(study_id, 1),
        space=spec.search_space,
        trials=max(first, 1),
        parallel=spec.rounds.parallel,
        reserved=budget.worst_case(spec, profile.prices, first),
        seed=spec.rounds.seed if spec.rounds.seed is not None else seed_of(study_id, 1),
    )
    return StudyPlan(
        spec=spec,
        rounds=rounds,
        first_trials=first,
        trials=most,
        round_cost=plan.reserved,
        search_cost=cost,
        reserve=reserve,
        budget=limit,
        request=compile_request(spec, profile, plan, names.tags(stack, study_id)),
        notes=tuple((note.where, note.message) for note in _all_notes(spec, cost, money)),
    )


def _all_notes(spec: StudySpec, cost: Decimal, money: Decimal | None) -> tuple[Problem, ...]:
    found = list(notes(spec))
    if money is not None and cost > money:
        message = (
            "does not pay for all rounds at their worst: later ones will be smaller, or left out; "
            "trials that end before max_run give their money back"
        )
        found.append(Problem(("budget",), message))
    return tuple(found)
