"""The processes in which functions run: each that was started is waited for, and its pipes closed.

ministack forgets a process that one thread starts while another ends them all, and leaves the pipes
of those that have ended to the garbage collector.
"""

import contextlib
import subprocess
import threading
from types import SimpleNamespace
from typing import Any

_END_SECONDS = 5.0

Process = subprocess.Popen[str]


class Processes:
    """Every process of a function that this process has started, whoever has forgotten it."""

    def __init__(self) -> None:
        self._gate = threading.Lock()
        self._ended = False
        self._started: list[Process] = []

    def watch(self, runtime: Any) -> None:  # noqa: ANN401 - ministack carries no types
        """Start what `runtime`, ministack's module, asks for from now on."""
        with self._gate:
            self._ended = False
        runtime.subprocess = SimpleNamespace(**{**vars(subprocess), "Popen": self._start})

    def end(self, runtime: Any) -> None:  # noqa: ANN401
        """End them all, those too that are only being started; no more can be."""
        with self._gate:
            self._ended = True
            left, self._started = self._started, []
        runtime.reset()
        for process in left:
            if process.poll() is None:
                process.kill()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_END_SECONDS)
            _close(process)

    def _start(self, *words: Any, **more: Any) -> Process:  # noqa: ANN401 - as Popen
        with self._gate:
            if self._ended:
                raise RuntimeError("the embedded AWS is closing")
            gone = [each for each in self._started if each.poll() is not None]
            process: Process = subprocess.Popen(*words, **more)
            self._started = [*(each for each in self._started if each not in gone), process]
        for each in gone:
            _close(each)
        return process


def _close(process: Process) -> None:
    for pipe in (process.stdin, process.stdout, process.stderr):
        if pipe is not None:
            with contextlib.suppress(OSError):  # what it never read
                pipe.close()
