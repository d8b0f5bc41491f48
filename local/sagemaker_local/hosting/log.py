"""The log of an endpoint: a file that all of its processes share, and a stream for each of them."""

import contextlib
import os
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from sagemaker_local.containers.process import Container
from sagemaker_local.telemetry import SILENCE, Stream, Telemetry
from sagemaker_local.training.log import LOG_KEPT, LineSplitter

PIECE = 1 << 16
FINISH_SECONDS = 1.0


@dataclass
class EndpointLog:
    """Where the lines of one process go."""

    path: Path
    stream: Stream
    telemetry: Telemetry = SILENCE
    _guard: threading.Lock = field(default_factory=threading.Lock)

    def line(self, text: str) -> None:
        """Keep a line; a model that prints without end must not fill the disk."""
        shown = text.replace("\t", "#011")
        self.telemetry.line(self.stream, shown, time.time())
        with self._guard, contextlib.suppress(OSError), self.path.open("ab") as file:
            if file.tell() < LOG_KEPT:
                file.write(shown.encode("utf-8", "replace") + b"\n")


class LogReader:
    """Reads what one process prints, until it ends, from a thread of its own."""

    def __init__(self, container: Container, log: EndpointLog) -> None:
        self._output, self._log = container.output, log
        self.last_line = ""
        self._thread = threading.Thread(target=self._run, name="endpoint log", daemon=True)
        self._thread.start()

    def finish(self) -> None:
        """Wait for the last lines; a child that has left the group may hold the pipe for ever."""
        self._thread.join(FINISH_SECONDS)

    def _run(self) -> None:
        lines = LineSplitter()
        with self._output:
            while data := os.read(self._output.fileno(), PIECE):
                for line in lines.feed(data):
                    self._keep(line)
        for line in lines.flush():
            self._keep(line)

    def _keep(self, line: str) -> None:
        if line.strip():
            self.last_line = line
        self._log.line(line)
