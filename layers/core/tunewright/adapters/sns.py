"""Publishes messages to the stack's topic: people read the text, functions read the JSON."""

import json
from collections.abc import Callable
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from tunewright.domain.errors import PublishError
from tunewright.domain.message import Message


class SnsTopic:
    """The topic to which everything that people are told is published."""

    def __init__(
        self,
        client: Any,  # noqa: ANN401 - boto3 carries no types
        arn: str,
        *,
        subject: Callable[[Message], str],
        text: Callable[[Message], str],
    ) -> None:
        """Take the topic, and how a message reads in an e-mail."""
        self._client = client
        self._arn = arn
        self._subject = subject
        self._text = text

    def publish(self, message: Message) -> None:
        """Publish a message; its attributes let subscribers choose what they hear.

        Raises:
            PublishError: SNS does not take it now.
        """
        whole = {"default": self._text(message), "lambda": message.model_dump_json()}
        try:
            self._client.publish(
                TopicArn=self._arn,
                Subject=self._subject(message),
                MessageStructure="json",
                Message=json.dumps(whole),
                MessageAttributes={
                    name: {"DataType": "String", "StringValue": value}
                    for name, value in (
                        ("study", message.study_id),
                        ("event", message.event.value),
                        ("level", message.level.value),
                    )
                },
            )
        except (ClientError, BotoCoreError) as error:
            raise PublishError(f"SNS did not take {message.id}: {error}") from error


def read_message(record: dict[str, Any]) -> Message:
    """Read a message back from the record that a subscribed function gets.

    Raises:
        ValueError: The record holds none.
    """
    return Message.model_validate_json(record["Sns"]["Message"])
