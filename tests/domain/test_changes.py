"""Every change to a range is told with its reason."""

from __future__ import annotations

import pytest

from tests.support.refining import ALPHA, BOOSTER, DEPTH, SUBSAMPLE
from tunewright.domain.changes import Seen, categorical_change, numeric_change, sits_at_end
from tunewright.domain.spans import Span, span_of


@pytest.mark.parametrize(
    ("number", "place", "expected"),
    [
        (1, 0.1, (True, False)),
        (3, 0.3, (False, True)),
        (2, 0.2, (False, False)),
    ],
)
def test_the_last_of_the_integers_is_at_the_end(
    number: int, place: float, expected: tuple[bool, bool]
) -> None:
    depth = DEPTH.but(low=1, high=3, hard_high=9)
    assert depth.from_unit(place) == number
    assert sits_at_end(depth, place) == expected


@pytest.mark.parametrize(
    ("place", "expected"),
    [(0.29, (True, False)), (0.31, (True, False)), (0.4, (False, False)), (0.99, (False, True))],
)
def test_near_an_end_is_at_the_end(place: float, expected: tuple[bool, bool]) -> None:
    wide = SUBSAMPLE.but(low=0.51, high=1.0)  # from 0.3 on the axis
    assert sits_at_end(wide, place) == expected


@pytest.mark.parametrize(
    ("after", "span", "preference", "kind", "why"),
    [
        ((0.4, 0.9), (0.4, 0.6), 0.5, "widened low", "good trials are expected beyond the lower"),
        ((0.4, 0.9), (0.1, 0.3), 0.5, "widened low", "the best trials sat at the lower edge"),
        ((0.5, 1.0), (0.8, 1.0), 0.5, "widened high", "the best trials sat at the upper edge"),
        ((0.6, 0.8), (0.4, 0.6), 0.5, "narrowed", "the good trials lie in this part"),
        ((0.5, 0.9), (0.4, 0.6), 0.1, "unchanged", "it made no difference"),
        ((0.5, 0.9), (0.4, 0.6), 0.5, "unchanged", "good trials lie all over it"),
        ((0.5, 0.9), (0.4, 0.6), None, "unchanged", "too little is known"),
        ((0.3, 1.0), (0.0, 1.0), 0.5, "widened", "good trials are expected beyond both edges"),
        ((0.3, 0.6), (0.0, 0.5), 0.5, "shifted", "the good trials lie lower"),
        ((0.8, 1.0), (0.7, 1.0), 0.5, "shifted", "the good trials lie higher"),
    ],
)
def test_every_change_has_its_reason(
    after: tuple[float, float],
    span: tuple[float, float],
    preference: float | None,
    kind: str,
    why: str,
) -> None:
    before = SUBSAMPLE.but(low=0.5, high=0.9)
    middle = sum(span) / 2
    seen = Seen(Span(*span), middle, middle, preference)
    told = numeric_change(before, before.but(low=after[0], high=after[1]), seen)
    assert told.kind == kind
    assert told.why.startswith(why)


@pytest.mark.parametrize(
    ("after", "why"),
    [
        ((0.4, 0.9), "something better lies beyond the lower edge with a chance of 31%"),
        ((0.5, 1.0), "something better lies beyond the upper edge with a chance of 87%"),
    ],
)
def test_a_chance_that_was_asked_for_is_told(after: tuple[float, float], why: str) -> None:
    before = SUBSAMPLE.but(low=0.5, high=0.9)
    seen = Seen(Span(0.4, 0.6), 0.5, 0.5, 0.5, chances=(0.31, 0.87))
    assert numeric_change(before, before.but(low=after[0], high=after[1]), seen).why == why


@pytest.mark.parametrize(
    ("best", "after", "edge"), [(1, (2, 5), "upper"), (0, (1, 3), "lower")], ids=["upper", "lower"]
)
def test_the_last_integer_of_a_range_is_its_edge_however_wide_its_stretch(
    best: int, after: tuple[int, int], edge: str
) -> None:
    before = DEPTH.but(low=2, high=3)
    place = before.to_unit(before.low + best)
    seen = Seen(span_of(before), place, place, 0.5, chances=(0.14, 0.14))
    changed = numeric_change(before, before.but(low=after[0], high=after[1]), seen)
    assert changed.why == f"the best trials sat at the {edge} edge"


def test_a_range_that_is_wanted_as_it_is_says_so() -> None:
    seen = Seen(span_of(SUBSAMPLE), 0.5, 0.5, 0.5)
    assert numeric_change(SUBSAMPLE, SUBSAMPLE, seen).why == "nothing better is likely beyond it"


def test_a_range_that_is_as_narrow_as_may_be_says_so() -> None:
    narrow = SUBSAMPLE.but(low=0.6, high=0.67)
    seen = Seen(Span(0.43, 0.53), 0.48, 0.48, 0.5)
    assert numeric_change(narrow, narrow, seen).why == "it is as narrow as it may get"


def test_a_range_that_ends_at_its_lower_hard_limit_says_so() -> None:
    seen = Seen(Span(0.0, 0.1), 0.05, 0.0, 0.5)
    assert numeric_change(ALPHA, ALPHA, seen).why == "the best trials sit at its hard limit 0"


def test_a_choice_may_come_back() -> None:
    before = BOOSTER.but(choices=("gbtree", "dart"))
    told = categorical_change(before, BOOSTER.but(choices=("gbtree", "gblinear")))
    assert told.kind == "shifted"
    assert told.why == "dart never came near the best; gblinear may be good"
    assert categorical_change(before, BOOSTER).kind == "widened"
