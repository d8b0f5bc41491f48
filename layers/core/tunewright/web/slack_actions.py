"""Reads what Slack tells of a pressed button, once its signature shows that it is Slack's."""

import hashlib
import hmac
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs

from tunewright.web.request import BadRequestError

MAX_BYTES = 16_384
WINDOW_SECONDS = 300
"""How old a signed request may be: what somebody recorded is not taken again later."""
_MOST_NAME = 80
_TIMESTAMP = re.compile(r"[0-9]{1,12}")


@dataclass(frozen=True, slots=True)
class Pressed:
    """A button that somebody pressed.

    Attributes:
        verb: What it says, such as `approve`; empty for a button that answers nothing.
        token: What we signed.
        by: Who pressed it, in Slack's words.
        reply_to: Where the message may be replaced; empty if Slack names no place.
    """

    verb: str
    token: str
    by: str
    reply_to: str


def check_signature(
    event: Mapping[str, Any], body: bytes, secrets: tuple[str, ...], now: datetime
) -> None:
    """Make sure that a request is Slack's, and of now.

    Args:
        event: The proxy event, for its headers.
        body: The bytes of the body, not yet read in any way.
        secrets: The signing secrets; two while one is being replaced.
        now: The time.

    Raises:
        BadRequestError: It is not; which check failed is not told.
    """
    refused = BadRequestError("this is not signed by Slack", status=401, code="not_signed")
    if len(body) > MAX_BYTES:
        message = f"the body has {len(body)} bytes; at most {MAX_BYTES} are taken"
        raise BadRequestError(message, status=413, code="too_large")
    stamps = tuple(_headers(event, "x-slack-request-timestamp"))
    signatures = tuple(_headers(event, "x-slack-signature"))
    if len(stamps) != 1 or len(signatures) != 1 or not _TIMESTAMP.fullmatch(stamps[0]):
        raise refused
    if abs(now.timestamp() - int(stamps[0])) > WINDOW_SECONDS:
        raise refused
    given = signatures[0].encode("utf-8", "replace")
    signed = b"v0:" + stamps[0].encode() + b":" + body
    right = False
    for secret in secrets:  # All of them, so that the time does not tell which one it was.
        digest = hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
        right |= hmac.compare_digest(f"v0={digest}".encode(), given)
    if not right:
        raise refused


def _headers(event: Mapping[str, Any], name: str) -> Iterator[str]:
    """Return every value of a header, however its name is written."""
    many = event.get("multiValueHeaders")
    one = event.get("headers")
    if isinstance(many, Mapping) and many:
        pairs = [(key, value) for key, values in many.items() for value in values or ()]
    else:
        pairs = list(one.items()) if isinstance(one, Mapping) else []
    for key, value in pairs:
        if str(key).lower() == name:
            yield str(value)


def read_pressed(body: bytes) -> Pressed:
    """Read a signed body: a form whose `payload` is JSON.

    Raises:
        BadRequestError: It tells of no button.
    """
    try:
        (payload,) = parse_qs(body.decode(), strict_parsing=True)["payload"]
        told = json.loads(payload)
        (action,) = told["actions"]
        user = told["user"]
        who, name = _flat(user["id"]), _flat(user.get("username") or user.get("name") or "")
        verb, _, token = str(action.get("value") or "").partition(" ")
        return Pressed(
            verb=verb,
            token=token,
            by=f"slack:{who} ({name})" if name else f"slack:{who}",
            reply_to=str(told.get("response_url") or ""),
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise BadRequestError("this tells of no pressed button") from None


def _flat(text: object) -> str:
    """Write a name of somebody else's choosing as one short line."""
    flat = "".join(each if each.isprintable() else " " for each in str(text))
    return " ".join(flat.split())[:_MOST_NAME]
