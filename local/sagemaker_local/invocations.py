"""InvokeEndpoint of the SageMaker runtime: finds what serves, and words its errors as AWS does."""

import json
import re
import uuid
from collections.abc import Mapping

from sagemaker_local import hosted
from sagemaker_local.operations.context import Context
from sagemaker_local.protocol import Response

MOST_BYTES = 6_291_456
INVOKE = "InvokeEndpoint"
_OPERATIONS = {
    "invocations": INVOKE,
    "async-invocations": "InvokeEndpointAsync",
    "invocations-response-stream": "InvokeEndpointWithResponseStream",
}
_PATH = re.compile(rf"/endpoints/([^/]+)/({'|'.join(_OPERATIONS)})")


def asked(path: str) -> tuple[str, str] | None:
    """The operation of the runtime that a path is of, and the endpoint.

    >>> asked("/endpoints/churn/invocations")
    ('InvokeEndpoint', 'churn')
    """
    found = _PATH.fullmatch(path)
    return (_OPERATIONS[found[2]], found[1]) if found else None


def not_run(operation: str) -> Response:
    """Say that an operation is not run here."""
    text = f"This emulator does not run the operation '{operation}'; it runs {INVOKE}."
    return _error(400, "UnknownOperationException", text)


def invoke(context: Context, name: str, headers: Mapping[bytes, bytes], body: bytes) -> Response:
    """Pass a payload to the model behind an endpoint."""
    document = context.store.get(hosted.ENDPOINT, name)
    account = context.settings.account
    if document is None or document["EndpointName"] != name:
        return _error(400, "ValidationError", f"Endpoint {name} of account {account} not found.")
    if document["EndpointStatus"] not in {"InService", "Updating", "RollingBack"}:
        text = f"Endpoint {name} of account {account} is not in service."
        return _error(400, "ValidationError", text)
    if len(body) > MOST_BYTES:
        text = f"Request body is larger than {MOST_BYTES} bytes."
        return _error(400, "ValidationError", text)
    content_type = headers.get(b"content-type", b"application/octet-stream").decode("latin-1")
    accept = headers[b"accept"].decode("latin-1") if b"accept" in headers else None
    answer = context.parts.host.invoke(name, body, content_type, accept)
    variant = document["_variants"][0]["VariantName"]
    given = {
        **answer.headers,
        "x-Amzn-Invoked-Production-Variant": variant,
        "x-amzn-RequestId": str(uuid.uuid4()),
    }
    return Response(answer.status, answer.body, given)


def _error(status: int, code: str, message: str) -> Response:
    body = {"Message": message, "message": message}
    headers = {
        "content-type": "application/json",
        "x-amzn-ErrorType": code,
        "x-amzn-RequestId": str(uuid.uuid4()),
    }
    return Response(status, json.dumps(body).encode(), headers)
