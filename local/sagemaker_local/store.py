"""The documents of all resources, in memory and in SQLite; it does not know what they mean.

A document is what Describe answers, and beside it members that begin with `_` for the emulator
alone. Documents are values: a change is a new document, written before anybody can see it. A
write that has returned survives a killed process, since SQLite keeps its log in a file.
"""

import json
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

Document = Mapping[str, Any]
Change = Callable[[Document], Document]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS documents (
    kind TEXT NOT NULL, key TEXT NOT NULL, document TEXT NOT NULL,
    PRIMARY KEY (kind, key)
) WITHOUT ROWID
"""


class AlreadyThere(Exception):  # noqa: N818 - it is a fact, not a failure
    """A resource of that kind already has this name."""


class Store:
    """Documents by kind and name; names differ in more than case.

    Args:
        path: The SQLite file.
        lag_seconds: How far behind `seen` is.
        clock: Seconds that never go back, for that lag.
    """

    def __init__(
        self,
        path: Path,
        *,
        lag_seconds: float = 0.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._lag_seconds, self._clock = lag_seconds, clock
        self._changes: deque[tuple[float, str, str, Document | None]] = deque()
        path.parent.mkdir(parents=True, exist_ok=True)
        self.lock = threading.RLock()
        self._depth = 0
        self._undo: list[tuple[str, str, Document | None]] = []
        self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute("PRAGMA synchronous=NORMAL")
        self._connection.execute(_SCHEMA)
        self._documents: dict[str, dict[str, Document]] = {}
        for kind, key, text in self._connection.execute("SELECT * FROM documents"):
            self._documents.setdefault(kind, {})[key] = json.loads(text)

    def close(self) -> None:
        """Let go of the file."""
        with self.lock:
            self._connection.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Hold the lock, and write what is changed within all at once."""
        with self.lock:
            if self._depth:
                yield
                return
            self._connection.execute("BEGIN")
            self._depth += 1
            try:
                yield
            finally:
                # Committed on an exception too: memory has changed already, and both must agree
                self._depth -= 1
                self._commit()

    def _commit(self) -> None:
        try:
            self._connection.execute("COMMIT")
        except sqlite3.Error:  # a full disk: nobody may see what a restart would not know
            for kind, key, before in reversed(self._undo):
                if before is None:
                    self._documents[kind].pop(key, None)
                else:
                    self._documents[kind][key] = before
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise
        finally:
            self._undo.clear()

    def get(self, kind: str, name: str) -> Document | None:
        """The document of this name, in whatever case the name is given."""
        with self.lock:
            return self._documents.get(kind, {}).get(name.lower())

    def all(self, kind: str) -> tuple[Document, ...]:
        """All documents of a kind, in no particular order."""
        with self.lock:
            return tuple(self._documents.get(kind, {}).values())

    def seen(self, kind: str) -> tuple[Document, ...]:
        """All documents of a kind as they were a lag ago: what AWS's lists and searches show."""
        with self.lock:
            found = dict(self._documents.get(kind, {}))
            self._forget_the_old()
            for _, of_kind, key, before in reversed(self._changes):
                if of_kind != kind:
                    continue
                if before is None:
                    found.pop(key, None)
                else:
                    found[key] = before
            return tuple(found.values())

    def insert(self, kind: str, name: str, document: Document) -> None:
        """Add a document.

        Raises:
            AlreadyThere: there is one of this name.
        """
        with self.lock:
            if self.get(kind, name) is not None:
                raise AlreadyThere(name)
            self._write(kind, name.lower(), document)

    def update(self, kind: str, name: str, change: Change) -> Document | None:
        """Replace a document by what `change` makes of it; None when it is gone."""
        with self.lock:
            old = self.get(kind, name)
            if old is None:
                return None
            new = change(old)
            if new is not old:
                self._write(kind, name.lower(), new)
            return new

    def delete(self, kind: str, name: str) -> bool:
        """Remove a document; False when there was none."""
        with self.lock, self.transaction():
            gone = self._documents.get(kind, {}).pop(name.lower(), None)
            if gone is None:
                return False
            self._undo.append((kind, name.lower(), gone))
            self._remember(kind, name.lower(), gone)
            self._connection.execute(
                "DELETE FROM documents WHERE kind = ? AND key = ?", (kind, name.lower())
            )
            return True

    def _write(self, kind: str, key: str, document: Document) -> None:
        with self.transaction():
            self._connection.execute(
                "INSERT OR REPLACE INTO documents VALUES (?, ?, ?)",
                (kind, key, json.dumps(document)),
            )
            documents = self._documents.setdefault(kind, {})
            self._undo.append((kind, key, documents.get(key)))
            self._remember(kind, key, documents.get(key))
            documents[key] = document

    def _remember(self, kind: str, key: str, before: Document | None) -> None:
        if self._lag_seconds > 0:
            self._forget_the_old()
            self._changes.append((self._clock(), kind, key, before))

    def _forget_the_old(self) -> None:
        oldest = self._clock() - self._lag_seconds
        while self._changes and self._changes[0][0] <= oldest:
            self._changes.popleft()
