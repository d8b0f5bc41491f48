"""A small dense BFGS for a dozen smooth unconstrained variables; not a general optimiser.

Source: Nocedal & Wright, *Numerical Optimization*, 2006, ch. 6 (update 6.17, scaling 6.20).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from gp_surrogate.kernel import Array

Answer = tuple[float, Callable[[], Array]]
Objective = Callable[[Array], Answer]
"""Gives the value at a point and, on demand, the gradient: half of the points are passed over."""

ARMIJO = 1e-4
LONGEST_STEP = 2.0  # in any variable; ours are logarithms, so a factor of e²
SMALLEST_SHARE = 1e-4


def minimise(
    objective: Objective,
    start: Array,
    *,
    spread: Array,
    known: Answer | None = None,
    iterations: int = 40,
    tolerance: float = 1e-3,
) -> tuple[Array, float]:
    """Return the best point (k,) found from `start` and its value.

    Args:
        objective: value at a point, and what gives the gradient (k,) there; a value of `inf` says
            "not here".
        start: where to begin (k,).
        spread: each variable's natural variance (k,); the first guess of the inverse curvature.
        known: the objective's answer at `start`, if it was asked before.
        iterations: at most so many steps.
        tolerance: end when a step, or the step foreseen, gains less than this.
    """
    value, gradient = objective(start) if known is None else known
    point, slope = start, gradient()
    curvature = np.diag(spread)
    for _ in range(iterations):
        direction = -curvature @ slope
        foreseen = -float(direction @ slope)
        if not foreseen > tolerance:
            break
        found = _search(objective, point, value, slope, direction)
        if found is None:
            break
        step, gain = found[0] - point, value - found[1]
        point, value, gradient = found
        if gain < tolerance:
            break
        new_slope = gradient()
        curvature = _update(curvature, step, new_slope - slope)
        slope = new_slope
    return point, value


def _search(
    objective: Objective, point: Array, value: float, slope: Array, direction: Array
) -> tuple[Array, float, Callable[[], Array]] | None:
    """Backtrack along a descent direction until the value falls enough (Armijo)."""
    descent = float(direction @ slope)
    share = min(1.0, LONGEST_STEP / max(float(np.max(np.abs(direction))), 1e-300))
    while share > SMALLEST_SHARE:
        trial = point + share * direction
        trial_value, gradient = objective(trial)
        if trial_value <= value + ARMIJO * share * descent:
            return trial, trial_value, gradient
        share *= _shrink(trial_value - value, share * descent)
    return None


def _shrink(rise: float, descent: float) -> float:
    """Where the parabola through what was seen has its lowest point, kept within [0.1, 0.5]."""
    if not np.isfinite(rise):
        return 0.25
    return min(0.5, max(0.1, -0.5 * descent / (rise - descent)))


def _update(curvature: Array, step: Array, change: Array) -> Array:
    """The BFGS update of the inverse curvature; left alone where the function is not convex."""
    bend = float(step @ change)
    if bend <= 1e-10 * float(np.linalg.norm(step) * np.linalg.norm(change)):
        return curvature
    bent = curvature @ change
    cross = np.multiply.outer(step, bent) / -bend
    along = (1.0 + float(change @ bent) / bend) / bend
    return np.asarray(curvature + cross + cross.T + np.multiply.outer(step, along * step))
