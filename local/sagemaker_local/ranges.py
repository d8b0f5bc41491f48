"""What a request's parameter ranges may be, one function per rule; it draws no values from them."""

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from sagemaker_local.errors import validation

MOST_PARAMETERS = 30
MOST_HYPERPARAMETERS = 100
_KINDS = {
    "IntegerParameterRanges": "Integer",
    "ContinuousParameterRanges": "Continuous",
    "CategoricalParameterRanges": "Categorical",
}
Range = Mapping[str, Any]


def each(ranges: Mapping[str, Any]) -> Iterator[tuple[str, Range]]:
    """Every range and its kind."""
    for member, kind in _KINDS.items():
        for entry in ranges.get(member, ()):
            yield kind, entry


def check(ranges: Mapping[str, Any], static: Mapping[str, str]) -> None:
    """Apply every rule.

    Raises:
        ApiError: with the first rule that is broken.
    """
    found = list(each(ranges))
    _number_of_parameters(len(found), len(static))
    _names_once([entry["Name"] for _, entry in found], static)
    for kind, entry in found:
        if kind == "Categorical":
            _values_once(entry)
            continue
        low, high = _bound(kind, entry, "MinValue"), _bound(kind, entry, "MaxValue")
        _low_below_high(entry, low, high)
        _scaling(kind, entry, low, high)


def _number_of_parameters(tuned: int, static: int) -> None:
    if tuned == 0:
        raise validation("At least one hyperparameter range must be provided.")
    if tuned > MOST_PARAMETERS:
        raise validation(
            f"The number of hyperparameter ranges, {tuned}, is more than the "
            f"{MOST_PARAMETERS} that a tuning job can search."
        )
    injected = 1
    if tuned + static + injected > MOST_HYPERPARAMETERS:
        raise validation(
            f"The total number of hyperparameters, {tuned + static + injected}, is more than "
            f"{MOST_HYPERPARAMETERS}; the one that names the objective metric counts too."
        )


def _names_once(names: list[str], static: Mapping[str, str]) -> None:
    for name, count in Counter(names).items():
        if count > 1:
            raise validation(f"The hyperparameter [{name}] has more than one range.")
        if name in static:
            raise validation(
                f"The hyperparameter [{name}] is both tunable and static. Please give it a range "
                "or a value, not both."
            )


def _values_once(entry: Range) -> None:
    if len(set(entry["Values"])) < len(entry["Values"]):
        raise validation(f"The values of the hyperparameter [{entry['Name']}] are not distinct.")


def _bound(kind: str, entry: Range, member: str) -> float:
    text = entry[member]
    try:
        value = float(int(text) if kind == "Integer" else float(text))
    except (ValueError, OverflowError):
        value = math.nan
    if not math.isfinite(value):
        wanted = "an integer" if kind == "Integer" else "a number"
        raise validation(
            f"The {member} [{text}] of the hyperparameter [{entry['Name']}] is not {wanted}."
        )
    return value


def _low_below_high(entry: Range, low: float, high: float) -> None:
    if not low < high:
        raise validation(
            f"The MinValue [{entry['MinValue']}] of the hyperparameter [{entry['Name']}] must be "
            f"less than its MaxValue [{entry['MaxValue']}]."
        )


def _scaling(kind: str, entry: Range, low: float, high: float) -> None:
    scaling, name = entry.get("ScalingType", "Auto"), entry["Name"]
    if scaling == "Logarithmic" and low <= 0:
        raise validation(
            f"The hyperparameter [{name}] has Logarithmic scaling, so its range must be greater "
            f"than 0; its MinValue is [{entry['MinValue']}]."
        )
    if scaling != "ReverseLogarithmic":
        return
    if kind != "Continuous":
        raise validation(
            f"The hyperparameter [{name}] has ReverseLogarithmic scaling, which only continuous "
            "ranges can have."
        )
    if low < 0 or high >= 1:
        raise validation(
            f"The hyperparameter [{name}] has ReverseLogarithmic scaling, so its range must be "
            f"within 0 <= x < 1; it is [{entry['MinValue']}, {entry['MaxValue']}]."
        )


def combinations(ranges: Mapping[str, Any]) -> float:
    """How many different points the ranges hold; infinite with a continuous one."""
    total = 1.0
    for kind, entry in each(ranges):
        if kind == "Continuous":
            return math.inf
        if kind == "Integer":
            total *= int(entry["MaxValue"]) - int(entry["MinValue"]) + 1
        else:
            total *= len(entry["Values"])
    return total
