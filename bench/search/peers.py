"""Other libraries as contestants: each in its own environment, asked over its standard streams."""

from __future__ import annotations

import json
import os
import subprocess
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.search.conditions import space_of
from bench.search.contestants import Outcome
from bench.search.simulator import World
from tunewright.domain.space import CategoricalRange, IntegerRange, Scaling

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bench.search.conditions import Condition
    from bench.search.problem import Problem
    from bench.search.simulator import Ended
    from tunewright.domain.space import SearchSpace

HERE = Path(__file__).parents[1] / "peers"
PEERS = (
    "nevergrad-ngopt",
    "optuna-cmaes",
    "optuna-tpe",
    "smac-hpo",
    "syne-bore",
    "syne-cqr",
    "smac-bb",
    "optuna-gp",
)
"""Library and sampler, from the fastest to the slowest."""


def python_of(library: str) -> Path:
    """Return the interpreter of a library's own environment, `.venv-<library>` by default."""
    told = os.environ.get(f"TUNEWRIGHT_{library.upper()}_PYTHON")
    return Path(told) if told else HERE.parents[1] / f".venv-{library}/bin/python"


@cache
def _process(library: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [str(python_of(library)), str(HERE / f"{library}_peer.py")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def _say(library: str, message: Mapping[str, Any]) -> dict[str, Any]:
    process = _process(library)
    assert process.stdin is not None  # noqa: S101 - it was opened as a pipe
    assert process.stdout is not None  # noqa: S101
    process.stdin.write(json.dumps(message) + "\n")
    process.stdin.flush()
    answer = process.stdout.readline()
    if not answer:
        raise RuntimeError(f"the peer {library} ended; its words are above")
    return json.loads(answer)


class Peer:
    """A library as a suggester."""

    def __init__(
        self,
        library: str,
        sampler: str,
        space: SearchSpace,
        seed: int,
        trials: int,
        parallel: int,
    ) -> None:
        """Begin a search; some libraries plan by how many trials there will be."""
        self.library, self.space = library, space
        self._numbers: dict[int, int] = {}
        self._told = 0
        axes = [_axis(each) for each in space.ranges]
        begin = {"sampler": sampler, "seed": seed, "trials": trials, "parallel": parallel}
        _say(library, {"begin": begin | {"space": axes}})

    def suggest(
        self, own: Sequence[Ended], pending: Sequence[Mapping[str, str]], index: int
    ) -> dict[str, str]:
        """Tell what has ended since, and ask for the next."""
        del pending, index  # the library knows what it was asked and not told
        for trial in own[self._told :]:
            number = self._numbers.pop(id(trial.parameters))
            _say(self.library, {"tell": {"number": number, "loss": trial.told}})
        self._told = len(own)
        answer = _say(self.library, {"ask": True})
        found = {
            each.name: each.format(answer["parameters"][each.name]) for each in self.space.ranges
        }
        self._numbers[id(found)] = answer["number"]
        return found


def _axis(each: Any) -> dict[str, Any]:  # noqa: ANN401 - any of the ranges
    if isinstance(each, CategoricalRange):
        return {"name": each.name, "words": list(each.choices)}
    return {
        "name": each.name,
        "words": [],
        "low": each.low,
        "high": each.high,
        "log": each.scaling is Scaling.LOGARITHMIC,
        "whole": isinstance(each, IntegerRange),
    }


def compete_peer(
    name: str, problem: Problem, condition: Condition, seed: int, trials: int, parallel: int
) -> Outcome:
    """Let a library search the ranges as they are given."""
    library, _, sampler = name.partition("-")
    space = space_of(problem, condition, seed)
    world = World(problem, condition, seed)
    done = world.run_job(Peer(library, sampler, space, seed, trials, parallel), trials, parallel)
    return Outcome(done, world.now)


if __name__ == "__main__":
    print(*PEERS)
