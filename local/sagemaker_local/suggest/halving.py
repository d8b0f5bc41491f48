"""Hyperband's choice of the trials that go on: successive halving, without waiting for a rung.

AMT says that its Hyperband is like ASHA (Li et al., "A System for Massively Parallel Hyperparameter
Tuning", 2020): a trial that reaches a rung goes on if it is among the best third of those that
have reached it so far. AMT does not publish its rungs; these are the paper's, by factors of three.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Sequence

Goal = Literal["Maximize", "Minimize"]

FACTOR = 3


def rungs(lowest: int, highest: int) -> list[int]:
    """The resources at which trials are compared, the highest left out: none goes on from there.

    >>> rungs(1, 30)
    [1, 3, 9, 27]
    >>> rungs(10, 30)
    [10]
    """
    found = []
    level = lowest
    while level < highest:
        found.append(level)
        level *= FACTOR
    return found


def should_stop(
    curve: Sequence[float],
    others: Sequence[Sequence[float]],
    goal: Goal,
    *,
    judged: int,
    lowest: int,
    highest: int,
) -> bool:
    """Say whether a trial that has reported ends here.

    A trial that would use more than `highest` is ended; one that has used just that much ends by
    itself, as one does whose epochs are the resource.

    Args:
        curve: the objective of the running trial, one value for each unit of resource.
        others: the same of all other trials of the job, running or not.
        goal: whether more or less is better.
        judged: how many values the curve had when it was judged last: a rung is judged once.
        lowest: no trial is ended below so much resource.
        highest: the most that a trial may use.

    >>> others = [[0.5], [0.6], [0.7]]
    >>> should_stop([0.4], others, "Maximize", judged=0, lowest=1, highest=9)
    True
    >>> should_stop([0.8], others, "Maximize", judged=0, lowest=1, highest=9)
    False
    """
    if len(curve) > highest:
        return True
    passed = [rung for rung in rungs(lowest, highest) if judged < rung <= len(curve)]
    sign = 1.0 if goal == "Maximize" else -1.0
    return any(
        _left_behind(
            sign * curve[rung - 1],
            [sign * other[rung - 1] for other in others if len(other) >= rung],
        )
        for rung in passed
    )


def _left_behind(here: float, reached: Sequence[float]) -> bool:
    places = (len(reached) + 1) // FACTOR
    if places == 0:
        return False  # Too few to compare with.
    # Nothing is greater than what is not a number, nor is that any good.
    return math.isnan(here) or sum(value > here for value in reached) >= places
