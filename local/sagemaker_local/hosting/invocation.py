"""What comes back from an endpoint, in the shape the runtime API has on the wire."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Self

MESSAGE_LENGTH = 2048


@dataclass(frozen=True)
class Invocation:
    """An answer, or an error that says which one it is; status, headers and body as sent."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    error: str | None = None
    original_status: int = 200
    """What the container has said; one that says nothing counts as an error of its own."""

    @classmethod
    def failed(cls, status: int, error: str, message: str, **more: object) -> Self:
        """An error of the runtime API."""
        body = json.dumps({"Message": message, "message": message, **more}).encode()
        headers = {"Content-Type": "application/json", "x-amzn-ErrorType": error}
        return cls(status, body, headers, error, status)

    @classmethod
    def model_error(cls, status: int, original: bytes, log: str) -> Self:
        """The container has answered with an error, or has not answered."""
        text = original.decode("utf-8", "replace")[:MESSAGE_LENGTH]
        kind = "client" if 400 <= status < 500 else "server"
        told = cls.failed(
            424,
            "ModelError",
            f'Received {kind} error ({status}) from primary with message "{text}"; see {log}',
            OriginalStatusCode=status,
            OriginalMessage=text,
            LogStreamArn=log,
        )
        return replace(told, original_status=status or 500)

    @property
    def message(self) -> str | None:
        """What an error says; None if all is well."""
        return None if self.error is None else str(json.loads(self.body)["Message"])
