"""Independent uniform draws on the scaled axes; each is fixed by the job's seed and its index."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from sagemaker_local.suggest.space import Space


def suggest_random(space: Space, seed: int, index: int) -> dict[str, str]:
    """Return trial number `index` (from 0) of a random search; it does not depend on the others."""
    rng = np.random.default_rng([seed, index])
    return space.from_unit(rng.random(len(space)))
