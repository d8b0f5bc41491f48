"""How mixed points become columns (categories one-hot); nothing is fitted here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gp_surrogate.kernel import Array

ONE_HOT = 0.5**0.5  # two different categories are then at distance 1, as the ends of a range are


@dataclass(frozen=True)
class Layout:
    """The kinds of a space's hyperparameters: 0 for a number, k > 0 for one of k categories.

    A mixed point is a row with a unit coordinate for each number and an index for each category.

    >>> Layout((0, 2)).encode(np.array([[0.25, 1.0]])).round(3).tolist()
    [[0.25, 0.0, 0.707]]
    >>> Layout((0, 2)).groups
    (0, 1, 1)
    """

    sizes: tuple[int, ...]

    @property
    def groups(self) -> tuple[int, ...]:
        """For each column the hyperparameter it belongs to, as `GaussianProcess.fit` wants it."""
        return tuple(index for index, size in enumerate(self.sizes) for _ in range(max(1, size)))

    @property
    def numeric(self) -> tuple[int, ...]:
        """The positions of the numbers."""
        return tuple(index for index, size in enumerate(self.sizes) if not size)

    def encode(self, rows: Array | Sequence[Sequence[float]]) -> Array:
        """Turn mixed points (n, p) into columns (n, d); an index out of range is no category."""
        points = np.asarray(rows, dtype=np.float64).reshape(-1, len(self.sizes))
        columns = [
            ONE_HOT * (points[:, [index]] == np.arange(size)) if size else points[:, [index]]
            for index, size in enumerate(self.sizes)
        ]
        return np.hstack(columns)
