"""What SageMaker says now, in the core's words; neither believed nor judged here."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Literal

from tunewright.domain.gates import Live
from tunewright.domain.trial import TrialStatus
from tunewright.domain.values import Value


@dataclass(frozen=True, slots=True)
class TrainingJobSeen:
    """A training job as SageMaker describes it.

    Attributes:
        name: Its name.
        tuning_job: The tuning job that launched it; None if none did.
        status: Its status.
        hyperparameters: All of them, fixed ones and AMT's own included.
        metrics: The last value of each metric.
        created: When it was made.
        started: When its instances were ready; None before.
        ended: When it ended; None before.
        billable_seconds: What is billed for each instance; None while unknown.
        failure_reason: SageMaker's words; None if it gives none.
        model: The S3 URI of its model; None if there is none.
    """

    name: str
    tuning_job: str | None
    status: TrialStatus
    hyperparameters: dict[str, str]
    metrics: dict[str, float]
    created: datetime
    started: datetime | None
    ended: datetime | None
    billable_seconds: int | None
    failure_reason: str | None
    model: str | None


@dataclass(frozen=True, slots=True)
class RoundSeen:
    """What SageMaker says of a tuning job now.

    Attributes:
        job: Its name.
        exists: Whether there is such a job.
        status: Its status, as SageMaker words it.
        launched: How many training jobs it has launched.
        running: How many of them have not ended.
        pending: How many objectives are still to be told.
        created: When it was made.
        ended: When it ended; None while it has not.
        words: SageMaker's failure reason; None if it gives none.
    """

    job: str
    exists: bool
    status: str = ""
    launched: int = 0
    running: int = 0
    pending: int = 0
    created: datetime | None = None
    ended: datetime | None = None
    words: str | None = None

    @property
    def is_over(self) -> bool:
        """Whether it has ended."""
        return self.status in {"Completed", "Stopped", "Failed"}

    @property
    def finished(self) -> int:
        """How many of its training jobs have ended."""
        return self.launched - self.running


@dataclass(frozen=True, slots=True)
class HostedSeen:
    """An endpoint as SageMaker describes it.

    Attributes:
        config: The name of its endpoint config.
        status: Its status, in the API's words.
        ours: Whether it has our stack's tag.
        words: SageMaker's failure reason; None if it gives none.
    """

    config: str
    status: str
    ours: bool
    words: str | None


class Champion(Value):
    """What is live at one endpoint, and for how long.

    Attributes:
        endpoint: Its name.
        study_id: The study that deployed it.
        model: The model's name.
        trial: The trial whose model it is.
        metric: The objective it was chosen by.
        value: Its value of that objective.
        fingerprint: Names the validation data.
        price_per_hour: What it costs, in US dollars.
        since: When it went live.
        lease_ends: When the endpoint is deleted, unless a newer deployment replaces it before.
    """

    endpoint: str
    study_id: str
    model: str
    trial: str
    metric: str
    value: float
    fingerprint: str
    price_per_hour: Decimal
    since: datetime
    lease_ends: datetime


class LeaseEnd(Value):
    """How a study's lease of an endpoint ended.

    Attributes:
        at: When it was seen to be over.
        cost: What the endpoint cost from the day it went live, in US dollars.
        deleted: Whether the endpoint was deleted.
        words: Why it was not; empty if it was.
    """

    at: datetime
    cost: Decimal
    deleted: bool
    words: str = ""


class Report(Value):
    """What the deployer tells a study.

    Attributes:
        live: What is live where the study deploys to; None if nothing is.
        fingerprint: Names the study's validation data.
        plan_hash: The deployment that the outcome is of; None while only looking was asked for.
        outcome: What came of that deployment; None while it is under way.
        words: SageMaker's words about it.
        lease: How the study's lease ended; None while it has not.
    """

    live: Live | None
    fingerprint: str
    plan_hash: str | None = None
    outcome: Literal["done", "refused", "foreign", "outdated"] | None = None
    words: str = ""
    lease: LeaseEnd | None = None


class Endpoint(Value):
    """What is known of one endpoint; written by the deployer alone, under its own version.

    Attributes:
        name: Its name.
        champion: What one of our studies put there; None if none did.
        holder: The study that is changing it now, or whose lease is being ended; others wait.
        held_since: Since when that is so; None while nobody holds it.
        reports: What is told to the studies that asked, by study.
        version: Rises with every write; 0 before the first.
    """

    name: str
    champion: Champion | None = None
    holder: str | None = None
    held_since: datetime | None = None
    reports: dict[str, Report] = {}
    version: int = 0
