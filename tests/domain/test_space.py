"""Values reach AMT's strings and the unit axis and come back; computed bounds round outward."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.build import continuous, integer, spec
from tunewright.domain.space import (
    CategoricalRange,
    ContinuousRange,
    IntegerRange,
    Scaling,
    SearchSpace,
    choose_scaling,
    round_outward,
    show_range,
)

LINEAR, LOG, REVERSE = Scaling
BOOSTER = CategoricalRange(name="booster", choices=("dart",), hard_choices=("gbtree", "dart"))
FINITE = st.floats(-1e12, 1e12, allow_nan=False)


@st.composite
def continuous_with_value(draw: st.DrawFn) -> tuple[ContinuousRange, float]:
    scaling = draw(st.sampled_from(Scaling))
    bounds = {LINEAR: (-1e6, 1e6), LOG: (1e-9, 1e6), REVERSE: (0.0, 0.9999)}[scaling]
    numbers = st.floats(*bounds)
    low, value, high = sorted(draw(st.tuples(numbers, numbers, numbers)))
    if high - low < 1e-6 * max(1.0, abs(high)):
        low, high = bounds
    return continuous(low, high, scaling=scaling), value


@st.composite
def integer_with_value(draw: st.DrawFn) -> tuple[IntegerRange, int]:
    scaling = draw(st.sampled_from([LINEAR, LOG]))
    low = draw(st.integers(1 if scaling is LOG else -1000, 1000))
    high = low + draw(st.integers(1, 5000))
    return integer(low, high, scaling=scaling), draw(st.integers(low, high))


@given(value=st.floats(allow_nan=False, allow_infinity=False))
def test_a_real_number_survives_amts_strings_exactly(value: float) -> None:
    range_ = continuous(0.0, 1.0)
    assert range_.parse(range_.format(value)) == value


@given(value=st.integers())
def test_a_whole_number_survives_amts_strings_exactly(value: int) -> None:
    range_ = integer(0, 1)
    assert range_.parse(range_.format(value)) == value


@given(drawn=continuous_with_value())
def test_a_real_number_comes_back_from_the_unit_axis(
    drawn: tuple[ContinuousRange, float],
) -> None:
    range_, value = drawn
    unit = range_.to_unit(value)
    width = range_.hard_high - range_.hard_low
    assert -1e-9 <= unit <= 1 + 1e-9
    assert range_.from_unit(unit) == pytest.approx(value, rel=1e-6, abs=1e-6 * width)


@given(drawn=integer_with_value())
def test_a_whole_number_comes_back_from_the_unit_axis_as_itself(
    drawn: tuple[IntegerRange, int],
) -> None:
    range_, value = drawn
    unit = range_.to_unit(value)
    assert 0 < unit < 1
    assert range_.from_unit(unit) == value


@given(drawn=continuous_with_value(), unit=st.floats(-1, 2))
def test_no_coordinate_leads_past_the_hard_limits(
    drawn: tuple[ContinuousRange, float], unit: float
) -> None:
    range_, _ = drawn
    assert range_.hard_low <= range_.from_unit(unit) <= range_.hard_high


def test_every_integer_has_an_equal_stretch_of_a_linear_axis() -> None:
    range_ = integer(2, 5)
    assert [range_.to_unit(value) for value in (2, 3, 4, 5)] == [0.125, 0.375, 0.625, 0.875]
    assert [range_.from_unit(unit) for unit in (0.0, 0.26, 0.74, 1.0)] == [2, 3, 4, 5]


@pytest.mark.parametrize("text", ["nan", "inf", "-inf", "", "ten"])
def test_what_is_no_finite_number_is_no_value_of_a_real_range(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - float's own words differ
        continuous(0.0, 1.0).parse(text)


def test_a_fraction_is_no_value_of_an_integer_range() -> None:
    with pytest.raises(ValueError, match=r"3\.5"):
        integer(0, 9).parse("3.5")


def test_every_allowed_word_is_a_value_even_one_that_is_not_searched_now() -> None:
    assert BOOSTER.parse("gbtree") == "gbtree"
    assert BOOSTER.format("dart") == "dart"
    with pytest.raises(ValueError, match="'gblinear' is none of gbtree, dart"):
        BOOSTER.parse("gblinear")


def test_a_space_knows_its_ranges_by_name() -> None:
    space = spec().search_space
    assert space["max_depth"] == space.ranges[1]
    with pytest.raises(KeyError, match="gamma"):
        space["gamma"]


def test_a_space_is_written_as_amt_takes_it() -> None:
    space = SearchSpace(ranges=(continuous(0.5, 1.0), integer(1, 9, scaling=LOG), BOOSTER))
    assert space.to_amt() == {
        "ContinuousParameterRanges": [
            {"Name": "x", "MinValue": "0.5", "MaxValue": "1.0", "ScalingType": "Linear"}
        ],
        "IntegerParameterRanges": [
            {"Name": "n", "MinValue": "1", "MaxValue": "9", "ScalingType": "Logarithmic"}
        ],
        "CategoricalParameterRanges": [{"Name": "booster", "Values": ["dart"]}],
    }


def test_the_points_of_a_space_are_counted() -> None:
    both = BOOSTER.but(choices=BOOSTER.hard_choices)
    assert SearchSpace(ranges=(integer(3, 5), both)).combinations() == 6
    assert SearchSpace(ranges=(integer(3, 5), continuous(0, 1))).combinations() == math.inf


@pytest.mark.parametrize(
    ("range_", "text"),
    [
        (continuous(0.01, 0.5, scaling=LOG), "0.01–0.5 (log)"),
        (continuous(0.9, 0.999, scaling=REVERSE), "0.9–0.999 (reverse log)"),
        (integer(3, 12), "3–12"),
        (BOOSTER, "dart"),
    ],
)
def test_a_range_is_shown_as_a_person_says_it(
    range_: ContinuousRange | IntegerRange | CategoricalRange, text: str
) -> None:
    assert show_range(range_) == text


@pytest.mark.parametrize(
    ("low", "high", "scaling"),
    [(0.01, 1.0, LOG), (0.0101, 1.0, LINEAR), (0.0, 1000.0, LINEAR), (-1.0, 1.0, LINEAR)],
)
def test_a_range_over_two_decades_is_logarithmic(low: float, high: float, scaling: Scaling) -> None:
    assert choose_scaling(low, high) is scaling


@given(first=FINITE, second=FINITE)
def test_bounds_round_outward_to_four_digits_and_stay_there(first: float, second: float) -> None:
    low, high = sorted((first, second))
    rounded = round_outward(low, high, -math.inf, math.inf)
    assert rounded[0] <= low
    assert rounded[1] >= high
    assert all(float(f"{each:.3e}") == each for each in rounded)
    assert round_outward(*rounded, -math.inf, math.inf) == rounded


@given(first=FINITE, second=FINITE, third=FINITE, fourth=FINITE)
def test_rounding_never_passes_the_hard_limits(
    first: float, second: float, third: float, fourth: float
) -> None:
    hard_low, low, high, hard_high = sorted((first, second, third, fourth))
    rounded = round_outward(low, high, hard_low, hard_high)
    assert hard_low <= rounded[0] <= low
    assert high <= rounded[1] <= hard_high


def test_what_has_four_digits_stays_and_what_lies_a_hair_beyond_is_kept_inside() -> None:
    assert round_outward(0.07, 0.5, 0.0, 1.0) == (0.07, 0.5)
    low, high = math.nextafter(0.1234, 0), math.nextafter(0.5, 1)
    assert round_outward(low, high, 0.0, 1.0) == (0.1233, 0.5001)
