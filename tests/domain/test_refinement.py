"""Refined ranges hold the best trial and keep their limits, whatever is done to the records."""

from __future__ import annotations

import math
import random
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sagemaker_local import ranges
from sagemaker_local.suggest.space import Space
from tunewright.domain.changes import Seen, categorical_change, numeric_change
from tunewright.domain.lessons import AT_MOST, Lesson, Lessons, View, learn
from tunewright.domain.objective import Goal, Objective
from tunewright.domain.refinement import Refinement, refine, seed_of
from tunewright.domain.space import (
    CategoricalRange,
    ContinuousRange,
    IntegerRange,
    Scaling,
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
from tunewright.domain.trial import Trial, TrialStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from tunewright.domain.changes import RangeChange
    from tunewright.domain.space import NumericRange

WHEN = datetime(2026, 1, 1, tzinfo=UTC)
LOSS = Objective(metric="validation:rmse", goal=Goal.MINIMIZE)
SCORE = Objective(metric="validation:auc", goal=Goal.MAXIMIZE)

ETA = ContinuousRange(
    name="eta",
    low=0.001,
    high=0.01,
    hard_low=0.001,
    hard_high=0.5,
    scaling=Scaling.LOGARITHMIC,
)
DEPTH = IntegerRange(name="max_depth", low=1, high=12, hard_low=1, hard_high=12)
SUBSAMPLE = ContinuousRange(name="subsample", low=0.5, high=1.0, hard_low=0.3, hard_high=1.0)
MOMENTUM = ContinuousRange(
    name="momentum",
    low=0.5,
    high=0.9,
    hard_low=0.0,
    hard_high=0.999,
    scaling=Scaling.REVERSE_LOGARITHMIC,
)
ALPHA = ContinuousRange(name="alpha", low=0.0, high=10.0, hard_low=0.0, hard_high=1000.0)
BOOSTER = CategoricalRange(
    name="booster",
    choices=("gbtree", "dart", "gblinear"),
    hard_choices=("gbtree", "dart", "gblinear"),
)
SPACE = SearchSpace(ranges=(ETA, DEPTH, SUBSAMPLE, MOMENTUM, ALPHA, BOOSTER))


def trial(
    number: int, parameters: Mapping[str, str], objective: float | None, **more: object
) -> Trial:
    fields: dict[str, object] = {
        "name": f"t-{number:03d}",
        "study_id": "s",
        "tuning_job": "j",
        "round_number": 1,
        "parameters": dict(parameters),
        "status": TrialStatus.COMPLETED,
        "objective": objective,
        "created": WHEN,
        **more,
    }
    return Trial.model_validate(fields)


def draw(space: SearchSpace, source: random.Random) -> dict[str, str]:
    """A random point of the ranges, as AMT's strings."""
    found = {}
    for each in space.ranges:
        if isinstance(each, CategoricalRange):
            found[each.name] = source.choice(each.choices)
        elif isinstance(each, IntegerRange):
            found[each.name] = str(source.randint(each.low, each.high))
        else:
            span = span_of(each)
            value = each.from_unit(source.uniform(span.low, span.high))
            found[each.name] = each.format(min(max(value, each.low), each.high))
    return found


def bowl(parameters: Mapping[str, str]) -> float:
    """Best at a high eta, depth 6, alpha 3, gbtree; subsample and momentum make no difference."""
    eta = math.log(float(parameters["eta"]) / 0.08)
    return (
        0.3 * eta**2
        + 0.05 * (int(parameters["max_depth"]) - 6) ** 2
        + 0.02 * (float(parameters["alpha"]) - 3) ** 2
        + {"gbtree": 0.0, "dart": 1.0, "gblinear": 3.0}[parameters["booster"]]
    )


def sample(
    space: SearchSpace,
    function: Callable[[Mapping[str, str]], float] = bowl,
    count: int = 40,
    seed: int = 0,
) -> list[Trial]:
    source = random.Random(seed)  # noqa: S311 - reproducible, not secret
    points = [draw(space, source) for _ in range(count)]
    return [trial(index, point, function(point)) for index, point in enumerate(points)]


def go(
    space: SearchSpace,
    trials: Sequence[Trial],
    objective: Objective = LOSS,
    *,
    study_id: str = "s",
    keep_exploring: float = 0.15,
    adaptive: bool = True,
) -> Refinement:
    return refine(
        space,
        trials,
        objective,
        study_id=study_id,
        round_number=2,
        keep_exploring=keep_exploring,
        adaptive=adaptive,
    )


def change(refinement: Refinement, name: str) -> RangeChange:
    return next(each for each in refinement.changes if each.name == name)


# -- what it does -------------------------------------------------------------------------------


def test_ranges_move_to_the_good_part() -> None:
    refinement = go(SPACE, sample(SPACE))
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
    full = change(go(SPACE, sample(SPACE, count=120, seed=5)), "booster")
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
    refinement = go(space, trials)
    assert change(refinement, "subsample").kind == "narrowed"
    wide = go(space, trials, keep_exploring=1.0)
    assert change(wide, "subsample").why == "the best trials sit at its hard limit 1"
    assert "subsample" not in wide.at_edge


# -- guards -------------------------------------------------------------------------------------


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
    narrow, wide = (go(SPACE, trials, keep_exploring=share) for share in (0.0, 0.5))
    for tight, loose in zip(narrow.changes, wide.changes, strict=True):
        assert loose.width >= tight.width - 1e-6
    whole = go(SPACE, trials, keep_exploring=1.0)
    assert all(
        each.kind in {"unchanged", "widened", "widened low", "widened high"}
        for each in whole.changes
        if each.name != "booster"
    )


@pytest.mark.parametrize("seed", range(4))
def test_ranges_are_cut_only_as_far_as_the_surrogate_foresees_the_trials(seed: int) -> None:
    clear = sample(SPACE)
    luck = random.Random(seed)  # noqa: S311 - reproducible, not secret
    noise = [each.but(objective=luck.gauss(0.0, 1.0)) for each in clear]
    foreseen, blind, random_search = (
        go(SPACE, clear),
        go(SPACE, noise),
        go(SPACE, noise, adaptive=False),
    )
    assert foreseen.reason == "fitted to 40 trials, of whose variance it foresees 100%"
    assert any(each.width < 0.8 for each in foreseen.changes)
    assert all(each.width > 0.95 for each in blind.changes if each.name != "booster")
    assert any(each.width < 0.8 for each in random_search.changes if each.name != "booster")


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


def holds_best(space: SearchSpace, trials: Sequence[Trial], objective: Objective = LOSS) -> bool:
    scored = [each for each in trials if each.is_scored and each.objective is not None]
    best = min(scored, key=lambda each: (objective.loss(each.objective or 0.0), each.name))
    for each in space.ranges:
        value = each.parse(best.parameters[each.name])
        if isinstance(each, CategoricalRange):
            if value not in each.choices:
                return False
        elif not each.low <= float(value) <= each.high:
            return False
    return True


# -- properties ---------------------------------------------------------------------------------


@st.composite
def numeric_ranges(draw_: st.DrawFn, name: str) -> NumericRange:
    if draw_(st.booleans()):
        hard_low = draw_(st.integers(1, 50))
        hard_high = hard_low + draw_(st.integers(1, 300))
        low = draw_(st.integers(hard_low, hard_high - 1))
        high = draw_(st.integers(low + 1, hard_high))
        scaling = draw_(st.sampled_from([Scaling.LINEAR, Scaling.LOGARITHMIC]))
        return IntegerRange(
            name=name, low=low, high=high, hard_low=hard_low, hard_high=hard_high, scaling=scaling
        )
    scaling = draw_(st.sampled_from(list(Scaling)))
    places = sorted(draw_(st.lists(st.integers(0, 100), min_size=4, max_size=4, unique=True)))
    if scaling is Scaling.LINEAR:
        unit = draw_(st.sampled_from([1e-3, 1.0, 1e5]))
        values = [unit * (place - 30) for place in places]
    elif scaling is Scaling.LOGARITHMIC:
        values = [10 ** (place / 20 - 4) for place in places]
    else:
        values = [1 - 10 ** (-place / 25) for place in places]
    floor, first, last, ceiling = values
    return ContinuousRange(
        name=name,
        low=first,
        high=last,
        hard_low=draw_(st.sampled_from([floor, first])),
        hard_high=draw_(st.sampled_from([ceiling, last])),
        scaling=scaling,
    )


@st.composite
def spaces(draw_: st.DrawFn) -> SearchSpace:
    count = draw_(st.integers(1, 4))
    ranges = [draw_(numeric_ranges(f"p{index}")) for index in range(count)]
    if draw_(st.booleans()):
        choices = ("a", "b", "c")
        return SearchSpace(
            ranges=(*ranges, CategoricalRange(name="c", choices=choices, hard_choices=choices))
        )
    return SearchSpace(ranges=tuple(ranges))


@st.composite
def studies(draw_: st.DrawFn) -> tuple[SearchSpace, list[Trial]]:
    space = draw_(spaces())
    source = random.Random(draw_(st.integers(0, 10**6)))  # noqa: S311
    centre = [source.random() for _ in space.ranges]

    def loss(parameters: Mapping[str, str]) -> float:
        total = 0.1 * source.random()
        for each, middle in zip(space.ranges, centre, strict=True):
            value = each.parse(parameters[each.name])
            if not isinstance(each, CategoricalRange):
                total += (each.to_unit(float(value)) - middle) ** 2
        return round(total, 6)

    count = draw_(st.integers(0, 30))
    trials = [
        trial(index, point, loss(point))
        for index, point in enumerate(draw(space, source) for _ in range(count))
    ]
    changed = []
    for each in trials:
        match source.randrange(10):
            case 0:
                changed.append(each.but(status=TrialStatus.STOPPED))
            case 1:
                failed = {"status": TrialStatus.FAILED, "objective": None}
                reason = source.choice(["AlgorithmError: …", "CapacityError: …"])
                changed.append(each.but(**failed, failure_reason=reason))
            case 2:
                changed.append(each.but(status=TrialStatus.IN_PROGRESS, objective=None))
            case _:
                changed.append(each)
    return space, changed


STUDIES = settings(max_examples=40, deadline=None)


@STUDIES
@given(studies())
def test_refined_ranges_are_valid(study: tuple[SearchSpace, list[Trial]]) -> None:
    space, trials = study
    refinement = go(space, trials)
    assert refinement.space.names == space.names
    for before, after in zip(space.ranges, refinement.space.ranges, strict=True):
        assert type(before) is type(after)
        if isinstance(after, CategoricalRange):
            assert set(after.choices) <= set(after.hard_choices)
            assert after.choices
            continue
        assert not isinstance(before, CategoricalRange)
        assert (after.scaling, after.hard_low, after.hard_high) == (
            before.scaling,
            before.hard_low,
            before.hard_high,
        )
        low, high = (after.parse(after.format(bound)) for bound in (after.low, after.high))
        assert after.hard_low <= low < high <= after.hard_high
        if isinstance(after, IntegerRange) and refinement.method != "unchanged":
            assert high - low + 1 >= min(3, after.hard_high - after.hard_low + 1)
    for each in refinement.changes:
        assert each.sentence
        assert (each.kind == "unchanged") == (each.before == each.after)
    if any(each.is_scored for each in trials) and refinement.method != "unchanged":
        assert holds_best(refinement.space, trials)


@STUDIES
@given(studies(), st.booleans())
def test_refined_ranges_are_legal_for_amt(
    study: tuple[SearchSpace, list[Trial]], adaptive: bool
) -> None:
    space, trials = study
    refined = go(space, trials, adaptive=adaptive).space
    ranges.check(refined.to_amt(), {})  # raises what AMT would answer
    assert len(Space.parse(refined.to_amt())) == len(space)


@settings(max_examples=5, deadline=None)
@given(st.integers(1, 30), st.integers(0, 99))
def test_any_number_of_parameters_is_refined(count: int, seed: int) -> None:
    space = SearchSpace(
        ranges=tuple(ALPHA.but(name=f"p{number}", high=900.0) for number in range(count))
    )
    trials = sample(space, lambda p: sum(float(each) for each in p.values()), count=40, seed=seed)
    refined = go(space, trials)
    assert refined.method == "surrogate"
    ranges.check(refined.space.to_amt(), {})
    assert holds_best(refined.space, trials)


@STUDIES
@given(studies())
def test_a_random_search_is_refined_alike_in_any_order_and_direction(
    study: tuple[SearchSpace, list[Trial]],
) -> None:
    space, trials = study
    mirrored = [
        each if each.objective is None else each.but(objective=-each.objective)
        for each in reversed(trials)
    ]
    plain = go(space, trials, adaptive=False)
    assert go(space, mirrored, SCORE, adaptive=False) == plain


@STUDIES
@given(studies(), st.randoms(use_true_random=False))
def test_order_and_repetition_do_not_matter(
    study: tuple[SearchSpace, list[Trial]], source: random.Random
) -> None:
    space, trials = study
    shuffled = trials + [each for each in trials if source.random() < 0.5]
    source.shuffle(shuffled)
    assert go(space, shuffled) == go(space, trials)


@STUDIES
@given(studies())
def test_maximize_mirrors_minimize(study: tuple[SearchSpace, list[Trial]]) -> None:
    space, trials = study
    mirrored = [
        each if each.objective is None else each.but(objective=-each.objective) for each in trials
    ]
    assert go(space, mirrored, SCORE) == go(space, trials)


@STUDIES
@given(studies(), st.sampled_from([1e-6, 0.5, 3.0, 1e5]), st.sampled_from([0.0, -7.0, 40.0]))
def test_the_unit_of_the_objective_does_not_matter(
    study: tuple[SearchSpace, list[Trial]], factor: float, shift: float
) -> None:
    space, trials = study
    rescaled = [
        each if each.objective is None else each.but(objective=factor * (each.objective + shift))
        for each in trials
    ]
    assert close(go(space, rescaled), go(space, trials))


def close(first: Refinement, second: Refinement) -> bool:
    """Equal but for the last digit of a computed bound."""
    for one, other in zip(first.space.ranges, second.space.ranges, strict=True):
        if isinstance(one, ContinuousRange) and isinstance(other, ContinuousRange):
            size = one.hard_high - one.hard_low
            near = all(
                math.isclose(a, b, rel_tol=2e-3, abs_tol=1e-5 * size)
                for a, b in ((one.low, other.low), (one.high, other.high))
            )
            if not near:
                return False
        elif one != other:
            return False
    return first.method == second.method


def test_the_unit_of_a_linear_parameter_does_not_matter() -> None:
    trials = sample(SPACE)
    factor = 1000
    numbers = {
        key: factor * getattr(ALPHA, key) for key in ("low", "high", "hard_low", "hard_high")
    }
    milli = SPACE.but(
        ranges=tuple(ALPHA.but(**numbers) if each is ALPHA else each for each in SPACE.ranges)
    )
    converted = [
        each.but(
            parameters={
                **each.parameters,
                "alpha": repr(factor * float(each.parameters["alpha"])),
            }
        )
        for each in trials
    ]
    plain, scaled = go(SPACE, trials), go(milli, converted)
    before, after = plain.space["alpha"], scaled.space["alpha"]
    assert isinstance(before, ContinuousRange)
    assert isinstance(after, ContinuousRange)
    assert after.low == pytest.approx(factor * before.low, rel=2e-3)
    assert after.high == pytest.approx(factor * before.high, rel=2e-3)
    assert scaled.space["eta"] == plain.space["eta"]


def test_the_seed_depends_on_study_and_round_alone() -> None:
    assert seed_of("a", 1) == seed_of("a", 1)
    assert len({seed_of("a", 1), seed_of("a", 2), seed_of("b", 1)}) == 3
    trials = sample(SPACE)
    assert go(SPACE, trials) == go(SPACE, trials)
    other = go(SPACE, trials, study_id="other")
    assert other.space != SPACE


# -- lessons ------------------------------------------------------------------------------------


def test_each_kind_of_trial_teaches_its_own() -> None:
    space = SearchSpace(ranges=(SUBSAMPLE,))

    def one(number: int, objective: float | None, status: TrialStatus, **more: object) -> Trial:
        return trial(number, {"subsample": "0.7"}, objective, status=status, **more)

    trials = [
        *(one(number, float(number), TrialStatus.COMPLETED) for number in range(1, 6)),
        one(6, 4.5, TrialStatus.STOPPED),  # worse than the median: it counts
        one(7, 1.5, TrialStatus.STOPPED),  # better: who knows where it would have gone
        one(8, None, TrialStatus.STOPPED),
        one(9, None, TrialStatus.FAILED, failure_reason="AlgorithmError: out of memory"),
        one(10, None, TrialStatus.FAILED, failure_reason="CapacityError: none left"),
        one(11, None, TrialStatus.COMPLETED),  # its metric was not found
        one(12, math.nan, TrialStatus.COMPLETED),  # it diverged
        one(13, None, TrialStatus.IN_PROGRESS),
        trial(14, {"subsample": "much"}, 1.0),
        trial(15, {}, 1.0),
        trial(16, {"subsample": "inf"}, 1.0),
    ]
    lessons = learn(space, trials, LOSS)
    assert [lesson.loss for lesson in lessons.lessons] == [1, 2, 3, 4, 5, 4.5, 5, 5]
    assert [lesson.scored for lesson in lessons.lessons] == [True] * 5 + [False] * 3
    assert lessons.best is lessons.lessons[0]
    assert lessons.spread == 2.0


def test_failures_alone_teach_nothing() -> None:
    failed = trial(1, {"subsample": "0.7"}, None, status=TrialStatus.FAILED)
    lessons = learn(SearchSpace(ranges=(SUBSAMPLE,)), [failed], LOSS)
    assert len(lessons) == 0
    assert lessons.best is None


def test_outliers_are_tamed_and_many_trials_thinned() -> None:
    def lessons(losses: Sequence[float]) -> Lessons:
        return Lessons(tuple(Lesson((0.5,), loss, True, 1) for loss in losses), 1.0)

    assert lessons([1.0, 2.0, 3.0, 4.0, 1e9]).tamed == (1.0, 2.0, 3.0, 4.0, 7.0)
    assert lessons([1.0]).tamed == (1.0,)
    many = lessons([float(500 - number) for number in range(500)]).to_fit
    assert len(many) == AT_MOST
    assert set(range(400, 500)) <= set(many)
    assert lessons([1.0, 2.0]).to_fit == (0, 1)


def test_the_newest_trials_gain_is_what_they_bettered_the_others_by() -> None:
    def lessons(losses: Sequence[float]) -> Lessons:
        return Lessons(tuple(Lesson((0.5,), loss, True, 1) for loss in losses), 1.0)

    course = lessons([5.0, 3.0, 4.0, 2.0])
    assert course.latest_gain(1) == 1.0
    assert course.latest_gain(2) == 1.0
    assert course.latest_gain(9) == 1.0  # at most half
    assert lessons([1.0, 2.0]).latest_gain(1) == 0.0
    assert lessons([1.0]).latest_gain(3) == 0.0


def test_a_view_holds_box_and_trials_on_the_cube() -> None:
    trials = sample(SPACE, count=10)
    view = View.of(SPACE, learn(SPACE, trials, LOSS), 0.5)
    numbers = [index for index, size in enumerate(view.sizes) if not size]
    for index in numbers:
        column = [row[index] for row in view.rows] + [view.low[index], view.high[index]]
        assert min(column) == pytest.approx(0.0, abs=1e-12)
        assert max(column) == pytest.approx(1.0)
        assert view.low[index] <= view.core_low[index] < view.core_high[index] <= view.high[index]
    assert view.back(4, view.onto((0.0,) * 4 + (0.005, 0.0))[4]) == pytest.approx(0.005)
    assert view.allowed[-1] == (0, 1, 2)
