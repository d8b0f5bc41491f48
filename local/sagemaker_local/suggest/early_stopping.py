"""AMT's median rule for a running trial, with guards; it ends nothing itself.

AMT documents no warm-up; taken at its word the rule ends many trials that would have been good, so
the guards ask for enough jobs to compare with, and enough steps to judge by.
"""

from __future__ import annotations

import math
from statistics import fmean, median
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Sequence

Goal = Literal["Maximize", "Minimize"]


def should_stop(
    curve: Sequence[float],
    others: Sequence[Sequence[float]],
    goal: Goal,
    *,
    min_jobs: int,
    grace_steps: int,
) -> bool:
    """Say whether a trial's last value is worse than the median of the others' running averages.

    Args:
        curve: the objective of the running trial, step by step.
        others: the same of the previous jobs; of each only the steps up to the trial's count.
        goal: whether more or less is better.
        min_jobs: never stop while fewer previous jobs than this have told a value.
        grace_steps: never stop within so many first steps.

    >>> others = [[0.5, 0.6, 0.7]] * 5
    >>> should_stop([0.5, 0.5, 0.5], others, "Maximize", min_jobs=5, grace_steps=2)
    True
    >>> should_stop([0.5, 0.5, 0.65], others, "Maximize", min_jobs=5, grace_steps=2)
    False
    """
    steps = len(curve)
    if steps <= grace_steps or not steps:
        return False
    seen = [[value for value in other[:steps] if math.isfinite(value)] for other in others]
    averages = [fmean(values) for values in seen if values]
    if len(averages) < max(1, min_jobs):
        return False
    if not math.isfinite(curve[-1]):
        return True
    level = median(averages)
    return curve[-1] < level if goal == "Maximize" else curve[-1] > level
