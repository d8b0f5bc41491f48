"""How much one more trial is expected to gain while others still run; it chooses no points.

Sources: Jones, Schonlau & Welch 1998 (expected improvement); Snoek, Larochelle & Adams, NeurIPS
2012 (averaged over what pending trials may tell); Ament et al., NeurIPS 2023 (its logarithm).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from gp_surrogate.acquisition import LOG_SQRT_2PI, log_h, normal_cdf
from gp_surrogate.kernel import matern52_with_slope, robust_cholesky, squared_distances

if TYPE_CHECKING:
    from gp_surrogate import GaussianProcess
    from gp_surrogate.kernel import Array

LEAST = 1e-9  # the least doubt, of standardised values: its logarithm stays finite


@dataclass(frozen=True, eq=False)
class Improvement:
    """The logarithm of the expected improvement at any points; make one with `of`.

    Attributes:
        model: the surrogate, the running trials among its points.
        alphas: for each draw of their values the weights of the points (n, draws).
        best: for each draw the least mean at the known and running points, standardised (draws,).
    """

    model: GaussianProcess
    alphas: Array
    best: Array

    @classmethod
    def of(
        cls, model: GaussianProcess, running: Array, incumbents: Array, draws: Array
    ) -> Improvement:
        """Prepare for trials that run.

        Args:
            model: the surrogate of what is known.
            running: the encoded points of the running trials (q, d); there may be none.
            incumbents: the encoded points that may be the best (k, d), at least one.
            draws: standard normal numbers (draws, q): what the running trials may tell, as the
                model has it. Zeros say that they tell what is expected.
        """
        known, fuller, told = model.z[:, None], model, np.empty((0, len(draws)))
        if len(running):
            mean, _ = model.predict(running)
            doubt = model.covariance(running) / model.scale**2
            doubt[np.diag_indices(len(running))] += model.relative_noise**2
            told = (mean[:, None] - model.centre) / model.scale + robust_cholesky(doubt) @ draws.T
            fuller = model.condition(running, mean)
        z = np.vstack([np.repeat(known, len(draws), axis=1), told])
        alphas = fuller.root.T @ (fuller.root @ z)
        found = cls(fuller, alphas, np.zeros(len(draws)))
        means = found._correlate(np.vstack([incumbents, running]))[0] @ alphas
        return cls(fuller, alphas, means.min(axis=0))

    def __call__(self, x: Array) -> Array:
        """Return the score (m,) of encoded points (m, d)."""
        cross, _ = self._correlate(x)
        sd, _ = self._doubt(cross)
        return np.asarray(np.log(sd) + _log_mean(log_h(self._gains(cross, sd))))

    def with_slope(self, x: Array) -> tuple[Array, Array]:
        """Return the score (m,) of encoded points (m, d), and its gradient (m, d)."""
        cross, slope = self._correlate(x)
        sd, half = self._doubt(cross)
        z = self._gains(cross, sd)
        logs = log_h(z)
        value = _log_mean(logs)
        weight = np.exp(logs - value[:, None]) / logs.shape[1]
        # Of h(z) = φ(z) + z·Φ(z): φ/h, and Φ/h = h'/h, which far left is the difference's rest.
        bell = np.exp(-0.5 * z * z - LOG_SQRT_2PI - logs)
        near = normal_cdf(np.maximum(z, -4.0)) * np.exp(-np.maximum(logs, -50.0))
        chance = np.where(z < -3.0, (1.0 - bell) / np.minimum(z, -3.0), near)
        by_doubt = (weight * bell).sum(axis=1) / sd**2
        by_mean = (weight * chance) @ self.alphas.T / sd[:, None]
        pulls = slope * (by_doubt[:, None] * (half.T @ self.model.root) + by_mean)
        stretch = self._stretch()
        towards = x / stretch * pulls.sum(axis=1)[:, None] - pulls @ (self.model.x / stretch)
        return np.log(sd) + value, self.model.amplitude**2 * towards / stretch

    def _correlate(self, x: Array) -> tuple[Array, Array]:
        """Return the covariance with the model's points (m, n), and the kernel's slope there."""
        stretch = self._stretch()
        squared = squared_distances(x / stretch, self.model.x / stretch)
        shape, slope = matern52_with_slope(squared)
        return self.model.amplitude**2 * shape, slope

    def _doubt(self, cross: Array) -> tuple[Array, Array]:
        half = self.model.root @ cross.T
        variance = self.model.amplitude**2 - np.einsum("ij,ij->j", half, half)
        return np.sqrt(np.maximum(variance, LEAST**2)), half

    def _gains(self, cross: Array, sd: Array) -> Array:
        """Return by how many of its standard deviations each point's mean is below the best."""
        return np.asarray((self.best - cross @ self.alphas) / sd[:, None])

    def _stretch(self) -> Array:
        return self.model.lengthscales[list(self.model.groups)]


def _log_mean(logs: Array) -> Array:
    """Return the logarithm of the mean of each row's exponentials (m,)."""
    top = logs.max(axis=1)
    return np.asarray(top + np.log(np.exp(logs - top[:, None]).mean(axis=1)))
