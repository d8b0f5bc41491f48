"""A tuning job on a simulated clock: workers that finish at their own pace, and a suggester."""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from sagemaker_local.suggest.bayesian import Observed, suggest_bayesian
from sagemaker_local.suggest.random_search import suggest_random
from sagemaker_local.suggest.space import Space

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bench.search.conditions import Condition
    from bench.search.problem import Problem
    from tunewright.domain.space import SearchSpace

DURATION_SPREAD = 0.35  # of the logarithm of a trial's duration, whose median is 1


@dataclass(frozen=True)
class Ended:
    """A trial that has ended.

    Attributes:
        parameters: What it was given, as AMT's strings.
        told: The objective that was measured; None if it failed.
        true: Its loss without noise.
        created: When it was suggested, in trial durations.
        ended: When it ended.
        job: The number of its job.
    """

    parameters: Mapping[str, str]
    told: float | None
    true: float
    created: float
    ended: float
    job: int


class Suggester(Protocol):
    """What chooses the points."""

    def suggest(
        self, own: Sequence[Ended], pending: Sequence[Mapping[str, str]], index: int
    ) -> dict[str, str]:
        """Return the parameters of trial `index` of the job, given what ended and what runs."""
        ...


@dataclass(frozen=True)
class Amt:
    """The local AMT's own suggestions."""

    space: Space
    strategy: str
    seed: int
    parents: tuple[Ended, ...] = ()

    @classmethod
    def of(cls, space: SearchSpace, strategy: str, seed: int, parents: Sequence[Ended] = ()) -> Amt:
        """Read the space as the local AMT reads a request's."""
        return cls(Space.parse(space.to_amt()), strategy, seed, tuple(parents))

    def suggest(
        self, own: Sequence[Ended], pending: Sequence[Mapping[str, str]], index: int
    ) -> dict[str, str]:
        """Return the parameters of a trial."""
        if self.strategy == "Random":
            return suggest_random(self.space, self.seed, index)
        known = [
            *(Observed(e.parameters, e.told, own=True) for e in own if e.told is not None),
            *(
                Observed(e.parameters, e.told, own=False)
                for e in self.parents
                if e.told is not None
            ),
        ]
        return suggest_bayesian(self.space, "Minimize", known, pending, self.seed, index)


class World:
    """A problem under a condition: it runs trials, and its luck depends on seed and number only."""

    def __init__(self, problem: Problem, condition: Condition, seed: int) -> None:
        """Begin at time 0 with trial 0."""
        self.problem, self.condition = problem, condition
        self._luck = np.random.default_rng([seed, 99])
        self.now, self.jobs = 0.0, 0

    def run_job(self, suggester: Suggester, trials: int, parallel: int) -> list[Ended]:
        """Run a job to its end and return its trials in the order in which they ended."""
        self.jobs += 1
        running: list[tuple[float, int, Ended]] = []
        done: list[Ended] = []
        launched = 0
        while launched < trials or running:
            while launched < trials and len(running) < parallel:
                pending = [each.parameters for _, _, each in sorted(running, key=lambda r: r[1])]
                trial = self._launch(suggester.suggest(done, pending, launched))
                heapq.heappush(running, (trial.ended, launched, trial))
                launched += 1
            ended, _, trial = heapq.heappop(running)
            self.now = ended
            done.append(trial)
        return done

    def _launch(self, parameters: dict[str, str]) -> Ended:
        lasts, shock, failure = (
            float(np.exp(DURATION_SPREAD * self._luck.standard_normal())),
            float(self._luck.standard_normal()),
            float(self._luck.random()),
        )
        words = {axis.name: bool(axis.words) for axis in self.problem.axes}
        point = {k: v if words[k] else float(v) for k, v in parameters.items()}
        true = self.problem.loss(point)
        scale = self.problem.measured
        told = true + self.condition.noise * (scale.typical - scale.best) * shock
        failed = failure < self.condition.failures
        return Ended(
            parameters, None if failed else told, true, self.now, self.now + lasts, self.jobs
        )
