"""The Matérn-5/2 kernel over grouped columns and its robust factorisation; no data is kept here.

Source: Rasmussen & Williams, *Gaussian Processes for Machine Learning*, 2006, eq. 4.17.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Sequence

Array = NDArray[np.float64]

JITTERS = (0.0, 1e-10, 1e-8, 1e-6, 1e-4, 1e-2)
LEAF = 8  # rows up to which LAPACK's own inverse beats one more split


class NotPositiveDefiniteError(ArithmeticError):
    """A matrix that should be a covariance is none, whatever jitter it is given."""


def matern52(squared: Array) -> Array:
    """Turn squared scaled distances into correlations, in their place.

    >>> float(matern52(np.zeros(1))[0])
    1.0
    """
    # Of thousands of points, most of the time went into new arrays.
    shape = squared
    shape *= 5.0
    root = np.sqrt(shape)
    shape /= 3.0
    shape += root
    shape += 1.0
    shape *= np.exp(np.negative(root, out=root), out=root)
    return np.asarray(shape)


def matern52_with_slope(squared: Array) -> tuple[Array, Array]:
    """Return the correlation and minus twice its derivative by the squared distance."""
    shape = 5.0 * squared
    root = np.sqrt(shape)
    decay = np.exp(-root)
    root += 1.0
    shape /= 3.0
    shape += root
    shape *= decay
    root *= decay
    root *= 5.0 / 3.0
    return shape, root


def squared_distances(left: Array, right: Array) -> Array:
    """Return all squared distances between the rows of (m, d) and (n, d), as (m, n)."""
    # One product gives |l|² + |r|² - 2·l·r, without a pass over the result for each of the three.
    squares = [np.einsum("ij,ij->i", each, each) for each in (left, right)]
    lefts = np.column_stack([left, squares[0], np.ones(len(left))])
    rights = np.column_stack([-2.0 * right, np.ones(len(right)), squares[1]])
    found = lefts @ rights.T
    return np.asarray(np.maximum(found, 0.0, out=found))


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


def robust_cholesky(matrix: Array, level: float | None = None) -> Array:
    """Factor a covariance (n, n), of which only the lower triangle is read.

    A near-singular one (duplicates, no noise) is given growing jitter, in units of `level`; of the
    mean of its diagonal, if none is given.

    Raises:
        NotPositiveDefiniteError: not even the largest jitter made it positive definite.
    """
    for jitter in JITTERS:
        raised = matrix
        if jitter:
            unit = float(np.mean(np.diagonal(matrix))) if level is None else level
            raised = matrix + jitter * unit * np.eye(len(matrix))
        try:
            factor = np.linalg.cholesky(raised)
        except np.linalg.LinAlgError:
            continue
        if np.isfinite(np.diagonal(factor)).all():  # what is no number elsewhere ends up there
            return np.asarray(factor)
    raise NotPositiveDefiniteError("covariance is not positive definite, even with jitter")


def inverse_of_lower(factor: Array) -> Array:
    """Invert a lower triangular matrix: numpy has no triangular solver.

    From small blocks on the diagonal to the whole, two neighbours into one, all of a size at once:
    nearly all of the work is products of matrices.
    """
    rows = len(factor)
    doublings = max(0, math.ceil(math.log2(rows / LEAF)))
    count = 1 << doublings
    size = -(-rows // count)
    padded = np.eye(size * count)
    padded[:rows, :rows] = factor
    inverse = np.zeros_like(padded)
    # LAPACK's inverse is a general one: above the diagonal it may leave what is not quite 0.
    _blocks(inverse, 0, 0, size, size)[...] = np.linalg.inv(
        _blocks(padded, 0, 0, size, size)
    ) * np.tri(size)
    while size < len(padded):
        top = _blocks(inverse, 0, 0, size, 2 * size)
        bottom = _blocks(inverse, size, size, size, 2 * size)
        beside = _blocks(padded, size, 0, size, 2 * size)
        joint = _blocks(inverse, size, 0, size, 2 * size)
        np.negative(np.matmul(bottom, beside @ top, out=joint), out=joint)
        size *= 2
    return inverse[:rows, :rows]


def _blocks(matrix: Array, row: int, column: int, size: int, apart: int) -> Array:
    """View the blocks (count, size, size) from (row, column) on, so far apart down the diagonal."""
    count = len(matrix) // apart
    down, right = matrix.strides
    return np.ndarray(
        (count, size, size),
        np.float64,
        matrix,
        row * down + column * right,
        ((down + right) * apart, down, right),
    )
