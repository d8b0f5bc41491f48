"""One round: its plan, what it has seen so far, and where it stands; no judgement."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Literal, assert_never

from tunewright.domain.limits import WITHIN, beyond
from tunewright.domain.objective import Objective
from tunewright.domain.space import SearchSpace
from tunewright.domain.spec import Bound, Gain
from tunewright.domain.trial import Trial, TrialStatus
from tunewright.domain.values import Value

EARLY_TRIALS = 20
"""The first trials of a study, whose spread is the scale on which gains are judged: they explore,
while a good engine's later trials all lie near the best."""


class RoundStatus(StrEnum):
    """Where a round stands."""

    PLANNED = "planned"
    RUNNING = "running"
    STOPPING = "stopping"
    CLOSED = "closed"


class WarmStart(Value):
    """The tuning jobs from which a round learns."""

    parents: tuple[str, ...]
    kind: Literal["IdenticalDataAndAlgorithm", "TransferLearning"] = "IdenticalDataAndAlgorithm"


class RoundPlan(Value):
    """Everything that makes up a round's tuning job; saved before the job exists.

    Attributes:
        number: 1, 2, …
        attempt: 1, unless SageMaker refused an earlier plan for this round.
        job: The tuning job's name.
        space: The ranges to search.
        trials: Trials to launch at most.
        parallel: Trials at a time.
        warm_start: The jobs to learn from; None for none.
        reserved: What the round can cost at worst, in US dollars.
        seed: AMT's random seed.
    """

    number: int
    attempt: int = 1
    job: str
    space: SearchSpace
    trials: int
    parallel: int
    warm_start: WarmStart | None = None
    reserved: Decimal
    seed: int


class Bar(Value):
    """The value that counts as the best so far: only a gain over it counts as an improvement."""

    value: float
    trial: str


class Progress(Value):
    """What the finished trials of one round have shown; folded in the order in which they ended.

    Attributes:
        completed: Trials that ran to their end with an objective.
        stopped: Trials that were stopped.
        failed: Trials that failed for a reason their parameters may have caused.
        unlucky: Trials that failed for the infrastructure's reasons.
        silent: Trials that ran to their end without an objective.
        spent: What they cost, in US dollars.
        best: The best objective of trials within the limits; None while there is none.
        best_trial: The trial that has it.
        bar: What must be beaten; carried over from the round before.
        improved: When the bar was last raised in this round; None if it never was.
        since: Scored trials, made after the bar was last raised, that did not raise it.
        early: The first objectives of the study, at most twenty, of trials within the limits.
        last: The end and name of the newest trial that is folded.
    """

    completed: int = 0
    stopped: int = 0
    failed: int = 0
    unlucky: int = 0
    silent: int = 0
    spent: Decimal = Decimal(0)
    best: float | None = None
    best_trial: str | None = None
    bar: Bar | None = None
    improved: datetime | None = None
    since: int = 0
    early: tuple[float, ...] = ()
    last: tuple[datetime, str] | None = None

    @property
    def finished(self) -> int:
        """How many trials have ended."""
        return self.completed + self.stopped + self.failed + self.unlucky + self.silent

    def comes_late(self, trial: Trial) -> bool:
        """Say whether a trial ended before one that is folded: the round must be recounted."""
        return self.last is not None and _order(trial) <= self.last

    def with_trial(
        self, trial: Trial, objective: Objective, gain: Gain, limits: tuple[Bound, ...] = ()
    ) -> "Progress":
        """Fold one ended trial that comes after all folded ones.

        One that breaks a limit could not win: it is no best and no improvement.
        """
        counted, value = (
            self.but(spent=self.spent + trial.cost, last=_order(trial)),
            trial.objective,
        )
        match trial.status:
            case TrialStatus.COMPLETED:
                if value is None:
                    return counted.but(silent=self.silent + 1)
                counted = counted.but(completed=self.completed + 1)
                keeps = beyond(trial, limits) == WITHIN
                return counted._scored(trial, value, objective, gain, keeps)  # noqa: SLF001
            case TrialStatus.STOPPED:
                counted = counted.but(stopped=self.stopped + 1)
                return counted if value is None else counted._waited(trial)  # noqa: SLF001
            case _ if trial.was_unlucky:
                return counted.but(unlucky=self.unlucky + 1)
            case _:
                return counted.but(failed=self.failed + 1)

    def _scored(
        self, trial: Trial, value: float, objective: Objective, gain: Gain, keeps: bool
    ) -> "Progress":
        if not keeps:
            return self._waited(trial)
        after = self
        if len(self.early) < EARLY_TRIALS:
            after = after.but(early=(*self.early, value))
        if objective.better(value, self.best):
            after = after.but(best=value, best_trial=trial.name)
        needed = needed_gain(gain, self, objective)
        # While the spread is hardly known its share may shrink: what is no best is no improvement.
        is_best = objective.better(value, self.best)
        if self.bar is None or (is_best and objective.gain(self.bar.value, value) > needed):
            bar = Bar(value=value, trial=trial.name)
            return after.but(bar=bar, improved=trial.ended, since=0)
        return after._waited(trial)  # noqa: SLF001

    def _waited(self, trial: Trial) -> "Progress":
        """Count a trial towards patience, if its suggestion could know of the last improvement."""
        knew = self.improved is None or trial.created >= self.improved
        return self.but(since=self.since + 1) if knew else self


