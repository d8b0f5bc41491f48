"""What comes in over HTTP, in one shape whatever gateway brought it, and the guard of its body."""

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

MAX_BYTES = 262_144
MAX_DEPTH = 32
MAX_DIGITS = 20


class BadRequestError(Exception):
    """The request cannot be read; the message says what would be right."""

    def __init__(self, message: str, *, status: int = 400, code: str = "bad_request") -> None:
        super().__init__(message)
        self.status = status
        self.code = code


@dataclass(frozen=True, slots=True)
class Request:
    """One request.

    Attributes:
        method: GET or POST.
        path: Below the stage, without a query.
        query: The last value of each query parameter.
        headers: By lower-case name.
        body: The bytes of the body.
        caller: Who asks, as the gateway has authenticated them.
        id: The gateway's id of the request.
    """

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    caller: str
    id: str


def read_event(event: Mapping[str, Any]) -> Request:
    """Read a REST API proxy event.

    Raises:
        BadRequestError: The body is not what it says it is.
    """
    context = event.get("requestContext") or {}
    identity = context.get("identity") or {}
    claims = (context.get("authorizer") or {}).get("claims") or {}
    headers = {str(k).lower(): str(v) for k, v in (event.get("headers") or {}).items()}
    return Request(
        method=str(event.get("httpMethod", "")).upper(),
        path=str(event.get("path") or "/"),
        query={str(k): str(v) for k, v in (event.get("queryStringParameters") or {}).items()},
        headers=headers,
        body=_body(event.get("body"), encoded=bool(event.get("isBase64Encoded"))),
        caller=str(identity.get("userArn") or claims.get("sub") or "unknown"),
        id=str(context.get("requestId") or ""),
    )


def _body(body: object, *, encoded: bool) -> bytes:
    if body is None:
        return b""
    if not isinstance(body, str):
        raise BadRequestError("the body must be text")
    if not encoded:
        try:
            return body.encode()
        except UnicodeEncodeError:
            raise BadRequestError("the body must be UTF-8: it holds half a character") from None
    try:
        return base64.b64decode(body, validate=True)
    except (binascii.Error, ValueError):
        raise BadRequestError("the body says that it is base64, and is not") from None


def read_json(request: Request) -> Any:  # noqa: ANN401 - JSON
    """Read a body as JSON, strictly: what two readers could read differently is refused.

    Raises:
        BadRequestError: It is too large or too deep, no UTF-8, no JSON, has a key twice, a number
            that is none or too long, or half a character.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        message = f"the content type is {kind or 'missing'}; send application/json"
        raise BadRequestError(message, status=415, code="unsupported_media_type")
    if len(request.body) > MAX_BYTES:
        message = f"the body has {len(request.body)} bytes; at most {MAX_BYTES} are taken"
        raise BadRequestError(message, status=413, code="too_large")
    try:
        text = request.body.decode()
    except UnicodeDecodeError:
        raise BadRequestError("the body must be UTF-8") from None
    _check_depth(text)
    try:
        document = json.loads(
            text, object_pairs_hook=_once, parse_int=_short, parse_constant=_refuse
        )
    except json.JSONDecodeError as error:
        message = f"the body is no JSON: {error.msg} at line {error.lineno}, column {error.colno}"
        raise BadRequestError(message) from None
    _check_characters(document)
    return document


def _check_depth(text: str) -> None:
    """Count brackets outside of strings: the parser itself would run out of stack."""
    depth, inside, escaped = 0, False, False
    for character in text:
        if inside:
            inside = escaped or character != '"'
            escaped = not escaped and character == "\\"
        elif character == '"':
            inside = True
        elif character in "[{":
            depth += 1
            if depth > MAX_DEPTH:
                raise BadRequestError(f"the body is nested deeper than {MAX_DEPTH} levels")
        elif character in "]}":
            depth -= 1


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise BadRequestError(f"the key {key!r} stands twice in one object")
        found[key] = value
    return found


def _short(digits: str) -> int:
    if len(digits.lstrip("-")) > MAX_DIGITS:
        raise BadRequestError(f"a number has more than {MAX_DIGITS} digits")
    return int(digits)


def _refuse(constant: str) -> NoReturn:
    raise BadRequestError(f"{constant} is no number that JSON knows")


def _check_characters(value: object) -> None:
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError:
            raise BadRequestError("a text holds half a character (a lone surrogate)") from None
    elif isinstance(value, dict):
        for key, inner in value.items():
            _check_characters(key)
            _check_characters(inner)
    elif isinstance(value, list):
        for inner in value:
            _check_characters(inner)
