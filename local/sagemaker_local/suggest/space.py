"""A tuning job's search space on the unit cube, read from AWS's `ParameterRanges`; it chooses none.

Every parameter has one coordinate in [0, 1] on its scaled axis; a category's is the middle of its
equal share. Points of warm-start parents may lie outside, and keep their place there.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from gp_surrogate import Layout

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Array = NDArray[np.float64]
Scaling = Literal["Linear", "Logarithmic", "ReverseLogarithmic"]
AUTO_LOG_RATIO = 100.0


def choose_scaling(low: float, high: float) -> Scaling:
    """Decide what `Auto` means: the only place where it is decided.

    >>> choose_scaling(0.001, 0.5), choose_scaling(0.0, 10.0)
    ('Logarithmic', 'Linear')
    """
    return "Logarithmic" if low > 0 and high / low >= AUTO_LOG_RATIO else "Linear"


@dataclass(frozen=True)
class Numeric:
    """A number from `low` to `high`; an integer has half a step more on each side of its axis.

    >>> depth = Numeric("max_depth", 1, 4, "Linear", whole=True)
    >>> [depth.text(depth.value(unit)) for unit in (0.0, 0.24, 0.26, 1.0)]
    ['1', '1', '2', '4']
    """

    name: str
    low: float
    high: float
    scaling: Scaling
    whole: bool = False

    def unit(self, text: str) -> float:
        """Map a value to the axis; clipped only where its scaling is not defined."""
        start, end = self._ends()
        if end == start:
            return 0.5
        value = float(text)
        if self.scaling == "Logarithmic" and value <= 0:
            return 0.0
        if self.scaling == "ReverseLogarithmic" and value >= 1:
            return 1.0
        return (self._bend(value) - start) / (end - start)

    def value(self, unit: float) -> float:
        """Map a coordinate to the value there, within the range."""
        start, end = self._ends()
        value = self._unbend(start + unit * (end - start))
        return min(max(float(round(value)) if self.whole else value, self.low), self.high)

    def middles(self, units: Array) -> Array:
        """Move many coordinates (m,) of whole numbers to the middle of the one they lie on."""
        start, end = self._ends()
        if end == start:
            return np.full(units.shape, 0.5)
        bent = start + units * (end - start)
        match self.scaling:
            case "Linear":
                middle = np.clip(np.round(bent), self.low, self.high)
            case "Logarithmic":
                middle = np.log(np.clip(np.round(np.exp(bent)), self.low, self.high))
            case "ReverseLogarithmic":
                values = np.clip(np.round(-np.expm1(-bent)), self.low, self.high)
                middle = -np.log1p(-np.minimum(values, 1.0 - 2.0**-53))
        return np.asarray((middle - start) / (end - start))

    def text(self, value: float) -> str:
        """Write a value as AMT hands it to a training job."""
        return str(int(value)) if self.whole else repr(float(value))

    def _ends(self) -> tuple[float, float]:
        low, high = (self.low - 0.5, self.high + 0.5) if self.whole else (self.low, self.high)
        if self.scaling == "Logarithmic":
            low = max(low, 0.5) if self.whole else low
        return self._bend(low), self._bend(high)

    def _bend(self, value: float) -> float:
        match self.scaling:
            case "Linear":
                return value
            case "Logarithmic":
                return math.log(value)
            case "ReverseLogarithmic":
                return -math.log1p(-value)

    def _unbend(self, bent: float) -> float:
        match self.scaling:
            case "Linear":
                return bent
            case "Logarithmic":
                return math.exp(bent)
            case "ReverseLogarithmic":
                return -math.expm1(-bent)


@dataclass(frozen=True)
class Categorical:
    """One of some words.

    >>> booster = Categorical("booster", ("gbtree", "dart"))
    >>> booster.unit("dart"), booster.unit("gblinear"), booster.choices[booster.index(0.49)]
    (0.75, -0.25, 'gbtree')
    """

    name: str
    choices: tuple[str, ...]

    def unit(self, text: str) -> float:
        """Map a word to the middle of its share; one that is not ours lies below 0."""
        index = self.choices.index(text) if text in self.choices else -1
        return (index + 0.5) / len(self.choices)

    def index(self, unit: float) -> int:
        """Return which word's share a coordinate lies in."""
        return min(max(int(unit * len(self.choices)), 0), len(self.choices) - 1)


