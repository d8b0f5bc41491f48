"""Puts decisions on the stack's own event bus, where anybody may subscribe to them."""

import json
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from tunewright.domain.errors import PublishError
from tunewright.domain.study import Decision

SOURCE = "tunewright"
DETAIL_TYPE = "Tunewright Decision"


class EventBus:
    """The bus "tunewright" of EventBridge."""

    def __init__(self, client: Any, name: str) -> None:  # noqa: ANN401 - boto3 carries no types
        self._client = client
        self._name = name

    def put(self, decision: Decision) -> None:
        """Put a decision on the bus.

        Raises:
            PublishError: EventBridge does not take it now.
        """
        detail = {**decision.model_dump(mode="json"), "id": decision.id}
        entry = {
            "EventBusName": self._name,
            "Source": SOURCE,
            "DetailType": DETAIL_TYPE,
            "Detail": json.dumps(detail),
            "Time": decision.at,
        }
        try:
            answer = self._client.put_events(Entries=[entry])
        except (ClientError, BotoCoreError) as error:
            raise PublishError(f"EventBridge did not take {decision.id}: {error}") from error
        if answer.get("FailedEntryCount"):  # the call went well and the entry did not
            refused = answer["Entries"][0]
            words = f"{refused.get('ErrorCode')}: {refused.get('ErrorMessage')}"
            raise PublishError(f"EventBridge refused {decision.id}: {words}")
