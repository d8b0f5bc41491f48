"""Shows what a study would do under its profile, with everything checked and nothing launched."""

from typing import Any

from tunewright.domain import budget, names
from tunewright.domain.outline import Outline, outline
from tunewright.domain.profile import Profile
from tunewright.domain.request import compile_request
from tunewright.domain.round import RoundPlan
from tunewright.domain.spec import StudySpec
from tunewright.domain.steps.plan import seed_of
from tunewright.domain.values import Value


class StudyPlan(Value):
    """What a study would do: its spec, what it may come to, and the first request."""

    spec: StudySpec
    outline: Outline
    request: dict[str, Any]


def plan_study(spec: StudySpec, profile: Profile, *, stack: str) -> StudyPlan:
    """Plan a study without launching anything.

    Raises:
        NotAllowedError: The profile does not allow it.
    """
    profile.check(spec)
    whole = outline(spec, profile.prices, profile.budget(spec))
    study_id = names.study_id(spec.study, stack, "", "")
    trials = max(whole.first_trials, 1)
    plan = RoundPlan(
        number=1,
        job=names.tuning_job(study_id, 1),
        space=spec.search_space,
        trials=trials,
        parallel=spec.rounds.parallel,
        reserved=budget.worst_case(spec, profile.prices, trials),
        seed=spec.rounds.seed if spec.rounds.seed is not None else seed_of(study_id, 1),
    )
    request = compile_request(spec, profile, plan, names.tags(stack, study_id))
    return StudyPlan(spec=spec, outline=whole, request=request)
