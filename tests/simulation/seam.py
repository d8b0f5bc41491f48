"""The one seam: boto3's `_make_api_call`, and with it the clocks and the dice of the process.

Installed once in a process; the world that is current answers. Clients are real boto3 clients.
"""

import functools
import logging
import random
import secrets
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import boto3
from botocore.client import BaseClient
from botocore.validate import ParamValidator

from tunewright import cloud
from tunewright.adapters import clock, parameters
from tunewright.adapters.dynamodb import items, table
from tunewright.domain.study import Study

if TYPE_CHECKING:
    from tests.simulation.world import World

_worlds: list["World"] = []


def world() -> "World":
    """Return the world that is current."""
    return _worlds[-1]


@contextmanager
def living_in(made: "World") -> Iterator[None]:
    """Make a world current."""
    _worlds.append(made)
    random.seed(f"{made.seed}/process")
    try:
        yield
    finally:
        _worlds.pop()


def _api_call(client: BaseClient, operation: str, request: dict[str, Any]) -> Any:
    service = client.meta.service_model.service_name
    made = world()
    if made.validates():
        model = client.meta.service_model.operation_model(operation)
        report = ParamValidator().validate(request, model.input_shape)
        if report.has_errors():
            made.oracles.violate("wire", f"{operation}: {report.generate_report()}")
    return made.api(service, operation, request)


@functools.cache
def _client(real: Any, service: str) -> Any:
    """One client of each service for the process: making one takes longer than a schedule."""
    return real(
        service, region_name="us-east-1", aws_access_key_id="none", aws_secret_access_key="none"
    )


def _sleep(seconds: float) -> None:
    world().clock.sleep(seconds)


class _Parsed:
    """Stands for `Study` where items are read: a text is parsed once, which takes longest."""

    def __init__(self, parse: Any) -> None:
        self.model_validate_json = parse


class _Dice:
    """Stands for the module `random` where the product draws how long it waits."""

    @staticmethod
    def uniform(low: float, high: float) -> float:
        return low + (high - low) * world().luck.random()


@functools.cache
def install() -> None:
    """Put the seam in; once in a process, for it stays."""
    real = boto3.client
    parse = functools.lru_cache(maxsize=256)(Study.model_validate_json)  # It is frozen.
    patches: list[tuple[Any, str, Any]] = [
        (boto3, "client", lambda service, **_: _client(real, service)),
        (BaseClient, "_make_api_call", _api_call),
        (cloud, "stack", lambda: world().container()),
        (items, "Study", _Parsed(parse)),
        (clock.SystemClock, "now", lambda _self: world().time_of_task()),
        (secrets, "token_hex", lambda size=8: world().luck.randbytes(size).hex()),
        (secrets, "token_bytes", lambda size=32: world().luck.randbytes(size)),
        (table, "random", _Dice),
        (table.Table.__init__, "__defaults__", (_sleep,)),
        (parameters.SsmProfiles.__init__, "__defaults__", (lambda: world().clock.now,)),
        (parameters.SsmSecret.__init__, "__defaults__", (lambda: world().clock.now,)),
        (urllib.request.OpenerDirector, "open", lambda _self, *a, **k: world().slack(*a, **k)),
    ]
    _undo.extend((owner, name, getattr(owner, name)) for owner, name, _ in patches)
    for owner, name, value in patches:
        setattr(owner, name, value)
    logging.disable(logging.CRITICAL)


_undo: list[tuple[Any, str, Any]] = []


def remove() -> None:
    """Take the seam out again, for whatever else runs in the process."""
    while _undo:
        owner, name, value = _undo.pop()
        setattr(owner, name, value)
    logging.disable(logging.NOTSET)
    install.cache_clear()


@contextmanager
def installed() -> Iterator[None]:
    """Have the seam in for a while."""
    install()
    try:
        yield
    finally:
        remove()
