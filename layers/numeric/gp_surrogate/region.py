"""What a surrogate believes about a box: where it is good, and what is still to be gained there.

It takes and gives plain lists of mixed points (see `Layout`), so that its callers need no arrays;
what is done about its findings is theirs to decide.
Sources: Perrone et al., NeurIPS 2019 (boxes of good points; of the data there, of the model here);
Hennig & Schuler, JMLR 2012 (the posterior of the optimum's place).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from gp_surrogate.candidates import spread
from gp_surrogate.encoding import Layout
from gp_surrogate.gp import GaussianProcess

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from gp_surrogate.kernel import Array

    Rows = Sequence[Sequence[float]]

POINTS = 4000  # over the box: of 5 % of them the quantiles are good to about 2 % of the width
OPTIMISM = 0.5  # how many standard deviations of doubt speak for a point
TAIL = 0.05  # left out at each end of the good points
WEIGHED = 0.05  # the share of the points by which a number's weight is judged
FINALISTS, PATHS = 400, 200  # for the posterior of the optimum
INNER, MOVED = 1000, 40  # points of the core, of which the best are moved beyond each of its ends
FEWEST_BEYOND, MOST_BEYOND = 5, 10  # of those, how many are finalists


@dataclass(frozen=True)
class Box:
    """Bounds of mixed points: of numbers low and high; of categories those allowed.

    Attributes:
        sizes: the layout's; 0 for a number, k for one of k categories.
        low: the least coordinate of each number; 0 for a category.
        high: the greatest; 0 for a category.
        allowed: the indices of the allowed categories; empty for a number.
    """

    sizes: tuple[int, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    allowed: tuple[tuple[int, ...], ...]

    def fill(self, count: int, rng: np.random.Generator) -> Array:
        """Return an even set of `count` mixed points in the box (count, p)."""
        points = spread(count, len(self.sizes), rng)
        for column, size in enumerate(self.sizes):
            if size:
                choices = np.array(self.allowed[column], dtype=np.float64)
                points[:, column] = choices[(points[:, column] * choices.size).astype(np.intp)]
            else:
                low, high = self.low[column], self.high[column]
                points[:, column] = low + (high - low) * points[:, column]
        return points


@dataclass(frozen=True)
class Region:
    """The good part of a box, as the surrogate sees it.

    Attributes:
        low: where the good points begin, for each number; 0 for a category.
        high: where they end.
        mean: their mean.
        below: of a share, how much of it lies below the core, the box's inner part; of likely
            places, the chance that something below the core in this number, and within it in all
            others, is better than all of the core.
        above: the same above it.
        preference: how far the best share is from evenly spread over the box, 0 to 1 (the
            Kolmogorov-Smirnov distance); near 0 the number makes no difference.
        among_optima: the share of each category among likely places of the optimum.
        explained: the share of the losses' variance that the surrogate foresees when each trial is
            left out in turn; 0 or less for a surrogate that knows nothing.
    """

    low: tuple[float, ...]
    high: tuple[float, ...]
    mean: tuple[float, ...]
    below: tuple[float, ...]
    above: tuple[float, ...]
    preference: tuple[float, ...]
    among_optima: tuple[tuple[float, ...], ...]
    explained: float


@dataclass(frozen=True)
class Gain:
    """What further trials may gain over the incumbent, in units of the losses.

    Attributes:
        mean: the expected gain; never below 0.
        low: the 10 % quantile.
        high: the 90 % quantile.
    """

    mean: float
    low: float
    high: float


def good_region(
    rows: Rows, losses: Sequence[float], box: Box, *, core: Box, share: float | None, seed: int
) -> Region:
    """Fit trials and find the good points of the box: the likely places of the optimum, or a share.

    The places of the optimum, in the core or beyond one of its ends, are where functions drawn from
    the posterior are least: they lie far apart while little is known, and close together when it
    is. A share is the best by mean - ½ sd.

    Args:
        rows: the trials' mixed points (n, p), about on the unit cube.
        losses: their losses (n,), to be minimised, in any unit.
        box: where to look; it may reach beyond all trials.
        core: the part of the box that was searched so far.
        share: how much of the box is called good, such as 0.02; None for the likely places.
        seed: makes the points reproducible.

    Raises:
        ValueError: there are no trials, or a number is not finite.
        NotPositiveDefiniteError: the surrogate cannot be fitted.
    """
    layout, rng = Layout(box.sizes), np.random.default_rng(seed)
    model = GaussianProcess.fit(layout.encode(rows), np.array(losses), groups=layout.groups)
    points = box.fill(POINTS, rng)
    mean, sd = model.predict(layout.encode(points))
    order = np.argsort(mean - OPTIMISM * sd, kind="stable")
    # Of few likely places the unevenness would be chance: a parameter's weight is that of a share.
    best = points[order[: max(20, round((WEIGHED if share is None else share) * POINTS))]]
    if share is None:
        good, below, above = _likely(model, layout, box, core, rng)
        optima = good
    else:
        good, below, above = best, *_outside(best, core)
        optima = points[:0]
        if any(box.sizes):
            finalists = points[order[:FINALISTS]]
            paths = model.joint_sample(layout.encode(finalists), PATHS, rng)
            optima = finalists[np.argmin(paths, axis=1)]
    low, high = np.quantile(good, [TAIL, 1 - TAIL], axis=0)
    return Region(
        low=_of_numbers(low, box.sizes),
        high=_of_numbers(high, box.sizes),
        mean=_of_numbers([column.mean() for column in good.T], box.sizes),
        below=below,
        above=above,
        preference=tuple(
            0.0 if size else _unevenness(best[:, column], box.low[column], box.high[column])
            for column, size in enumerate(box.sizes)
        ),
        among_optima=_shares(optima, box.sizes),
        explained=_explained(model),
    )


def _of_numbers(values: Iterable[float], sizes: tuple[int, ...]) -> tuple[float, ...]:
    return tuple(0.0 if size else float(each) for each, size in zip(values, sizes, strict=True))


def _outside(points: Array, core: Box) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return which share of points lies below and above the core; 0 for a category."""
    columns = range(len(core.sizes))
    below = [float(np.mean(points[:, each] < core.low[each])) for each in columns]
    above = [float(np.mean(points[:, each] > core.high[each])) for each in columns]
    return (
        tuple(0.0 if core.sizes[each] else below[each] for each in columns),
        tuple(0.0 if core.sizes[each] else above[each] for each in columns),
    )


