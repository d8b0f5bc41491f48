"""A bad day for the local cloud, on purpose, every draw of it from one seed.

SageMaker's events are lost, doubled, late and overtaken; services are away for seconds, half of the
time after they have done what was asked; functions are killed while they work.
"""

import logging
import os
import random
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from sagemaker_local.faults import Faults

Trouble = Literal["refused", "unanswered"]

AWAY = 0.06
"""The share of its time that a service is away."""
_SLOT_SECONDS = 2.0
"""Longer than the client's three attempts: a shorter absence is not even noticed."""
_SERVICES = frozenset({"dynamodb", "events", "sagemaker", "sns", "sqs"})
_BETWEEN_KILLS = (4.0, 20.0)
_WORKER = b"ministack-lambda-"
_LOG = logging.getLogger(__name__)


def faults(seed: int) -> Faults:
    """Return what SageMaker does on such a day."""
    return Faults(
        seed=seed,
        throttled=0.05,
        events_lost=0.1,
        events_doubled=0.2,
        events_late=0.2,
        late_seconds=3.0,
        internal_errors=0.02,
    )


class Chaos:
    """Troubles requests, and kills functions in a thread of its own.

    Args:
        seed: The same seed has the same services away at the same seconds after the start.
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._began = time.monotonic()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._kill_now_and_then, name="chaos", daemon=True)
        self.killed = 0

    def start(self) -> None:
        """Begin to kill functions."""
        self._thread.start()

    def close(self) -> None:
        """End; what was killed stays so, and its queue brings it again."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join()

    def trouble(self, service: str, seconds: float | None = None) -> Trouble | None:
        """Say what happens to a request.

        Args:
            service: As in the credential's scope of its signature.
            seconds: When, after the start; None for now.
        """
        if service not in _SERVICES:
            return None
        at = time.monotonic() - self._began if seconds is None else seconds
        draw = random.Random(f"{self._seed}/{service}/{int(at / _SLOT_SECONDS)}").random()  # noqa: S311 - no secret
        if draw >= AWAY:
            return None
        return "refused" if draw < AWAY / 2 else "unanswered"

    def _kill_now_and_then(self) -> None:
        draws = random.Random(self._seed)  # noqa: S311 - no secret
        while not self._stopped.wait(draws.uniform(*_BETWEEN_KILLS)):
            workers = sorted(_workers())
            if not workers:
                continue
            doomed = draws.choice(workers)
            try:
                os.kill(doomed, signal.SIGKILL)
            except ProcessLookupError:
                continue
            self.killed += 1
            _LOG.warning("chaos: killed the function in process %d", doomed)


def _workers() -> Iterator[int]:
    """The processes of functions that this process has started."""
    for tasks in Path("/proc/self/task").glob("*/children"):
        try:
            children = tasks.read_text().split()
        except OSError:
            continue  # the thread has ended since
        for child in children:
            try:
                line = Path(f"/proc/{child}/cmdline").read_bytes()
            except OSError:
                continue
            if _WORKER in line:
                yield int(child)
