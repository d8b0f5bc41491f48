"""The embedded AWS: ministack's ASGI app, whose answers wait until what they tell is on the disk.

ministack keeps its state in module globals and reads its environment when it is imported. So a
process has one embedded AWS at a time; opening another folder forgets the state of the former.
"""

import asyncio
import json
import logging
import threading
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from pathlib import Path
from typing import Any, TypeVar

from embedded_aws import state
from embedded_aws.bodies import Message, Receive, again, whole_body
from embedded_aws.calls import Calls
from embedded_aws.changes import Changes, apply
from embedded_aws.encryption import with_key
from embedded_aws.journal import History, Turn
from embedded_aws.opening import end_functions, opened
from embedded_aws.operations import Operation, operation_of
from embedded_aws.queues import take_turns

Scope = MutableMapping[str, Any]
Send = Callable[[Message], Awaitable[None]]

T = TypeVar("T")

_LOG = logging.getLogger(__name__)
_LOOK_SECONDS = 5.0
_SAVE_BYTES = 16 * 1024 * 1024
"""A journal so long is worth the third of a second that saving some thousand items blocks."""
_PUT_SECONDS = 30.0
_ERROR = 400
_CALLS = "calls"
_DELIVERIES = frozenset(
    {
        "SendMessage",
        "SendMessageBatch",
        "DeleteMessage",
        "DeleteMessageBatch",
        "PurgeQueue",
        "Publish",
        "PublishBatch",
        "PutEvents",
    }
)
"""Operations whose outcome is messages: in queues, or on their way to functions."""


class EmbeddedAws:
    """S3, EventBridge, SQS, Lambda and the others, served by one ASGI app.

    The caller binds the socket, and binds it to loopback: requests are not authenticated here.
    """

    def __init__(
        self,
        directory: Path,
        *,
        url: str,
        region: str = "us-east-1",
        account: str = "123456789012",
        secret: str = "test",  # noqa: S107 - of a server that checks none
    ) -> None:
        self._region = region
        self._account = account
        self._loop: asyncio.AbstractEventLoop | None = None
        self._saver: threading.Thread | None = None
        self._stopped = threading.Event()
        self._ministack = opened(directory, url=url, region=region, account=account, secret=secret)
        self._calls = Calls()
        self._calls.install(self._ministack)
        take_turns(self._ministack, self._on_loop)
        self._history = History(directory / "state")
        self._changes = Changes(self._history.append)
        self._restore()
        self.save()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or follow the server's life span."""
        if scope["type"] == "lifespan":
            self._loop = asyncio.get_running_loop()
            self._start_saver()
        if scope["type"] != "http":
            await self._ministack.app(scope, receive, send)
            return
        scope = with_key(scope)
        headers = {k.decode("latin-1"): v.decode("latin-1") for k, v in scope["headers"]}
        body = b""
        if scope["method"] == "POST":
            body = await whole_body(receive)
            receive = again(body)
        query = scope.get("query_string", b"").decode("latin-1")
        operation = operation_of(scope["method"], scope["path"], headers, query, body)
        if not operation.changes:
            await self._ministack.app(scope, receive, send)
            return
        answer: list[Message] = []

        async def hold(message: Message) -> None:
            answer.append(message)

        await self._ministack.app(scope, receive, hold)
        # Nothing was awaited since the change was made: no other request has come in between
        if answer and answer[0].get("status", _ERROR) < _ERROR:
            await self._keep(operation, body)
        for message in answer:
            await send(message)

    def resume(self) -> None:
        """Go on with what the last process left: poll queues and streams, hand messages over."""
        state.resume()
        self._calls.resume()

    def reset(self) -> None:
        """Forget everything, on disk too."""
        self._ministack._reset_all_state()  # noqa: SLF001 - what its own reset request calls
        self.save()

    def put_event(self, event: Mapping[str, Any]) -> None:
        """Publish an event on the default bus as an AWS service does, `aws.` source included."""
        entry = {
            "Source": event["source"],
            "DetailType": event["detail-type"],
            "Detail": json.dumps(event["detail"]),
            "Resources": list(event.get("resources", ())),
        }
        self._on_loop(lambda: self._put(entry))
        self._history.flush()

    def save(self) -> None:
        """Write the state of every service to the folder."""
        self._history.keep(self._on_loop(self._turn))

    def close(self) -> None:
        """Save once more, and stop."""
        self._stopped.set()
        self._calls.close()
        end_functions()
        if self._saver is not None:
            self._saver.join()
        self._loop = None
        self.save()
        self._history.close()

    async def _keep(self, operation: Operation, body: bytes) -> None:
        """Put on the disk what a request has changed."""
        if operation.service == "dynamodb" and self._changes.note_items(operation.name, body):
            await asyncio.to_thread(self._history.flush)
            return
        if operation.name in _DELIVERIES:
            self._note_messages()
            await asyncio.to_thread(self._history.flush)
            return
        # Whatever else it was: it is rare
        turn = self._turn()
        await asyncio.to_thread(self._history.keep, turn)

    def _note_messages(self) -> None:
        self._changes.note_queues()
        came, went = self._calls.changes()
        if came or went:
            self._history.append(state.dumps({"calls": [came, went]}))

    def _turn(self) -> Turn:
        return self._history.turn(self._collect)

    def _collect(self) -> dict[str, bytes]:
        self._changes.begin()
        self._calls.changes()
        waiting = state.dumps(self._calls.waiting())
        return {**state.collect(self._ministack), _CALLS: waiting}

    def _restore(self) -> None:
        parts = dict(self._history.snapshot())
        waiting = parts.pop(_CALLS, b"[]")
        state.restore(self._ministack, parts.items())
        self._calls.apply(state.loads(waiting), [])
        for line in self._history.changes():
            apply(line)
            came, went = state.loads(line).get("calls", ([], []))
            self._calls.apply(came, went)

    def _on_loop(self, work: Callable[[], T]) -> T:
        """Do something where requests are served: only there may state be walked and changed."""
        loop = self._loop
        if loop is None or loop.is_closed():
            return work()

        async def worked() -> T:
            return work()

        return asyncio.run_coroutine_threadsafe(worked(), loop).result(_PUT_SECONDS)

    def _put(self, entry: dict[str, Any]) -> None:
        from ministack.core import responses  # noqa: PLC0415 - it reads the environment
        from ministack.services import eventbridge  # noqa: PLC0415 - it reads the environment

        with responses.request_scope(self._account, self._region):
            eventbridge._put_events({"Entries": [entry]}, allow_aws_source=True)  # noqa: SLF001
        self._note_messages()

    def _start_saver(self) -> None:
        if self._saver is None:
            self._saver = threading.Thread(target=self._autosave, name="aws-saver", daemon=True)
            self._saver.start()

    def _autosave(self) -> None:
        while not self._stopped.wait(_LOOK_SECONDS):
            try:
                # What functions took from queues is told by no request
                self._on_loop(self._note_messages)
                self._history.flush()
                if self._history.size > _SAVE_BYTES:
                    self.save()
            except Exception:  # noqa: BLE001 - the next save may do
                _LOG.exception("the state of the embedded AWS could not be saved")
