"""Starts the local cloud as a process of its own, and ends it."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

from tunewright_local.front import HEALTH
from tunewright_local.instance import Folder, Instance

_START_SECONDS = 90.0
_STOP_SECONDS = 60.0
_launched: list[subprocess.Popen[bytes]] = []
"""Children of this process, kept so that those that have ended are waited for."""


class NotStartedError(Exception):
    """The local cloud did not start, or did not end; the message says why."""


def launch(
    folder: Path,
    *,
    port: int | None = None,
    cpus: int | None = None,
    chaos: int | None = None,
) -> Instance:
    """Start the local cloud of a folder, and return once it is ready.

    Args:
        folder: The folder of all state.
        port: The port; None for the former one, or 4566; 0 for any that is free.
        cpus: Threads given to each training job; None for all.
        chaos: The seed of a bad day; None for a good one.

    Raises:
        NotStartedError: It did not start.
    """
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / "log"
    command = [sys.executable, "-m", "tunewright_local", "up", "--dir", str(folder)]
    command += [] if port is None else ["--port", str(port)]
    command += [] if cpus is None else ["--cpus", str(cpus)]
    command += [] if chaos is None else ["--chaos", str(chaos)]
    # It must find the packages that this process has found
    paths = os.pathsep.join(path for path in sys.path if path)
    began = time.monotonic()
    with log.open("ab") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            env={**os.environ, "PYTHONPATH": paths},
        )
    _reap()
    _launched.append(process)
    while time.monotonic() - began < _START_SECONDS:
        if process.poll() is not None:
            lines = log.read_text(errors="replace").splitlines()
            raise NotStartedError(lines[-1] if lines else "it did not start")
        instance = Folder(folder).read()
        if instance is not None and instance.pid == process.pid and _is_ready(instance):
            return instance
        time.sleep(0.1)
    process.kill()
    raise NotStartedError(f"it is not ready after {_START_SECONDS:.0f} s; see {log}")


def stop(instance: Instance) -> None:
    """End a running local cloud politely.

    Raises:
        NotStartedError: It does not end.
    """
    os.kill(instance.pid, signal.SIGTERM)
    deadline = time.monotonic() + _STOP_SECONDS
    while instance.runs:
        if time.monotonic() > deadline:
            raise NotStartedError(f"process {instance.pid} does not end")
        time.sleep(0.05)
    _reap()


@contextmanager
def running(folder: Path, *, port: int = 0, cpus: int | None = None) -> Iterator[Instance]:
    """Have the local cloud of a folder run for a while."""
    instance = launch(folder, port=port, cpus=cpus)
    try:
        yield instance
    finally:
        if instance.runs:
            stop(instance)


def _reap() -> None:
    _launched[:] = [process for process in _launched if process.poll() is None]


def _is_ready(instance: Instance) -> bool:
    try:
        with urlopen(instance.url + HEALTH, timeout=2) as answer:  # noqa: S310 - our own port
            return bool(json.load(answer)["ready"])
    except OSError:
        return False
