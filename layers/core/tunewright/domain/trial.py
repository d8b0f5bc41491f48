"""One training job of a round, as far as SageMaker has told; records only ever grow."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from tunewright.domain.values import Value


class TrialStatus(StrEnum):
    """SageMaker's words for the state of a training job."""

    IN_PROGRESS = "InProgress"
    STOPPING = "Stopping"
    COMPLETED = "Completed"
    FAILED = "Failed"
    STOPPED = "Stopped"


_RANK = {TrialStatus.IN_PROGRESS: 0, TrialStatus.STOPPING: 1}
_ENDED_RANK = 2
_FACTS = ("started", "ended", "billable_seconds", "failure_reason", "model")
_INFRASTRUCTURE = ("CapacityError", "InternalServerError", "Interrupted")


class Trial(Value):
    """A trial as SageMaker last described it.

    Attributes:
        name: The training job's name.
        study_id: The study that it belongs to.
        tuning_job: The tuning job that launched it.
        round_number: The round of that tuning job.
        parameters: The searched parameters, as AMT's strings.
        status: Its state; ended states never change again.
        objective: The last value of the objective; None while there is none.
        metrics: The last value of every metric.
        created: When AMT made it: the suggestion knows only what had ended by then.
        started: When its instances were ready.
        ended: When it ended.
        billable_seconds: What AWS bills, for each instance; None while unknown.
        cost: What it cost, in US dollars.
        failure_reason: SageMaker's words, if it failed.
        model: The S3 URI of its model; None if there is none.
        rev: Rises with every change of its record; the store's, not SageMaker's.
    """

    name: str
    study_id: str
    tuning_job: str
    round_number: int
    parameters: dict[str, str]
    status: TrialStatus
    objective: float | None = None
    metrics: dict[str, float] = {}
    created: datetime
    started: datetime | None = None
    ended: datetime | None = None
    billable_seconds: int | None = None
    cost: Decimal = Decimal(0)
    failure_reason: str | None = None
    model: str | None = None
    rev: int = 0

    @property
    def is_ended(self) -> bool:
        """Whether SageMaker is done with it."""
        return self.status not in _RANK

    @property
    def is_scored(self) -> bool:
        """Whether it ran to its end and gave an objective: only such a trial can be the best."""
        return self.status is TrialStatus.COMPLETED and self.objective is not None

    @property
    def was_unlucky(self) -> bool:
        """Whether it failed for reasons that its parameters cannot have caused."""
        return self.status is TrialStatus.FAILED and (self.failure_reason or "").startswith(
            _INFRASTRUCTURE
        )


def merge(known: Trial | None, told: Trial) -> Trial:
    """Join what was known with what was told now, so that nothing ever goes backwards.

    SageMaker never tells two different ends of one job; if it did, the first told would stay.
    Otherwise the result is the same in whatever order, and however often, the facts arrive.
    """
    if known is None:
        return told
    first, then = (told, known) if _rank(told) < _rank(known) else (known, told)
    if first.is_ended:  # Two ends: the one that is known stays, and only gaps are filled.
        first, then = told, known
    # A value on the way is not that of the end: it would stand for good where the end's is late.
    measured = first.is_ended or not then.is_ended
    gaps = {
        name: getattr(first, name)
        for name in (*_FACTS, "objective")
        if getattr(then, name) is None and (measured or name in _FACTS)
    }
    metrics = {**first.metrics, **then.metrics} if measured else then.metrics
    cost = max(first.cost, then.cost)
    return then.but(**gaps, metrics=metrics, cost=cost, rev=known.rev)


def _rank(trial: Trial) -> int:
    return _RANK.get(trial.status, _ENDED_RANK)
