"""Stretches of an axis, and the guards on how they may change."""

from __future__ import annotations

import math

import pytest

from tests.support.refining import DEPTH
from tunewright.domain.space import ContinuousRange
from tunewright.domain.spans import (
    FEWEST_INTEGERS,
    Span,
    floor_of,
    limit_shrinking,
    range_at,
)


def test_span_guards() -> None:
    wider = Span(0.4, 0.42).at_least(0.1)
    assert (wider.low, wider.high) == pytest.approx((0.36, 0.46))
    at_limit = Span(0.99, 1.0).at_least(0.1)
    assert (at_limit.low, at_limit.high) == pytest.approx((0.9, 1.0))
    assert Span(0.5, 0.6).keeping(0.5, Span(0.0, 1.0)) == Span(0.25, 0.8)
    assert Span(0.2, 0.3).holding(0.5) == Span(0.2, 0.5)
    assert Span(0.2, 0.3).holding(7.0) == Span(0.2, 1.0)
    assert Span(0.25, 0.75).lured(0.5, below=0.2, above=0.3) == Span(0.25, 1.0)
    assert floor_of(Span(0.0, 0.8)) == 0.1
    assert floor_of(Span(0.0, 0.01)) == 0.005


def test_all_ranges_together_never_shrink_too_much() -> None:
    old = [Span(0.0, 1.0)] * 3
    new = limit_shrinking(old, [Span(0.4, 0.5)] * 3)
    assert math.prod(each.width for each in new) == pytest.approx(0.125, rel=1e-3)
    assert limit_shrinking(old, [Span(0.2, 0.8)] * 3) == [Span(0.2, 0.8)] * 3
    assert limit_shrinking([], []) == []


@pytest.mark.parametrize("best", [1, 5, 12])
def test_at_least_three_integers_are_left(best: int) -> None:
    place = DEPTH.to_unit(best)
    after = range_at(DEPTH, Span(place - 1e-3, place + 1e-3), place)
    assert after.high - after.low + 1 == FEWEST_INTEGERS
    assert after.low <= best <= after.high
    two = DEPTH.but(low=1, high=2, hard_low=1, hard_high=2)
    assert range_at(two, Span(0.1, 0.2), 0.1) == two


def test_a_bound_that_hardly_moves_stays_exact() -> None:
    range_ = ContinuousRange(name="x", low=0.123456789, high=0.9, hard_low=0.0, hard_high=1.0)
    after = range_at(range_, Span(0.13, 0.5123456), 0.3)
    assert (after.low, after.high) == (0.123456789, 0.5124)
