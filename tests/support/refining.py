"""A search space of every kind, and trials on it whose best is known."""

from __future__ import annotations

import math
import random
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from tunewright.domain.objective import Goal, Objective
from tunewright.domain.refinement import Refinement, refine
from tunewright.domain.space import (
    CategoricalRange,
    ContinuousRange,
    IntegerRange,
    Scaling,
    SearchSpace,
)
from tunewright.domain.spans import (
    span_of,
)
from tunewright.domain.trial import Trial, TrialStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from tunewright.domain.changes import RangeChange
    from tunewright.domain.spec import Bound

WHEN = datetime(2026, 1, 1, tzinfo=UTC)
LOSS = Objective(metric="validation:rmse", goal=Goal.MINIMIZE)
SCORE = Objective(metric="validation:auc", goal=Goal.MAXIMIZE)

ETA = ContinuousRange(
    name="eta",
    low=0.001,
    high=0.01,
    hard_low=0.001,
    hard_high=0.5,
    scaling=Scaling.LOGARITHMIC,
)
DEPTH = IntegerRange(name="max_depth", low=1, high=12, hard_low=1, hard_high=12)
SUBSAMPLE = ContinuousRange(name="subsample", low=0.5, high=1.0, hard_low=0.3, hard_high=1.0)
MOMENTUM = ContinuousRange(
    name="momentum",
    low=0.5,
    high=0.9,
    hard_low=0.0,
    hard_high=0.999,
    scaling=Scaling.REVERSE_LOGARITHMIC,
)
ALPHA = ContinuousRange(name="alpha", low=0.0, high=10.0, hard_low=0.0, hard_high=1000.0)
BOOSTER = CategoricalRange(
    name="booster",
    choices=("gbtree", "dart", "gblinear"),
    hard_choices=("gbtree", "dart", "gblinear"),
)
SPACE = SearchSpace(ranges=(ETA, DEPTH, SUBSAMPLE, MOMENTUM, ALPHA, BOOSTER))


def trial(
    number: int, parameters: Mapping[str, str], objective: float | None, **more: object
) -> Trial:
    fields: dict[str, object] = {
        "name": f"t-{number:03d}",
        "study_id": "s",
        "tuning_job": "j",
        "round_number": 1,
        "parameters": dict(parameters),
        "status": TrialStatus.COMPLETED,
        "objective": objective,
        "created": WHEN,
        "billable_seconds": 60,
        **more,
    }
    return Trial.model_validate(fields)


def draw(space: SearchSpace, source: random.Random) -> dict[str, str]:
    """A random point of the ranges, as AMT's strings."""
    found = {}
    for each in space.ranges:
        if isinstance(each, CategoricalRange):
            found[each.name] = source.choice(each.choices)
        elif isinstance(each, IntegerRange):
            found[each.name] = str(source.randint(each.low, each.high))
        else:
            span = span_of(each)
            value = each.from_unit(source.uniform(span.low, span.high))
            found[each.name] = each.format(min(max(value, each.low), each.high))
    return found


def bowl(parameters: Mapping[str, str]) -> float:
    """Best at a high eta, depth 6, alpha 3, gbtree; subsample and momentum make no difference."""
    eta = math.log(float(parameters["eta"]) / 0.08)
    return (
        0.3 * eta**2
        + 0.05 * (int(parameters["max_depth"]) - 6) ** 2
        + 0.02 * (float(parameters["alpha"]) - 3) ** 2
        + {"gbtree": 0.0, "dart": 1.0, "gblinear": 3.0}[parameters["booster"]]
    )


def sample(
    space: SearchSpace,
    function: Callable[[Mapping[str, str]], float] = bowl,
    count: int = 40,
    seed: int = 0,
) -> list[Trial]:
    source = random.Random(seed)  # noqa: S311 - reproducible, not secret
    points = [draw(space, source) for _ in range(count)]
    return [trial(index, point, function(point)) for index, point in enumerate(points)]


def go(
    space: SearchSpace,
    trials: Sequence[Trial],
    objective: Objective = LOSS,
    *,
    study_id: str = "s",
    keep_exploring: float = 0.15,
    adaptive: bool = True,
    limits: tuple[Bound, ...] = (),
) -> Refinement:
    return refine(
        space,
        trials,
        objective,
        study_id=study_id,
        round_number=2,
        keep_exploring=keep_exploring,
        adaptive=adaptive,
        limits=limits,
    )


def change(refinement: Refinement, name: str) -> RangeChange:
    return next(each for each in refinement.changes if each.name == name)


def holds_best(space: SearchSpace, trials: Sequence[Trial], objective: Objective = LOSS) -> bool:
    scored = [each for each in trials if each.is_scored and each.objective is not None]
    best = min(scored, key=lambda each: (objective.loss(each.objective or 0.0), each.name))
    for each in space.ranges:
        value = each.parse(best.parameters[each.name])
        if isinstance(each, CategoricalRange):
            if value not in each.choices:
                return False
        elif not each.low <= float(value) <= each.high:
            return False
    return True
