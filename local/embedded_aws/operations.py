"""Tells what a request to AWS asks for, and whether it can change anything."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qs

_READING = re.compile(
    r"(Get|List|Describe|BatchGet|Query$|Scan$|Head|Lookup|Search|Simulate|Validate|Estimate"
    r"|Filter|AssumeRole|Transact(Get)|ReceiveMessage$|ChangeMessageVisibility|Detect)"
)
_TELEMETRY = frozenset({"logs", "monitoring", "cloudwatch", "sts"})
"""What keeps no promise worth a sync: logs and metrics."""
_SCOPE = re.compile(r"Credential=[^/,]+/\d{8}/[^/,]+/([^/,]+)/aws4_request")


@dataclass(frozen=True)
class Operation:
    """A request's service, as its signature names it, and its operation, empty where it is REST."""

    service: str
    name: str
    changes: bool


def operation_of(
    method: str, path: str, headers: Mapping[str, str], query: str, body: bytes
) -> Operation:
    """Read which operation a request asks for.

    Args:
        method: The HTTP method.
        path: The path.
        headers: Headers by their names in lower case.
        query: The query as it was sent.
        body: The body; looked at only where it may name the operation.
    """
    found = _SCOPE.search(headers.get("authorization", ""))
    service = found.group(1) if found else ""
    target = headers.get("x-amz-target", "")
    name = target.rpartition(".")[2]
    if not name and "/operation/" in path:
        name = path.rpartition("/operation/")[2]
    if not name and headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        name = (parse_qs(body.decode("latin-1")).get("Action") or [""])[0]
    if not name:
        name = (parse_qs(query).get("Action") or [""])[0]
    if service in _TELEMETRY:
        changes = False
    elif service == "s3":
        # An object has its own file at once; a bucket, while it is empty, and its settings have not
        changes = method in {"PUT", "DELETE"} and "/" not in path.strip("/")
    elif name:
        changes = _READING.match(name) is None
    else:
        changes = method not in {"GET", "HEAD", "OPTIONS"} and not path.endswith("/invocations")
    return Operation(service, name, changes)
