"""Metrics that XGBoost lacks, in numpy; those it has are left to it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Counts:
    """Of each class: how often it was right, was said and was there."""

    right: Array
    said: Array
    there: Array

    def precision(self) -> Array:
        """Share of what was said that was right."""
        return _divide(self.right, self.said)

    def recall(self) -> Array:
        """Share of what was there that was found."""
        return _divide(self.right, self.there)

    def f1(self) -> Array:
        """Harmonic mean of the two."""
        return _divide(2 * self.right, self.said + self.there)


def count(truth: Labels, said: Labels) -> Counts:
    """Count the classes that occur."""
    classes = np.unique(np.concatenate((truth, said)))
    right = [np.sum((truth == one) & (said == one)) for one in classes]
    return Counts(
        np.asarray(right, dtype=np.float64),
        np.asarray([np.sum(said == one) for one in classes], dtype=np.float64),
        np.asarray([np.sum(truth == one) for one in classes], dtype=np.float64),
    )


def _accuracy(truth: Labels, said: Labels) -> float:
    return float(np.mean(truth == said))


def _balanced_accuracy(truth: Labels, said: Labels) -> float:
    counts = count(truth, said)
    return float(np.mean(counts.recall()[counts.there > 0]))


def _macro(what: Callable[[Counts], Array]) -> Callable[[Labels, Labels], float]:
    return lambda truth, said: float(np.mean(what(count(truth, said))))


def _positive(what: Callable[[Counts], Array]) -> Callable[[Labels, Labels], float]:
    def metric(truth: Labels, said: Labels) -> float:
        both = np.concatenate((truth, said))
        if np.any((both != 0) & (both != 1)):
            raise ValueError("this metric is for two classes, 0 and 1")
        positive = np.asarray([np.sum(truth[said == 1])], dtype=np.float64)
        counts = Counts(positive, np.asarray([np.sum(said)]), np.asarray([np.sum(truth)]))
        return float(what(counts)[0])

    return metric


CLASSIFYING: dict[str, Callable[[Labels, Labels], float]] = {
    "accuracy": _accuracy,
    "balanced_accuracy": _balanced_accuracy,
    "f1": _macro(Counts.f1),
    "f1_binary": _positive(Counts.f1),
    "f1_macro": _macro(Counts.f1),
    "precision": _positive(Counts.precision),
    "precision_macro": _macro(Counts.precision),
    "precision_micro": _accuracy,  # with one label each, both are the share that is right
    "recall": _positive(Counts.recall),
    "recall_macro": _macro(Counts.recall),
    "recall_micro": _accuracy,
}


def _mse(truth: Array, predicted: Array) -> float:
    return float(np.mean((truth - predicted) ** 2))


def _r2(truth: Array, predicted: Array) -> float:
    spread = float(np.sum((truth - np.mean(truth)) ** 2))
    missed = float(np.sum((truth - predicted) ** 2))
    if spread == 0.0:
        return 1.0 if missed == 0.0 else 0.0
    return 1.0 - missed / spread


MEASURING: dict[str, Callable[[Array, Array], float]] = {"mse": _mse, "r2": _r2}
OWN = frozenset(CLASSIFYING) | frozenset(MEASURING)


def own_metric(names: tuple[str, ...], objective: str) -> Callable[[Any, Any], Any] | None:
    """A function for XGBoost that computes the named metrics which it lacks."""
    own = tuple(name for name in names if name in OWN)
    if not own:
        return None

    def metric(predicted: npt.NDArray[np.float32], data: Any) -> list[tuple[str, float]]:  # noqa: ANN401
        truth = data.get_label()
        return [(name, _value(name, predicted, truth, objective)) for name in own]

    return metric


def classes_of(predicted: npt.NDArray[Any], objective: str) -> Labels:
    """The class that each prediction stands for."""
    if predicted.ndim == 2:
        return np.asarray(np.argmax(predicted, axis=1), dtype=np.int64)
    if objective.startswith("multi:"):
        return np.asarray(predicted, dtype=np.int64)
    edge = 0.0 if objective == "binary:logitraw" else 0.5
    return np.asarray(predicted > edge, dtype=np.int64)


def _value(
    name: str, predicted: npt.NDArray[Any], truth: npt.NDArray[Any], objective: str
) -> float:
    if name in CLASSIFYING:
        return CLASSIFYING[name](truth.astype(np.int64), classes_of(predicted, objective))
    flat = classes_of(predicted, objective) if predicted.ndim == 2 else predicted
    return MEASURING[name](truth.astype(np.float64), flat.astype(np.float64))


def _divide(upper: Array, lower: Array) -> Array:
    return np.divide(upper, lower, out=np.zeros_like(upper), where=lower > 0)
