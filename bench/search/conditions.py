"""What a person gets wrong: ranges that are half, shifted or too wide; noise; failed trials.

Right ranges are told with hard limits just there, and, as `roomy`, with limits three times as wide.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tunewright.domain.space import (
    CategoricalRange,
    ContinuousRange,
    IntegerRange,
    Range,
    Scaling,
    SearchSpace,
)

if TYPE_CHECKING:
    from bench.search.problem import Axis, Problem

RANGES = ("right", "roomy", "half", "shifted", "wide")
TROUBLES = ("noise", "failures")
NOISE = 0.1  # standard deviation, as a share of a problem's scale
FAILURES = 0.1
WIDER = 3.0
BESIDE = 0.05  # how far from the optimum a shifted range ends, on the sensible axis


@dataclass(frozen=True)
class Condition:
    """Ranges and troubles, as `ranges` or `ranges+trouble`.

    Attributes:
        name: Its name.
        ranges: How the person's ranges lie.
        noise: The standard deviation of the noise, as a share of the problem's scale.
        failures: The share of trials that fail.
    """

    name: str
    ranges: str
    noise: float = 0.0
    failures: float = 0.0

    @classmethod
    def named(cls, name: str) -> Condition:
        """Return a condition by its name.

        Raises:
            ValueError: There is no such condition.
        """
        ranges, _, trouble = name.partition("+")
        if ranges not in RANGES or trouble not in ("", *TROUBLES):
            raise ValueError(f"{name}: give one of {RANGES}, perhaps with + and one of {TROUBLES}")
        return cls(
            name,
            ranges,
            NOISE if trouble == "noise" else 0.0,
            FAILURES if trouble == "failures" else 0.0,
        )


def space_of(problem: Problem, condition: Condition, seed: int) -> SearchSpace:
    """Return the space that the person gives: ranges, and the limits never to be passed."""
    rng = np.random.default_rng([seed, 77])
    return SearchSpace(
        ranges=tuple(_range(problem, axis, condition.ranges, rng) for axis in problem.axes)
    )


def whole(space: SearchSpace) -> SearchSpace:
    """Return the space of everything that is never to be passed."""
    return SearchSpace(
        ranges=tuple(
            each.but(choices=each.hard_choices)
            if isinstance(each, CategoricalRange)
            else each.but(low=each.hard_low, high=each.hard_high)
            for each in space.ranges
        )
    )


def _range(problem: Problem, axis: Axis, ranges: str, rng: np.random.Generator) -> Range:
    chance = float(rng.random())
    if axis.words:
        return CategoricalRange(name=axis.name, choices=axis.words, hard_choices=axis.words)
    hard_low, hard_high = axis.low, axis.high
    if ranges in {"wide", "roomy"}:
        hard_low, hard_high = _wider(axis)
    start, end = 0.0, 1.0
    if ranges == "half":
        start, end = 0.5 * chance, 0.5 * chance + 0.5
    elif ranges == "shifted":
        start, end = _beside(float(problem.measured.optimum[axis.name]))
    first, last = (axis.low, axis.high) if ranges == "roomy" else (hard_low, hard_high)
    low = axis.value(start) if start else first
    high = axis.value(end) if end < 1 else last
    scaling = Scaling.LOGARITHMIC if axis.log else Scaling.LINEAR
    if not axis.whole:
        return ContinuousRange(
            name=axis.name,
            low=float(f"{low:.6g}") if start else low,
            high=float(f"{high:.6g}") if end < 1 else high,
            hard_low=hard_low,
            hard_high=hard_high,
            scaling=scaling,
        )
    least, most = round(low), round(high)
    if most == least:
        most, least = (most + 1, least) if most < hard_high else (most, least - 1)
    return IntegerRange(
        name=axis.name,
        low=least,
        high=most,
        hard_low=round(hard_low),
        hard_high=round(hard_high),
        scaling=scaling,
    )


def _beside(optimum: float) -> tuple[float, float]:
    """Return a half of the axis, or less, that ends just beside the optimum."""
    if optimum >= 0.5:
        return max(0.0, optimum - BESIDE - 0.5), optimum - BESIDE
    return optimum + BESIDE, min(1.0, optimum + BESIDE + 0.5)


def _wider(axis: Axis) -> tuple[float, float]:
    """Return limits three times as far apart on the axis; upward only where 0 is a floor."""
    if not axis.log:
        return axis.low, axis.low + WIDER * (axis.high - axis.low)
    low, high = math.log(axis.low), math.log(axis.high)
    side = 0.5 * (WIDER - 1) * (high - low)
    if axis.whole:
        return max(1.0, round(math.exp(low - side))), round(min(math.exp(high + side), 1e6))
    return float(f"{math.exp(low - side):.4g}"), float(f"{math.exp(high + side):.4g}")
