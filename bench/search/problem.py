"""What a search problem is: named axes, and the loss at a point of them; it chooses no points."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

Point = Mapping[str, float | str]


@dataclass(frozen=True)
class Axis:
    """One hyperparameter over its sensible range.

    Attributes:
        name: What the training script calls it.
        low: The least sensible value; 0 for words.
        high: The greatest.
        log: Whether its axis is logarithmic.
        whole: Whether it takes whole numbers only.
        words: Its words, for a categorical one; else empty.
        values: The only values at which a table knows the loss; empty where all are known.
    """

    name: str
    low: float = 0.0
    high: float = 1.0
    log: bool = False
    whole: bool = False
    words: tuple[str, ...] = ()
    values: tuple[float, ...] = ()

    def place(self, value: float) -> float:
        """Map a number to the axis: 0 and 1 are the sensible ends."""
        low, high, at = self.low, self.high, value
        if self.log:
            low, high, at = math.log(low), math.log(high), math.log(max(at, 1e-300))
        return (at - low) / (high - low)

    def value(self, place: float) -> float:
        """Map a place back, whole numbers rounded."""
        low, high = (math.log(each) if self.log else each for each in (self.low, self.high))
        found = low + place * (high - low)
        found = math.exp(found) if self.log else found
        return float(round(found)) if self.whole else found

    def nearest(self, value: float) -> float:
        """Return the value of the table that lies nearest on the axis."""
        if not self.values:
            return value
        return min(self.values, key=lambda each: abs(self.place(each) - self.place(value)))


@dataclass(frozen=True)
class Scale:
    """What a problem's losses are measured by.

    Attributes:
        best: The least loss: exact for tables, else the least that was ever found.
        typical: The median loss of random points.
        optimum: Where `best` is: places of numbers, words of categories.
    """

    best: float
    typical: float
    optimum: Mapping[str, float | str]


@dataclass(frozen=True)
class Problem:
    """A loss over named axes.

    Attributes:
        name: The problem's.
        family: What it is one of.
        axes: Its hyperparameters.
        inner: The losses at many points within the sensible ranges.
        scale: What losses are measured by; None before it was found.
        test: Another loss of the same point, which no search sees; None where there is none.
    """

    name: str
    family: str
    axes: tuple[Axis, ...]
    inner: Callable[[Sequence[Point]], np.ndarray]
    scale: Scale | None = None
    test: Callable[[Point], float] | None = None

    def loss(self, point: Point) -> float:
        """Return the loss at a point; beyond the sensible ranges it grows with the distance."""
        inside: dict[str, float | str] = {}
        beyond = 0.0
        for axis in self.axes:
            value = point[axis.name]
            if isinstance(value, str):
                inside[axis.name] = value
                continue
            place = axis.place(value)
            beyond += max(0.0, -place, place - 1.0)
            inside[axis.name] = axis.nearest(min(max(value, axis.low), axis.high))
        found = float(self.inner([inside])[0])
        if beyond < 1e-9:
            return found
        scale = self.measured
        return found + beyond * (scale.typical - scale.best)

    @property
    def measured(self) -> Scale:
        """The scale.

        Raises:
            ValueError: It was not found yet.
        """
        if self.scale is None:
            raise ValueError(f"{self.name} has no scale; run `python -m bench.search.scales`")
        return self.scale

    def regret(self, loss: float) -> float:
        """Return the normalised regret: 0 at the best known, 1 at the median of random points."""
        scale = self.measured
        return (loss - scale.best) / (scale.typical - scale.best)
