"""Every change to a range is told with its reason."""

from __future__ import annotations

import pytest

from tests.support.refining import ALPHA, BOOSTER, DEPTH, SUBSAMPLE, change, go, sample
from tunewright.domain.changes import Seen, categorical_change, numeric_change, sits_at_end
from tunewright.domain.space import SearchSpace
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
        (
            (0.4, 1.0),
            "something better lies beyond the lower edge with a chance of 31%, "
            "something better lies beyond the upper edge with a chance of 87%",
        ),
    ],
)
@pytest.mark.parametrize("mean", [0.1, 0.5, 0.9])
def test_a_chance_that_widens_a_range_is_told(
    after: tuple[float, float], why: str, mean: float
) -> None:
    before = SUBSAMPLE.but(low=0.5, high=0.9)
    seen = Seen(Span(0.4, 0.6), mean, 0.5, 0.5, chances=(0.31, 0.87))
    assert numeric_change(before, before.but(low=after[0], high=after[1]), seen).why == why


def test_the_chance_that_the_surrogate_sees_is_the_one_that_is_told() -> None:
    space = SearchSpace(ranges=(SUBSAMPLE.but(low=0.5, high=0.7), DEPTH))
    trials = sample(space, lambda p: -float(p["subsample"]) + 0.1 * int(p["max_depth"]), count=30)
    widened = change(go(space, trials), "subsample")
    assert widened.kind == "widened high"
    assert widened.why.startswith("something better lies beyond the upper edge with a chance of ")


@pytest.mark.parametrize(
    ("best", "after", "edge"), [(1, (2, 5), "upper"), (0, (1, 3), "lower")], ids=["upper", "lower"]
)
def test_where_no_chance_widens_a_range_it_was_the_best_trials_place(
    best: int, after: tuple[int, int], edge: str
) -> None:
    before = DEPTH.but(low=2, high=3)
    place = before.to_unit(before.low + best)
    seen = Seen(span_of(before), place, place, 0.5, chances=(0.14, 0.14))
    changed = numeric_change(before, before.but(low=after[0], high=after[1]), seen)
    assert changed.why == f"the best trial sat at the {edge} edge"


@pytest.mark.parametrize(
    ("low", "high", "why"),
    [
        (0.5, 0.9, "nothing better is likely beyond it"),
        (0.6, 0.62, "nothing better is likely beyond it"),  # narrow, but nothing would narrow it
        (0.3, 1.0, "it fills its hard limits"),
    ],
)
def test_a_range_that_a_search_that_learns_keeps_says_why(
    low: float, high: float, why: str
) -> None:
    before = SUBSAMPLE.but(low=low, high=high)
    middle = span_of(before).middle
    seen = Seen(span_of(before), middle, middle, 0.5, chances=(0.1, 0.1))
    assert numeric_change(before, before, seen).why == why


@pytest.mark.parametrize(
    ("high", "why"),
    [(0.67, "it is as narrow as it may get"), (0.63, "good trials lie all over it")],
)
def test_a_range_that_is_as_narrow_as_may_be_says_so(high: float, why: str) -> None:
    narrow = SUBSAMPLE.but(low=0.6, high=high)  # 0.67: a tenth of what its limits allow
    middle = span_of(narrow).middle
    seen = Seen(span_of(narrow), middle, middle, 0.5)
    assert numeric_change(narrow, narrow, seen).why == why


def test_a_range_that_ends_at_its_lower_hard_limit_says_so() -> None:
    seen = Seen(Span(0.0, 0.1), 0.05, 0.0, 0.5)
    assert numeric_change(ALPHA, ALPHA, seen).why == "the best trials sit at its hard limit 0"


def test_a_choice_may_come_back() -> None:
    before = BOOSTER.but(choices=("gbtree", "dart"))
    told = categorical_change(before, BOOSTER.but(choices=("gbtree", "gblinear")))
    assert told.kind == "shifted"
    assert told.why == "dart never came near the best; gblinear may be good"
    assert categorical_change(before, BOOSTER).kind == "widened"
