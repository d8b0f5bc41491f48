"""What AMT's Bayesian strategy would try next: expected improvement on a Gaussian process.

AMT's own engine is not published; this one has the traits that are known: a Gaussian process,
expected improvement, a few points first, pending trials and parents' trials accounted for.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from gp_surrogate import GaussianProcess
from gp_surrogate.candidates import around, spread
from sagemaker_local.suggest.ascent import climb
from sagemaker_local.suggest.improvement import Improvement
from sagemaker_local.suggest.space import Array, Categorical, Space

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

Goal = Literal["Maximize", "Minimize"]

INITIAL = 10  # values that must be known before the surrogate is asked
AT_MOST = 300  # trials it is fitted to: its cost grows with their cube
GRID = 2000  # a space with no more points than this is judged whole
GLOBAL, ELITE, LOCAL = 768, 4, 64  # candidates: over the cube, good trials, around each of them
CLIMBERS = 6  # of the best candidates
FANTASIES = 16  # draws of what the running trials may tell
WIDE, CLOSE = 0.15, 0.03  # radii (sd) around good trials


@dataclass(frozen=True)
class Observed:
    """A trial that ended with a value; `own` is false for one of a warm-start parent."""

    parameters: Mapping[str, str]
    value: float
    own: bool = True


def suggest_bayesian(
    space: Space,
    goal: Goal,
    observed: Sequence[Observed],
    pending: Sequence[Mapping[str, str]],
    seed: int,
    index: int,
) -> dict[str, str]:
    """Return the parameters of trial number `index` (from 0) of a Bayesian tuning job.

    Deterministic; a point that was observed or is pending is suggested again only when the space
    has no other.

    Args:
        space: what is searched.
        goal: whether more or less of the value is better.
        observed: the trials with a value, the parents' among them; failed ones left out.
        pending: the parameters of the trials that are running.
        seed: the tuning job's seed.
        index: the trial's number within its job.
    """
    # The parents' come first: they are the older ones.
    known = sorted((each for each in observed if math.isfinite(each.value)), key=lambda t: t.own)
    points = np.array([space.to_unit(trial.parameters) for trial in known]).reshape(-1, len(space))
    running = np.array([space.to_unit(each) for each in pending]).reshape(-1, len(space))
    taken = _keys(np.vstack([points, running]))
    if len(known) < INITIAL:
        return space.from_unit(_initial(space, taken, seed, index))
    losses = np.array([trial.value for trial in known]) * (-1.0 if goal == "Maximize" else 1.0)
    rng = np.random.default_rng([seed, index, 1])
    kept = _keep(losses)
    ranked = _rank(space, points[kept], winsorise(losses)[kept], running, rng)
    return space.from_unit(_first_free(ranked, taken))


def winsorise(losses: Array) -> Array:
    """Pull bad outliers (n,) in to the upper quartile plus 1.5 quartile distances (Tukey 1977)."""
    low, high = np.quantile(losses, [0.25, 0.75])
    return np.asarray(np.minimum(losses, high + 1.5 * (high - low)))


def _initial(space: Space, taken: set[bytes], seed: int, index: int) -> Array:
    """Return the first free point of an even set from its place `index` on."""
    units = space.snap(spread(1024, len(space), np.random.default_rng([seed, 0])))
    units = np.roll(units, -index, axis=0)
    return _first_free(units, taken)


def _rank(
    space: Space, points: Array, losses: Array, running: Array, rng: np.random.Generator
) -> Array:
    """Return many points (m, p), the most promising first."""
    model = GaussianProcess.fit(space.encode(points), losses, groups=space.layout.groups)
    inside = points[((points >= 0) & (points <= 1)).all(axis=1)]
    incumbents = space.encode(inside if len(inside) else points)
    draws = _draws(len(running), rng)
    score = Improvement.of(model, space.encode(running), incumbents, draws)
    if space.combinations() <= GRID:
        units = space.grid()
        return units[np.argsort(-score(space.encode(units)), kind="stable")]
    elite = points[np.argsort(losses, kind="stable")[:ELITE]]
    units = _candidates(space, np.clip(elite, 0.0, 1.0), rng)
    scores = score(space.encode(units))
    first = units[np.argsort(-scores, kind="stable")[:CLIMBERS]]
    climbed, reached = climb(score, space, first)
    units, scores = np.vstack([climbed, units]), np.concatenate([reached, scores])
    return units[np.argsort(-scores, kind="stable")]


def _draws(running: int, rng: np.random.Generator) -> Array:
    """Return what running trials may tell (draws, running): standard normal, and its mirror."""
    if not running:
        return np.zeros((1, 0))
    half = rng.standard_normal((FANTASIES // 2, running))
    return np.vstack([half, -half])


def _keep(losses: Array) -> NDArray[np.intp]:
    """Choose which trials (indices, in order) are fitted: all, or the best third and the latest."""
    if losses.size <= AT_MOST:
        return np.arange(losses.size)
    best = np.argsort(losses, kind="stable")[: AT_MOST // 3]
    rest = np.setdiff1d(np.arange(losses.size), best)
    return np.sort(np.concatenate([best, rest[-(AT_MOST - best.size) :]]))


def _candidates(space: Space, elite: Array, rng: np.random.Generator) -> Array:
    everywhere = space.snap(spread(GLOBAL, len(space), rng))
    near = [_vary(space, elite, LOCAL, radius, rng) for radius in (WIDE, CLOSE)]
    return np.vstack([everywhere, *near])


def _vary(
    space: Space, centres: Array, count: int, radius: float, rng: np.random.Generator
) -> Array:
    """Step away from points; a category that moves is drawn anew, an integer moves by one or so."""
    units = around(centres, count, radius, rng)
    origin = np.repeat(centres, count, axis=0)
    for column, each in enumerate(space):
        moved = units[:, column] != origin[:, column]
        if isinstance(each, Categorical):
            units[moved, column] = rng.random(int(moved.sum()))
        elif each.whole:
            # A step smaller than an integer's stretch would go nowhere.
            stretch = 1.0 / (each.high - each.low + 1.0)
            units[moved, column] += stretch * rng.choice([-0.75, 0.75], int(moved.sum()))
    return space.snap(units)


def _keys(units: Array) -> set[bytes]:
    return {row.tobytes() for row in np.round(units, 9) + 0.0}


def _first_free(units: Array, taken: set[bytes]) -> Array:
    for key, unit in zip(np.round(units, 9) + 0.0, units, strict=True):
        if key.tobytes() not in taken:
            return np.asarray(unit)
    return np.asarray(units[0])
