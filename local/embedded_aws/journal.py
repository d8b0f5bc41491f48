"""Keeps state on disk: whole snapshots now and then, and between them a journal of every change.

A folder holds `manifest.json`, which names the files of the last whole snapshot, and journals
numbered like snapshots. What was changed since snapshot n is in the journals n and later, so a
crash at any moment, between two steps of a save too, leaves a manifest with all that follows it.
"""

import json
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, BinaryIO

_MANIFEST = "manifest.json"


class Journal:
    """Records, one a line; `flush` puts on the disk what was appended before, once for all callers.

    Appending and flushing may be done from any thread.
    """

    def __init__(self, path: Path) -> None:
        self._file: BinaryIO = path.open("ab")
        self._lines: list[bytes] = []
        self._appending = threading.Lock()
        self._writing = threading.Lock()
        self.size = 0

    def append(self, line: bytes) -> None:
        """Take a line; it is on the disk after the next flush."""
        with self._appending:
            self._lines.append(line + b"\n")

    def flush(self) -> None:
        """Put everything on the disk; who waits for another's flush may find its own done.

        Raises:
            OSError: The disk does not take it.
        """
        with self._writing:
            with self._appending:
                lines, self._lines = self._lines, []
            if lines:
                whole = b"".join(lines)
                self._file.write(whole)
                self._file.flush()
                os.fsync(self._file.fileno())
                self.size += len(whole)

    def close(self) -> None:
        """Flush and close."""
        self.flush()
        self._file.close()


@dataclass(frozen=True)
class Turn:
    """A whole state, and the number of the journal that follows it."""

    number: int
    parts: Mapping[str, bytes]


class History:
    """The snapshots and journals of a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        manifest = self._read_manifest()
        self._files: dict[str, str] = manifest["files"]
        self._saved: int = manifest["number"]
        self._last = max([self._saved, *self._journals()])
        self._journal: Journal | None = None
        self._saving = threading.Lock()

    def snapshot(self) -> Iterator[tuple[str, bytes]]:
        """Give each part of the last snapshot."""
        for name, file in self._files.items():
            yield name, (self._folder / file).read_bytes()

    def changes(self) -> Iterator[bytes]:
        """Give what was changed since that snapshot, in the order in which it was."""
        for number in self._journals():
            if number >= self._saved:
                for line in (self._folder / f"journal.{number}").read_bytes().split(b"\n"):
                    try:
                        json.loads(line)
                    except ValueError:
                        # Cut off by a crash, so nobody was told that it was done; nothing follows
                        break
                    yield line

    @property
    def size(self) -> int:
        """How many bytes were written since the last snapshot."""
        return 0 if self._journal is None else self._journal.size

    def append(self, change: bytes) -> None:
        """Note a change; it is on the disk after the next flush."""
        if self._journal is None:
            raise RuntimeError("a history is written to after its first save")
        self._journal.append(change)

    def flush(self) -> None:
        """Put all changes on the disk.

        Raises:
            OSError: The disk does not take it.
        """
        journal = self._journal
        if journal is not None:
            journal.flush()

    def turn(self, collect: Callable[[], Mapping[str, bytes]]) -> Turn:
        """Collect the whole state, and begin a new journal for what follows it.

        No change may be noted meanwhile: who notes on an event loop calls this there.

        Raises:
            OSError: The disk does not take it; nothing has changed.
        """
        fresh = Journal(self._folder / f"journal.{self._last + 1}")
        try:
            parts = collect()
            if self._journal is not None:
                self._journal.close()
        except BaseException:
            fresh.close()
            raise
        self._last += 1
        self._journal = fresh
        return Turn(self._last, parts)

    def keep(self, turn: Turn) -> None:
        """Write what a turn collected, then drop the journals that it holds; from any thread.

        Raises:
            OSError: The disk does not take it; the last snapshot and all journals stay.
        """
        with self._saving:
            if turn.number <= self._saved:
                return  # a later turn, which holds all of this one, was kept first
            files = {name: self._write(name, body) for name, body in turn.parts.items()}
            manifest = {"number": turn.number, "files": files}
            _replace(self._folder / _MANIFEST, json.dumps(manifest).encode())
            self._files, self._saved = files, turn.number
            self._sweep()

    def close(self) -> None:
        """Close the journal."""
        if self._journal is not None:
            self._journal.close()
            self._journal = None

    def _write(self, name: str, body: bytes) -> str:
        file = f"{name}.{sha256(body).hexdigest()[:16]}.json"
        if self._files.get(name) != file:
            _replace(self._folder / file, body)
        return file

    def _sweep(self) -> None:
        kept = {_MANIFEST, *self._files.values()}
        kept |= {f"journal.{number}" for number in self._journals() if number >= self._saved}
        for path in self._folder.iterdir():
            if path.is_file() and path.name not in kept:
                with suppress(OSError):
                    path.unlink()

    def _journals(self) -> list[int]:
        paths = self._folder.glob("journal.*")
        return sorted(int(path.suffix[1:]) for path in paths if path.suffix[1:].isdigit())

    def _read_manifest(self) -> dict[str, Any]:
        try:
            found: dict[str, Any] = json.loads((self._folder / _MANIFEST).read_bytes())
        except FileNotFoundError:
            return {"number": 0, "files": {}}
        return found


def _replace(path: Path, body: bytes) -> None:
    """Put a whole file in a place, or leave what was there."""
    fresh = path.with_name(path.name + ".new")
    with fresh.open("wb") as file:
        file.write(body)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
