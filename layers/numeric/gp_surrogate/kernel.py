"""The Matérn-5/2 kernel over grouped columns and its robust factorisation; no data is kept here.

Source: Rasmussen & Williams, *Gaussian Processes for Machine Learning*, 2006, eq. 4.17.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Sequence

Array = NDArray[np.float64]

SQRT5 = 5.0**0.5
JITTERS = (0.0, 1e-10, 1e-8, 1e-6, 1e-4, 1e-2)
BLOCK = 48  # below this many rows LAPACK's own inverse beats one more split


class NotPositiveDefiniteError(ArithmeticError):
    """A matrix that should be a covariance is none, whatever jitter it is given."""


def matern52(squared: Array) -> Array:
    """Return the correlation for squared scaled distances, of the same shape.

    >>> float(matern52(np.zeros(1))[0])
    1.0
    """
    root = SQRT5 * np.sqrt(squared)
    return np.asarray((1.0 + root + root * root / 3.0) * np.exp(-root))


def matern52_with_slope(squared: Array) -> tuple[Array, Array]:
    """Return the correlation and minus twice its derivative by the squared distance."""
    root = SQRT5 * np.sqrt(squared)
    decay = np.exp(-root)
    near = (1.0 + root) * decay
    return near + (root * root / 3.0) * decay, (5.0 / 3.0) * near


def squared_distances(left: Array, right: Array) -> Array:
    """Return all squared distances between the rows of (m, d) and (n, d), as (m, n)."""
    cross = left @ right.T
    cross *= -2.0
    cross += np.einsum("ij,ij->i", left, left)[:, None]
    cross += np.einsum("ij,ij->i", right, right)[None, :]
    return np.asarray(np.maximum(cross, 0.0, out=cross))


def grouped_pairs(x: Array, groups: Sequence[int]) -> Array:
    """Return the squared distance of each pair i > j of rows, by group: (groups, pairs).

    Columns of one group (a category's one-hot columns) share a lengthscale, so their parts add up.
    """
    rows, columns = np.tril_indices(len(x), -1)
    pairs = np.zeros((max(groups) + 1, rows.size))
    for column, group in enumerate(groups):
        gap = x[rows, column] - x[columns, column]
        pairs[group] += gap * gap
    return pairs


def robust_cholesky(matrix: Array) -> Array:
    """Factor a covariance (n, n), of which only the lower triangle is read.

    A near-singular one (duplicates, no noise) is given growing jitter, relative to its diagonal.

    Raises:
        NotPositiveDefiniteError: not even the largest jitter made it positive definite.
    """
    level = float(np.mean(np.diagonal(matrix)))
    for jitter in JITTERS:
        try:
            factor = np.linalg.cholesky(matrix + jitter * level * np.eye(len(matrix)))
        except np.linalg.LinAlgError:
            continue
        if np.isfinite(factor).all():
            return np.asarray(factor)
    raise NotPositiveDefiniteError("covariance is not positive definite, even with jitter")


def inverse_of_lower(factor: Array) -> Array:
    """Invert a lower triangular matrix by halves: numpy has no triangular solver."""
    size = len(factor)
    if size <= BLOCK:
        return np.asarray(np.tril(np.linalg.inv(factor)))
    half = size // 2
    inverse = np.zeros_like(factor)
    top = inverse_of_lower(factor[:half, :half])
    bottom = inverse_of_lower(factor[half:, half:])
    inverse[:half, :half] = top
    inverse[half:, half:] = bottom
    inverse[half:, :half] = -bottom @ (factor[half:, :half] @ top)
    return inverse