def needed_gain(gain: Gain, progress: Progress, objective: Objective) -> float:
    """Return the gain over the bar below which nothing counts as an improvement, in metric units.

    The spread of the first trials is the distance from their median to the bar.
    """
    match gain.kind:
        case "absolute":
            return gain.amount
        case "relative":
            return gain.amount * abs(progress.bar.value) if progress.bar else 0.0
        case "spread":
            return gain.amount * spread(progress.early, progress.bar, objective)
        case _ as never:  # pragma: no cover
            assert_never(never)


def spread(early: tuple[float, ...], bar: Bar | None, objective: Objective) -> float:
    """Return how far the median of the first trials lies behind the bar; 0 while unknown."""
    if not early or bar is None:
        return 0.0
    ordered = sorted(early)
    middle = len(ordered) // 2
    odd = len(ordered) % 2 == 1
    median = ordered[middle] if odd else (ordered[middle - 1] + ordered[middle]) / 2
    return max(0.0, objective.gain(median, bar.value))


def _order(trial: Trial) -> tuple[datetime, str]:
    """Order trials by SageMaker's time of their end, never by when we heard of it."""
    return (trial.ended or trial.created, trial.name)


def count(
    trials: list[Trial],
    start: Progress,
    objective: Objective,
    gain: Gain,
    limits: tuple[Bound, ...] = (),
) -> Progress:
    """Fold all ended trials of a round from its beginning: what `with_trial` gives, in order."""
    progress = start
    for trial in sorted((each for each in trials if each.is_ended), key=_order):
        progress = progress.with_trial(trial, objective, gain, limits)
    return progress


class Round(Value):
    """A round as it stands.

    Attributes:
        plan: What was planned, and what its tuning job was made from.
        status: Where it stands.
        start: The progress from which it began: bar and first trials of the rounds before.
        progress: What its trials have shown.
        stopped_by: The rule that ended it; None if nothing did.
        told_to_stop: When that was.
        launched: Trials that its tuning job launched, once it is closed.
        began: When its tuning job was made.
        ended: When its tuning job ended.
        forecast: The gain that was expected of it, in the metric's units; None if none was made.
        judged: How many trials of the study had ended when the surrogate was asked last, for the
            rules; 0 if it was not.
    """

    plan: RoundPlan
    status: RoundStatus = RoundStatus.PLANNED
    start: Progress = Progress()
    progress: Progress = Progress()
    stopped_by: str | None = None
    told_to_stop: datetime | None = None
    launched: int = 0
    began: datetime | None = None
    ended: datetime | None = None
    forecast: float | None = None
    judged: int = 0

    @property
    def is_live(self) -> bool:
        """Whether its tuning job is, or may become, alive."""
        return self.status is not RoundStatus.CLOSED
