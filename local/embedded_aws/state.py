"""ministack's whole state as bytes, and back: what its services keep in their globals."""

import json
import logging
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

_LOG = logging.getLogger(__name__)
_TRIES = 5
_LAMBDA = "ministack.services.lambda_svc"


def dumps(value: object) -> bytes:
    """Write a value of ministack's as one line of JSON."""
    from ministack.core import persistence  # noqa: PLC0415 - it reads the environment

    return json.dumps(value, default=persistence._json_default).encode()  # noqa: SLF001


def loads(body: bytes) -> Any:  # noqa: ANN401 - JSON
    """Read what `dumps` wrote."""
    from ministack.core import persistence  # noqa: PLC0415 - it reads the environment

    return json.loads(body, object_hook=persistence._json_object_hook)  # noqa: SLF001


def collect(app: Any) -> dict[str, bytes]:  # noqa: ANN401 - ministack carries no types
    """Return the state of every service in use, by the service's name.

    Raises:
        RuntimeError: A service would not hold still; its threads changed it at every try.
    """
    _keep_code()
    parts = {}
    for name, read in app._build_persistence_save_dict().items():  # noqa: SLF001
        state = _still(read)
        if state is not None:
            parts[name] = state
    return parts


def restore(app: Any, parts: Iterable[tuple[str, bytes]]) -> None:  # noqa: ANN401
    """Give services back what was collected; nothing is polled or invoked yet."""
    modules = app._state_map  # noqa: SLF001 - which module keeps which state
    with _at_rest(app):
        for name, body in parts:
            module = app._get_module(modules[name])  # noqa: SLF001
            module.load_persisted_state(loads(body))
    lambdas = sys.modules.get(_LAMBDA)
    if lambdas is not None:
        # A table's stream begins anew with the process, so positions in the old one mean nothing
        lambdas._dynamodb_stream_positions._data.clear()  # noqa: SLF001
    queues = sys.modules.get("ministack.services.sqs")
    if queues is not None:
        now = time.time()
        for _, queue in queues._queues.all_items():  # noqa: SLF001
            for message in queue["messages"]:
                # Whoever was handling it is gone
                if message.get("receive_count"):
                    message["visible_at"] = min(message["visible_at"], now)


def resume() -> None:
    """Poll queues and streams for the functions that they wake."""
    lambdas = sys.modules.get(_LAMBDA)
    if lambdas is not None and lambdas._esms.has_any():  # noqa: SLF001
        lambdas._ensure_poller()  # noqa: SLF001


def _still(read: Any) -> bytes | None:  # noqa: ANN401
    for _ in range(_TRIES):
        try:
            state = read()
            return None if state is None else dumps(state)
        except RuntimeError:  # a thread changed a dict that was being copied
            _LOG.debug("a service changed while it was read", exc_info=True)
    raise RuntimeError(f"the state of a service could not be read: {read}")


def _keep_code() -> None:
    """Let a function's former code stay on disk: the last snapshot may still name it."""
    lambdas = sys.modules.get(_LAMBDA)
    if lambdas is not None:
        lambdas._prune_orphan_code_blobs = lambda _: None  # type: ignore[attr-defined]  # noqa: SLF001


@contextmanager
def _at_rest(app: Any) -> Iterator[None]:  # noqa: ANN401
    """Keep restored event source mappings from being polled before everything is there."""
    lambdas = app._get_module("lambda_svc")  # noqa: SLF001
    begin = lambdas._ensure_poller  # noqa: SLF001
    lambdas._ensure_poller = lambda: None  # noqa: SLF001
    try:
        yield
    finally:
        lambdas._ensure_poller = begin  # noqa: SLF001
