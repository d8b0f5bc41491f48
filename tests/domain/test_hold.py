"""What the stack's monthly budget counts of a study, and what a held study is told once."""

from datetime import datetime, timedelta, timezone
from decimal import Decimal

import pytest

from tests.support.build import START, closed, command, deployment, reserved, running, study
from tunewright.domain.budget import Charge, Counted, Ledger
from tunewright.domain.steps.hold import account, hold, month_of, over_budget
from tunewright.domain.steps.step import Step
from tunewright.domain.study import CommandKind, Deployment, Hold, Phase, Study

MONTH = month_of(START)


def counted(before: Study, after: Study, now: datetime = START) -> Step:
    return account(before, Step(after), now)


def test_nothing_counts_before_the_first_round() -> None:
    bare = study(ledger=Ledger(set_aside=Decimal(5)))
    step = counted(bare, bare)
    assert step.charge is None
    assert step.study == bare


def test_a_planned_round_needs_room_for_itself_and_the_endpoint() -> None:
    before = study(ledger=Ledger(set_aside=Decimal(5)), held=Hold.BUDGET)
    ledger = before.ledger.reserve(Decimal(2), 4)
    step = counted(before, before.but(rounds=(running(),), ledger=ledger))
    assert step.charge == Charge(MONTH, Decimal(7), limited=True)
    assert step.study.counted == Counted(amount=Decimal(7), month=MONTH)
    assert step.study.held is None


def test_what_a_round_did_not_need_goes_back_to_the_month_that_was_charged() -> None:
    before = study(
        rounds=(running(),), ledger=reserved(), counted=Counted(amount=Decimal(9), month="2025-12")
    )
    after = before.but(ledger=before.ledger.settle(Decimal(1), 4))
    step = counted(before, after)
    assert step.charge == Charge("2025-12", Decimal(-8), limited=False)
    assert step.study.counted == Counted(amount=Decimal(1), month="2025-12")


def test_what_was_really_spent_is_counted_and_never_refused() -> None:
    ledger = Ledger(spent=Decimal(1), used_trials=4)
    before = study(
        rounds=(running(),), ledger=ledger, counted=Counted(amount=Decimal(1), month="2025-12")
    )
    step = counted(before, before.but(ledger=ledger.but(spent=Decimal(3))))
    assert step.charge == Charge(MONTH, Decimal(2), limited=False)


@pytest.mark.parametrize(
    ("phase", "planned", "counts"),
    [
        (Phase.CHOOSING, None, 6),
        (Phase.AWAITING_APPROVAL, deployment(), 6),
        (Phase.DEPLOYING, deployment(), 6),
        (Phase.DONE, deployment(), 6),
        (Phase.DONE, deployment(answer=command(CommandKind.APPROVE)), 6),
        (Phase.FAILED, deployment(), 6),  # it was tried, and may have come to something
        (Phase.DONE, None, 1),  # what is live stays
        (Phase.DONE, deployment(answer=command(CommandKind.REJECT)), 1),
        (Phase.CANCELLED, deployment(), 1),
        (Phase.FAILED, None, 1),
    ],
)
def test_what_was_kept_for_an_endpoint_goes_back_when_there_is_none(
    phase: Phase, planned: Deployment | None, counts: int
) -> None:
    before = study(
        rounds=(closed(),),
        ledger=Ledger(spent=Decimal(1), set_aside=Decimal(5)),
        counted=Counted(amount=Decimal(6), month="2025-12"),
    )
    step = counted(before, before.but(phase=phase, deployment=planned))
    assert step.study.counted == Counted(amount=Decimal(counts), month="2025-12")
    back = None if counts == 6 else Charge("2025-12", Decimal(-5), limited=False)
    assert step.charge == back


def test_months_are_those_of_utc() -> None:
    east = timezone(timedelta(hours=2))
    assert month_of(datetime(2026, 12, 1, 1, 0, tzinfo=east)) == "2026-11"


def test_why_it_is_held_is_told_once() -> None:
    words = over_budget(Charge("2026-11", Decimal("12.5"), limited=True))
    assert words == (
        "the next round waits: at worst it costs $12.50, and the stack's budget of 2026-11 has no "
        "room for that; it is tried again every five minutes"
    )
    step = hold(study(), Hold.BUDGET, words, START)
    assert step is not None
    assert (step.study.held, step.decisions[0].reason) == (Hold.BUDGET, words)
    assert hold(step.study, Hold.BUDGET, words, START) is None
    other = hold(study(rounds=(running(),)), Hold.PAUSED, "later", START)
    assert other is not None
    assert other.decisions[0].round_number == 1
