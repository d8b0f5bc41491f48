"""Climbs from good points to the best near them: numbers by gradient, the rest value by value.

Source: Nocedal & Wright, *Numerical Optimization*, 2006, ch. 6 and 16.7 (BFGS, projected on a box).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sagemaker_local.suggest.space import Array, Categorical, Space

if TYPE_CHECKING:
    from sagemaker_local.suggest.improvement import Improvement

STEPS = 30
LONGEST = 0.5  # of a step, in lengthscales
FEW = 16  # values that are all tried; of more, some near and some far
ROUNDS = 3


def climb(score: Improvement, space: Space, units: Array) -> tuple[Array, Array]:
    """Return points (k, p) met while climbing from units (m, p), and their scores."""
    smooth = [
        i for i, each in enumerate(space) if not isinstance(each, Categorical) and not each.whole
    ]
    many = [
        i
        for i, each in enumerate(space)
        if not isinstance(each, Categorical) and each.whole and each.high - each.low >= FEW
    ]
    discrete = [i for i in range(len(space)) if i not in smooth]
    seen: list[tuple[Array, Array]] = []
    if many:
        units, _ = _polish(score, space, units, smooth + many, STEPS)
        units = space.snap(units)
    scores = score(space.encode(units))
    for round_ in range(ROUNDS):
        if smooth:
            units, scores = _polish(score, space, units, smooth, STEPS)
        seen.append((units.copy(), scores.copy()))
        if not discrete:
            break
        rows, others = _neighbours(space, units, discrete)
        if not len(rows):
            break
        found = score(space.encode(others))
        seen.append((others, found))
        moved = False
        for row in range(len(units)):
            own = np.flatnonzero(rows == row)
            if own.size:
                top = own[np.argmax(found[own])]
                if found[top] > scores[row] + 1e-9:
                    units[row], scores[row] = others[top], found[top]
                    moved = True
        if not moved:
            break
    return np.vstack([each for each, _ in seen]), np.concatenate([each for _, each in seen])


def _neighbours(space: Space, units: Array, discrete: list[int]) -> tuple[Array, Array]:
    rows, found = [], []
    for column in discrete:
        each = list(space)[column]
        if isinstance(each, Categorical):
            values = (np.arange(len(each.choices)) + 0.5) / len(each.choices)
            options = np.repeat(values[None, :], len(units), axis=0)
        elif each.high - each.low < FEW:
            values = np.array([each.unit(str(v)) for v in range(int(each.low), int(each.high) + 1)])
            options = np.repeat(values[None, :], len(units), axis=0)
        else:
            here = np.array([each.value(float(u)) for u in units[:, column]])
            steps = np.array([-1.0, 1.0])
            near = np.clip(here[:, None] + steps, each.low, each.high)
            near = np.array([[each.unit(str(int(v))) for v in line] for line in near])
            far = each.middles(
                np.clip(
                    units[:, [column]] + np.array([-0.2, -0.1, -0.04, 0.04, 0.1, 0.2]), 0, 1
                ).ravel()
            ).reshape(len(units), -1)
            options = np.hstack([near, far])
        for row in range(len(units)):
            for value in np.unique(options[row]):
                if abs(value - units[row, column]) > 1e-12:
                    new = units[row].copy()
                    new[column] = value
                    rows.append(row)
                    found.append(new)
    return np.array(rows), np.array(found).reshape(-1, len(space))


def _polish(
    score: Improvement, space: Space, units: Array, free: list[int], steps: int
) -> tuple[Array, Array]:
    groups = score.model.groups
    columns = [groups.index(i) for i in free]
    stretch = score.model.lengthscales[free]

    def look(points: Array) -> tuple[Array, Array]:
        coded = space.encode(points)
        coded[:, columns] = points[:, free]
        value, slope = score.with_slope(coded)
        return value, slope[:, columns] * stretch

    units = units.copy()
    at, (value, slope) = units[:, free] / stretch, look(units)
    top = 1.0 / stretch
    count, size = at.shape
    curve = np.repeat(np.eye(size)[None], count, axis=0) * 0.05
    share = np.ones(count)
    fresh = np.ones(count, bool)
    for _ in range(steps):
        blocked = ((at <= 0) & (slope < 0)) | ((at >= top) & (slope > 0))
        inner = np.where(blocked, 0.0, slope)
        way = np.where(blocked, 0.0, np.einsum("ijk,ik->ij", curve, inner))
        bad = np.einsum("ij,ij->i", way, inner) <= 0
        way[bad] = 0.05 * inner[bad]
        length = np.sqrt((way**2).sum(axis=1))
        way *= np.minimum(1.0, LONGEST / np.maximum(length, 1e-12))[:, None]
        step = np.clip(at + share[:, None] * way, 0.0, top) - at
        gain = np.einsum("ij,ij->i", step, inner)
        live = gain > 1e-5
        if not live.any():
            break
        trial = units.copy()
        trial[:, free] = (at + step) * stretch
        new_value, new_slope = look(trial)
        good = live & (new_value >= value + 1e-4 * gain)
        change = slope - new_slope  # of the negative score's slope
        bend = np.einsum("ij,ij->i", step, change)
        for row in np.flatnonzero(good & (bend > 1e-10)):
            s, y, b = step[row], change[row], bend[row]
            if fresh[row]:
                curve[row] = np.eye(size) * min(b / (y @ y), 10.0)
                fresh[row] = False
            across = np.eye(size) - np.outer(s, y) / b
            curve[row] = across @ curve[row] @ across.T + np.outer(s, s) / b
        at = np.where(good[:, None], at + step, at)
        units[good] = trial[good]
        value = np.where(good, new_value, value)
        slope = np.where(good[:, None], new_slope, slope)
        share = np.where(good, 1.0, share * 0.3)
    units[:, free] = np.clip(at * stretch, 0.0, 1.0)
    return units, value
