"""What may be tried: ranges, their scaling, and the exact maps to AMT's strings and to [0, 1].

Every numeric range lives on an axis that reaches over its hard limits, so that a point keeps its
coordinate when the range moves; the scalings are AMT's (developer guide, "define ranges").
"""

import math
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Context
from enum import StrEnum
from typing import Annotated, Any, Literal, assert_never

from pydantic import Field

from tunewright.domain.values import Value

AUTO_LOG_RATIO = 100.0
MAX_PARAMETERS = 30
MAX_CATEGORIES = 30
DIGITS = 4
"""Computed continuous bounds keep this many significant digits, so that every machine agrees."""


class Scaling(StrEnum):
    """How an axis is bent; the values are AMT's words."""

    LINEAR = "Linear"
    LOGARITHMIC = "Logarithmic"
    REVERSE_LOGARITHMIC = "ReverseLogarithmic"


def choose_scaling(low: float, high: float) -> Scaling:
    """Decide what AMT's `Auto` would have to guess anew in every round.

    >>> choose_scaling(0.001, 0.5), choose_scaling(0.5, 1.0)
    (<Scaling.LOGARITHMIC: 'Logarithmic'>, <Scaling.LINEAR: 'Linear'>)
    """
    if low > 0 and high / low >= AUTO_LOG_RATIO:
        return Scaling.LOGARITHMIC
    return Scaling.LINEAR


def _bend(value: float, scaling: Scaling) -> float:
    match scaling:
        case Scaling.LINEAR:
            return value
        case Scaling.LOGARITHMIC:
            return math.log(value)
        case Scaling.REVERSE_LOGARITHMIC:
            return -math.log1p(-value)
        case _ as never:  # pragma: no cover
            assert_never(never)


def _unbend(bent: float, scaling: Scaling) -> float:
    match scaling:
        case Scaling.LINEAR:
            return bent
        case Scaling.LOGARITHMIC:
            return math.exp(bent)
        case Scaling.REVERSE_LOGARITHMIC:
            return -math.expm1(-bent)
        case _ as never:  # pragma: no cover
            assert_never(never)


@dataclass(frozen=True, slots=True)
class Axis:
    """The scaled line of a numeric range, from 0 at `low` to 1 at `high`, both of them bent."""

    low: float
    high: float
    scaling: Scaling

    def to_unit(self, value: float) -> float:
        """Map a value to the line."""
        return (_bend(value, self.scaling) - self.low) / (self.high - self.low)


class ContinuousRange(Value):
    """Real numbers from `low` to `high`, never to be moved beyond `hard_low` and `hard_high`.

    With `auto_scaling` the person left the scaling to us: it may follow the range when that grows.
    """

    kind: Literal["continuous"] = "continuous"
    name: str
    low: float
    high: float
    hard_low: float
    hard_high: float
    scaling: Scaling = Scaling.LINEAR
    auto_scaling: bool = False

    @property
    def axis(self) -> "Axis":
        """The axis on which 0 and 1 are the hard limits."""
        ends = _bend(self.hard_low, self.scaling), _bend(self.hard_high, self.scaling)
        return Axis(*ends, self.scaling)

    def to_unit(self, value: float) -> float:
        """Map a value to the axis."""
        return self.axis.to_unit(value)

    def from_unit(self, unit: float) -> float:
        """Map a coordinate back; the result never passes the hard limits."""
        low, high = _bend(self.hard_low, self.scaling), _bend(self.hard_high, self.scaling)
        value = _unbend(low + unit * (high - low), self.scaling)
        return min(max(value, self.hard_low), self.hard_high)

    def parse(self, text: str) -> float:
        """Read one of AMT's strings.

        Raises:
            ValueError: It is no finite number.
        """
        value = float(text)
        if not math.isfinite(value):
            raise ValueError(f"{text!r} is no finite number")
        return value

    def format(self, value: float) -> str:
        """Write a value as AMT takes it, so that reading it back gives the same number."""
        return repr(float(value))


class IntegerRange(Value):
    """Whole numbers from `low` to `high`, both of them included."""

    kind: Literal["integer"] = "integer"
    name: str
    low: int
    high: int
    hard_low: int
    hard_high: int
    scaling: Scaling = Scaling.LINEAR
    auto_scaling: bool = False

    def _ends(self) -> tuple[float, float]:
        """Half a step beyond each hard limit, so that the outer integers count as full ones."""
        low, high = self.hard_low - 0.5, self.hard_high + 0.5
        if self.scaling is Scaling.LOGARITHMIC:
            low = max(low, 0.5)
        return _bend(low, self.scaling), _bend(high, self.scaling)

    @property
    def axis(self) -> "Axis":
        """The axis on which 0 and 1 are the outer ends of the outer integers' stretches."""
        return Axis(*self._ends(), self.scaling)

    def to_unit(self, value: float) -> float:
        """Map a value to the axis; the middle of each integer's own stretch."""
        return self.axis.to_unit(value)

    def from_unit(self, unit: float) -> int:
        """Map a coordinate to the integer whose stretch it lies in."""
        low, high = self._ends()
        value = round(_unbend(low + unit * (high - low), self.scaling))
        return min(max(value, self.hard_low), self.hard_high)

    def parse(self, text: str) -> int:
        """Read one of AMT's strings.

        Raises:
            ValueError: It is no whole number.
        """
        return int(text)

    def format(self, value: float) -> str:
        """Write a value as AMT takes it: without a decimal point."""
        return str(int(value))


