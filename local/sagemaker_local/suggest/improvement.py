"""How much one more trial is expected to gain while others still run; it chooses no points.

Sources: Jones, Schonlau & Welch 1998 (expected improvement); Snoek, Larochelle & Adams, NeurIPS
2012 (pending trials by what they may tell); Ament et al., NeurIPS 2023 (its logarithm).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from gp_surrogate.acquisition import LOG_SQRT_2PI, log_h, normal_cdf
from gp_surrogate.kernel import matern52, matern52_with_slope, squared_distances

if TYPE_CHECKING:
    from gp_surrogate import GaussianProcess
    from gp_surrogate.kernel import Array

COOL = 1.0
LEAST = 1e-9  # the least doubt, of standardised values: its logarithm stays finite


@dataclass(frozen=True, eq=False)
class Improvement:
    """The logarithm of the expected improvement, averaged over what pending trials may tell."""

    model: GaussianProcess
    alphas: Array
    best: Array

    @classmethod
    def of(
        cls, model: GaussianProcess, running: Array, incumbents: Array, draws: Array
    ) -> Improvement:
        if not len(running):
            z = model.z[:, None]
            alphas = model.root.T @ (model.root @ z)
            best = cls._means(model, incumbents, alphas).min(axis=0)
            return cls(model, alphas, best)
        mean, _ = model.predict(running)
        spread = model.covariance(running) / model.scale**2
        spread[np.diag_indices(len(running))] += model.relative_noise**2 + 1e-9 * model.amplitude**2
        factor = np.linalg.cholesky(spread)
        told = ((mean - model.centre) / model.scale)[:, None] + factor @ draws.T
        fuller = model.condition(running, mean)
        count = draws.shape[0]
        z = np.vstack([np.repeat(model.z[:, None], count, axis=1), told])
        alphas = fuller.root.T @ (fuller.root @ z)
        best = cls._means(fuller, np.vstack([incumbents, running]), alphas).min(axis=0)
        return cls(fuller, alphas, best)

    @staticmethod
    def _means(model: GaussianProcess, x: Array, alphas: Array) -> Array:
        stretch = model.lengthscales[list(model.groups)]
        cross = model.amplitude**2 * matern52(squared_distances(x / stretch, model.x / stretch))
        return cross @ alphas

    def __call__(self, x: Array) -> Array:
        model = self.model
        stretch = model.lengthscales[list(model.groups)]
        cross = model.amplitude**2 * matern52(squared_distances(x / stretch, model.x / stretch))
        half = model.root @ cross.T
        variance = model.amplitude**2 - np.einsum("ij,ij->j", half, half)
        sd = COOL * np.sqrt(np.maximum(variance, LEAST**2))
        logs = log_h((self.best - cross @ self.alphas) / sd[:, None])
        return np.asarray(np.log(sd) + _log_mean(logs))

    def with_slope(self, x: Array) -> tuple[Array, Array]:
        model = self.model
        stretch = model.lengthscales[list(model.groups)]
        left, right = x / stretch, model.x / stretch
        correlation, slope = matern52_with_slope(squared_distances(left, right))
        cross = model.amplitude**2 * correlation
        half = model.root @ cross.T
        variance = model.amplitude**2 - np.einsum("ij,ij->j", half, half)
        sd = COOL * np.sqrt(np.maximum(variance, LEAST**2))
        z = (self.best - cross @ self.alphas) / sd[:, None]
        logs = log_h(z)
        value = _log_mean(logs)
        weight = np.exp(logs - value[:, None]) / logs.shape[1]
        bell = np.exp(np.maximum(-0.5 * z * z - LOG_SQRT_2PI - logs, -700.0))
        with np.errstate(divide="ignore", invalid="ignore"):
            chance = np.where(
                z < -3.0, (1.0 - bell) / z, normal_cdf(z) * np.exp(-np.maximum(logs, -50.0))
            )
        by_sd = (weight * bell).sum(axis=1) / sd
        by_mean = -(weight * chance) / sd[:, None]
        pull = (model.root.T @ half).T
        mixed = slope * ((COOL**2 * by_sd / sd)[:, None] * pull - by_mean @ self.alphas.T)
        gradient = (
            model.amplitude**2 * (left * mixed.sum(axis=1)[:, None] - mixed @ right) / stretch
        )
        return np.log(sd) + value, gradient


def _log_mean(logs: Array) -> Array:
    top = logs.max(axis=1)
    return np.asarray(top + np.log(np.exp(logs - top[:, None]).mean(axis=1)))
