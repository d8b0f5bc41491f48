"""One serving process: started, found healthy, asked, started again; it routes nothing."""

import http.client
import socket
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from sagemaker_local.containers.process import LIMITS, Container
from sagemaker_local.hosting.invocation import Invocation
from sagemaker_local.hosting.log import EndpointLog, LogReader

LOOPBACK = "127.0.0.1"
PORT_TRIES = 3
PING_SECONDS = 0.05
ANSWER_SECONDS = 60.0
ANSWER_LIMIT = 32 * 1024 * 1024
STOP_SECONDS = 2.0


class UnhealthyError(Exception):
    """A serving process has ended, or has not answered in time."""


@dataclass(frozen=True)
class Recipe:
    """How a serving process is started."""

    command: tuple[str, ...]
    environment: Mapping[str, str]
    base: Path
    log: EndpointLog
    health_seconds: float
    answer_seconds: float = ANSWER_SECONDS


class Worker:
    """A serving process and the port it listens on."""

    def __init__(self, recipe: Recipe, pid_file: Path) -> None:
        self._recipe = recipe
        self._reader: LogReader | None = None
        self._pid_file = pid_file
        self._guard = threading.Lock()
        self._container: Container | None = None
        self._port = 0
        self._ended = False

    def ensure(self, go_on: Callable[[], bool] = lambda: True) -> int:
        """Have the process run and be healthy; return its port."""
        with self._guard:
            if self._ended:
                raise UnhealthyError("the endpoint has been stopped")
            if self._container is None or not self._container.alive():
                self._end_container()
                self._start_healthy(go_on)
            return self._port

    def invoke(self, body: bytes, headers: Mapping[str, str]) -> Invocation:
        """Pass a request on; an answer that is none becomes an error."""
        log = str(self._recipe.log.path)
        try:
            status, kind, answer = self._ask(body, headers)
        except UnhealthyError as error:
            return Invocation.failed(503, "ServiceUnavailable", f"no container answers: {error}")
        except TimeoutError:
            return Invocation.model_error(0, b"the container took too long to answer", log)
        except (OSError, http.client.HTTPException) as error:
            return Invocation.model_error(0, f"the container broke off: {error!r}".encode(), log)
        if not 200 <= status < 300:
            return Invocation.model_error(status, answer, log)
        return Invocation(status, answer, {"Content-Type": kind})

    def rest(self) -> None:
        """End the process until it is asked again."""
        with self._guard:
            self._end_container()

    def end(self) -> None:
        """End the process for good."""
        self._ended = True  # before the lock: a wait for health looks at it
        with self._guard:
            self._end_container()

    def _start_healthy(self, go_on: Callable[[], bool]) -> None:
        for left in reversed(range(PORT_TRIES)):
            try:
                self._start()
                self._wait_until_healthy(go_on)
            except OSError as error:
                raise UnhealthyError(f"the container cannot be started: {error}") from error
            except UnhealthyError:
                # somebody else may have taken the port before the container could
                if left == 0 or _is_free(self._port):
                    raise
            else:
                return

    def _start(self) -> None:
        self._port = _free_port()
        recipe = self._recipe
        self._container = Container(
            recipe.command,
            environment={**recipe.environment, "SAGEMAKER_BIND_TO_PORT": str(self._port)},
            folder=recipe.base,
            pid_file=self._pid_file,
            limits=LIMITS,
        )
        self._reader = LogReader(self._container, recipe.log)

    def _wait_until_healthy(self, go_on: Callable[[], bool]) -> None:
        deadline = time.monotonic() + self._recipe.health_seconds
        while go_on() and not self._ended:
            if self._container is None or not self._container.alive():
                self._end_container()
                raise UnhealthyError(f"the container has ended: {self._last_line()}")
            if _ping(self._port):
                return
            if time.monotonic() >= deadline:
                self._end_container()
                seconds = self._recipe.health_seconds
                raise UnhealthyError(f"the container did not answer /ping in {seconds:g} s")
            time.sleep(PING_SECONDS)
        self._end_container()
        raise UnhealthyError("the endpoint has been stopped")

    def _ask(self, body: bytes, headers: Mapping[str, str]) -> tuple[int, str, bytes]:
        try:
            return self._post(self.ensure(), body, headers)
        except ConnectionRefusedError:
            time.sleep(PING_SECONDS)  # it is just about to end: nothing was asked of it yet
            return self._post(self.ensure(), body, headers)

    def _post(self, port: int, body: bytes, headers: Mapping[str, str]) -> tuple[int, str, bytes]:
        connection = http.client.HTTPConnection(LOOPBACK, port, self._recipe.answer_seconds)
        try:
            connection.request("POST", "/invocations", body, dict(headers))
            answer = connection.getresponse()
            kind = answer.getheader("Content-Type", "application/octet-stream")
            content = answer.read(ANSWER_LIMIT + 1)
        finally:
            connection.close()
        if len(content) > ANSWER_LIMIT:
            return 500, "text/plain", b"the answer is too large"
        return answer.status, kind, content

    def _end_container(self) -> None:
        if self._container is not None:
            self._container.end(STOP_SECONDS, let_go=False)
            self._container = None
        if self._reader is not None:
            self._reader.finish()

    def _last_line(self) -> str:
        said = self._reader.last_line if self._reader is not None else ""
        return said[:500] or "it has said nothing"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
    return port


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def _ping(port: int) -> bool:
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=2.0)
    try:
        connection.request("GET", "/ping")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
