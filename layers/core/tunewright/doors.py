"""What each door does once its message is read: translate it, hand it over, decide nothing.

A message that cannot be read, or is about somebody else's study, is nothing to do. What raises is
tried again by the queue that brought it.
"""

from typing import Protocol

from tunewright.adapters.events import (
    EndpointChanged,
    RoundChanged,
    Rumour,
    TrialChanged,
    read_event,
)
from tunewright.app.conductor import Conductor
from tunewright.app.deployer import Deployer
from tunewright.app.landlord import Landlord
from tunewright.app.ports import EndpointStore, Wake, Wakes
from tunewright.app.recorder import Recorder
from tunewright.domain.errors import NotFoundError


class Stack(Protocol):
    """The parts that the doors hand over to."""

    @property
    def name(self) -> str:
        """The stack's name."""
        ...

    @property
    def recorder(self) -> Recorder:
        """Records trials."""
        ...

    @property
    def conductor(self) -> Conductor:
        """Advances studies."""
        ...

    @property
    def deployer(self) -> Deployer:
        """Tends endpoints."""
        ...

    @property
    def landlord(self) -> Landlord:
        """Ends leases."""
        ...

    @property
    def endpoints(self) -> EndpointStore:
        """What is known of endpoints."""
        ...

    @property
    def wakes(self) -> Wakes:
        """The queue of wakes."""
        ...


def training_job_ended(stack: Stack, body: object) -> None:
    """Record the trial that an event names, and wake its study.

    Raises:
        UnknownOutcomeError: SageMaker does not answer now.
    """
    rumour = _rumour(stack, body)
    if isinstance(rumour, TrialChanged) and rumour.ended:
        study_id = stack.recorder.record(rumour.training_job)
        if study_id is not None:
            stack.wakes.put(Wake(study_id, look=False))


def read_wake(stack: Stack, body: object) -> Wake | None:
    """Read which study a message wakes: our own message, or the end of a tuning job."""
    if isinstance(body, dict) and isinstance(body.get("study"), str):
        return Wake(body["study"], look=body.get("look") is True)
    rumour = _rumour(stack, body)
    if isinstance(rumour, RoundChanged) and rumour.ended:
        return Wake(rumour.study_id, look=True)
    return None


def wake(stack: Stack, study_id: str, *, look: bool) -> None:
    """Advance a study; one that is not there is somebody else's, or was never written."""
    try:
        stack.conductor.advance(study_id, look=look)
    except NotFoundError:
        return


def tend(stack: Stack, body: object) -> None:
    """Tend the endpoint of the study that a message names, or one that is named or has changed."""
    study_id: str | None = None
    endpoint: str | None = None
    if isinstance(body, dict) and isinstance(body.get("study"), str):
        study_id = body["study"]
    elif isinstance(body, dict) and isinstance(body.get("endpoint"), str):
        endpoint = body["endpoint"]
    else:
        rumour = _rumour(stack, body)
        if isinstance(rumour, EndpointChanged):
            endpoint = rumour.endpoint
    try:
        if endpoint is not None:
            stack.landlord.end_lease(endpoint)
            study_id = stack.endpoints.load(endpoint).holder
        if study_id is not None:
            stack.deployer.tend(study_id)
    except NotFoundError:
        return


def _rumour(stack: Stack, body: object) -> Rumour | None:
    return read_event(body, stack=stack.name)
