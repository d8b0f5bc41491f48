"""The container contract seen from inside: where things are, how to print, how to fail."""

import json
import os
import signal
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

PARENT_SECONDS = 2.0


@dataclass(frozen=True)
class OptMl:
    """``/opt/ml``, or what stands for it on this machine."""

    base: Path

    @classmethod
    def here(cls) -> Self:
        """The folder that the environment names."""
        return cls(Path(os.environ.get("SAGEMAKER_BASE_DIR", "/opt/ml")))

    @property
    def model(self) -> Path:
        """Where a model is written, or read when it is served."""
        return self.base / "model"

    @property
    def checkpoints(self) -> Path:
        """Where checkpoints are kept."""
        return self.base / "checkpoints"

    @property
    def code(self) -> Path:
        """Where the user's source is extracted."""
        return self.base / "code"

    @property
    def source(self) -> Path:
        """The user's source as it was downloaded."""
        return self.base / "input" / "source" / "sourcedir.tar.gz"

    def channel(self, name: str) -> Path:
        """Where the data of one channel are."""
        return self.base / "input" / "data" / name

    def config(self, name: str) -> dict[str, Any]:
        """One of the configuration files; empty if it was not written."""
        path = self.base / "input" / "config" / f"{name}.json"
        try:
            content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        return content

    def fail(self, reason: str) -> int:
        """Tell why the container fails; return its exit code."""
        failure = self.base / "output" / "failure"
        failure.parent.mkdir(parents=True, exist_ok=True)
        failure.write_text(reason, encoding="utf-8")
        say(reason)
        return 1


class UserError(Exception):
    """The container cannot do what it was asked, through the fault of who asked."""


def end_with_parent() -> None:
    """From now on, end this container when the server that started it has died.

    A server that is killed cannot end what it has started, and another may never come.
    """
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(PARENT_SECONDS)
        os.killpg(os.getpgrp(), signal.SIGKILL)

    threading.Thread(target=watch, name="parent", daemon=True).start()


def say(text: str) -> None:
    """Print a line that counts at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
