"""A smooth bowl for surrogates to be fitted to, and noisy samples of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from gp_surrogate.kernel import Array


def bowl(x: Array) -> Array:
    """Return the values (n,) at x (n, d); the least is at 0.4 in every coordinate."""
    return np.asarray(np.sum((x - 0.4) ** 2 * np.arange(1, x.shape[1] + 1), axis=1))


def sample(n: int = 30, d: int = 3, seed: int = 0) -> tuple[Array, Array]:
    """Return points (n, d) in the unit cube and noisy values (n,)."""
    rng = np.random.default_rng(seed)
    x = rng.random((n, d))
    return x, bowl(x) + 0.02 * rng.standard_normal(n)
