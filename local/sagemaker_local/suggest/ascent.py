"""Climbs from good points to the best near them: numbers by gradient, the rest value by value.

Source: Nocedal & Wright, *Numerical Optimization*, 2006, ch. 6 (BFGS) and 16.7 (held to a box).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sagemaker_local.suggest.space import Array, Categorical, Numeric, Space

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from sagemaker_local.suggest.improvement import Improvement

ROUNDS = 3  # of numbers first, then of one change of an integer or a category
STEPS = 30  # at most, by gradient
FIRST = 0.05  # the inverse curvature guessed at the start, in squared lengthscales
LONGEST = 0.5  # of a step, in lengthscales
LEAST_GAIN = 1e-5  # in the score that a step promises; below it the climb has ended
FEW = 16  # values that are all tried; of more, the next ones and some further away
FURTHER = np.array([-0.2, -0.1, -0.04, 0.04, 0.1, 0.2])


def climb(score: Improvement, space: Space, units: Array) -> tuple[Array, Array]:
    """Climb from each of some points of the space (m, p); the points are left as they are.

    Returns:
        All points (k, p) at which a climb stopped or looked at another integer or category, and
        their scores (k,), in no order.
    """
    numbers = [(i, each) for i, each in enumerate(space) if isinstance(each, Numeric)]
    smooth = [i for i, each in numbers if not each.whole]
    fine = [i for i, each in numbers if each.whole and each.high - each.low >= FEW]
    if fine:
        # Integers of many values go along with the numbers at first: the best may lie aslant.
        units = space.snap(_ascend(score, space, units, smooth + fine)[0])
    units = units.copy()
    scores = score(space.encode(units))
    met: list[tuple[Array, Array]] = []
    for _ in range(ROUNDS):
        if smooth:
            units, scores = _ascend(score, space, units, smooth)
        met.append((units.copy(), scores.copy()))
        owners, others = _neighbours(space, units)
        if not owners.size:
            break
        found = score(space.encode(others))
        met.append((others, found))
        if not _move(units, scores, owners, others, found):
            break
    return np.vstack([points for points, _ in met]), np.concatenate([each for _, each in met])


def _move(units: Array, scores: Array, owners: Array, others: Array, found: Array) -> bool:
    """Move points, in place, to their best neighbours where these are better; say if any moved."""
    moved = False
    for row in range(len(units)):
        own = np.flatnonzero(owners == row)
        top = own[np.argmax(found[own])] if own.size else 0
        if own.size and found[top] > scores[row] + LEAST_GAIN:
            units[row], scores[row] = others[top], found[top]
            moved = True
    return moved


def _neighbours(space: Space, units: Array) -> tuple[Array, Array]:
    """Return points (k, p) with one integer or category changed, and each one's origin (k,)."""
    owners, found = [], []
    for column, each in enumerate(space):
        if isinstance(each, Numeric) and not each.whole:
            continue
        for row, unit in enumerate(units):
            values = _values(each, float(unit[column]))
            others = values[np.abs(values - unit[column]) > 1e-9]
            points = np.repeat(unit[None, :], others.size, axis=0)
            points[:, column] = others
            owners.append(np.full(others.size, float(row)))
            found.append(points)
    if not found:
        return np.empty(0), np.empty((0, len(space)))
    return np.concatenate(owners), np.vstack(found)


def _values(each: Numeric | Categorical, unit: float) -> Array:
    """Return the coordinates to try in place of one: all, or some of an integer's many."""
    if isinstance(each, Categorical):
        return (np.arange(len(each.choices)) + 0.5) / len(each.choices)
    if each.high - each.low < FEW:
        whole: Sequence[float] = np.arange(each.low, each.high + 0.5).tolist()
    else:
        value = each.value(unit)
        far = [each.value(place) for place in np.clip(unit + FURTHER, 0.0, 1.0).tolist()]
        whole = [max(value - 1.0, each.low), min(value + 1.0, each.high), *far]
    return np.array([each.unit(each.text(value)) for value in sorted(set(whole))])


def _ascend(
    score: Improvement, space: Space, units: Array, free: Sequence[int]
) -> tuple[Array, Array]:
    """Climb by gradient in the free coordinates, all points at once, and never leave the cube."""
    columns = [score.model.groups.index(each) for each in free]
    stretch = score.model.lengthscales[list(free)]
    units = units.copy()

    def look(at: Array) -> tuple[Array, Array]:
        # Integers that go along are not rounded here: hence the coordinates past the encoding.
        coded = space.encode(units)
        coded[:, columns] = at * stretch
        value, slope = score.with_slope(coded)
        return value, slope[:, columns] * stretch

    at, top = units[:, free] / stretch, 1.0 / stretch
    value, slope = look(at)
    curvature = np.repeat(FIRST * np.eye(len(free))[None], len(units), axis=0)
    share, young = np.ones(len(units)), np.ones(len(units), dtype=bool)
    for _ in range(STEPS):
        walls = ((at <= 0.0) & (slope < 0.0)) | ((at >= top) & (slope > 0.0))
        uphill = np.where(walls, 0.0, slope)
        step = np.clip(at + share[:, None] * _directions(curvature, uphill, walls), 0.0, top) - at
        foreseen = np.einsum("ij,ij->i", step, uphill)
        if not (foreseen > LEAST_GAIN).any():
            break
        new_value, new_slope = look(at + step)
        good = (foreseen > LEAST_GAIN) & (new_value >= value + 1e-4 * foreseen)
        _learn(curvature, young, step, np.where(good[:, None], slope - new_slope, 0.0))
        at = np.where(good[:, None], at + step, at)
        value = np.where(good, new_value, value)
        slope = np.where(good[:, None], new_slope, slope)
        share = np.where(good, 1.0, 0.3 * share)
    units[:, free] = np.clip(at * stretch, 0.0, 1.0)
    return units, value


def _directions(curvature: Array, uphill: Array, walls: NDArray[np.bool_]) -> Array:
    """Return each point's quasi-Newton step (m, k): no longer than `LONGEST`, and into no wall."""
    ways = np.where(walls, 0.0, np.einsum("ijk,ik->ij", curvature, uphill))
    downhill = np.einsum("ij,ij->i", ways, uphill) <= 0.0
    ways[downhill] = FIRST * uphill[downhill]
    length = np.sqrt(np.einsum("ij,ij->i", ways, ways))
    return np.asarray(ways * np.minimum(1.0, LONGEST / np.maximum(length, 1e-12))[:, None])


def _learn(curvature: Array, young: NDArray[np.bool_], steps: Array, changes: Array) -> None:
    """Update each point's inverse curvature (m, k, k) in place, where it saw the slope bend."""
    bends = np.einsum("ij,ij->i", steps, changes)
    for row in np.flatnonzero(bends > 1e-10):
        step, change, bend = steps[row], changes[row], float(bends[row])
        if young[row]:
            curvature[row] = np.eye(step.size) * min(bend / float(change @ change), 10.0)
            young[row] = False
        across = np.eye(step.size) - np.outer(step, change) / bend
        curvature[row] = across @ curvature[row] @ across.T + np.outer(step, step) / bend
