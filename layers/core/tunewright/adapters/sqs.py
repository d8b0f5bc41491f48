"""Queues of SQS: which study to look after, as a message; and reading such messages back."""

import json
from collections.abc import Mapping
from typing import Any


class SqsQueue:
    """One queue that takes small JSON messages."""

    def __init__(self, client: Any, url: str) -> None:  # noqa: ANN401 - boto3 carries no types
        self._client = client
        self._url = url

    def send(self, message: Mapping[str, Any]) -> None:
        """Send a message.

        Raises:
            botocore.exceptions.ClientError: SQS does not take it.
        """
        self._client.send_message(QueueUrl=self._url, MessageBody=json.dumps(message))


def read_body(record: Mapping[str, Any]) -> Any:  # noqa: ANN401 - JSON
    """Read the body of a record as Lambda gets it from a queue; None if it is no JSON.

    >>> read_body({"body": '{"study": "a"}'}), read_body({"body": "?"}), read_body({})
    ({'study': 'a'}, None, None)
    """
    try:
        return json.loads(record.get("body") or "")
    except (TypeError, ValueError, RecursionError):  # The last of what is nested too deep.
        return None
