"""Finds what is wrong with ranges: bounds, scalings, numbers of them; it asks nobody."""

import math
from collections.abc import Iterator

from tunewright.domain import algorithms
from tunewright.domain.errors import Problem
from tunewright.domain.space import (
    MAX_CATEGORIES,
    MAX_PARAMETERS,
    CategoricalRange,
    ContinuousRange,
    IntegerRange,
    Scaling,
)
from tunewright.domain.spec import StudySpec


def check_space(spec: StudySpec) -> Iterator[Problem]:
    """Find what is wrong with the search space."""
    count = len(spec.search_space)
    if count == 0:
        yield Problem(("search_space",), "is empty: name at least one parameter with its range")
    if count > MAX_PARAMETERS:
        yield Problem(
            ("search_space",),
            f"has {count} parameters; AMT searches at most {MAX_PARAMETERS}: move "
            f"{count - MAX_PARAMETERS} of them to training.fixed",
        )
    for each in spec.search_space.ranges:
        path = ("search_space", each.name)
        if isinstance(each, CategoricalRange):
            yield from _choices(each, path)
        else:
            yield from _numeric(each, path)
            yield from _fits_algorithm(spec, each, path)


_HAS_A_KEY = {
    "HyperParameterRanges": "search_space",
    "HyperParameterTuningResourceConfig": "training.instance",
    "InputDataConfig": "training.inputs",
    "OutputDataConfig": "the profile's output",
    "ResourceConfig": "training.instance",
    "StaticHyperParameters": "training.fixed",
    "StoppingCondition": "training.max_run",
}
"""Members that would go round what the profile and the budget check, or be ignored."""


def _choices(range_: CategoricalRange, path: tuple[str, ...]) -> Iterator[Problem]:
    if len(set(range_.choices)) < len(range_.choices):
        yield Problem(path, "names a choice twice")
    if len(range_.choices) > MAX_CATEGORIES:
        yield Problem(path, f"has {len(range_.choices)} choices; AMT takes {MAX_CATEGORIES}")
    if not range_.choices:
        yield Problem(path, "has no choice at all")
    elif len(range_.choices) < 2:
        yield Problem(
            path, f"has one choice only: move {path[-1]}: {range_.choices[0]} to training.fixed"
        )


def _numeric(range_: ContinuousRange | IntegerRange, path: tuple[str, ...]) -> Iterator[Problem]:
    low, high = range_.low, range_.high
    if low > high:
        yield Problem(path, f"the least value {low:g} is above the greatest {high:g}; swap them")
        return
    if low == high:
        yield Problem(
            path,
            f"is one value only, which AMT refuses: move {path[-1]}: {low:g} to training.fixed",
        )
        return
    if range_.hard_low > low or range_.hard_high < high:
        yield Problem(
            (*path, "never_beyond"),
            f"{range_.hard_low:g}–{range_.hard_high:g} must hold the range {low:g}–{high:g}",
        )
    least, greatest = min(low, range_.hard_low), max(high, range_.hard_high)
    if range_.scaling is Scaling.LOGARITHMIC and least <= 0:
        right = high / 1000 if isinstance(range_, ContinuousRange) else 1
        yield Problem(
            path,
            f"a log range must start above 0, but {least:g} is in it; {right:g} would be right",
        )
    if range_.scaling is Scaling.REVERSE_LOGARITHMIC and (
        isinstance(range_, IntegerRange) or least < 0 or greatest >= 1
    ):
        yield Problem(
            path, "a reverse log range is continuous and lies in 0 ≤ x < 1, such as [0.9, 0.999]"
        )


def _fits_algorithm(
    spec: StudySpec, range_: ContinuousRange | IntegerRange, path: tuple[str, ...]
) -> Iterator[Problem]:
    algorithm = algorithms.named(spec.training.algorithm)
    limits = algorithm.parameters.get(range_.name) if algorithm else None
    if algorithm and limits and limits.kind == "integer" and isinstance(range_, ContinuousRange):
        yield Problem(
            path,
            f"{algorithm.name} takes whole numbers here; [{math.floor(range_.low)}, "
            f"{math.ceil(range_.high)}] would be right",
        )
