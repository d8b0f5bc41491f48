"""SMAC3 behind ask and tell on its standard streams: one JSON line in, one out.

It runs in its own environment, and imports nothing of this project. Lines in:
`{"begin": {"sampler": "bb", "seed": 1, "trials": 60, "parallel": 5, "space": [...]}}`,
`{"ask": true}`, `{"tell": {"number": 0, "loss": 0.5}}`. Each is answered. A loss of null is a
failure: SMAC is told of a crash, at the cost of the worst loss so far, for it models crashes and
its own default of infinity is more than a model takes.
"""

import json
import logging
import sys
import tempfile
import warnings
from typing import Any

from ConfigSpace import Categorical, ConfigurationSpace, Float, Integer
from smac import BlackBoxFacade, HyperparameterOptimizationFacade, Scenario
from smac.runhistory import StatusType, TrialValue

FACADES = {"bb": BlackBoxFacade, "hpo": HyperparameterOptimizationFacade}


def hyperparameter(axis: dict[str, Any]) -> Any:  # noqa: ANN401 - one of ConfigSpace's
    """Return ConfigSpace's hyperparameter of an axis."""
    if axis["words"]:
        return Categorical(axis["name"], axis["words"])
    kind = Integer if axis["whole"] else Float
    return kind(axis["name"], (axis["low"], axis["high"]), log=axis["log"])


class Search:
    """A search by one of SMAC's facades, with its own settings."""

    def __init__(self, told: dict[str, Any], folder: str) -> None:
        """Begin it; SMAC wants a folder, even if nothing is kept there."""
        if told["sampler"] not in FACADES:
            raise ValueError(f"no sampler {told['sampler']}: {' or '.join(FACADES)}")
        space = ConfigurationSpace(seed=told["seed"])
        space.add([hyperparameter(axis) for axis in told["space"]])
        scenario = Scenario(
            space,
            output_directory=folder,
            deterministic=True,
            n_trials=told["trials"],
            seed=told["seed"],
        )
        self._facade = FACADES[told["sampler"]](scenario, logging_level=False, overwrite=True)
        self._running: dict[int, Any] = {}
        self._failed: list[Any] = []
        self._worst: float | None = None
        self._asks = 0

    def ask(self) -> dict[str, Any]:
        """Return the next trial."""
        number, self._asks = self._asks, self._asks + 1
        self._running[number] = self._facade.ask()
        return {"number": number, "parameters": dict(self._running[number].config)}

    def tell(self, number: int, loss: float | None) -> None:
        """Take a trial's loss, or its failure, which waits for the first loss."""
        trial = self._running.pop(number)
        if loss is None:
            self._failed.append(trial)
        else:
            self._worst = loss if self._worst is None else max(loss, self._worst)
            self._facade.tell(trial, TrialValue(cost=loss), save=False)
        if self._worst is not None:
            for each in self._failed:
                crash = TrialValue(cost=self._worst, status=StatusType.CRASHED)
                self._facade.tell(each, crash, save=False)
            self._failed = []


def main() -> None:
    """Answer until the input ends."""
    answers, sys.stdout = sys.stdout, sys.stderr  # what a library prints is no answer
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    search: Any = None
    with tempfile.TemporaryDirectory() as folder:
        for line in sys.stdin:
            asked = json.loads(line)
            answer: dict[str, Any] = {}
            if "begin" in asked:
                search = Search(asked["begin"], folder)
            elif "ask" in asked:
                answer = search.ask()
            else:
                search.tell(asked["tell"]["number"], asked["tell"]["loss"])
            print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
