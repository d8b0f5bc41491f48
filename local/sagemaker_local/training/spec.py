"""What a training job is given, tells on its way and ends with; plain values, no behaviour."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol


@dataclass(frozen=True)
class TrainingSpec:
    """Everything one training job needs to know."""

    name: str
    arn: str
    image: str
    hyperparameters: Mapping[str, str]
    channels: tuple[Mapping[str, Any], ...]
    output_path: str
    metric_definitions: tuple[tuple[str, str], ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    instance_type: str = "ml.m5.xlarge"
    instance_count: int = 1
    max_runtime_seconds: int = 86_400
    checkpoint: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Outcome:
    """How a training job ended."""

    status: Literal["Completed", "Failed", "Stopped"]
    secondary: str
    failure_reason: str | None
    model_artifacts: str | None
    started_at: datetime | None
    ended_at: datetime


class Listener(Protocol):
    """Who is told of a job; called from the job's own thread, so it must be quick."""

    def status(self, secondary: str, message: str, at: datetime) -> None:
        """The job has passed to another secondary status."""

    def metric(self, name: str, value: float, at: datetime) -> None:
        """A metric definition has matched a line of the log."""

    def ended(self, outcome: Outcome) -> None:
        """The job is over; called exactly once, as the last of all calls."""


class JobError(Exception):
    """A training job cannot go on; the text is its failure reason."""


class JobClientError(JobError):
    """It cannot go on because of what the caller asked for."""

    def __str__(self) -> str:
        return f"ClientError: {super().__str__()}"
