"""Ranges move to where good trials are, and only as far as there is reason to."""

from __future__ import annotations

import math
import random
from typing import TYPE_CHECKING

import pytest

from tests.support.refining import (
    ALPHA,
    BOOSTER,
    DEPTH,
    LOSS,
    MOMENTUM,
    SPACE,
    SUBSAMPLE,
    change,
    go,
    holds_best,
    sample,
)
from tunewright.domain.changes import Seen, categorical_change, numeric_change, sits_at_end
from tunewright.domain.refinement import refine
from tunewright.domain.space import (
    CategoricalRange,
    ContinuousRange,
    IntegerRange,
    SearchSpace,
)
from tunewright.domain.spans import (
    FEWEST_INTEGERS,
    Span,
    floor_of,
    limit_shrinking,
    range_at,
    span_of,
)

if TYPE_CHECKING:
    from collections.abc import Mapping


def test_ranges_move_to_the_good_part() -> None:
    refinement = go(SPACE, sample(SPACE), adaptive=False)
    assert refinement.method == "surrogate"
    eta, depth, alpha = (change(refinement, name) for name in ("eta", "max_depth", "alpha"))
    assert eta.kind in {"widened high", "shifted"}
    assert isinstance(eta.after, ContinuousRange)
    assert eta.after.high > 0.03
    assert eta.why == "the best trials sat at the upper edge" or eta.kind == "shifted"
    assert isinstance(depth.after, IntegerRange)
    assert depth.after.low >= 2
    assert depth.after.low <= 6 <= depth.after.high
    assert isinstance(alpha.after, ContinuousRange)
    assert alpha.after.high < 11
    assert "eta" in refinement.at_edge
    assert change(refinement, "booster").after.choices[0] == "gbtree"  # type: ignore[union-attr]
    assert refinement.room is not None
    assert refinement.room > 0


def test_trials_that_learn_keep_the_ranges_that_the_optimum_is_not_likely_beyond() -> None:
    refinement = go(SPACE, sample(SPACE))
    moved = {each.name for each in refinement.changes if each.after != each.before}
    assert moved == {"eta"}
    assert change(refinement, "eta").kind in {"widened high", "shifted"}
    depth, booster = change(refinement, "max_depth"), change(refinement, "booster")
    assert depth.why == "nothing better is likely beyond it"
    assert booster.why == "each of them may still be the best"
    again = go(refinement.space.but(ranges=(DEPTH, BOOSTER)), sample(SPACE))
    assert again.method == "surrogate"
    assert all(each.kind == "unchanged" for each in again.changes)


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


def test_a_range_is_widened_where_the_best_trial_is_at_its_soft_end() -> None:
    narrow = SearchSpace(ranges=(DEPTH.but(high=3), SUBSAMPLE))
    trials = sample(narrow, lambda p: -float(p["max_depth"]) - float(p["subsample"]), count=11)
    widened = change(go(narrow, trials), "max_depth")
    assert widened.kind == "widened high"
    assert widened.why == "the best trials sat at the upper edge"


def test_rounds_reach_an_optimum_far_outside_the_first_ranges() -> None:
    space, trials = SPACE, sample(SPACE, count=25)
    for round_number in (2, 3, 4):
        space = refine(space, trials, LOSS, study_id="s", round_number=round_number).space
        trials += [
            each.but(name=f"r{round_number}-{each.name}", round_number=round_number)
            for each in sample(space, count=20, seed=round_number)
        ]
    eta = space["eta"]
    assert isinstance(eta, ContinuousRange)
    assert eta.low <= 0.08 <= eta.high
    assert min(each.objective or 9.0 for each in trials) < 0.4


def test_a_parameter_without_effect_stays_the_users_own() -> None:
    calm = [
        change(go(SPACE, sample(SPACE, count=60, seed=seed)), name)
        for seed in range(4)
        for name in ("subsample", "momentum")
    ]
    kept = [each for each in calm if each.after == each.before]
    assert len(kept) >= 6
    assert any(each.why == "it made no difference" for each in kept)


def test_a_hopeless_choice_is_dropped_and_a_hardly_tried_one_kept() -> None:
    trials = [
        each.but(parameters={**each.parameters, "booster": "dart"})
        if each.parameters["booster"] == "gblinear" and index > 3
        else each
        for index, each in enumerate(sample(SPACE, count=60))
    ]
    tried = [
        each.but(parameters={**each.parameters, "booster": "gbtree"})
        if each.parameters["booster"] == "gblinear"
        else each
        for each in trials
    ]
    booster = change(go(SPACE, tried), "booster").after
    assert isinstance(booster, CategoricalRange)
    assert "gblinear" in booster.choices  # never tried
    full = change(go(SPACE, sample(SPACE, count=120, seed=5), adaptive=False), "booster")
    assert isinstance(full.after, CategoricalRange)
    assert "gblinear" not in full.after.choices
    assert len(full.after.choices) == 2
    assert full.sentence == (
        "booster gbtree | dart | gblinear → gbtree | dart: narrowed, "
        "gblinear never came near the best"
    )


def test_sentences_tell_the_scaling_once() -> None:
    sentence = change(go(SPACE, sample(SPACE)), "eta").sentence
    assert sentence.startswith("eta 0.001–0.01 → 0.00")
    assert " (log): " in sentence


def test_the_optimum_at_a_hard_limit_is_told() -> None:
    space = SearchSpace(ranges=(SUBSAMPLE, MOMENTUM))
    trials = sample(space, lambda p: -10 * float(p["subsample"]), count=30)
    assert change(go(space, trials, adaptive=False), "subsample").kind == "narrowed"
    kept = go(space, trials)
    assert change(kept, "subsample").why == "the best trials sit at its hard limit 1"
    assert "subsample" not in kept.at_edge


