"""A local cloud that is killed now and then, and asked in between."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from tunewright_client.api_client import ApiClient, ApiError
from tunewright_local.process import launch


class Killed:
    """A cloud that is killed now and then, and asked in between."""

    def __init__(self, folder: Path, chaos: int | None = None) -> None:
        self.folder = folder
        self.instance = launch(folder, port=0, cpus=1, chaos=chaos)

    def api(self) -> ApiClient:
        return ApiClient(self.instance.environment["TUNEWRIGHT_API"], "us-east-1")

    def patiently(self, asked: Callable[[ApiClient], Any]) -> Any:
        """Ask the API; on a bad day it tells one to try again."""
        end = time.monotonic() + 60
        while True:
            try:
                return asked(self.api())
            except ApiError as error:
                if error.status < 500 or time.monotonic() > end:
                    raise
                time.sleep(1)

    def kill(self, *, everything: bool = False) -> None:
        """Kill the cloud, with all that it has started if told so, and start it again."""
        doomed = list(descendants(self.instance.pid)) if everything else []
        for each in (self.instance.pid, *doomed):
            with suppress(ProcessLookupError):
                os.kill(each, signal.SIGKILL)
        while self.instance.runs:
            time.sleep(0.01)
        self.instance = launch(self.folder, cpus=1)

    def until(self, study: str, reached: Callable[[Any], bool], seconds: float = 150) -> Any:
        end = time.monotonic() + seconds
        while True:
            found = self.patiently(lambda api: api.ask("GET", f"/studies/{study}"))
            if reached(found):
                return found
            assert time.monotonic() < end, found
            time.sleep(0.25)  # the stage lets ten a second through


def descendants(pid: int) -> Iterator[int]:
    """The processes that a process has started, and those that they have."""
    children = Path(f"/proc/{pid}/task/{pid}/children")
    for tasks in children.parents[1].glob("*/children"):
        with suppress(OSError):
            for child in map(int, tasks.read_text().split()):
                yield child
                yield from descendants(child)