class CategoricalRange(Value):
    """One of some words; `hard_choices` are all that the person allowed, in their order."""

    kind: Literal["categorical"] = "categorical"
    name: str
    choices: tuple[str, ...]
    hard_choices: tuple[str, ...]

    def parse(self, text: str) -> str:
        """Read one of AMT's strings.

        Raises:
            ValueError: It is none of the choices that the person allowed.
        """
        if text not in self.hard_choices:
            raise ValueError(f"{text!r} is none of {', '.join(self.hard_choices)}")
        return text

    def format(self, value: str) -> str:
        """Write a value as AMT takes it."""
        return value


NumericRange = ContinuousRange | IntegerRange
Range = Annotated[ContinuousRange | IntegerRange | CategoricalRange, Field(discriminator="kind")]


class SearchSpace(Value):
    """All ranges of a study's round, in the person's order."""

    ranges: tuple[Range, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the parameters."""
        return tuple(each.name for each in self.ranges)

    def __getitem__(self, name: str) -> ContinuousRange | IntegerRange | CategoricalRange:
        """Return the range of a parameter.

        Raises:
            KeyError: There is no such parameter.
        """
        for each in self.ranges:
            if each.name == name:
                return each
        raise KeyError(name)

    def __len__(self) -> int:
        return len(self.ranges)

    @property
    def has_room(self) -> bool:
        """Whether any range could still move, or take another choice, within its hard limits."""
        return any(
            len(each.choices) < len(each.hard_choices)
            if isinstance(each, CategoricalRange)
            else each.low > each.hard_low or each.high < each.hard_high
            for each in self.ranges
        )

    def to_amt(self) -> dict[str, list[dict[str, Any]]]:
        """Write the space as AMT's `ParameterRanges`."""
        lists: dict[str, list[dict[str, Any]]] = {
            "IntegerParameterRanges": [],
            "ContinuousParameterRanges": [],
            "CategoricalParameterRanges": [],
        }
        for each in self.ranges:
            if isinstance(each, CategoricalRange):
                entry: dict[str, Any] = {"Name": each.name, "Values": list(each.choices)}
                lists["CategoricalParameterRanges"].append(entry)
                continue
            entry = {
                "Name": each.name,
                "MinValue": each.format(each.low),
                "MaxValue": each.format(each.high),
                "ScalingType": each.scaling.value,
            }
            kind = "Integer" if isinstance(each, IntegerRange) else "Continuous"
            lists[f"{kind}ParameterRanges"].append(entry)
        return lists

    def combinations(self) -> float:
        """Count the points of the space; infinity as soon as one range is continuous."""
        total = 1.0
        for each in self.ranges:
            match each:
                case ContinuousRange():
                    return math.inf
                case IntegerRange():
                    total *= each.high - each.low + 1
                case CategoricalRange():
                    total *= len(each.choices)
                case _ as never:  # pragma: no cover
                    assert_never(never)
        return total


def show_range(range_: ContinuousRange | IntegerRange | CategoricalRange) -> str:
    """Write a range as a person says it.

    >>> show_range(IntegerRange(name="d", low=3, high=12, hard_low=1, hard_high=15))
    '3–12'
    """
    match range_:
        case CategoricalRange():
            return " | ".join(range_.choices)
        case IntegerRange():
            text = f"{range_.low}–{range_.high}"
        case ContinuousRange():
            text = f"{range_.low:g}–{range_.high:g}"
        case _ as never:  # pragma: no cover
            assert_never(never)
    words = {Scaling.LOGARITHMIC: " (log)", Scaling.REVERSE_LOGARITHMIC: " (reverse log)"}
    return text + words.get(range_.scaling, "")


def round_outward(
    low: float, high: float, hard_low: float, hard_high: float
) -> tuple[float, float]:
    """Round two computed bounds outward to four significant digits, never past the hard limits.

    Outward, so that what was inside stays inside; four digits, so that another processor or numpy
    computes the same plan.

    >>> round_outward(0.0123456, 0.0987654, 0.0, 1.0)
    (0.01234, 0.09877)
    """
    return (
        max(hard_low, _round_to(low, ROUND_FLOOR)),
        min(hard_high, _round_to(high, ROUND_CEILING)),
    )


def _round_to(value: float, rounding: str) -> float:
    """Round the decimal that a person would read: in binary even 0.07 is a little more."""
    return float(Context(prec=DIGITS, rounding=rounding).create_decimal(repr(float(value))))
