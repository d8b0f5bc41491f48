"""The only contact with ministack: its ASGI app, its state and its event bus; no SageMaker here.

ministack keeps its state in module globals and reads its environment when it is imported. So a
process has one embedded AWS at a time; opening another folder forgets the state of the former.
"""

import asyncio
import contextlib
import json
import logging
import os
import sys
import threading
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from pathlib import Path
from typing import Any

from embedded_aws.encryption import with_key

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

_LOG = logging.getLogger(__name__)
_AUTOSAVE_SECONDS = 5.0
_PUT_SECONDS = 30.0


class EmbeddedAws:
    """S3, EventBridge, SQS, Lambda and the others, served by one ASGI app.

    The caller binds the socket, and binds it to loopback: requests are not authenticated.
    """

    def __init__(
        self,
        directory: Path,
        *,
        url: str,
        region: str = "us-east-1",
        account: str = "123456789012",
    ) -> None:
        self._region = region
        self._account = account
        self._loop: asyncio.AbstractEventLoop | None = None
        self._saver: threading.Thread | None = None
        self._stopped = threading.Event()
        _configure(directory, url=url, region=region, account=account)
        self._ministack = _opened(directory)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or follow the server's life span."""
        if scope["type"] == "lifespan":
            self._loop = asyncio.get_running_loop()
            self._start_saver()
        await self._ministack.app(with_key(scope), receive, send)

    def reset(self) -> None:
        """Forget everything, on disk too."""
        self._ministack._reset_all_state()  # noqa: SLF001 - what its own reset request calls

    def put_event(self, event: Mapping[str, Any]) -> None:
        """Publish an event on the default bus as an AWS service does, `aws.` source included."""
        entry = {
            "Source": event["source"],
            "DetailType": event["detail-type"],
            "Detail": json.dumps(event["detail"]),
            "Resources": list(event.get("resources", ())),
        }
        loop = self._loop
        if loop is None or loop.is_closed():
            self._put(entry)
            return
        # Rules and targets are plain dicts changed by requests: only the serving loop may walk them
        asyncio.run_coroutine_threadsafe(self._put_on_loop(entry), loop).result(_PUT_SECONDS)

    def save(self) -> None:
        """Write the state of every service to the folder."""
        from ministack.core import persistence  # noqa: PLC0415 - it reads the environment

        persistence.save_all(self._ministack._build_persistence_save_dict())  # noqa: SLF001

    def close(self) -> None:
        """Stop the autosave and save once more."""
        self._stopped.set()
        if self._saver is not None:
            self._saver.join()
        self._loop = None
        self.save()

    async def _put_on_loop(self, entry: dict[str, Any]) -> None:
        self._put(entry)

    def _put(self, entry: dict[str, Any]) -> None:
        from ministack.core import responses  # noqa: PLC0415 - it reads the environment
        from ministack.services import eventbridge  # noqa: PLC0415 - it reads the environment

        with responses.request_scope(self._account, self._region):
            eventbridge._put_events({"Entries": [entry]}, allow_aws_source=True)  # noqa: SLF001

    def _start_saver(self) -> None:
        if self._saver is None:
            self._saver = threading.Thread(target=self._autosave, name="aws-saver", daemon=True)
            self._saver.start()

    def _autosave(self) -> None:
        # ministack itself saves on a clean end only; a killed process would lose all but S3
        while not self._stopped.wait(_AUTOSAVE_SECONDS):
            try:
                loop = self._loop
                if loop is not None and not loop.is_closed():
                    asyncio.run_coroutine_threadsafe(self._save_on_loop(), loop).result()
            except Exception:  # noqa: BLE001 - the next save may do
                _LOG.exception("the state of the embedded AWS could not be saved")

    async def _save_on_loop(self) -> None:
        self.save()


def _configure(directory: Path, *, url: str, region: str, account: str) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    host, _, port = url.removeprefix("http://").partition(":")
    os.environ.update(
        {
            "BIND_HOST": host,
            "EDGE_PORT": port,
            "GATEWAY_PORT": port,
            "MINISTACK_ACCOUNT_ID": account,
            "MINISTACK_REGION": region,
            "PERSIST_STATE": "1",
            "STATE_DIR": str(directory / "state"),
            "S3_PERSIST": "1",
            "S3_DATA_DIR": str(directory / "s3"),
            "IOT_MTLS_ENABLED": "0",
            "SFTP_ENABLED": "0",
        }
    )
    os.environ.setdefault("LOG_LEVEL", "ERROR")


def _opened(directory: Path) -> Any:  # noqa: ANN401 - ministack carries no types
    first = "ministack.app" not in sys.modules
    import ministack.app  # noqa: PLC0415 - it reads the environment
    from ministack.core import hypercorn_compat, persistence  # noqa: PLC0415
    from ministack.services import s3  # noqa: PLC0415

    hypercorn_compat.install()
    app = ministack.app
    if not first:
        _forget(app)
        persistence.STATE_DIR = str(directory / "state")
        s3.DATA_DIR = str(directory / "s3")
        s3._load_persisted_data()  # noqa: SLF001 - what it does when first imported
    return app


def _forget(app: Any) -> None:  # noqa: ANN401 - ministack carries no types
    for name in app._registry_module_names():  # noqa: SLF001 - as its own reset does
        module = sys.modules.get(f"ministack.services.{name}")
        if module is not None and hasattr(module, "reset"):
            with contextlib.suppress(Exception):
                module.reset()
