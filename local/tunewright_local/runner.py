"""Runs studies in one process on a local SageMaker: events in, wakes out, until nothing is live."""

import queue
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sagemaker_local.server import LocalServer
from tunewright.bootstrap import MemoryStack
from tunewright.domain.study import Study
from tunewright.settings import Settings
from tunewright_local.environment import aws_environment
from tunewright_local.profile import BUCKET, local_profile

__all__ = ["BUCKET", "LocalStack", "local_profile", "local_stack"]

SWEEP_SECONDS = 20.0
"""How often every live study is looked after without an event, as the cloud does on schedule."""
_TICK_SECONDS = 0.2


@dataclass
class LocalStack:
    """A local SageMaker, and a Tunewright beside it that hears its events.

    Attributes:
        server: The local SageMaker with its embedded AWS.
        stack: Tunewright, with its stores in memory.
    """

    server: LocalServer
    stack: MemoryStack
    _events: "queue.SimpleQueue[Mapping[str, Any]]"

    def run(self, study_id: str, watch: Callable[[Study], None]) -> Study:
        """Look after a study until it is over, or needs a person.

        Args:
            study_id: The study.
            watch: Is shown the study after everything that may have changed it.
        """
        swept = time.monotonic()
        while True:
            self._hear()
            while self.stack.work(timeout=0):
                watch(self.stack.store.load(study_id))
                self._hear()
            study = self.stack.store.load(study_id)
            watch(study)
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
def local_stack(root: Path, **settings: Any) -> Iterator[LocalStack]:  # noqa: ANN401 - the server's
    """Start a local SageMaker and a Tunewright beside it.

    Args:
        root: The folder of all state.
        settings: Settings of `sagemaker_local`, by name.
    """
    events: queue.SimpleQueue[Mapping[str, Any]] = queue.SimpleQueue()
    with (
        LocalServer(root, on_event=events.put, **settings) as server,
        aws_environment(server.environment),
    ):
        region = server.settings.region
        stack = MemoryStack(
            settings=Settings(region=region, endpoint_url=server.url),
            profiles={"default": local_profile(region)},
        )
        yield LocalStack(server=server, stack=stack, _events=events)
