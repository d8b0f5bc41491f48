"""What the service asks of the rooms beside it: training, hosting, objects and suggestions."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Protocol

from sagemaker_local.training import Outcome, TrainingSpec

Goal = Literal["Maximize", "Minimize"]


class TrainingListener(Protocol):
    """Hears how one training job goes."""

    def status(self, secondary: str, message: str, at: datetime) -> None:
        """Note that a new secondary status was reached."""

    def metric(self, name: str, value: float, at: datetime) -> None:
        """Note one match of a metric definition."""

    def ended(self, outcome: Outcome) -> None:
        """Note the end; nothing follows it."""


class Runner(Protocol):
    """Runs training jobs."""

    def start(self, spec: TrainingSpec, listener: TrainingListener) -> None:
        """Start a job and return at once; the same name twice is the same job."""

    def stop(self, name: str) -> None:
        """Ask a job to stop; an unknown name is ignored."""

    def interrupt(self, name: str) -> None:
        """Take a job's instance away: it is told to end, and nothing but checkpoints is kept."""

    def shutdown(self) -> None:
        """Kill all jobs."""

    def adopt_or_reap(self) -> None:
        """End what a killed server has left running."""


class Answer(Protocol):
    """What a hosted model answered."""

    @property
    def status(self) -> int:
        """The HTTP status."""

    @property
    def headers(self) -> Mapping[str, str]:
        """The HTTP headers."""

    @property
    def body(self) -> bytes:
        """The payload."""


HostListener = Callable[[str, str | None], None]


class Host(Protocol):
    """Serves models; a fleet is all processes of one endpoint configuration."""

    def start(
        self,
        endpoint: str,
        variant: str,
        container: Mapping[str, Any],
        count: int,
        listener: HostListener,
        *,
        generation: str = "",
        config: str = "",
        concurrency: int | None = None,
    ) -> None:
        """Start serving and return at once; a generation that is served is left alone."""

    def prepare(
        self,
        endpoint: str,
        variant: str,
        container: Mapping[str, Any],
        count: int,
        listener: HostListener,
        *,
        generation: str = "",
        config: str = "",
        concurrency: int | None = None,
    ) -> None:
        """Start a second fleet, which gets no requests yet."""

    def route(self, endpoint: str, share: float) -> None:
        """Give the second fleet a share of the requests."""

    def promote(self, endpoint: str) -> None:
        """Have the second fleet serve alone."""

    def abandon(self, endpoint: str, listener: HostListener) -> None:
        """End the second fleet, and tell whether the first one is healthy."""

    def resize(
        self, endpoint: str, count: int, listener: HostListener, *, beside: bool = False
    ) -> None:
        """Have another number of instances, of the second fleet if told so."""

    def stop(self, endpoint: str) -> None:
        """Stop serving."""

    def adopt_or_reap(self) -> None:
        """End what a killed server has left serving."""

    def invoke(self, endpoint: str, body: bytes, content_type: str, accept: str | None) -> Answer:
        """Pass a request to the model."""

    def shutdown(self) -> None:
        """Stop everything."""


class Objects(Protocol):
    """What must be known of S3 before a job is accepted."""

    def any_under(self, uri: str) -> bool:
        """Whether an object's key begins so."""

    def exists(self, uri: str) -> bool:
        """Whether there is this object."""


@dataclass(frozen=True)
class Question:
    """All that a suggestion may depend on."""

    strategy: str
    ranges: Mapping[str, Any]
    goal: Goal
    seed: int
    index: int
    own: Sequence[tuple[Mapping[str, str], float]]
    parents: Sequence[tuple[Mapping[str, str], float]]
    pending: Sequence[Mapping[str, str]]


Suggest = Callable[[Question], dict[str, str]]


@dataclass(frozen=True)
class Parts:
    """The rooms beside the service, real or, in tests, fakes that keep the same promises."""

    runner: Runner
    host: Host
    objects: Objects
    suggest: Suggest
    clock: Callable[[], float] = time.time
    close: Callable[[], None] | None = None
    """Ends what else runs, after the jobs and the endpoints."""
    ringing: Callable[[Sequence[str]], Sequence[str]] = lambda _: ()
    """Which of some alarms of CloudWatch are in ALARM."""
