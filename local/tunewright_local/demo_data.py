"""The demo's data: handwritten digits, as scikit-learn carries them, split into three."""

from dataclasses import dataclass
from typing import Any

import numpy as np

ABOUT = (
    "handwritten digits: is the digit odd? 1,797 images of 8 × 8, carried by scikit-learn\n"
    "         (Alpaydin & Kaynak, UCI Machine Learning Repository, CC BY 4.0)"
)
_SEED = 20260101
_SHARES = (0.5, 0.25)


@dataclass(frozen=True)
class Part:
    """Some rows: features of shape (rows, 64) and labels of shape (rows,), 1 for odd digits."""

    features: Any
    labels: Any

    def __len__(self) -> int:
        return len(self.labels)

    def csv(self, *, labels: bool) -> str:
        """Write the rows as SageMaker's XGBoost reads them: the label first, no header."""
        rows = np.column_stack([self.labels, self.features]) if labels else self.features
        return "\n".join(",".join(f"{value:g}" for value in row) for row in rows) + "\n"


def load_parts() -> tuple[Part, Part, Part]:
    """Return rows to train on, to validate on, and to hold out from everybody."""
    from sklearn.datasets import load_digits  # noqa: PLC0415 - it takes a second to import

    digits = load_digits()
    order = np.random.default_rng(_SEED).permutation(len(digits.target))
    first = int(_SHARES[0] * len(order))
    second = first + int(_SHARES[1] * len(order))
    labels = digits.target % 2
    train, validation, held_out = (
        Part(digits.data[rows], labels[rows])
        for rows in (order[:first], order[first:second], order[second:])
    )
    return train, validation, held_out
