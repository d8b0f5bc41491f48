"""The log of one job: lines from a stream of bytes, kept in a file; it interprets none."""

from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Self

LINE_KEPT = 256 * 1024  # bytes, as much as CloudWatch keeps of one event
LOG_KEPT = 256 * 1024 * 1024  # bytes; a script that prints without end must not fill the disk
LAST_LINES = 12


class LineSplitter:
    """Bytes in, lines out; a line without end is cut, never collected."""

    def __init__(self, limit: int = LINE_KEPT) -> None:
        self._limit = limit
        self._rest = bytearray()

    def feed(self, data: bytes) -> Iterator[str]:
        """Every line that these bytes complete."""
        *complete, rest = data.split(b"\n")
        for part in complete:
            self._append(part)
            yield from self.flush(ended=True)
        self._append(rest)

    def flush(self, *, ended: bool = False) -> Iterator[str]:
        """What is left, as a line."""
        if self._rest or ended:
            line = self._rest.decode("utf-8", errors="replace").rstrip("\r")
            self._rest.clear()
            yield line

    def _append(self, part: bytes) -> None:
        self._rest += part[: max(0, self._limit - len(self._rest))]


class JobLog:
    """The file of a log, with its last lines at hand for a failure reason.

    Args:
        path: The file.
        limit: Bytes that it may have.
        hear: Is given each line of the container as well.
    """

    def __init__(
        self, path: Path, limit: int = LOG_KEPT, *, hear: Callable[[str], None] | None = None
    ) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("wb")
        self._limit = limit
        self._written = 0
        self._hear = hear
        self._last: deque[str] = deque(maxlen=LAST_LINES)

    def line(self, text: str) -> str:
        """Keep one line of the container and return it as CloudWatch would show it."""
        shown = text.replace("\t", "#011")
        self._last.append(shown)
        self._write(shown)
        if self._hear is not None:
            self._hear(shown)
        return shown

    def note(self, text: str) -> None:
        """Keep a remark of the emulator itself."""
        self._write(f"[sagemaker_local] {text}")

    def last_lines(self) -> str:
        """The end of what the container has printed."""
        return "\n".join(line[:200] for line in self._last if line.strip())

    def close(self) -> None:
        """Nothing more will come."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _write(self, text: str) -> None:
        if self._written >= self._limit:
            return
        data = text.encode("utf-8", errors="replace") + b"\n"
        self._written += len(data)
        if self._written >= self._limit:
            data += b"[sagemaker_local] the log is full; metrics are still read\n"
        self._file.write(data)
        self._file.flush()
