"""Syne Tune behind ask and tell on its standard streams: one JSON line in, one out.

It runs in its own environment, and imports nothing of this project. Lines in:
`{"begin": {"sampler": "cqr", "seed": 1, "space": [...]}}`, `{"ask": true}`,
`{"tell": {"number": 0, "loss": 0.5}}` (a loss of null is a failure). Each is answered. The
searchers are asked as Syne Tune's own scheduler asks them, without its tuner and its back end.
"""

import json
import logging
import random
import sys
import warnings
from typing import Any

import numpy as np
from syne_tune.config_space import choice, lograndint, loguniform, randint, uniform
from syne_tune.optimizer.schedulers.searchers.bore.bore import Bore
from syne_tune.optimizer.schedulers.searchers.conformal.conformal_quantile_regression_searcher import (  # noqa: E501 - its name
    ConformalQuantileRegression,
)

SEARCHERS = {"cqr": ConformalQuantileRegression, "bore": Bore}


def domain(axis: dict[str, Any]) -> Any:  # noqa: ANN401 - one of Syne Tune's
    """Return Syne Tune's domain of an axis."""
    if axis["words"]:
        return choice(axis["words"])
    if axis["whole"]:
        return (lograndint if axis["log"] else randint)(axis["low"], axis["high"])
    return (loguniform if axis["log"] else uniform)(axis["low"], axis["high"])


def searcher(told: dict[str, Any]) -> Any:  # noqa: ANN401 - one of Syne Tune's
    """Begin a search, with all its random numbers from the seed."""
    if told["sampler"] not in SEARCHERS:
        raise ValueError(f"no sampler {told['sampler']}: {' or '.join(SEARCHERS)}")
    random.seed(told["seed"])
    np.random.seed(told["seed"])  # noqa: NPY002 - both searchers draw from there as well
    space = {axis["name"]: domain(axis) for axis in told["space"]}
    return SEARCHERS[told["sampler"]](config_space=space, random_seed=told["seed"])


def main() -> None:
    """Answer until the input ends."""
    answers, sys.stdout = sys.stdout, sys.stderr  # what a library prints is no answer
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    search: Any = None
    running: dict[int, Any] = {}
    asks = 0
    for line in sys.stdin:
        asked = json.loads(line)
        answer: dict[str, Any] = {}
        if "begin" in asked:
            search, running, asks = searcher(asked["begin"]), {}, 0
        elif "ask" in asked:
            running[asks] = search.suggest()
            plain = {
                name: value.item() if isinstance(value, np.generic) else value
                for name, value in running[asks].items()
            }
            answer = {"number": asks, "parameters": plain}
            asks += 1
        else:
            number, loss = asked["tell"]["number"], asked["tell"]["loss"]
            point = running.pop(number)
            if loss is None:
                search.on_trial_error(number)
            else:
                search.on_trial_complete(number, point, loss)
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
