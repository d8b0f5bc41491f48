"""Money is reserved before it is spent, and no sequence of rounds passes the limit."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.build import profile, spec
from tunewright.domain.budget import (
    Ledger,
    affordable_trials,
    deployment_reserve,
    least_round_cost,
    least_trials,
    trial_cost,
    worst_case,
)
from tunewright.domain.spec import Strategy

SPEC = spec()
EACH = Decimal("0.046")  # 720 s at $0.23 an hour
CENTS = st.integers(0, 500).map(lambda cents: Decimal(cents) / 100)


@given(
    limit=CENTS,
    set_aside=CENTS,
    rounds=st.lists(st.tuples(st.integers(1, 40), st.floats(0, 1), st.booleans()), max_size=12),
)
def test_what_is_reserved_spent_and_set_aside_never_passes_the_limit(
    limit: Decimal, set_aside: Decimal, rounds: list[tuple[int, float, bool]]
) -> None:
    ledger = Ledger(set_aside=min(limit, set_aside))
    for wanted, used, happened in rounds:
        left = ledger.left(limit)
        assert left is not None
        trials = affordable_trials(SPEC, {}, wanted, left)
        if trials == 0:
            assert left < worst_case(SPEC, {}, min(wanted, least_trials(SPEC)))
            continue
        assert min(wanted, least_trials(SPEC)) <= trials <= wanted
        ledger = ledger.reserve(worst_case(SPEC, {}, trials), trials)
        assert ledger.spent + ledger.reserved + ledger.set_aside <= limit
        launched = round(used * trials)
        cost = launched * trial_cost(SPEC, {}, round(used * (SPEC.training.max_run + 120)))
        ledger = ledger.settle(cost, launched) if happened else ledger.release()
        assert (ledger.reserved, ledger.reserved_trials) == (Decimal(0), 0)
        assert ledger.spent + ledger.set_aside <= limit


def test_a_round_is_shrunk_to_what_is_left_and_below_the_least_it_is_none() -> None:
    assert worst_case(SPEC, {}, 1) == EACH
    assert [affordable_trials(SPEC, {}, 8, EACH * n) for n in (9, 8, 7, 5, 4)] == [8, 8, 7, 5, 0]
    assert affordable_trials(SPEC, {}, 3, EACH * 3) == 3
    assert affordable_trials(SPEC, {}, 8, Decimal(-1)) == 0
    assert affordable_trials(SPEC, {}, 8, None) == 8


def test_what_costs_nothing_is_always_affordable() -> None:
    free = {"ml.m5.xlarge": Decimal(0)}
    assert affordable_trials(SPEC, free, 8, Decimal(1)) == 8
    assert affordable_trials(SPEC, free, 8, Decimal(0)) == 8


@pytest.mark.parametrize(
    ("strategy", "parallel", "trials", "least"),
    [
        (Strategy.BAYESIAN, 2, 8, 5),  # parameters + 2
        (Strategy.BAYESIAN, 4, 12, 8),  # 2 × parallel
        (Strategy.RANDOM, 4, 6, 6),  # never more than a whole round
        (Strategy.GRID, 2, 8, 8),  # a grid is whole or nothing
    ],
)
def test_the_least_round_is_still_worth_launching(
    strategy: Strategy, parallel: int, trials: int, least: int
) -> None:
    rounds = SPEC.rounds.but(strategy=strategy, parallel=parallel, trials=trials)
    given_ = SPEC.but(rounds=rounds)
    assert least_trials(given_) == least
    assert least_round_cost(given_, {}) == least * EACH


def test_the_endpoints_lease_is_reserved_from_the_first_day() -> None:
    deploys = spec(deploy={"to": "churn-prod", "lease": "1d", "count": 2})
    assert deployment_reserve(deploys, {}) == Decimal("5.52")
    assert deployment_reserve(SPEC, {}) == 0


def test_without_a_limit_there_is_no_end_of_money() -> None:
    assert Ledger(spent=Decimal(100)).left(None) is None
    assert profile().budget(spec(budget="20 USD")) == 20
    assert profile(max_budget=Decimal(9)).budget(SPEC.but(budget=None)) == 9
