"""What every request meets first: the Host header, the signature, then whom it is for.

`/_api` is the stack's REST API, `/_inbox` is what people were told; the rest is AWS.
"""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, MutableMapping
from datetime import UTC, datetime
from typing import Any, Protocol

from embedded_aws import again, whole_body
from tunewright_local.chaos import Trouble
from tunewright_local.profile import ACCOUNT
from tunewright_local.refusals import Answer, refuse
from tunewright_local.signature import Request, Secrets, SignatureError, verify

API = "/_api"
INBOX = "/_inbox"
HEALTH = "/_health"

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

_HOST = re.compile(r"(127\.0\.0\.1|localhost)(:\d{1,5})?")
_AWAY: Answer = (
    500,
    {"Content-Type": "application/x-amz-json-1.1"},
    b'{"__type": "InternalServerError", "message": "chaos: the service is away"}',
)
_SERVICE = re.compile(r"Credential=[^/,]+/\d{8}/[^/,]+/([^/,]+)/aws4_request")


class Routes(Protocol):
    """The REST API that was deployed."""

    def place(self, path: str) -> str | None:
        """Return where the embedded AWS serves a path of the API; None before it is deployed."""
        ...

    def is_open(self, method: str, path: str) -> bool:
        """Whether the API itself lets anybody call this, by whatever proof it asks for."""
        ...


class Inbox(Protocol):
    """The inbox's pages."""

    def answer(self, method: str, path: str, body: bytes) -> Answer:
        """Answer one request; it may block."""
        ...


class Front:
    """An ASGI app before all others; `trouble` says what befalls a request of a function."""

    def __init__(
        self,
        inner: App,
        *,
        secrets: Secrets,
        routes: Routes,
        inbox: Inbox,
        trouble: Callable[[str], Trouble | None] = lambda _: None,
    ) -> None:
        self._inner = inner
        self._trouble = trouble
        self._secrets = secrets
        self._routes = routes
        self._inbox = inbox
        self.ready = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or pass it on."""
        if scope["type"] == "websocket":
            return  # nothing here speaks it, and it would come by the signature
        if scope["type"] != "http":
            await self._inner(scope, receive, send)
            return
        headers = _headers(scope)
        path: str = scope["path"]
        if _HOST.fullmatch(headers.get("host", "")) is None:
            text = b'{"message": "This server answers to 127.0.0.1 and localhost alone."}'
            await _send(send, (403, {"Content-Type": "application/json"}, text))
            return
        if path == HEALTH:
            body = json.dumps({"ready": self.ready}).encode()
            await _send(send, (200, {"Content-Type": "application/json"}, body))
            return
        body = await whole_body(receive)
        if path == INBOX or path.startswith(f"{INBOX}/"):
            answer = await asyncio.to_thread(self._inbox.answer, scope["method"], path, body)
            await _send(send, answer)
            return
        is_api = path == API or path.startswith(f"{API}/")
        below = path.removeprefix(API) or "/"
        if not (is_api and self._routes.is_open(scope["method"], below)):
            try:
                verify(_request(scope, headers, body), self._secrets, datetime.now(UTC))
            except SignatureError as error:
                found = _SERVICE.search(headers.get("authorization", ""))
                service = found.group(1) if found else ("" if is_api else _guess(path))
                await _send(send, refuse(headers, service, error))
                return
        if is_api:
            place = self._routes.place(below)
            if place is None:
                text = b'{"message": "The stack is not deployed yet."}'
                await _send(send, (503, {"Content-Type": "application/json"}, text))
                return
            scope = {**scope, "path": place, "raw_path": place.encode()}
        await self._pass_on(scope, body, send, self._befalls(headers))

    def _befalls(self, headers: dict[str, str]) -> Trouble | None:
        found = _SERVICE.search(headers.get("authorization", ""))
        # Functions sign with the account's own key; people have theirs, and are spared
        if not self.ready or found is None or f"={ACCOUNT}/" not in found.group():
            return None
        return self._trouble(found.group(1))

    async def _pass_on(
        self, scope: Scope, body: bytes, send: Send, trouble: Trouble | None
    ) -> None:
        if trouble != "refused":
            await self._inner(scope, again(body), _nowhere if trouble else send)
        if trouble is not None:
            await _send(send, _AWAY)


def _guess(path: str) -> str:
    """Tell which service an unsigned request is for; buckets are all that has bare paths."""
    return "" if path.startswith(("/20", "/restapis", "/endpoints/", "/_")) else "s3"


def _headers(scope: Scope) -> dict[str, str]:
    joined: dict[str, str] = {}
    for raw_name, raw in scope["headers"]:
        name, value = raw_name.decode("latin-1").lower(), raw.decode("latin-1")
        joined[name] = f"{joined[name]},{value}" if name in joined else value
    return joined


def _request(scope: Scope, headers: dict[str, str], body: bytes) -> Request:
    raw = scope.get("raw_path") or scope["path"].encode()
    return Request(
        method=scope["method"],
        path=raw.decode("latin-1").partition("?")[0],
        query=scope.get("query_string", b"").decode("latin-1"),
        headers=headers,
        body=body,
    )


async def _nowhere(_: Message) -> None:
    """Send an answer to nobody."""


async def _send(send: Send, answer: Answer) -> None:
    status, headers, body = answer
    told = [(k.lower().encode(), v.encode("latin-1")) for k, v in headers.items()]
    told.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": status, "headers": told})
    await send({"type": "http.response.body", "body": body})
