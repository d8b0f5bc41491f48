"""The names under which lines and values are found in CloudWatch, and who takes them."""

from dataclasses import dataclass
from typing import Protocol

TRAINING = "/aws/sagemaker/TrainingJobs"
ENDPOINTS = "/aws/sagemaker/Endpoints"
INVOCATIONS = "AWS/SageMaker"


@dataclass(frozen=True)
class Stream:
    """A log stream."""

    group: str
    name: str

    @classmethod
    def of_job(cls, job: str, started: float) -> "Stream":
        """The log of one run of a training job.

        >>> Stream.of_job("churn", 1700000000.5)
        Stream(group='/aws/sagemaker/TrainingJobs', name='churn/algo-1-1700000000')
        """
        return cls(TRAINING, f"{job}/algo-1-{int(started)}")

    @classmethod
    def of_instance(cls, endpoint: str, variant: str, instance: str) -> "Stream":
        """The log of one process that serves an endpoint."""
        return cls(f"{ENDPOINTS}/{endpoint}", f"{variant}/{instance}")


@dataclass(frozen=True)
class Series:
    """A metric with its dimensions; `unit` is one of CloudWatch's own."""

    namespace: str
    name: str
    dimensions: tuple[tuple[str, str], ...]
    unit: str = "None"

    @classmethod
    def of_job(cls, job: str, metric: str) -> "Series":
        """What a metric definition of a training job finds."""
        return cls(TRAINING, metric, (("TrainingJobName", job),))


class Telemetry(Protocol):
    """Takes lines and values from any thread; it returns at once and raises nothing."""

    def line(self, stream: Stream, text: str, at: float) -> None:
        """Take a line that was printed at a moment, in seconds since 1970."""

    def value(self, series: Series, value: float, at: float) -> None:
        """Take a value that was measured at a moment."""

    def hurry(self) -> None:
        """Send soon what was taken, since somebody may look for it."""


class _Silence:
    def line(self, stream: Stream, text: str, at: float) -> None:
        """Forget the line."""

    def value(self, series: Series, value: float, at: float) -> None:
        """Forget the value."""

    def hurry(self) -> None:
        """There is nothing to send."""


SILENCE: Telemetry = _Silence()
