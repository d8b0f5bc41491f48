"""SageMaker and the embedded AWS on one loopback port; who gives a front may ask for more."""

import asyncio
import fcntl
import logging
import socket
import threading
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from hypercorn.asyncio import serve as serve_asgi
from hypercorn.config import Config

from embedded_aws import EmbeddedAws
from sagemaker_local import sdk
from sagemaker_local.events import Event
from sagemaker_local.parts import Parts
from sagemaker_local.service import Receive, SageMakerLocal, Scope, Send, real_parts
from sagemaker_local.settings import Settings

App = Callable[[Scope, Receive, Send], Awaitable[None]]

LOOPBACK = "127.0.0.1"
_LOG = logging.getLogger(__name__)
_START_SECONDS = 30.0
_WAKE_SECONDS = 0.5


class RunsAlreadyError(Exception):
    """The state in a folder belongs to another server, which runs."""


class LocalServer:
    """Serves from a thread: `with LocalServer(folder) as server: ... server.url`.

    Args:
        root: the folder of all state; a later server on the same folder goes on from there.
        port: 0 picks one that is free.
        on_event: hears each event of SageMaker, besides EventBridge.
        parts: what runs and serves; tests give fakes.
        front: makes of this server the app that meets requests first, to authenticate them, say;
            without one they are not authenticated.
        settings: further members of `Settings` by their names.
    """

    def __init__(
        self,
        root: Path,
        *,
        port: int = 0,
        on_event: Callable[[Event], None] | None = None,
        parts: Callable[[Settings], Parts] = real_parts,
        front: Callable[[App], App] | None = None,
        **settings: Any,  # noqa: ANN401 - whatever Settings has
    ) -> None:
        self._app: App = self if front is None else front(self)
        self._socket = socket.create_server((LOOPBACK, port), backlog=256)
        self.url = f"http://{LOOPBACK}:{self._socket.getsockname()[1]}"
        self.settings = replace(Settings(root=root.resolve(), s3_endpoint=self.url), **settings)
        self._on_event = on_event
        self._parts = parts
        self._thread = threading.Thread(target=self._run, name="local-server", daemon=True)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop = asyncio.Event()
        self._failure: BaseException | None = None
        self._up = threading.Event()

    @property
    def environment(self) -> dict[str, str]:
        """What a program must have in its environment to talk to this server."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": self.settings.access_key,
            "AWS_SECRET_ACCESS_KEY": self.settings.secret_key,
            "AWS_REGION": self.settings.region,
            "AWS_DEFAULT_REGION": self.settings.region,
        }

    def start(self) -> None:
        """Serve, and go on with what was running before.

        Raises:
            RunsAlreadyError: Another server has the folder.
        """
        self._take_folder()
        self.aws = EmbeddedAws(
            self.settings.root / "aws",
            url=self.url,
            region=self.settings.region,
            account=self.settings.account,
            secret=self.settings.secret_key,
        )
        self.sagemaker = SageMakerLocal(
            self.settings, on_event=self._deliver, parts=self._parts(self.settings)
        )
        self._thread.start()
        if not self._up.wait(_START_SECONDS) or self._failure is not None:
            raise RuntimeError(f"no server at {self.url}") from self._failure
        self.aws.resume()
        self.sagemaker.start()

    def close(self) -> None:
        """Stop; what was running is taken up by the next server on the same folder."""
        # First, for ending jobs may still want S3
        self.sagemaker.close()
        if self._loop is not None and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join()
        self._socket.close()
        self.aws.close()
        self._lock.close()

    def _take_folder(self) -> None:
        self.settings.root.mkdir(parents=True, exist_ok=True)
        self._lock = (self.settings.root / "server.lock").open("ab")
        try:
            # The kernel lets go of it however the process ends
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self._lock.close()
            self._socket.close()
            raise RunsAlreadyError(
                f"another server has the state in {self.settings.root}; two would run it twice"
            ) from error

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request to whom it is for."""
        if self.sagemaker.handles(scope):
            await self.sagemaker(scope, receive, send)
        else:
            await self.aws(scope, receive, send)

    def _deliver(self, event: Event) -> None:
        try:
            self.aws.put_event(event)
        except Exception:  # noqa: BLE001 - SageMaker promises no delivery either
            _LOG.exception("EventBridge did not take the event %s", event["detail-type"])
        if self._on_event is not None:
            self._on_event(event)

    def _run(self) -> None:
        config = Config()
        config.bind = [f"fd://{self._socket.detach()}"]
        config.loglevel = "ERROR"
        config.keep_alive_timeout = 75
        config.graceful_timeout = 1
        try:
            asyncio.run(self._serve(config))
        except BaseException as error:  # noqa: BLE001 - told to the thread that waits
            self._failure = error
            self._up.set()

    async def _serve(self, config: Config) -> None:
        self._loop = asyncio.get_running_loop()

        async def until_stopped() -> None:
            # Hypercorn asks once it listens
            self._up.set()
            await self._stop.wait()

        await serve_asgi(self._app, config, shutdown_trigger=until_stopped)  # type: ignore[arg-type]


def serve(
    root: Path,
    *,
    port: int = 4566,
    say: Callable[[str], None] = print,
    **settings: Any,  # noqa: ANN401 - whatever Settings has
) -> None:
    """Serve until interrupted, telling what to export."""
    with LocalServer(root, port=port, **settings) as server:
        say(f"SageMaker and AWS at {server.url}, state in {server.settings.root}")
        for line in exports(sdk.environment(server.environment)):
            say(line)
        try:
            while True:  # A signal may reach another thread: who waits for ever never hears of it.
                time.sleep(_WAKE_SECONDS)
        except KeyboardInterrupt:
            say("stopping")


def exports(environment: Mapping[str, str]) -> list[str]:
    """Shell lines that set an environment.

    >>> exports({"AWS_REGION": "us-east-1"})
    ['export AWS_REGION=us-east-1']
    """
    return [f"export {name}={value}" for name, value in environment.items()]