@dataclass(frozen=True)
class Space:
    """All searched parameters of a tuning job: its integers, its real numbers, its categories."""

    parameters: tuple[Numeric | Categorical, ...]

    @classmethod
    def parse(cls, ranges: Mapping[str, Any]) -> Space:
        """Read AWS's `ParameterRanges`, already validated."""
        found: list[Numeric | Categorical] = []
        for kind, whole in (("Integer", True), ("Continuous", False)):
            for entry in ranges.get(f"{kind}ParameterRanges") or ():
                low, high = float(entry["MinValue"]), float(entry["MaxValue"])
                told: Any = entry.get("ScalingType") or "Auto"
                scaling: Scaling = choose_scaling(low, high) if told == "Auto" else told
                found.append(Numeric(entry["Name"], low, high, scaling, whole))
        found.extend(
            Categorical(entry["Name"], tuple(entry["Values"]))
            for entry in ranges.get("CategoricalParameterRanges") or ()
        )
        return cls(tuple(found))

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the parameters, in the order of the coordinates."""
        return tuple(each.name for each in self.parameters)

    @property
    def layout(self) -> Layout:
        """The kinds of the parameters, for the surrogate."""
        return Layout(
            tuple(len(each.choices) if isinstance(each, Categorical) else 0 for each in self)
        )

    def __iter__(self) -> Iterator[Numeric | Categorical]:
        return iter(self.parameters)

    def __len__(self) -> int:
        return len(self.parameters)

    def to_unit(self, params: Mapping[str, str]) -> Array:
        """Map a trial's strings to coordinates (p,).

        A parameter that is missing, or is no number, is put where it tells least: a number in the
        middle, a category outside all.
        """
        return np.array([_unit_or_unknown(each, params) for each in self])

    def from_unit(self, unit: Array) -> dict[str, str]:
        """Map coordinates (p,) to a trial's strings."""
        return {
            each.name: (
                each.choices[each.index(float(coordinate))]
                if isinstance(each, Categorical)
                else each.text(each.value(float(coordinate)))
            )
            for each, coordinate in zip(self, unit, strict=True)
        }

    def snap(self, units: Array) -> Array:
        """Move points (m, p) into the cube, and to the middle of their integer or category."""
        units = np.clip(units, 0.0, 1.0)
        for column, each in enumerate(self):
            if isinstance(each, Categorical):
                share = len(each.choices)
                index = np.minimum(np.floor(units[:, column] * share), share - 1)
                units[:, column] = (index + 0.5) / share
            elif each.whole:
                units[:, column] = each.middles(units[:, column])
        return units

    def encode(self, units: Array) -> Array:
        """Turn points (m, p) into the surrogate's columns (m, d), categories one-hot."""
        rows = units.copy()
        for column, each in enumerate(self):
            if isinstance(each, Categorical):
                rows[:, column] = np.floor(rows[:, column] * len(each.choices))
                rows[:, column] = np.minimum(rows[:, column], len(each.choices) - 1)
        return self.layout.encode(rows)

    def combinations(self) -> float:
        """Count the points of the space; infinity as soon as one parameter is continuous."""
        total = 1.0
        for each in self:
            if isinstance(each, Categorical):
                total *= len(each.choices)
            elif each.whole or each.low == each.high:
                total *= each.high - each.low + 1
            else:
                return math.inf
        return total

    def grid(self) -> Array:
        """Return every point of a finite space (combinations, p)."""
        axes = [
            [each.unit(choice) for choice in each.choices]
            if isinstance(each, Categorical)
            else [each.unit(str(value)) for value in range(int(each.low), int(each.high) + 1)]
            if each.whole
            else [0.5]
            for each in self
        ]
        return np.array(list(itertools.product(*axes))).reshape(-1, len(self))


def _unit_or_unknown(each: Numeric | Categorical, params: Mapping[str, str]) -> float:
    text = params.get(each.name)
    if isinstance(each, Categorical):
        return each.unit(text) if text is not None else -0.5 / len(each.choices)
    try:
        unit = each.unit(text if text is not None else "nan")
    except ValueError:
        return 0.5
    return unit if math.isfinite(unit) else 0.5
