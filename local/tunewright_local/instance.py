"""Which process runs the local cloud of a folder, and where: one at a time."""

import fcntl
import json
import os
import secrets
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import BinaryIO

_FILE = "instance.json"
_LOCK = "lock"


class RunsAlreadyError(Exception):
    """Another process runs the local cloud of this folder."""


@dataclass(frozen=True)
class Instance:
    """What is known of a folder's local cloud, running or not.

    Attributes:
        port: Its port; the next start takes the same one, for queues and links hold it.
        secret: What its own parts sign with.
        webhook: The part of the Slack webhook's path that nobody can guess.
        signing_secret: What Slack's answers are signed with.
        access_key: The key of whoever uses it, with its secret.
        secret_key: That secret.
        pid: The process, when it runs.
        began: When that process began, in ticks since boot: another may have its number later.
    """

    port: int
    secret: str
    webhook: str
    signing_secret: str
    access_key: str = ""
    secret_key: str = ""
    pid: int = 0
    began: int = 0

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def runs(self) -> bool:
        """Whether its process is still there."""
        return self.pid > 0 and self.began == began(self.pid)

    @property
    def environment(self) -> dict[str, str]:
        """What a program needs to talk to it."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
            "AWS_REGION": "us-east-1",
            # The name that boto3 reads
            "AWS_DEFAULT_REGION": "us-east-1",
            "TUNEWRIGHT_API": f"{self.url}/_api",
        }


class Folder:
    """The folder of a local cloud's state."""

    def __init__(self, path: Path) -> None:
        self.path = path.resolve()
        self._held: BinaryIO | None = None

    def read(self) -> Instance | None:
        """Return what is known; None if there never was one here."""
        try:
            return Instance(**json.loads((self.path / _FILE).read_bytes()))
        except FileNotFoundError:
            return None

    def take(self, port: int) -> Instance:
        """Make this process the one that runs the folder's local cloud, until it ends.

        Args:
            port: The port; 0 takes the former one, or any.

        Raises:
            RunsAlreadyError: Another process does.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        self.path.chmod(0o700)
        # The kernel lets go of it however the process ends
        held = (self.path / _LOCK).open("ab")
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            held.close()
            found = self.read()
            where = f" at {found.url}, process {found.pid}" if found else ""
            raise RunsAlreadyError(f"the local cloud of {self.path} runs already{where}") from None
        self._held = held
        former = self.read()
        if former is None:
            former = Instance(
                port=port,
                secret=secrets.token_hex(20),
                webhook=secrets.token_hex(20),
                signing_secret=secrets.token_hex(20),
            )
        return replace(former, port=port or former.port, pid=os.getpid(), began=began(os.getpid()))

    def write(self, instance: Instance) -> None:
        """Let others know; only the user may read it, for it holds keys."""
        fresh = self.path / f"{_FILE}.new"
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump(asdict(instance), file)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self.path / _FILE)

    def leave(self) -> None:
        """Let another process have it."""
        found = self.read()
        if found is not None and found.pid == os.getpid():
            self.write(replace(found, pid=0, began=0))
        if self._held is not None:
            self._held.close()
            self._held = None


def began(pid: int) -> int:
    """Return when a process began, in ticks since boot; 0 if there is none."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return 0
    # The name, which may hold anything, stands in parentheses
    state, *fields = text.rpartition(")")[2].split()
    return 0 if state == "Z" else int(fields[18])
