"""Durations, money and shares are read as people write them, and written as people read them."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunewright.domain.objective import Goal, Objective
from tunewright.domain.prices import price_per_second
from tunewright.domain.round import Bar
from tunewright.domain.values import (
    cents_up,
    parse_duration,
    parse_money,
    parse_share,
    round_up_money,
    show_duration,
    show_gain,
    show_money,
    show_number,
    word,
)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90), ("20m", 1200), (" 1.5 h ", 5400), ("7d", 604800), (90, 90), (0.2, 1)],
)
def test_a_duration_is_read(text: str | float, seconds: int) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    "text", ["", "20", "20 min", "-1h", "0s", 0, -5, True, float("nan"), [1], None]
)
def test_what_is_no_duration_is_refused(text: Any) -> None:
    with pytest.raises(ValueError, match="such as 20m"):
        parse_duration(text)


def test_a_duration_has_an_end() -> None:
    with pytest.raises(ValueError, match="a duration is at most"):
        parse_duration(float("inf"))


@pytest.mark.parametrize(
    ("text", "amount"),
    [("40 USD", "40"), ("$40", "40"), ("0.5usd", "0.5"), (40, "40"), (Decimal("1.5"), "1.5")],
)
def test_an_amount_is_read(text: Any, amount: str) -> None:
    assert parse_money(text) == Decimal(amount)


@pytest.mark.parametrize("text", ["", "40 EUR", "-1", -1, True, float("nan"), [40], {}, None])
def test_what_is_no_amount_is_refused(text: Any) -> None:
    with pytest.raises(ValueError, match="40 USD"):
        parse_money(text)


@pytest.mark.parametrize(("text", "share"), [("30%", 0.3), (" 15 % ", 0.15), ("0.2", 0.2), (1, 1)])
def test_a_share_is_read(text: str | float, share: float) -> None:
    assert parse_share(text) == share


@pytest.mark.parametrize(
    "text", ["", "much", "x%", "101%", -0.1, 1.5, True, float("nan"), [0.1], {}, None]
)
def test_what_is_no_share_is_refused(text: Any) -> None:
    with pytest.raises(ValueError, match="a share"):
        parse_share(text)


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.4, "0 s"), (60, "1 min"), (90061, "1 d 1 h"), (3599.6, "1 h")]
)
def test_a_duration_is_written_in_its_two_largest_units(seconds: float, text: str) -> None:
    assert show_duration(seconds) == text


@given(amount=st.decimals(0, 10**6, allow_nan=False, places=9))
def test_money_is_never_rounded_down(amount: Decimal) -> None:
    assert amount <= round_up_money(amount) <= amount + Decimal("0.000001")
    assert amount <= cents_up(amount) <= amount + Decimal("0.01")


def test_numbers_are_shown_with_the_digits_that_a_reader_needs() -> None:
    assert show_number(0.927149) == "0.92715"
    assert show_gain(0.0056187) == "0.0056"
    assert show_money(Decimal("0.01")) == "$0.01"
    assert show_money(Decimal("-0.004")) == "$-0.004"


def test_hyperparameters_are_written_as_aws_takes_them() -> None:
    assert [word(each) for each in (False, 3, 0.5, "gbtree")] == ["false", "3", "0.5", "gbtree"]


def test_a_changed_value_is_a_new_one_and_an_unknown_field_is_an_error() -> None:
    bar = Bar(value=0.5, trial="a")
    assert bar.but(value=0.6) == Bar(value=0.6, trial="a")
    assert bar.value == 0.5
    with pytest.raises(TypeError, match="Bar has no field height, width"):
        bar.but(width=1, height=2)


@pytest.mark.parametrize(("goal", "sign"), [(Goal.MAXIMIZE, 1), (Goal.MINIMIZE, -1)])
def test_gain_is_positive_when_it_is_better(goal: Goal, sign: int) -> None:
    objective = Objective(metric="m", goal=goal)
    assert objective.gain(0.25, 0.75) == sign * 0.5
    assert objective.better(0.75, 0.25) is (sign == 1)
    assert objective.better(0.25, None)
    assert not objective.better(0.25, 0.25)


def test_a_price_of_the_profile_comes_before_the_tables() -> None:
    assert price_per_second("ml.m5.large", {"ml.m5.large": Decimal(36)}) == Decimal("0.01")
    assert price_per_second("ml.m5.large", {}) * 3600 == Decimal("0.115")
    with pytest.raises(KeyError, match=r"ml\.new"):
        price_per_second("ml.new", {})
