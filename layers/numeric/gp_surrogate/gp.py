"""A Gaussian process on the unit cube, fitted by MAP; it knows points and values, not studies.

Sources: Rasmussen & Williams 2006, algorithm 2.1 (prediction) and §5.4 (fit); Snoek, Larochelle &
Adams, NeurIPS 2012 (Matérn-5/2 with one lengthscale per hyperparameter).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from gp_surrogate.evidence import LEAST_NOISE, Evidence
from gp_surrogate.kernel import (
    Array,
    inverse_of_lower,
    matern52,
    robust_cholesky,
    squared_distances,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

# Inputs are rounded so that a change of units or scale, exact but for the last bits, gives
# bit-equal fits: the optimiser's branches would otherwise amplify those bits.
DIGITS = 9
AT_ONCE = 2**14  # covariances computed together: what they take stays in the processor's cache


@dataclass(frozen=True, eq=False)
class GaussianProcess:
    """A fitted process. Make one with `fit`; more data without a refit comes with `condition`.

    >>> x = np.linspace(0, 1, 8)[:, None]
    >>> model = GaussianProcess.fit(x, np.sin(6 * x[:, 0]))
    >>> mean, sd = model.predict(np.array([[0.5]]))
    >>> bool(abs(mean[0] - np.sin(3.0)) < 0.05)
    True

    Attributes:
        x: the points (n, d), in canonical order.
        z: their standardised values (n,).
        groups: for each column the index of its lengthscale (d,).
        lengthscales: one per group, in units of the cube.
        amplitude: the prior's standard deviation, of standardised values.
        relative_noise: the noise's standard deviation, of standardised values.
        centre: the mean of the values given; `z = (y - centre) / scale`.
        scale: their standard deviation, or 1 if they are all equal.
        root: the inverse of the covariance's Cholesky factor (n, n).
    """

    x: Array
    z: Array
    groups: tuple[int, ...]
    lengthscales: Array
    amplitude: float
    relative_noise: float
    centre: float
    scale: float
    root: Array

    @classmethod
    def fit(
        cls,
        x: Array,
        y: Array,
        *,
        groups: Sequence[int] | None = None,
        iterations: int = 40,
    ) -> GaussianProcess:
        """Fit points x (n, d) with values y (n,), to be minimised or not: the sign is the caller's.

        The order of the rows does not matter. The cost grows with n³; give at most a few hundred.

        Args:
            x: coordinates, about within [0, 1]; one-hot columns for categories.
            y: values in any unit.
            groups: for each column the index, from 0 without gaps, of the lengthscale it shares;
                `None` gives each its own.
            iterations: at most so many optimiser steps.

        Raises:
            ValueError: no rows, unequal lengths, a gap in `groups`, or a value that is not finite.
        """
        shares = tuple(range(x.shape[1])) if groups is None else tuple(groups)
        _check(x, y, shares)
        centre, scale = float(np.mean(y)), float(np.std(y))
        if scale <= 1e-12 * max(1e-300, float(np.max(np.abs(y)))):
            scale = 1.0
        points, z = np.round(x, DIGITS), np.round((y - centre) / scale, DIGITS)
        order = np.lexsort((z, *points.T[::-1]))
        points, z = points[order] + 0.0, z[order] + 0.0  # + 0.0 turns -0.0 into 0.0
        theta = Evidence.of(points, z, shares).best(iterations)
        lengthscales = np.exp(theta[:-2])
        amplitude, noise = (
            float(np.exp(theta[-2])),
            float(np.hypot(np.exp(theta[-1]), LEAST_NOISE**0.5)),
        )
        scaled = points / lengthscales[list(shares)]
        covariance = amplitude**2 * matern52(squared_distances(scaled, scaled))
        np.fill_diagonal(covariance, amplitude**2 + noise**2)
        root = inverse_of_lower(robust_cholesky(covariance))
        return cls(points, z, shares, lengthscales, amplitude, noise, centre, scale, root)

    @property
    def noise(self) -> float:
        """The noise's standard deviation, in units of y."""
        return self.relative_noise * self.scale

    def predict(self, x: Array) -> tuple[Array, Array]:
        """Return the mean and standard deviation (m,) of the function itself, without noise."""
        weights = self.root @ self.z
        mean, variance = np.empty(len(x)), np.empty(len(x))
        step = max(16, AT_ONCE // len(self.x))
        for start in range(0, len(x), step):
            part = slice(start, start + step)
            half = self.root @ self._correlate(x[part], self.x).T
            mean[part] = half.T @ weights
            variance[part] = self.amplitude**2 - np.einsum("ij,ij->j", half, half)
        return self.centre + self.scale * mean, self.scale * np.sqrt(np.maximum(variance, 0.0))

    def covariance(self, x: Array) -> Array:
        """Return the posterior covariance (m, m) of the function itself, in squared units of y."""
        return self._jointly(x)[1]

    def joint_sample(self, x: Array, count: int, rng: np.random.Generator) -> Array:
        """Draw `count` functions from the posterior, each seen at x (m, d): (count, m)."""
        mean, spread = self._jointly(x)
        # Points side by side are all but one point: a jitter far below the prior keeps order.
        doubt = np.maximum(np.diagonal(spread), 0.0) + 1e-9 * (self.amplitude * self.scale) ** 2
        np.fill_diagonal(spread, doubt)
        factor = robust_cholesky(spread)
        return np.asarray(mean + rng.standard_normal((count, len(x))) @ factor.T)

    def _jointly(self, x: Array) -> tuple[Array, Array]:
        """Return mean (m,) and covariance (m, m) of the function itself."""
        half = self.root @ self._correlate(x, self.x).T
        spread = self._correlate(x, x)
        spread -= half.T @ half
        spread *= self.scale**2
        return self.centre + self.scale * (half.T @ (self.root @ self.z)), spread

    def condition(self, x: Array, y: Array) -> GaussianProcess:
        """Add points x (k, d) with values y (k,), keeping hyperparameters and standardisation.

        With y = `predict(x)[0]` this is the kriging believer: the mean stays, the doubt shrinks
        (Ginsbourger, Le Riche & Carraro 2010).
        """
        if not len(x):
            return self
        cross = self._correlate(x, self.x) @ self.root.T
        block = self._correlate(x, x) - cross @ cross.T
        block[np.diag_indices(len(x))] += self.relative_noise**2
        corner = inverse_of_lower(robust_cholesky(block))
        old, new = len(self.x), len(x)
        root = np.zeros((old + new, old + new))
        root[:old, :old] = self.root
        root[old:, old:] = corner
        root[old:, :old] = -corner @ cross @ self.root
        return GaussianProcess(
            x=np.vstack([self.x, x]),
            z=np.concatenate([self.z, (y - self.centre) / self.scale]),
            groups=self.groups,
            lengthscales=self.lengthscales,
            amplitude=self.amplitude,
            relative_noise=self.relative_noise,
            centre=self.centre,
            scale=self.scale,
            root=root,
        )

    def _correlate(self, left: Array, right: Array) -> Array:
        stretch = self.lengthscales[list(self.groups)]
        found = matern52(squared_distances(left / stretch, right / stretch))
        found *= self.amplitude**2
        return found


def _check(x: Array, y: Array, groups: tuple[int, ...]) -> None:
    if x.ndim != 2 or y.shape != (len(x),) or not len(x):
        raise ValueError(f"x {x.shape} and y {y.shape} must have the same rows, at least one")
    if len(groups) != x.shape[1] or set(groups) != set(range(max(groups, default=-1) + 1)):
        raise ValueError(f"groups {groups} must number the {x.shape[1]} columns' groups from 0")
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        raise ValueError("x and y must be finite")
