"""What people were told, kept in a file: each e-mail and each Slack message, in order."""

import json
import os
import threading
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

Kind = Literal["mail", "slack"]


@dataclass(frozen=True)
class Letter:
    """One message as it was delivered.

    Attributes:
        id: The sender's id of it; the same id is the same message.
        kind: How it came.
        at: When, in ISO 8601.
        body: `subject` and `text` of an e-mail, the payload of a Slack message.
    """

    id: str
    kind: Kind
    at: str
    body: dict[str, Any]

    @property
    def title(self) -> str:
        """Its subject, or the header of its blocks."""
        if self.kind == "mail":
            return str(self.body.get("subject") or "(no subject)")
        for block in self.body.get("blocks") or ():
            if isinstance(block, dict) and block.get("type") == "header":
                return str((block.get("text") or {}).get("text", ""))
        return str(self.body.get("text", "")).partition("\n")[0]


class Letters:
    """The file; a letter is on the disk when it was taken."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._letters = list(read_letters(path))
        self._ids = {each.id for each in self._letters}

    def take(self, id_: str, kind: Kind, body: dict[str, Any]) -> bool:
        """Take a letter; False if it came before.

        Raises:
            OSError: The disk does not take it.
        """
        with self._lock:
            if id_ in self._ids:
                return False
            letter = Letter(id_, kind, datetime.now(UTC).isoformat(timespec="milliseconds"), body)
            with self._path.open("ab") as file:
                # It begins a line of its own, even after one that a crash cut off
                file.write(b"\n" + json.dumps(asdict(letter)).encode())
                file.flush()
                os.fsync(file.fileno())
            self._letters.append(letter)
            self._ids.add(id_)
            return True

    def all(self) -> list[Letter]:
        """Return all letters, the oldest first."""
        with self._lock:
            return list(self._letters)


def read_letters(path: Path) -> list[Letter]:
    """Return the letters of a file, the oldest first."""
    try:
        lines = path.read_bytes().split(b"\n")
    except FileNotFoundError:
        return []
    letters = []
    for line in lines:
        # A line that a crash cut off was never acknowledged
        with suppress(ValueError, TypeError):
            letters.append(Letter(**json.loads(line)))
    return letters
