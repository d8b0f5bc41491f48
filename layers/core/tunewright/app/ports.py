"""What the core asks of the world, as protocols; who answers is `cloud`'s business."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from tunewright.domain.message import Message
from tunewright.domain.profile import Profile
from tunewright.domain.seen import Endpoint, HostedSeen, RoundSeen, TrainingJobSeen
from tunewright.domain.spec import Deploy
from tunewright.domain.steps.step import Step
from tunewright.domain.study import Command, Decision, Deployment, Study
from tunewright.domain.trial import Trial


class StudyStore(Protocol):
    """Keeps studies with their decisions; every write is one transaction."""

    def create(self, step: Step, *, key: str, body_hash: str) -> Study:
        """Keep a new study, or return the one that the same key made before.

        Raises:
            ConflictError: The key was used for another body, or another key made the same id.
        """
        ...

    def load(self, study_id: str) -> Study:
        """Return a study as it was last written.

        Raises:
            NotFoundError: There is none.
        """
        ...

    def commit(self, step: Step, *, expected: int) -> Study:
        """Write a step: the study, its decisions, the marks it removed, the commands it answered.

        Returns:
            The study with its new version.

        Raises:
            NotFoundError: There is no such study.
            StaleVersionError: The study is not at the expected version any more, or was not read
                from the write that made it, or a folded trial has newer news, or a command is
                answered: nothing was written, so load again and decide again.
            OverBudgetError: The stack's budget of the month has no room for the step's charge:
                nothing was written.
        """
        ...

    def live(self) -> tuple[str, ...]:
        """Return the ids of all studies that are not over, or have a command that waits."""
        ...

    def newest(self, limit: int, *, before: str | None = None) -> tuple[Study, ...]:
        """Return the newest studies, over or not; with `before`, those older than that one."""
        ...

    def decisions(self, study_id: str) -> tuple[Decision, ...]:
        """Return what was decided, oldest first."""
        ...


class Outbox(Protocol):
    """The decisions that nobody was told of; each is marked from the transaction that made it."""

    def unpublished(self, *, before: datetime, limit: int) -> tuple[Decision, ...]:
        """Return marked decisions of all studies that were made before a time, oldest first."""
        ...

    def published(self, decision: Decision) -> bool:
        """Remove the mark of a decision, after people were told; False if it had none."""
        ...


class TrialStore(Protocol):
    """Keeps trials; a trial with news for its study is marked until the study holds it."""

    def record(self, trial: Trial) -> bool:
        """Merge what was told into what is known; say whether that was news.

        An ended trial with news is marked unfolded.
        """
        ...

    def unfolded(self, study_id: str, limit: int) -> tuple[Trial, ...]:
        """Return marked trials, those that ended first first, as they are now."""
        ...

    def of_study(self, study_id: str) -> tuple[Trial, ...]:
        """Return all trials of a study, by name."""
        ...


class CommandStore(Protocol):
    """Keeps what people have said until a study answers it."""

    def give(self, study_id: str, command: Command) -> Command:
        """Keep a command; one with the same id is kept once.

        Returns:
            The command that is kept under its id: this one, or the one that was first.
        """
        ...

    def waiting(self, study_id: str) -> tuple[Command, ...]:
        """Return the commands that are not answered, oldest first."""
        ...


class Secrets(Protocol):
    """The stack's own secrets: random keys that no person has ever seen."""

    def read(self, name: str) -> bytes | None:
        """Return a key; None if nobody has made it yet."""
        ...

    def read_or_make(self, name: str) -> bytes:
        """Return a key of 32 random bytes; whoever needs it first makes it, for everybody."""
        ...


class Switch(Protocol):
    """The kill switch: while it is thrown, the stack looks and stops, and starts nothing."""

    def is_thrown(self) -> bool:
        """Say whether the stack is paused.

        Raises:
            UnknownOutcomeError: Nobody can say: start nothing now.
        """
        ...


