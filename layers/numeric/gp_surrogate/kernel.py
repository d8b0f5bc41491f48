"""The Matérn-5/2 kernel over grouped columns and its robust factorisation; no data is kept here.

Source: Rasmussen & Williams, *Gaussian Processes for Machine Learning*, 2006, eq. 4.17.
"""

from __future__ import annotations

from functools import cache
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
    # In place: of thousands of points, most of the time went into new arrays.
    root = np.sqrt(squared)
    root *= SQRT5
    shape = root * root
    shape /= 3.0
    shape += 1.0 + root
    shape *= np.exp(np.negative(root, out=root), out=root)
    return np.asarray(shape)


def matern52_with_slope(squared: Array) -> tuple[Array, Array]:
    """Return the correlation and minus twice its derivative by the squared distance."""
    root = np.sqrt(squared)
    root *= SQRT5
    decay = np.exp(-root)
    near = (1.0 + root) * decay
    far = np.square(root, out=root)
    far /= 3.0
    far *= decay
    far += near
    near *= 5.0 / 3.0
    return far, near


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
    for jitter in JITTERS:
        raised = matrix
        if jitter:
            level = float(np.mean(np.diagonal(matrix)))
            raised = matrix + jitter * level * np.eye(len(matrix))
        try:
            factor = np.linalg.cholesky(raised)
        except np.linalg.LinAlgError:
            continue
        if np.isfinite(factor).all():
            return np.asarray(factor)
    raise NotPositiveDefiniteError("covariance is not positive definite, even with jitter")


def inverse_of_lower(factor: Array) -> Array:
    """Invert a lower triangular matrix by halves: numpy has no triangular solver."""
    inverse = np.zeros_like(factor)
    _invert_leaves(factor, inverse)
    _join(factor, inverse)
    return inverse


def _invert_leaves(factor: Array, inverse: Array) -> None:
    """Invert the blocks on the diagonal, those of one size in one call."""
    starts: dict[int, list[int]] = {}
    for start, size in _leaves(0, len(factor)):
        starts.setdefault(size, []).append(start)
    for size, places in starts.items():
        blocks = np.stack([factor[at : at + size, at : at + size] for at in places])
        for at, block in zip(places, np.linalg.inv(blocks), strict=True):
            np.copyto(inverse[at : at + size, at : at + size], block, where=_lower(size))


@cache
def _lower(size: int) -> NDArray[np.bool_]:
    # LAPACK's inverse is a general one: above the diagonal it may leave what is not quite 0.
    return np.arange(size)[:, None] >= np.arange(size)


def _leaves(start: int, size: int) -> list[tuple[int, int]]:
    if size <= BLOCK:
        return [(start, size)]
    half = size // 2
    return _leaves(start, half) + _leaves(start + half, size - half)


def _join(factor: Array, inverse: Array) -> None:
    """Fill what is below the inverted blocks on the diagonal."""
    if len(factor) <= BLOCK:
        return
    half = len(factor) // 2
    _join(factor[:half, :half], inverse[:half, :half])
    _join(factor[half:, half:], inverse[half:, half:])
    bottom = inverse[half:, half:]
    inverse[half:, :half] = -bottom @ (factor[half:, :half] @ inverse[:half, :half])
