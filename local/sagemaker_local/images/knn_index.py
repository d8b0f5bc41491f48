"""The index of the built-in k-nearest neighbours: searched, saved and loaded; it reads no data.

The search is exact for every index type. The inverted and the quantised ones of the real
algorithm are faster and only nearly exact.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from sagemaker_local.images.knn_hyperparameters import CLASSIFIER, Hyperparameters
from sagemaker_local.images.opt_ml import UserError

Array = npt.NDArray[np.float32]
INDEX, LABELS, STATE = "model_algo-1", "model_algo-1.labels", "model_algo-1.json"
BLOCK_CELLS = 1 << 24
"""Distances that are in memory at a time."""
SEED = 0


@dataclass(frozen=True)
class Reduction:
    """A random projection."""

    matrix: Array

    @classmethod
    def drawn(cls, told: Hyperparameters) -> "Reduction | None":
        """Draw the projection that is asked for."""
        if told.reduction is None or told.target is None:
            return None
        random = np.random.default_rng(SEED)
        width, target = told.features, told.target
        if told.reduction == "sign":
            signs = random.choice([-1.0, 1.0], size=(width, target))
            return cls((signs / np.sqrt(target)).astype(np.float32))
        size = 1 << max(0, (width - 1).bit_length())
        rows = random.choice(size, size=min(target, size), replace=False)
        flips = random.choice([-1.0, 1.0], size=width)
        columns = np.arange(width)
        # Entries of a Hadamard matrix: the parity of the bits that row and column share
        shared = rows[:, None] & columns[None, :]
        parity = np.zeros_like(shared)
        while shared.any():
            parity ^= shared & 1
            shared >>= 1
        matrix = (1.0 - 2.0 * parity) * flips / np.sqrt(target)
        return cls(matrix.T.astype(np.float32))

    def __call__(self, rows: Array) -> Array:
        """The rows in fewer dimensions."""
        return np.asarray(rows @ self.matrix, dtype=np.float32)


@dataclass(frozen=True)
class Neighbours:
    """The nearest points of each row, from the nearest on, and what is predicted of them."""

    distances: Array
    labels: Array
    predicted: Array


@dataclass(frozen=True)
class Index:
    """Points with labels, and how they are asked."""

    points: Array
    labels: Array
    neighbours: int
    predictor: str
    metric: str
    features: int
    reduction: Reduction | None = None

    @classmethod
    def built(cls, told: Hyperparameters, rows: Array, labels: Array) -> "Index":
        """Sample the rows, reduce them and keep them."""
        if len(rows) > told.sample:
            kept = np.random.default_rng(SEED).choice(len(rows), told.sample, replace=False)
            rows, labels = rows[np.sort(kept)], labels[np.sort(kept)]
        if told.neighbours > len(rows):
            raise UserError(f"k is {told.neighbours}, but there are only {len(rows)} rows")
        reduction = Reduction.drawn(told)
        points = reduction(rows) if reduction else rows
        return cls(
            points,
            labels,
            told.neighbours,
            told.predictor,
            told.metric,
            told.features,
            reduction,
        )

    def search(self, rows: Array) -> Neighbours:
        """The neighbours of each row, block by block."""
        asked = self.reduction(rows) if self.reduction else rows
        step = max(1, BLOCK_CELLS // max(1, len(self.points)))
        distances, nearest = [], []
        for start in range(0, len(asked), step):
            all_of = self._distances(asked[start : start + step])
            order = np.argsort(all_of, axis=1, kind="stable")[:, : self.neighbours]
            nearest.append(order)
            distances.append(np.take_along_axis(all_of, order, axis=1))
        if not nearest:
            empty = np.empty((0, self.neighbours), dtype=np.float32)
            return Neighbours(empty, empty, np.empty(0, dtype=np.float32))
        labels = self.labels[np.concatenate(nearest)]
        return Neighbours(np.concatenate(distances), labels, self._predicted(labels))

    def save(self, folder: Path) -> None:
        """Write the three files of a model."""
        folder.mkdir(parents=True, exist_ok=True)
        matrix = np.empty((0, 0), dtype=np.float32)
        if self.reduction is not None:
            matrix = self.reduction.matrix
        with (folder / INDEX).open("wb") as file:
            np.savez(file, points=self.points, reduction=matrix)
        (folder / LABELS).write_bytes(self.labels.astype("<f4").tobytes())
        state = {
            "k": self.neighbours,
            "predictor_type": self.predictor,
            "index_metric": self.metric,
            "feature_dim": self.features,
        }
        (folder / STATE).write_text(json.dumps(state), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> "Index":
        """Read the three files of a model; nothing is unpickled."""
        try:
            state = json.loads((folder / STATE).read_text(encoding="utf-8"))
            labels = np.frombuffer((folder / LABELS).read_bytes(), dtype="<f4")
            with np.load(folder / INDEX, allow_pickle=False) as kept:
                points, matrix = kept["points"], kept["reduction"]
            return cls(
                points.astype(np.float32),
                labels.astype(np.float32),
                int(state["k"]),
                str(state["predictor_type"]),
                str(state["index_metric"]),
                int(state["feature_dim"]),
                Reduction(matrix.astype(np.float32)) if matrix.size else None,
            )
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise UserError(f"the model is not one of k-nearest neighbours: {error!r}") from error

    def _distances(self, asked: Array) -> Array:
        """Of each row to each point: less is nearer, whatever the metric."""
        points = self.points
        if self.metric == "COSINE":
            return np.asarray(1.0 - _unit(asked) @ _unit(points).T, dtype=np.float32)
        product = asked.astype(np.float64) @ points.T.astype(np.float64)
        if self.metric == "INNER_PRODUCT":
            return np.asarray(-product, dtype=np.float32)
        squares = np.sum(asked.astype(np.float64) ** 2, axis=1)[:, None]
        squares = squares - 2 * product + np.sum(points.astype(np.float64) ** 2, axis=1)
        return np.asarray(np.sqrt(np.maximum(squares, 0.0)), dtype=np.float32)

    def _predicted(self, labels: Array) -> Array:
        if self.predictor != CLASSIFIER:
            return np.asarray(np.mean(labels, axis=1), dtype=np.float32)
        return np.asarray([_most_frequent(row) for row in labels], dtype=np.float32)


def _most_frequent(labels: Array) -> float:
    """The label that occurs most; of several, the one whose first point is nearest.

    >>> _most_frequent(np.array([2.0, 1.0, 1.0, 2.0, 0.0], dtype=np.float32))
    2.0
    """
    found, first, counts = np.unique(labels, return_index=True, return_counts=True)
    best = np.flatnonzero(counts == counts.max())
    return float(found[best[np.argmin(first[best])]])


def _unit(rows: Array) -> Array:
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    found = np.zeros_like(rows)
    np.divide(rows, length, out=found, where=length > 0)
    return found
