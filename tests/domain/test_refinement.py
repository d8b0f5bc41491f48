"""Ranges move to where good trials are, and only as far as there is reason to."""

from __future__ import annotations

import math
import random
from typing import TYPE_CHECKING

import pytest

from tests.support.refining import (
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
from tunewright.domain.refinement import refine
from tunewright.domain.space import (
    CategoricalRange,
    ContinuousRange,
    IntegerRange,
    SearchSpace,
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


def test_trials_that_learn_keep_the_ranges_that_the_optimum_is_not_likely_beyond() -> None:
    refinement = go(SPACE, sample(SPACE))
    moved = {each.name for each in refinement.changes if each.after != each.before}
    assert moved == {"eta"}
    assert change(refinement, "eta").kind in {"widened high", "shifted"}
    depth, booster = change(refinement, "max_depth"), change(refinement, "booster")
    assert depth.why == "it fills its hard limits"
    assert change(refinement, "alpha").why == "nothing better is likely beyond it"
    assert booster.why == "each of them may still be the best"
    again = go(refinement.space.but(ranges=(DEPTH, BOOSTER)), sample(SPACE))
    assert again.method == "surrogate"
    assert all(each.kind == "unchanged" for each in again.changes)


def test_a_range_is_widened_where_the_best_trial_is_at_its_soft_end() -> None:
    narrow = SearchSpace(ranges=(DEPTH.but(high=3), SUBSAMPLE))
    trials = sample(narrow, lambda p: -float(p["max_depth"]) - float(p["subsample"]), count=11)
    widened = change(go(narrow, trials), "max_depth")
    assert widened.kind == "widened high"
    assert widened.why.startswith("something better lies beyond the upper edge with a chance of")


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


def test_the_best_choice_is_never_left_alone() -> None:
    trials = [
        each.but(objective=(0.0 if each.parameters["booster"] == "gbtree" else 5.0) + index / 1e3)
        for index, each in enumerate(sample(SPACE, count=120, seed=5))
    ]
    booster = change(go(SPACE, trials, adaptive=False), "booster").after
    assert isinstance(booster, CategoricalRange)
    assert len(booster.choices) == 2
    assert "gbtree" in booster.choices


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
    assert all(each.kind == "unchanged" for each in blind.changes)
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
