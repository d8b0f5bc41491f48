"""Puts the parts together, once; the only place that knows which adapter answers which port."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import boto3
from botocore.config import Config

from tunewright import doors
from tunewright.adapters.memory import MemoryEndpoints, MemoryQueue, MemoryStore, SystemClock
from tunewright.adapters.sagemaker import SageMakerHosting, SageMakerTuning
from tunewright.app.conductor import Conductor
from tunewright.app.deployer import Deployer
from tunewright.app.landlord import Landlord
from tunewright.app.ports import Wake
from tunewright.app.recorder import Recorder
from tunewright.app.studies import Studies
from tunewright.domain.errors import UnknownOutcomeError
from tunewright.domain.profile import Profile
from tunewright.settings import Settings

_CONFIG = Config(
    connect_timeout=3, read_timeout=10, retries={"mode": "standard", "max_attempts": 3}
)


@dataclass(frozen=True)
class MemoryStack:
    """A whole stack in one process: SageMaker over the wire, everything else in memory.

    Attributes:
        settings: What the environment says.
        profiles: What an administrator allows, by name.
    """

    settings: Settings
    profiles: Mapping[str, Profile]

    @cached_property
    def store(self) -> MemoryStore:
        """Studies, decisions, trials and commands."""
        return MemoryStore()

    @cached_property
    def endpoints(self) -> MemoryEndpoints:
        """What is live."""
        return MemoryEndpoints()

    @cached_property
    def wakes(self) -> MemoryQueue[Wake]:
        """Which studies to look after."""
        return MemoryQueue()

    @cached_property
    def deploys(self) -> MemoryQueue[str]:
        """Which studies' endpoints to look at, or to change."""
        return MemoryQueue()

    @cached_property
    def leases(self) -> MemoryQueue[str]:
        """Which endpoints' leases have ended."""
        return MemoryQueue()

    @cached_property
    def clock(self) -> SystemClock:
        """The time."""
        return SystemClock()

    @cached_property
    def tuning(self) -> SageMakerTuning:
        """SageMaker's tuning jobs."""
        return SageMakerTuning(self._client("sagemaker"))

    @cached_property
    def recorder(self) -> Recorder:
        """Records trials."""
        return Recorder(self.store, self.store, self.tuning)

    @cached_property
    def studies(self) -> Studies:
        """What people do with studies."""
        return Studies(
            stack=self.settings.stack,
            studies=self.store,
            commands=self.store,
            wakes=self.wakes,
            profiles=self.profiles,
            clock=self.clock,
        )

    @cached_property
    def conductor(self) -> Conductor:
        """Advances studies."""
        return Conductor(
            studies=self.store,
            trials=self.store,
            commands=self.store,
            tuning=self.tuning,
            recorder=self.recorder,
            endpoints=self.endpoints,
            deploys=self.deploys,
            clock=self.clock,
        )

    @cached_property
    def deployer(self) -> Deployer:
        """Tends endpoints."""
        return Deployer(
            studies=self.store,
            endpoints=self.endpoints,
            hosting=self.hosting,
            wakes=self.wakes,
            clock=self.clock,
        )

    @cached_property
    def landlord(self) -> Landlord:
        """Ends leases."""
        return Landlord(
            studies=self.store,
            endpoints=self.endpoints,
            hosting=self.hosting,
            wakes=self.wakes,
            clock=self.clock,
        )

    @cached_property
    def hosting(self) -> SageMakerHosting:
        """SageMaker's models and endpoints."""
        return SageMakerHosting(self._client("sagemaker"), self._client("s3"))

    def _client(self, service: str) -> Any:  # noqa: ANN401 - boto3 carries no types
        return boto3.client(
            service,
            region_name=self.settings.region,
            endpoint_url=self.settings.endpoint_url,
            config=_CONFIG,
        )

    @property
    def name(self) -> str:
        """The stack's name."""
        return self.settings.stack

    def hear(self, event: object) -> None:
        """Take in one event, as the rules and queues of a deployed stack would route it."""
        try:
            doors.training_job_ended(self, event)
        except UnknownOutcomeError:
            return  # The sweep, or the end of the tuning job, will find it.
        wake = doors.read_wake(self, event)
        if wake is not None:
            self.wakes.put(wake)
        doors.tend(self, event)

    def sweep(self) -> None:
        """Wake every live study, and queue every endpoint whose lease has ended."""
        for study_id in self.store.live():
            self.wakes.put(Wake(study_id, look=True))
        for endpoint in self.endpoints.due(self.clock.now()):
            self.leases.put(endpoint)

    def work(self, timeout: float) -> bool:
        """Do what has waited longest; False if nothing came within the time."""
        tended = self.deploys.take(timeout=0)
        if tended is not None:
            doors.tend(self, {"study": tended})
            return True
        leased = self.leases.take(timeout=0)
        if leased is not None:
            doors.tend(self, {"endpoint": leased})
            return True
        wake = self.wakes.take(timeout)
        if wake is None:
            return False
        doors.wake(self, wake.study_id, look=wake.look)
        return True