def _likely(
    model: GaussianProcess, layout: Layout, box: Box, core: Box, rng: np.random.Generator
) -> tuple[Array, tuple[float, ...], tuple[float, ...]]:
    """Return likely places of the optimum, and the chance that it lies beyond each of the ends.

    One end at a time: beyond many at once everything is unknown, and what is unknown is hopeful;
    in ten dimensions nearly all of a box that is grown in each lies outside of the core.
    """

    def hopes(points: Array) -> Array:
        mean, sd = model.predict(layout.encode(points))
        return mean - OPTIMISM * sd

    filled = core.fill(INNER, rng)
    inner = filled[np.argsort(hopes(filled), kind="stable")[: FINALISTS // 2]]
    ends = [
        (column, above, low, high)
        for column, size in enumerate(box.sizes)
        for above, low, high in (
            (False, box.low[column], core.low[column]),
            (True, core.high[column], box.high[column]),
        )
        if not size and high - low > 1e-6 * (core.high[column] - core.low[column])
    ]
    each = min(MOST_BEYOND, max(FEWEST_BEYOND, FINALISTS // (2 * max(1, len(ends)))))
    moved = np.tile(inner[:MOVED], (len(ends), 1, 1))
    for (column, _, low, high), beyond in zip(ends, moved, strict=True):
        beyond[:, column] = low + (high - low) * rng.permutation(np.linspace(0.0, 1.0, MOVED))
    judged = hopes(moved.reshape(-1, len(box.sizes))).reshape(len(ends), MOVED)
    best = np.argsort(judged, axis=1, kind="stable")[:, :each, None]
    finalists = np.take_along_axis(moved, best, axis=1)
    points = np.vstack([inner, finalists.reshape(-1, len(box.sizes))])
    paths = model.joint_sample(layout.encode(points), PATHS, rng)
    within = paths[:, : len(inner)].min(axis=1)
    chances: dict[tuple[int, bool], float] = {}
    for index, (column, above, _, _) in enumerate(ends):
        start = len(inner) + index * each
        beyond = paths[:, start : start + each].min(axis=1)
        chances[column, above] = float(np.mean(beyond < within))
    columns = range(len(box.sizes))
    return (
        points[np.argmin(paths, axis=1)],
        tuple(chances.get((column, False), 0.0) for column in columns),
        tuple(chances.get((column, True), 0.0) for column in columns),
    )


def expected_gain(
    rows: Rows,
    losses: Sequence[float],
    box: Box,
    *,
    incumbent: Sequence[float],
    trials: int,
    adaptive: bool,
    seed: int,
) -> Gain:
    """Foresee what the best of `trials` new trials in the box gains on the incumbent.

    An adaptive search is taken to try the likely places of the optimum (Thompson sampling), any
    other to spread its trials evenly. The gain is the function's own, compared on one posterior
    path at a time: luck, the incumbent's and the new trials', is left out.

    Args:
        rows: the trials' mixed points (n, p).
        losses: their losses (n,).
        box: where the new trials will be.
        incumbent: the best trial's point (p,).
        trials: how many new trials there will be.
        adaptive: whether they will learn from each other.
        seed: makes the draws reproducible.

    Raises:
        ValueError: there are no trials, or a number is not finite.
        NotPositiveDefiniteError: the surrogate cannot be fitted.
    """
    layout, rng = Layout(box.sizes), np.random.default_rng(seed)
    model = GaussianProcess.fit(layout.encode(rows), np.array(losses), groups=layout.groups)
    points = box.fill(POINTS if adaptive else max(trials, FINALISTS), rng)
    mean, sd = model.predict(layout.encode(points))
    if adaptive:
        points = points[np.argsort(mean - OPTIMISM * sd, kind="stable")[:FINALISTS]]
        wishes = model.joint_sample(layout.encode(points), trials, rng)
        tried = points[np.unique(np.argmin(wishes, axis=1))]
    else:
        tried = points[:trials]
    together = layout.encode(np.vstack([np.array(incumbent)[None, :], tried]))
    paths = model.joint_sample(together, PATHS, rng)
    gains = np.maximum(paths[:, 0] - paths[:, 1:].min(axis=1), 0.0)
    low, high = np.quantile(gains, [0.1, 0.9])
    return Gain(float(gains.mean()), float(low), float(high))


def regrets(
    rows: Rows, losses: Sequence[float], box: Box, *, incumbent: Sequence[float], seed: int
) -> list[float]:
    """Draw how far the incumbent may lie behind the least value of the box, in losses; ascending.

    Each draw is one posterior path over the incumbent and the box's most promising points: the
    function's own values, without the incumbent's luck.

    Args:
        rows: the trials' mixed points (n, p).
        losses: their losses (n,).
        box: where the optimum is sought.
        incumbent: the best trial's point (p,).
        seed: makes the draws reproducible.

    Raises:
        ValueError: there are no trials, or a number is not finite.
        NotPositiveDefiniteError: the surrogate cannot be fitted.
    """
    layout, rng = Layout(box.sizes), np.random.default_rng(seed)
    model = GaussianProcess.fit(layout.encode(rows), np.array(losses), groups=layout.groups)
    points = box.fill(POINTS, rng)
    mean, sd = model.predict(layout.encode(points))
    finalists = points[np.argsort(mean - OPTIMISM * sd, kind="stable")[:FINALISTS]]
    together = layout.encode(np.vstack([np.array(incumbent)[None, :], finalists]))
    paths = model.joint_sample(together, PATHS, rng)
    found: list[float] = np.sort(paths[:, 0] - paths.min(axis=1)).tolist()
    return found


def _unevenness(values: Array, low: float, high: float) -> float:
    """Return the Kolmogorov-Smirnov distance of values to the uniform law on [low, high]."""
    places = np.sort((values - low) / max(high - low, 1e-300))
    steps = np.arange(places.size + 1) / places.size
    return float(max(np.max(steps[1:] - places), np.max(places - steps[:-1])))


def _shares(points: Array, sizes: tuple[int, ...]) -> tuple[tuple[float, ...], ...]:
    count = max(1, len(points))
    return tuple(
        tuple(float(np.sum(points[:, column] == index)) / count for index in range(size))
        for column, size in enumerate(sizes)
    )


def _explained(model: GaussianProcess) -> float:
    """Return 1 - (leave-one-out error)² / variance (Rasmussen & Williams 2006, eq. 5.12)."""
    precision = model.root.T @ model.root
    errors = (precision @ model.z) / np.diagonal(precision)
    variance = float(np.mean(model.z**2))
    missed = float(np.mean(errors**2))
    return 1.0 - missed / variance if variance > 0 and math.isfinite(missed) else 0.0


def noise_of(rows: Rows, losses: Sequence[float], sizes: Sequence[int]) -> float:
    """Return the noise's standard deviation that the surrogate tells from the function, in losses.

    Args:
        rows: the trials' mixed points (n, p).
        losses: their losses (n,).
        sizes: for each column its number of choices; 0 for a number.

    Raises:
        ValueError: there are no trials, or a number is not finite.
        NotPositiveDefiniteError: the surrogate cannot be fitted.
    """
    layout = Layout(tuple(sizes))
    return GaussianProcess.fit(layout.encode(rows), np.array(losses), groups=layout.groups).noise
