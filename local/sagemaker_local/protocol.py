"""AWS's JSON 1.1 protocol: from a request's bytes to checked members and back; no operations."""

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sagemaker_local.api_model import error_model, operation_model
from sagemaker_local.errors import ApiError
from sagemaker_local.validation import checked

CONTENT_TYPE = "application/x-amz-json-1.1"
TARGET_PREFIX = "SageMaker."


@dataclass(frozen=True)
class Response:
    """An HTTP answer."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


def parse_body(body: bytes) -> Any:  # noqa: ANN401 - whatever JSON says
    """Read the JSON of a request; an empty body is an empty request."""
    try:
        return json.loads(body, parse_constant=_no_json) if body.strip() else {}
    except ValueError as error:
        raise ApiError("SerializationException", f"The request is no JSON: {error}") from error


def _no_json(constant: str) -> None:
    """Refuse what Python writes and reads, though JSON has no such numbers."""
    raise ValueError(f"{constant} is not a number of JSON")


def parse_request(operation: str, body: Any) -> dict[str, Any]:  # noqa: ANN401 - whatever JSON says
    """Check a request against the model of its operation."""
    model = operation_model(operation)
    if model is None:
        raise ApiError(
            "UnknownOperationException", f"SageMaker has no operation named '{operation}'."
        )
    if model.input_shape is None:
        return {}
    return checked(model.input_shape, body)


def success(operation: str, answer: Mapping[str, Any] | None) -> Response:
    """Write an answer, holding only the members that the operation's output has."""
    model = operation_model(operation)
    shape = model.output_shape if model is not None else None
    if shape is None or answer is None:
        return _response(200, b"")
    return _response(200, json.dumps(_serialised(shape, answer)).encode())


def failure(error: ApiError) -> Response:
    """Write an error; the model's own errors have their text under a name that it tells."""
    shape = error_model(error.code)
    told = dict.fromkeys(shape.members if shape is not None else (), error.message)
    body = json.dumps({"__type": error.code, **told, "message": error.message}).encode()
    return _response(error.status, body)


def _response(status: int, body: bytes) -> Response:
    headers = {"content-type": CONTENT_TYPE, "x-amzn-RequestId": str(uuid.uuid4())}
    return Response(status, body, headers)


def _serialised(shape: Any, value: Any) -> Any:  # noqa: ANN401 - botocore carries no types
    kind = shape.type_name
    if kind == "structure":
        return {
            name: _serialised(member, value[name])
            for name, member in shape.members.items()
            if value.get(name) is not None
        }
    if kind == "list":
        return [_serialised(shape.member, item) for item in value]
    if kind == "map":
        return {key: _serialised(shape.value, item) for key, item in value.items()}
    return value
