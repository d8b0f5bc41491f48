"""Nevergrad behind ask and tell on its standard streams: one JSON line in, one out.

It runs in its own environment, and imports nothing of this project. Lines in:
`{"begin": {"sampler": "ngopt", "seed": 1, "trials": 60, "parallel": 5, "space": [...]}}`,
`{"ask": true}`, `{"tell": {"number": 0, "loss": 0.5}}`. Each is answered. A loss of null is a
failure, which is not told: Nevergrad knows losses only and would count it as one of 5e20, though
nothing says that the point was to blame.
"""

import json
import random
import sys
import warnings
from typing import Any

import nevergrad
import numpy as np

OPTIMIZERS = {"ngopt": nevergrad.optimizers.NGOpt}
FEW = 10  # below that many integers Nevergrad's own documentation wants a choice between them


def parameter(axis: dict[str, Any]) -> Any:  # noqa: ANN401 - one of Nevergrad's
    """Return Nevergrad's parameter of an axis."""
    if axis["words"]:
        return nevergrad.p.Choice(axis["words"])
    low, high = axis["low"], axis["high"]
    if axis["whole"] and high - low + 1 < FEW:
        return nevergrad.p.TransitionChoice(range(low, high + 1))
    kind = nevergrad.p.Log if axis["log"] else nevergrad.p.Scalar
    found = kind(lower=low, upper=high)
    return found.set_integer_casting() if axis["whole"] else found


def optimizer(told: dict[str, Any]) -> Any:  # noqa: ANN401 - one of Nevergrad's
    """Begin a search, with all its random numbers from the seed."""
    if told["sampler"] not in OPTIMIZERS:
        raise ValueError(f"no sampler {told['sampler']}: {' or '.join(OPTIMIZERS)}")
    random.seed(told["seed"])
    np.random.seed(told["seed"])  # noqa: NPY002 - some of its optimizers draw from there
    space = nevergrad.p.Dict(**{axis["name"]: parameter(axis) for axis in told["space"]})
    space.random_state = np.random.RandomState(told["seed"])
    return OPTIMIZERS[told["sampler"]](
        parametrization=space, budget=told["trials"], num_workers=told["parallel"]
    )


def main() -> None:
    """Answer until the input ends."""
    answers, sys.stdout = sys.stdout, sys.stderr  # what a library prints is no answer
    warnings.simplefilter("ignore")
    search: Any = None
    running: dict[int, Any] = {}
    asks = 0
    for line in sys.stdin:
        asked = json.loads(line)
        answer: dict[str, Any] = {}
        if "begin" in asked:
            search, running, asks = optimizer(asked["begin"]), {}, 0
        elif "ask" in asked:
            running[asks] = search.ask()
            answer = {"number": asks, "parameters": running[asks].value}
            asks += 1
        else:
            candidate = running.pop(asked["tell"]["number"])
            if asked["tell"]["loss"] is not None:
                search.tell(candidate, asked["tell"]["loss"])
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
