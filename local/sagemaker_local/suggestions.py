"""Which hyperparameters the next trial gets, by strategy; the searches are in `suggest`."""

import itertools
import math
from collections.abc import Mapping
from typing import Any

from sagemaker_local.parts import Question
from sagemaker_local.suggest.bayesian import Observed, suggest_bayesian
from sagemaker_local.suggest.random_search import suggest_random
from sagemaker_local.suggest.space import Space


def suggest(question: Question) -> dict[str, str]:
    """Answer the question with the strategy it names."""
    if question.strategy == "Grid":
        return grid_point(question.ranges, question.index)
    space = Space.parse(question.ranges)
    if question.strategy in {"Random", "Hyperband"}:
        # Hyperband is told by what it stops; where it begins is random, as in its paper.
        return suggest_random(space, question.seed, question.index)
    observed = [
        *(Observed(parameters, value, own=True) for parameters, value in question.own),
        *(Observed(parameters, value, own=False) for parameters, value in question.parents),
    ]
    return suggest_bayesian(
        space,
        question.goal,
        observed,
        list(question.pending),
        question.seed,
        question.index,
    )


def grid_point(ranges: Mapping[str, Any], index: int) -> dict[str, str]:
    """The point of this number in a grid of categories, the last parameter changing first."""
    categories = ranges.get("CategoricalParameterRanges", ())
    points = itertools.product(*(entry["Values"] for entry in categories))
    point = next(itertools.islice(points, index, None))
    return dict(zip((entry["Name"] for entry in categories), point, strict=True))


def grid_size(ranges: Mapping[str, Any]) -> int:
    """How many points a grid of categories has."""
    return math.prod(len(entry["Values"]) for entry in ranges["CategoricalParameterRanges"])
