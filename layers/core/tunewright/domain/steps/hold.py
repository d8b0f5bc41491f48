"""Counts a study against its stack's monthly budget, and tells what of the stack holds it."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

from tunewright.domain.budget import Charge, Counted
from tunewright.domain.steps.step import Step
from tunewright.domain.study import CommandKind, DecisionKind, Hold, Phase, Study
from tunewright.domain.values import show_money


def account(before: Study, step: Step, now: datetime) -> Step:
    """Say what a step adds to the stack's budget of the month, if it adds anything.

    A study counts from its first round on: what it spent, reserved, and set aside for its endpoint
    until it is over without one. What is added is of this month; what is given back is of the
    month that was charged last.
    """
    after = step.study
    ledger = after.ledger
    kept = ledger.set_aside if after.rounds and _may_have_endpoint(after) else Decimal(0)
    due = ledger.spent + ledger.reserved + kept
    change = due - after.counted.amount
    plans = ledger.reserved > before.ledger.reserved
    if plans:
        step = step.with_study(held=None)
    if not change:
        return step
    month = month_of(now) if change > 0 else after.counted.month
    charge = Charge(month=month, amount=change, limited=plans)
    counted = Counted(amount=due, month=month)
    return replace(step.with_study(counted=counted), charge=charge)


def _may_have_endpoint(study: Study) -> bool:
    """Whether the study has put a model behind an endpoint, or may still do so."""
    planned = study.deployment
    if not study.phase.is_over:
        return True
    if planned is None or study.phase is Phase.CANCELLED:
        return False
    return planned.answer is None or planned.answer.kind is not CommandKind.REJECT


def month_of(moment: datetime) -> str:
    """Name the month in UTC of a time.

    >>> month_of(datetime(2026, 11, 24, tzinfo=UTC))
    '2026-11'
    """
    return f"{moment.astimezone(UTC):%Y-%m}"


def hold(study: Study, why: Hold, reason: str, now: datetime) -> Step | None:
    """Tell why a study does not go on; None if that was told before."""
    if study.held is why:
        return None
    number = study.rounds[-1].plan.number if study.rounds else 0
    held = Step(study.but(held=why))
    numbers = {"held": why.value}
    return held.tell(DecisionKind.HELD, reason, now, round_number=number, numbers=numbers)


def over_budget(charge: Charge) -> str:
    """Say that a month's budget has no room for a round."""
    return (
        f"the next round waits: at worst it costs {show_money(charge.amount)}, and the stack's "
        f"budget of {charge.month} has no room for that; it is tried again every five minutes"
    )


STACK_PAUSED = "nothing is started until an administrator lets the stack go on"
