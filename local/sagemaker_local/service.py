"""The SageMaker service as an ASGI app; other services of AWS are none of its business."""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from embedded_aws import whole_body
from sagemaker_local import invocations
from sagemaker_local.engine import Engine
from sagemaker_local.errors import ApiError
from sagemaker_local.events import Dispatcher, Event
from sagemaker_local.faults import Gate
from sagemaker_local.hosting import EndpointHost
from sagemaker_local.objects import ObjectStore
from sagemaker_local.operations import Context, operation_named
from sagemaker_local.parts import Parts
from sagemaker_local.protocol import (
    TARGET_PREFIX,
    Response,
    failure,
    parse_body,
    parse_request,
    success,
)
from sagemaker_local.settings import Settings
from sagemaker_local.store import Store
from sagemaker_local.suggestions import suggest
from sagemaker_local.telemetry import Alarms, CloudWatch
from sagemaker_local.training import TrainingRunner

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

_LOG = logging.getLogger(__name__)
_REMEMBERED = 10_000
_INVOCATIONS = 256
"""Requests to models at a time; a serverless endpoint may have 200."""


@dataclass(frozen=True)
class Seen:
    """One request as it came over the wire, and `OK` or the code of the error it got."""

    at: float
    operation: str
    body: Any
    outcome: str


class SageMakerLocal:
    """Amazon SageMaker's tuning, training and hosting, for real, on this machine."""

    def __init__(
        self,
        settings: Settings,
        *,
        on_event: Callable[[Event], None] | None = None,
        parts: Parts | None = None,
    ) -> None:
        self._parts = parts or real_parts(settings)
        faults = settings.faults
        self._store = Store(settings.root / "sagemaker.sqlite", lag_seconds=faults.lag_seconds)
        self._gate = Gate(faults, settings.per_second, time.monotonic)
        self._events = Dispatcher(on_event, faults)
        self._engine = Engine(settings, self._store, self._parts, self._events)
        self._context = Context(settings, self._store, self._parts, self._engine, self._events)
        # Threads of their own: a model may take a minute, and meanwhile want S3 of this server
        self._invoking = ThreadPoolExecutor(_INVOCATIONS, thread_name_prefix="invocation")
        self.requests: deque[Seen] = deque(maxlen=_REMEMBERED)

    def start(self) -> None:
        """Go on with what was running before a restart."""
        self._events.start()
        self._engine.start()

    def close(self) -> None:
        """Stop working; jobs that were running will be run again by the next server."""
        self._engine.close()
        self._invoking.shutdown(wait=False)
        if self._parts.close is not None:
            self._parts.close()
        self._events.close()
        self._store.close()

    def handles(self, scope: Scope) -> bool:
        """Whether a request is for SageMaker."""
        if scope["type"] != "http":
            return False
        return _operation(scope) is not None or invocations.asked(scope["path"]) is not None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        body = await whole_body(receive)
        operation = _operation(scope)
        if operation is not None:
            response = await asyncio.to_thread(self._answer, operation, body)
        else:
            loop = asyncio.get_running_loop()
            response = await loop.run_in_executor(self._invoking, self._invoke, scope, body)
        headers = [(k.encode(), v.encode("latin-1")) for k, v in response.headers.items()]
        headers.append((b"content-length", str(len(response.body)).encode()))
        await send({"type": "http.response.start", "status": response.status, "headers": headers})
        await send({"type": "http.response.body", "body": response.body})

    def _answer(self, name: str, body: bytes) -> Response:
        at, parsed, outcome = time.time(), None, "OK"
        try:
            parsed = parse_body(body)
            self._gate.check(name)
            run = operation_named(name)
            return success(name, run(self._context, parse_request(name, parsed)))
        except ApiError as error:
            outcome = error.code
            return failure(error)
        except Exception as error:  # noqa: BLE001 - a fault is an answer too
            _LOG.exception("the operation %s failed", name)
            outcome = "InternalFailure"
            return failure(ApiError("InternalFailure", str(error), status=500))
        finally:
            self.requests.append(Seen(at, name, parsed, outcome))

    def _invoke(self, scope: Scope, body: bytes) -> Response:
        at = time.time()
        operation, quoted = invocations.asked(scope["path"]) or (invocations.INVOKE, "")
        name = unquote(quoted)
        if operation == invocations.INVOKE:
            response = invocations.invoke(self._context, name, dict(scope["headers"]), body)
        else:
            response = invocations.not_run(operation)
        outcome = response.headers.get("x-amzn-ErrorType", "OK")
        self.requests.append(Seen(at, operation, name, outcome))
        return response


def real_parts(settings: Settings) -> Parts:
    """The rooms beside the service, as they are when it is no test."""
    access = {
        "region": settings.region,
        "access_key": settings.access_key,
        "secret_key": settings.secret_key,
    }
    telemetry = CloudWatch(settings.s3_endpoint, **access)
    alarms = Alarms(settings.s3_endpoint, **access)

    def close() -> None:
        telemetry.close()
        alarms.close()

    objects = ObjectStore(settings.s3_endpoint, **access)
    runner = TrainingRunner(
        settings.root,
        objects,
        region=settings.region,
        account=settings.account,
        stop_grace_seconds=settings.stop_grace_seconds,
        threads=settings.threads,
        images=settings.images,
        telemetry=telemetry,
    )
    host = EndpointHost(
        settings.root,
        objects,
        region=settings.region,
        threads=settings.threads,
        images=settings.images,
        telemetry=telemetry,
    )
    return Parts(
        runner=runner,
        host=host,
        objects=objects,
        suggest=suggest,
        close=close,
        ringing=alarms.ringing,
    )


def _operation(scope: Scope) -> str | None:
    for name, value in scope["headers"]:
        if name.lower() == b"x-amz-target":
            target: str = value.decode("latin-1")
            return target.removeprefix(TARGET_PREFIX) if target.startswith(TARGET_PREFIX) else None
    return None
