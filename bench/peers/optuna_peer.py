"""Optuna behind ask and tell on its standard streams: one JSON line in, one out.

It runs in its own environment, and imports nothing of this project. Lines in:
`{"begin": {"sampler": "tpe", "seed": 1, "space": [...]}}`, `{"ask": true}`,
`{"tell": {"number": 0, "loss": 0.5}}` (a loss of null is a failure). Each is answered.
"""

import json
import sys
from typing import Any

import optuna

optuna.logging.set_verbosity(optuna.logging.ERROR)


def sampler(name: str, seed: int) -> Any:  # noqa: ANN401 - one of Optuna's
    """Return a sampler by name, with Optuna's own settings for parallel trials."""
    if name == "tpe":
        return optuna.samplers.TPESampler(seed=seed, multivariate=True, constant_liar=True)
    if name == "cmaes":
        return optuna.samplers.CmaEsSampler(seed=seed)
    if name == "gp":
        return optuna.samplers.GPSampler(seed=seed, deterministic_objective=False)
    raise ValueError(f"no sampler {name}: tpe, cmaes or gp")


def distribution(axis: dict[str, Any]) -> Any:  # noqa: ANN401 - one of Optuna's
    """Return Optuna's distribution of an axis."""
    if axis["words"]:
        return optuna.distributions.CategoricalDistribution(axis["words"])
    if axis["whole"]:
        return optuna.distributions.IntDistribution(axis["low"], axis["high"], log=axis["log"])
    return optuna.distributions.FloatDistribution(axis["low"], axis["high"], log=axis["log"])


def main() -> None:
    """Answer until the input ends."""
    study: Any = None
    space, running = {}, {}
    for line in sys.stdin:
        asked = json.loads(line)
        answer = {}
        if "begin" in asked:
            told = asked["begin"]
            study = optuna.create_study(sampler=sampler(told["sampler"], told["seed"]))
            space = {axis["name"]: distribution(axis) for axis in told["space"]}
            running = {}
        elif "ask" in asked:
            trial = study.ask(space)
            running[trial.number] = trial
            answer = {"number": trial.number, "parameters": trial.params}
        else:
            told = asked["tell"]
            trial = running.pop(told["number"])
            if told["loss"] is None:
                study.tell(trial, state=optuna.trial.TrialState.FAIL)
            else:
                study.tell(trial, told["loss"])
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
