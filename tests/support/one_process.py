"""A deployed stack's composition in one process: SageMaker over the wire, all else in memory."""

import queue
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from sagemaker_local.server import LocalServer
from tests.support.memory import MemoryEndpoints, MemoryQueue, MemoryStore, MemorySwitch
from tunewright import doors
from tunewright.app.ports import Wake
from tunewright.cloud import CloudStack
from tunewright.domain.errors import UnknownOutcomeError
from tunewright.domain.profile import Profile
from tunewright.domain.study import Study
from tunewright.settings import Settings
from tunewright_local.environment import aws_environment
from tunewright_local.profile import local_profile

SWEEP_SECONDS = 20.0
"""How often every live study is looked after without an event, as the cloud does on schedule."""
_TICK_SECONDS = 0.2


class MemoryStack(CloudStack):
    """What is deployed, with every store and queue in memory."""

    @cached_property
    def store(self) -> MemoryStore:
        return MemoryStore()

    @property
    def studies_store(self) -> MemoryStore:  # type: ignore[override] # the same port
        return self.store

    @property
    def trials(self) -> MemoryStore:  # type: ignore[override] # the same port
        return self.store

    @property
    def commands(self) -> MemoryStore:  # type: ignore[override] # the same port
        return self.store

    @cached_property
    def endpoints(self) -> MemoryEndpoints:  # type: ignore[override] # the same port
        return MemoryEndpoints()

    @cached_property
    def wakes(self) -> MemoryQueue[Wake]:  # type: ignore[override] # the same port
        return MemoryQueue()

    @cached_property
    def deploys(self) -> MemoryQueue[str]:  # type: ignore[override] # the same port
        return MemoryQueue()

    @cached_property
    def switch(self) -> MemorySwitch:  # type: ignore[override] # the same port
        return MemorySwitch()

    @cached_property
    def leases(self) -> MemoryQueue[str]:  # type: ignore[override] # the same port
        return MemoryQueue()

    @cached_property
    def profiles(self) -> Mapping[str, Profile]:
        return {"default": local_profile(self.settings.region)}

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

    def work(self) -> bool:
        """Do what has waited longest; False if nothing waits."""
        tended = self.deploys.take(timeout=0)
        if tended is not None:
            doors.tend(self, {"study": tended})
            return True
        leased = self.leases.take(timeout=0)
        if leased is not None:
            doors.tend(self, {"endpoint": leased})
            return True
        wake = self.wakes.take(timeout=0)
        if wake is None:
            return False
        doors.wake(self, wake.study_id, look=wake.look)
        return True


@dataclass
class LocalStack:
    """A local SageMaker, and a Tunewright beside it that hears its events."""

    server: LocalServer
    stack: MemoryStack
    _events: "queue.SimpleQueue[Mapping[str, Any]]"

    def run(self, study_id: str) -> Study:
        """Look after a study until it is over, or needs a person."""
        swept = time.monotonic()
        while True:
            self._hear()
            while self.stack.work():
                self._hear()
            study = self.stack.store.load(study_id)
            if study.phase.is_over or study.phase.waits_for_person:
                return study
            if time.monotonic() - swept > SWEEP_SECONDS:
                swept = time.monotonic()
                self.stack.sweep()

    def _hear(self) -> None:
        """Take in all events that have come, waiting a moment for the first."""
        timeout = _TICK_SECONDS
        while True:
            try:
                event = self._events.get(timeout=timeout)
            except queue.Empty:
                return
            self.stack.hear(event)
            timeout = 0.0


@contextmanager
def local_stack(root: Path, **settings: Any) -> Iterator[LocalStack]:
    """Start a local SageMaker and a Tunewright beside it; `settings` are the server's."""
    events: queue.SimpleQueue[Mapping[str, Any]] = queue.SimpleQueue()
    with (
        LocalServer(root, on_event=events.put, **settings) as server,
        aws_environment(server.environment),
    ):
        stack = MemoryStack(Settings(region=server.settings.region, endpoint_url=server.url))
        yield LocalStack(server=server, stack=stack, _events=events)
