"""One process group with limits and without a shell; what it prints is its owner's concern."""

import contextlib
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import sagemaker_local
from sagemaker_local.containers.leftovers import forget, remember, session_size

GIB = 1 << 30
INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "TZ", "LD_LIBRARY_PATH", "VIRTUAL_ENV")


@dataclass(frozen=True)
class Limits:
    """What one process may take, in bytes."""

    address_space: int = 8 * GIB
    file_size: int = 8 * GIB


LIMITS = Limits()


def base_environment(folder: Path, threads: int) -> dict[str, str]:
    """What every container sees; of the server's own environment only the harmless part."""
    environment = {name: os.environ[name] for name in INHERITED if name in os.environ}
    return environment | {
        "SAGEMAKER_BASE_DIR": str(folder),
        "PYTHONPATH": str(Path(sagemaker_local.__file__).parents[1]),
        "PYTHONUNBUFFERED": "1",  # a metric counts when it is printed, not when a buffer is full
        "OMP_NUM_THREADS": str(threads),
        "OPENBLAS_NUM_THREADS": str(threads),
        "MKL_NUM_THREADS": str(threads),
        "SM_NUM_CPUS": str(threads),
    }


def python_module(module: str) -> tuple[str, ...]:
    """Command that runs a module; ``-P`` keeps the working directory off the import path."""
    return (sys.executable, "-P", "-m", module)


class Container:
    """A running command that leads a process group of its own."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        environment: Mapping[str, str],
        folder: Path,
        pid_file: Path,
        output: IO[bytes] | None = None,
        limits: Limits = LIMITS,
    ) -> None:
        self._process = subprocess.Popen(
            command,
            env=dict(environment),
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE if output is None else output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            bufsize=0,
        )
        self._pid_file = pid_file
        try:
            _limit(self._process.pid, limits)
            remember(pid_file, self._process.pid)
        except OSError:  # a full disk: nobody would know of what runs
            self.end()
            raise

    @property
    def pid(self) -> int:
        """Process id of the leader, which is the id of its group too."""
        return self._process.pid

    @property
    def output(self) -> IO[bytes]:
        """Standard output and standard error as one stream."""
        if self._process.stdout is None:
            raise ValueError("the output of this container goes to a file")
        return self._process.stdout

    def alive(self) -> bool:
        """Whether the leader runs; it stays unreaped, so that its id cannot pass to a stranger."""
        if self._process.returncode is not None:
            return False
        options = os.WEXITED | os.WNOHANG | os.WNOWAIT
        try:
            return os.waitid(os.P_PID, self.pid, options) is None
        except ChildProcessError:  # pragma: no cover - reaped behind our back
            return False

    def processes(self) -> int:
        """How many processes there are in the group's session."""
        return session_size(self.pid)

    def terminate(self) -> None:
        """Ask the leader to end, as a container runtime asks process 1."""
        if self.alive():
            os.kill(self.pid, signal.SIGTERM)

    def end(self, grace: float = 0.0, *, let_go: bool = True) -> int:
        """End the whole group, after a grace if the leader still runs; return the exit code.

        Whoever reads the output in another thread closes it there: `let_go` is for all others.
        """
        if grace and self.alive():
            self.terminate()
            deadline = time.monotonic() + grace
            while self.alive() and time.monotonic() < deadline:
                time.sleep(0.02)
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, signal.SIGKILL)
        code = self._process.wait()
        if self._process.stdout is not None and let_go:
            self._process.stdout.close()
        forget(self._pid_file)
        return code


def _limit(pid: int, limits: Limits) -> None:
    wanted = (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, limits.file_size),
        (resource.RLIMIT_AS, limits.address_space),
    )
    for name, value in wanted:
        # set from outside: code between fork and exec is not safe in a threaded server
        with contextlib.suppress(ProcessLookupError, PermissionError, ValueError):
            resource.prlimit(pid, name, (value, value))
