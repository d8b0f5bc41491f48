"""Counts money: what a round can cost at worst, and what is left; it never spends."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from tunewright.domain.prices import price_per_second
from tunewright.domain.round import Round
from tunewright.domain.spec import Strategy, StudySpec
from tunewright.domain.values import Value, round_up_money

START_AND_GRACE = 120
"""Seconds a trial may be billed beyond `max_run`: SageMaker's grace between SIGTERM and SIGKILL."""


class Ledger(Value):
    """What a study has used and set aside, in US dollars and trials.

    Attributes:
        spent: What trials of closed rounds really cost.
        used_trials: Trials that closed rounds really launched.
        reserved: What the live round can cost at worst.
        reserved_trials: Trials that the live round may launch.
        set_aside: What the deployment can cost, kept from the first day.
    """

    spent: Decimal = Decimal(0)
    used_trials: int = 0
    reserved: Decimal = Decimal(0)
    reserved_trials: int = 0
    set_aside: Decimal = Decimal(0)

    def left(self, limit: Decimal | None) -> Decimal | None:
        """Return what a new round may cost; None when there is no limit."""
        if limit is None:
            return None
        return limit - self.spent - self.reserved - self.set_aside

    def reserve(self, cost: Decimal, trials: int) -> "Ledger":
        """Set a new round's worst case aside."""
        return self.but(
            reserved=self.reserved + cost, reserved_trials=self.reserved_trials + trials
        )

    def settle(self, cost: Decimal, trials: int) -> "Ledger":
        """Replace the live round's reservation by what it really used."""
        return self.but(
            spent=self.spent + cost,
            used_trials=self.used_trials + trials,
            reserved=Decimal(0),
            reserved_trials=0,
        )

    def release(self) -> "Ledger":
        """Give the live round's reservation back: nothing of it was launched."""
        return self.but(reserved=Decimal(0), reserved_trials=0)


class Counted(Value):
    """What the stack's monthly budget counts of a study.

    Attributes:
        amount: US dollars, those of all months together.
        month: The month in UTC that was charged last, as 2026-11; empty before the first round.
    """

    amount: Decimal = Decimal(0)
    month: str = ""


@dataclass(frozen=True, slots=True)
class Charge:
    """What a step adds to what the stack counts in a month.

    Attributes:
        month: The month, as 2026-11.
        amount: US dollars; less than 0 where a round cost less than was reserved for it.
        limited: Whether the month's budget must have room for it: what was spent is not refused.
    """

    month: str
    amount: Decimal
    limited: bool


def trial_cost(spec: StudySpec, prices: Mapping[str, Decimal], billable_seconds: int) -> Decimal:
    """Return what a trial cost, from the seconds that AWS bills for each instance.

    Raises:
        KeyError: No price is known of the instance type.
    """
    price = price_per_second(spec.training.instance, prices)
    return round_up_money(billable_seconds * spec.training.count * price)


def worst_case(spec: StudySpec, prices: Mapping[str, Decimal], trials: int) -> Decimal:
    """Return the most that a round of so many trials can cost.

    Raises:
        KeyError: No price is known of the instance type.
    """
    return trials * trial_cost(spec, prices, spec.training.max_run + START_AND_GRACE)


def round_cost(spec: StudySpec, prices: Mapping[str, Decimal], closed: Round) -> Decimal:
    """Return what a closed round cost.

    Nobody can say what a trial cost that is gone: at most what was reserved for it.
    """
    gone = max(closed.launched - closed.progress.finished, 0)
    return closed.progress.spent + worst_case(spec, prices, gone)


def least_trials(spec: StudySpec) -> int:
    """Return the fewest trials with which a round is still worth launching."""
    if spec.rounds.strategy is Strategy.GRID:
        return spec.rounds.trials
    enough = max(2 * spec.rounds.parallel, len(spec.search_space) + 2)
    return min(spec.rounds.trials, enough)


def least_round_cost(spec: StudySpec, prices: Mapping[str, Decimal]) -> Decimal:
    """Return what the smallest round worth launching can cost at worst."""
    return worst_case(spec, prices, least_trials(spec))


def deployment_reserve(spec: StudySpec, prices: Mapping[str, Decimal]) -> Decimal:
    """Return what the endpoint costs until its lease ends; nothing, if nothing is deployed.

    Raises:
        KeyError: No price is known of the instance type.
    """
    if spec.deploy is None:
        return Decimal(0)
    price = price_per_second(spec.deploy.instance, prices)
    return round_up_money(spec.deploy.lease * spec.deploy.count * price)


def affordable_trials(
    spec: StudySpec, prices: Mapping[str, Decimal], wanted: int, left: Decimal | None
) -> int:
    """Shrink a round until its worst case fits what is left.

    Returns:
        The number of trials, at most `wanted`; 0 when even the least round does not fit.
    """
    each = worst_case(spec, prices, 1)
    if left is None or each == 0:
        return wanted
    fits = min(wanted, int(left // each)) if left > 0 else 0
    return fits if fits >= min(wanted, least_trials(spec)) else 0
