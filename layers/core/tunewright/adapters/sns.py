"""Publishes messages to the stack's topic: people read the text, functions read the JSON."""

import json
from typing import Any

from tunewright.domain.message import Message


class SnsTopic:
    """The topic to which everything that people are told is published."""

    def __init__(self, client: Any, arn: str) -> None:  # noqa: ANN401 - boto3 carries no types
        self._client = client
        self._arn = arn

    def publish(self, message: Message, *, subject: str, text: str) -> None:
        """Publish a message; its attributes let subscribers choose what they hear.

        Raises:
            botocore.exceptions.ClientError: SNS does not take it.
        """
        self._client.publish(
            TopicArn=self._arn,
            Subject=subject,
            MessageStructure="json",
            Message=json.dumps({"default": text, "lambda": message.model_dump_json()}),
            MessageAttributes={
                name: {"DataType": "String", "StringValue": value}
                for name, value in (
                    ("study", message.study_id),
                    ("event", message.event.value),
                    ("level", message.level.value),
                )
            },
        )


def read_message(record: dict[str, Any]) -> Message:
    """Read a message back from the record that a subscribed function gets.

    Raises:
        ValueError: The record holds none.
    """
    return Message.model_validate_json(record["Sns"]["Message"])