class Tuning(Protocol):
    """SageMaker's tuning jobs; every call is safe to do twice."""

    def start(self, request: dict[str, Any], tags: dict[str, str]) -> None:
        """Make a tuning job, unless it is there already and has our tags.

        Raises:
            RefusedError: SageMaker does not take the request, which was sent but once.
            CapacityError: A quota is used up.
            ForeignError: The name is taken by a job without our tags.
            UnknownOutcomeError: Nobody can say whether it was made.
        """
        ...

    def stop(self, job: str, tags: dict[str, str] | None = None) -> None:
        """Stop a tuning job; one that has ended, or is not there, is left alone.

        With tags, so is one that does not have them.

        Raises:
            UnknownOutcomeError: Nobody can say whether it was told to stop.
        """
        ...

    def look(self, job: str, tags: dict[str, str] | None = None) -> RoundSeen:
        """Describe a tuning job; with tags, one that does not have them does not exist.

        Raises:
            UnknownOutcomeError: SageMaker does not answer now.
        """
        ...

    def trial_names(self, job: str) -> tuple[str, ...]:
        """List the training jobs that a tuning job launched.

        Raises:
            UnknownOutcomeError: SageMaker does not answer now.
        """
        ...

    def trial(self, name: str) -> TrainingJobSeen | None:
        """Describe a training job; None if there is none.

        Raises:
            UnknownOutcomeError: SageMaker does not answer now.
        """
        ...


class Hosting(Protocol):
    """SageMaker's models and endpoints; every call is safe to do twice."""

    def look(self, endpoint: str, stack: str) -> HostedSeen | None:
        """Describe an endpoint; None if there is none.

        Raises:
            UnknownOutcomeError: SageMaker does not answer now.
        """
        ...

    def make_model(
        self, planned: Deployment, deploy: Deploy, profile: Profile, tags: dict[str, str]
    ) -> bool:
        """Make the model and its endpoint config; say whether the config is new.

        Raises:
            RefusedError: SageMaker does not take it.
            UnknownOutcomeError: Nobody can say whether it was made.
        """
        ...

    def go_live(self, planned: Deployment, tags: dict[str, str], *, update: bool) -> None:
        """Make the endpoint, or move it to the new config.

        Raises:
            RefusedError: SageMaker does not take it.
            CapacityError: A quota is used up.
            UnknownOutcomeError: Nobody can say whether it was done.
        """
        ...

    def delete(self, endpoint: str) -> None:
        """Have an endpoint deleted; one that is not there is left alone.

        Raises:
            RefusedError: SageMaker does not delete it.
            UnknownOutcomeError: Nobody can say whether it will be; also while it is changing.
        """
        ...

    def delete_model(self, model: str) -> None:
        """Delete a model and its endpoint config; what is not there is left alone.

        Raises:
            RefusedError: SageMaker does not delete them.
            UnknownOutcomeError: Nobody can say whether they are deleted.
        """
        ...

    def fingerprint(self, uri: str) -> str:
        """Name the data under an S3 prefix: other data, another fingerprint.

        Raises:
            UnknownOutcomeError: S3 does not answer now.
        """
        ...


class EndpointStore(Protocol):
    """Keeps what is known of endpoints; written by the deployer alone."""

    def load(self, name: str) -> Endpoint:
        """Return what is known of an endpoint; at version 0, if that is nothing."""
        ...

    def save(self, endpoint: Endpoint) -> Endpoint:
        """Write what is known now, on top of the version that it was read at.

        Returns:
            The endpoint with its new version.

        Raises:
            StaleVersionError: It is not at that version any more.
        """
        ...

    def due(self, now: datetime) -> tuple[str, ...]:
        """Return the names of the endpoints whose lease has ended by now."""
        ...


@dataclass(frozen=True, slots=True)
class Wake:
    """Look after a study; `look` asks to look at SageMaker, too."""

    study_id: str
    look: bool


class Deploys(Protocol):
    """The queue of studies whose endpoint must be looked at, or changed."""

    def put(self, study_id: str) -> None:
        """Queue a study; one that waits already may stay one."""
        ...


class Leases(Protocol):
    """The queue of endpoints whose lease has ended."""

    def put(self, endpoint: str) -> None:
        """Queue an endpoint; one that waits already may stay one."""
        ...


class Wakes(Protocol):
    """The queue of wakes."""

    def put(self, wake: Wake) -> None:
        """Queue a wake; several for one study may become one."""
        ...


class Clock(Protocol):
    """Tells the time."""

    def now(self) -> datetime:
        """Return the time, with its zone."""
        ...


class Topic(Protocol):
    """Everything that people are told."""

    def publish(self, message: Message) -> None:
        """Publish a message; whoever is told twice knows it by its id.

        Raises:
            PublishError: It was not taken; it may be tried again.
        """
        ...


class Bus(Protocol):
    """Every decision, for programs."""

    def put(self, decision: Decision) -> None:
        """Put a decision on the bus.

        Raises:
            PublishError: It was not taken; it may be tried again.
        """
        ...
