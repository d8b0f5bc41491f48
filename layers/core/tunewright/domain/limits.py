"""Whether a trial keeps the limits that a winner must keep, and how far it is beyond them."""

import math

from tunewright.domain.spec import Bound
from tunewright.domain.trial import Trial
from tunewright.domain.values import show_number

Beyond = tuple[int, float]
"""Limits on what is not known of a trial, and by how much it breaks the others, as shares of them.

Less is nearer to keeping them; (0, 0.0) keeps them all.
"""

WITHIN: Beyond = (0, 0.0)


def quantity(trial: Trial, name: str) -> float | None:
    """Return a metric of a trial, its `cost` in US dollars, or the `seconds` that were billed.

    What is not billed yet has no cost that is known, though it counts as nothing until then.
    """
    billed = trial.billable_seconds
    match name:
        case "cost":
            return None if billed is None else float(trial.cost)
        case "seconds":
            return None if billed is None else float(billed)
        case _:
            return trial.metrics.get(name)


def beyond(trial: Trial, limits: tuple[Bound, ...]) -> Beyond:
    """Return how far a trial is beyond limits; `WITHIN` where it keeps them."""
    excess = [over(trial, each) / (abs(_limit(each)) or 1.0) for each in limits]
    unknown = sum(math.isinf(each) for each in excess)
    return unknown, sum((each for each in excess if math.isfinite(each)), 0.0)


def broken(trial: Trial, limits: tuple[Bound, ...]) -> tuple[str, ...]:
    """Say of each limit that a trial does not keep what it is instead."""
    return tuple(_said(trial, each) for each in limits if over(trial, each) > 0)


def over(trial: Trial, bound: Bound) -> float:
    """Return how far a trial is beyond a limit, in the limit's own unit; endless where unknown."""
    value = quantity(trial, bound.quantity)
    if value is None:
        return math.inf
    return max(0.0, _limit(bound) - value if bound.at_most is None else value - _limit(bound))


def _limit(bound: Bound) -> float:
    limit = bound.at_least if bound.at_most is None else bound.at_most
    return 0.0 if limit is None else limit


def _said(trial: Trial, bound: Bound) -> str:
    value = quantity(trial, bound.quantity)
    shown = "not known" if value is None else show_number(value)
    sign = ">=" if bound.at_most is None else "<="
    return f"{bound.quantity} is {shown}, not {sign} {show_number(_limit(bound))}"
