"""Points to judge: spread evenly over the cube, or gathered around good ones; none is judged here.

Sources: Halton 1960; Owen 2017 (randomised digits, arXiv 1706.02808).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from gp_surrogate.kernel import Array


def primes(count: int) -> list[int]:
    """Return the first `count` primes.

    >>> primes(5)
    [2, 3, 5, 7, 11]
    """
    found: list[int] = []
    number = 2
    while len(found) < count:
        if all(number % prime for prime in found):
            found.append(number)
        number += 1
    return found


def spread(count: int, dimensions: int, rng: np.random.Generator) -> Array:
    """Return a randomised Halton set (count, dimensions) in [0, 1).

    Each digit is permuted at random; what lies below the last digit that tells `count` points
    apart is uniform noise, so that every point by itself is uniform.
    """
    points = np.empty((count, dimensions))
    for column, base in enumerate(primes(dimensions)):
        points[:, column] = _radical_inverse(count, base, rng)
    return points


def _radical_inverse(count: int, base: int, rng: np.random.Generator) -> Array:
    index = np.arange(count)
    digits = max(1, math.ceil(math.log(max(count, 2)) / math.log(base) - 1e-9))
    value, unit = np.zeros(count), 1.0
    for _ in range(digits):
        unit /= base
        rest = index // base  # numpy divides by one number far faster than it takes a remainder
        value += (rng.permutation(base) * unit)[index - rest * base]
        index = rest
    return np.asarray(np.minimum(value + unit * rng.random(count), 1.0 - 2.0**-53))


def around(centres: Array, count: int, radius: float | Array, rng: np.random.Generator) -> Array:
    """Return `count` normal steps of the given radius (sd) from each centre (k, d): (k·count, d).

    Each step moves a random third of the coordinates (at least one): a good point is more often
    bettered in a few than in all. Results may lie outside the cube.
    """
    wanted = np.repeat(centres, count, axis=0)
    moved = rng.random(wanted.shape) < max(1.0 / 3.0, 1.0 / wanted.shape[1])
    moved[np.arange(len(wanted)), rng.integers(wanted.shape[1], size=len(wanted))] = True
    return np.asarray(wanted + moved * rng.standard_normal(wanted.shape) * radius)
