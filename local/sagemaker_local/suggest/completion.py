"""When a whole tuning job has done enough, by AMT's completion criteria; it ends nothing itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Sequence

Goal = Literal["Maximize", "Minimize"]


def target_reached(value: float, goal: Goal, target: float) -> bool:
    """Say whether a trial's value is as good as `TargetObjectiveMetricValue`.

    >>> target_reached(0.95, "Maximize", 0.95), target_reached(0.11, "Minimize", 0.1)
    (True, False)
    """
    return value >= target if goal == "Maximize" else value <= target


def not_improving(values_in_order: Sequence[float], goal: Goal, gain: float) -> int:
    """Count the trials since the last one that bettered the best by more than a share of it.

    AMT's texts disagree: with `gain` 0.01 it is "improve by 1 % or greater" (of the best's size),
    with 0 it is any improvement. Values that improve by less still become the best to beat.

    Args:
        values_in_order: the objectives of the trials, in the order in which they ended.
        goal: whether more or less is better.
        gain: the share of |best| that an improvement must exceed.

    >>> not_improving([0.5, 0.7, 0.702, 0.6], "Maximize", 0.01)
    2
    >>> not_improving([0.5, 0.7, 0.702, 0.6], "Maximize", 0.0)
    1
    """
    since, best = 0, None
    for value in values_in_order:
        if best is None:
            best = value
            continue
        better = value - best if goal == "Maximize" else best - value
        since = 0 if better > gain * abs(best) else since + 1
        best = value if better > 0 else best
    return since