def test_nothing_is_decided_without_trials() -> None:
    refinement = go(SPACE, [])
    assert refinement.method == "unchanged"
    assert refinement.space == SPACE
    assert "too few" in refinement.reason
    assert all(each.kind == "unchanged" for each in refinement.changes)
    assert refinement.changes[0].sentence.endswith(refinement.reason)


@pytest.mark.parametrize("count", [4, 40])
def test_equal_values_change_nothing(count: int) -> None:
    refinement = go(SPACE, sample(SPACE, lambda _: 0.7, count))
    assert (refinement.method, refinement.space) == ("unchanged", SPACE)
    assert refinement.reason == f"all {count} trials have the same value"


def test_few_trials_make_a_trust_region() -> None:
    trials = sample(SPACE, count=6)
    refinement = go(SPACE, trials)
    assert refinement.method == "trust region"
    assert refinement.room is None
    assert holds_best(refinement.space, trials)


def test_a_trust_region_halves_after_a_round_without_gain() -> None:
    space = SearchSpace(ranges=(SUBSAMPLE, MOMENTUM))
    trials = sample(space, lambda p: float(p["momentum"]), count=7)
    worse = [
        each.but(name=f"x{index}", round_number=2, objective=(each.objective or 0.0) + 1)
        for index, each in enumerate(trials[:3])
    ]
    first, second = go(space, trials[:4]), go(space, trials[:4] + worse)
    widths = [[each.width for each in refinement.changes] for refinement in (first, second)]
    assert all(then < now for now, then in zip(*widths, strict=True))


def test_a_surrogate_that_fails_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ArithmeticError("covariance is not positive definite")

    monkeypatch.setattr("gp_surrogate.region.good_region", fail)
    trials = sample(SPACE)
    refinement = go(SPACE, trials)
    assert refinement.method == "trust region"
    assert refinement.reason == "no surrogate: covariance is not positive definite"
    assert holds_best(refinement.space, trials)


def test_keep_exploring_widens_what_is_kept() -> None:
    trials = sample(SPACE)
    narrow, wide = (go(SPACE, trials, keep_exploring=share, adaptive=False) for share in (0.0, 0.5))
    for tight, loose in zip(narrow.changes, wide.changes, strict=True):
        assert loose.width >= tight.width - 1e-6
    whole = go(SPACE, trials, keep_exploring=1.0, adaptive=False)
    assert all(
        each.kind in {"unchanged", "widened", "widened low", "widened high"}
        for each in whole.changes
        if each.name != "booster"
    )


@pytest.mark.parametrize("seed", range(4))
def test_noise_moves_no_range_of_trials_that_learn_and_cuts_those_of_others(seed: int) -> None:
    clear = sample(SPACE)
    luck = random.Random(seed)  # noqa: S311 - reproducible, not secret
    noise = [each.but(objective=luck.gauss(0.0, 1.0)) for each in clear]
    foreseen, blind, random_search = (
        go(SPACE, clear),
        go(SPACE, noise),
        go(SPACE, noise, adaptive=False),
    )
    assert foreseen.reason == "fitted to 40 trials, of whose variance it foresees 100%"
    best = min(noise, key=lambda each: each.objective or 0.0)
    for each, range_ in zip(blind.changes, SPACE.ranges, strict=True):
        if isinstance(range_, CategoricalRange):
            continue
        at_end = sits_at_end(range_, range_.to_unit(float(best.parameters[each.name])))
        assert each.after == each.before or any(at_end)
    assert any(each.width < 0.8 for each in random_search.changes if each.name != "booster")


@pytest.mark.parametrize("low", [0.35, 0.4])
@pytest.mark.parametrize("count", [15, 40])
def test_ranges_that_hold_the_optimum_stay_however_much_room_there_is(
    low: float, count: int
) -> None:
    """Room is no reason: of twelve ends none is passed where the optimum lies within."""
    space = SearchSpace(
        ranges=tuple(
            SUBSAMPLE.but(name=f"x{each}", low=low, high=low + 0.2, hard_low=0.0, hard_high=1.0)
            for each in range(6)
        )
    )
    trials = sample(
        space, lambda p: sum((float(x) - low - 0.1) ** 2 for x in p.values()), count=count
    )
    assert all(each.kind == "unchanged" for each in go(space, trials).changes)


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_a_range_is_let_go_past_the_end_beyond_which_the_optimum_is_likely(sign: float) -> None:
    space = SearchSpace(
        ranges=tuple(
            SUBSAMPLE.but(name=f"x{each}", low=0.4, high=0.6, hard_low=0.0, hard_high=1.0)
            for each in range(3)
        )
    )

    def loss(point: Mapping[str, str]) -> float:
        beyond = 0.5 + sign * 0.13
        return sum((float(x) - (beyond if name == "x1" else 0.5)) ** 2 for name, x in point.items())

    found = go(space, sample(space, loss, count=30))
    moved = {each.name: each for each in found.changes if each.after != each.before}
    assert set(moved) == {"x1"}
    assert moved["x1"].kind == ("widened high" if sign > 0 else "widened low")
    assert moved["x1"].width == pytest.approx(1.5, rel=0.01)


def test_a_random_search_is_narrowed_harder() -> None:
    trials = sample(SPACE)
    mild, hard = (go(SPACE, trials, adaptive=adaptive) for adaptive in (True, False))
    widths = [math.prod(each.width for each in found.changes) for found in (mild, hard)]
    assert widths[1] < widths[0]


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
