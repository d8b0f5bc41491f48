"""Refined ranges hold the best trial and keep their limits, whatever is done to the records."""

from __future__ import annotations

import math
import random
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sagemaker_local import ranges
from sagemaker_local.suggest.space import Space
from tests.support.refining import (
    ALPHA,
    SCORE,
    SPACE,
    draw,
    go,
    holds_best,
    sample,
    trial,
)
from tunewright.domain.limits import beyond
from tunewright.domain.refinement import Refinement, seed_of
from tunewright.domain.space import (
    CategoricalRange,
    ContinuousRange,
    IntegerRange,
    Scaling,
    SearchSpace,
)
from tunewright.domain.spec import Bound
from tunewright.domain.trial import Trial, TrialStatus

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tunewright.domain.space import NumericRange


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


@STUDIES
@given(
    studies(),
    st.floats(0.0, 1.0),
    st.booleans(),
    st.booleans(),
    st.randoms(use_true_random=False),
)
def test_under_limits_ranges_stay_legal_and_hold_the_best_that_may_win(
    study: tuple[SearchSpace, list[Trial]],
    most: float,
    adaptive: bool,
    known: bool,
    source: random.Random,
) -> None:
    space, trials = study
    limits = (Bound(quantity="load", at_most=most),)
    loaded = [
        each.but(metrics={"load": source.random()} if known or source.random() < 0.7 else {})
        for each in trials
    ]
    refined = go(space, loaded, adaptive=adaptive, limits=limits)
    ranges.check(refined.space.to_amt(), {})
    mirrored = [
        each if each.objective is None else each.but(objective=-each.objective)
        for each in (*reversed(loaded), *loaded[:3])
    ]
    assert go(space, mirrored, SCORE, adaptive=adaptive, limits=limits) == refined
    scored = [each for each in loaded if each.is_scored and each.objective is not None]
    if scored and refined.method != "unchanged":
        nearest = min(beyond(each, limits) for each in scored)
        assert holds_best(
            refined.space, [each for each in scored if beyond(each, limits) == nearest]
        )


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
