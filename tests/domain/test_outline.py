"""A study is counted before it is launched, and what may not be meant is told."""

from decimal import Decimal

import pytest

from tests.support.build import profile, spec
from tunewright.domain.errors import NotAllowedError
from tunewright.domain.outline import outline


def test_rounds_trials_and_money_are_counted() -> None:
    told = outline(spec(deploy={"to": "churn-prod", "lease": "1d"}), {}, Decimal(20))
    assert (told.rounds, told.first_trials, told.trials) == (3, 8, 24)
    assert told.round_cost == Decimal("0.368")
    assert told.search_cost == Decimal("1.104")
    assert told.reserve == Decimal("2.76")
    assert told.notes == ()


@pytest.mark.parametrize(("limit", "noted"), [("1.104", False), ("1.103", True)])
def test_a_budget_that_does_not_pay_for_all_rounds_is_noted(limit: str, noted: bool) -> None:
    told = outline(spec(), {}, Decimal(limit))
    assert ("budget" in dict(told.notes)) is noted


def test_a_first_round_is_counted_as_it_would_be_shrunk() -> None:
    assert outline(spec(), {}, Decimal("0.3")).first_trials == 6
    assert outline(spec(), {}, Decimal("0.2")).first_trials == 0


def test_one_round_for_all_trials_is_counted_as_such() -> None:
    made = spec(
        rounds={"max": 3, "trials": 8, "parallel": 2, "sizes": "auto"},
        search_space={"eta": {"range": [0.001, 0.5], "never_beyond": [0.001, 0.5]}},
    )
    told = outline(made, {}, Decimal(20))
    assert (told.rounds, told.first_trials, told.trials) == (3, 24, 24)


def test_without_a_limit_only_its_absence_is_noted() -> None:
    told = outline(spec().but(budget=None), {}, None)
    assert told.first_trials == 8
    assert [where for where, _ in told.notes] == [""]


def test_a_profile_must_price_what_our_table_does_not() -> None:
    odd = spec().but(training=spec().training.but(instance="ml.new"))
    with pytest.raises(NotAllowedError, match=r"no price is known of ml\.new; the profile default"):
        profile().check(odd)
    priced = profile(prices={"ml.new": Decimal(1)})
    priced.check(odd)
    assert outline(odd, priced.prices, Decimal(20)).round_cost == Decimal("1.6")


def test_the_endpoints_instance_is_checked_too() -> None:
    deploys = spec(deploy={"to": "churn-prod", "instance": "ml.g5.xlarge", "lease": "1h"})
    with pytest.raises(NotAllowedError, match=r"does not allow the instance type ml\.g5\.xlarge"):
        profile(instances=("ml.m5.*",)).check(deploys)
