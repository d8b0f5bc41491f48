"""Puts decisions on the stack's own event bus, where anybody may subscribe to them."""

import json
from typing import Any

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
            RuntimeError: EventBridge took the call and refused the entry.
            botocore.exceptions.ClientError: EventBridge does not take the call.
        """
        detail = {**decision.model_dump(mode="json"), "id": decision.id}
        answer = self._client.put_events(
            Entries=[
                {
                    "EventBusName": self._name,
                    "Source": SOURCE,
                    "DetailType": DETAIL_TYPE,
                    "Detail": json.dumps(detail),
                    "Time": decision.at,
                }
            ]
        )
        if answer.get("FailedEntryCount"):
            refused = answer["Entries"][0]
            words = f"{refused.get('ErrorCode')}: {refused.get('ErrorMessage')}"
            raise RuntimeError(f"EventBridge refused decision {decision.id}: {words}")
