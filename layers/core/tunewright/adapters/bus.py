"""Puts decisions and news of orphans on the stack's own bus, where anybody may subscribe."""

import json
from datetime import datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from tunewright.domain.errors import PublishError
from tunewright.domain.orphan import Notice
from tunewright.domain.study import Decision

SOURCE = "tunewright"
DETAIL_TYPE = "Tunewright Decision"
ORPHAN = "Tunewright Orphan"


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
        self._put(DETAIL_TYPE, detail, decision.at)

    def put_notice(self, notice: Notice) -> None:
        """Put news of an orphan on the bus.

        Raises:
            PublishError: EventBridge does not take it now.
        """
        self._put(ORPHAN, notice.model_dump(mode="json"), notice.at)

    def _put(self, kind: str, detail: dict[str, Any], at: datetime) -> None:
        name = detail["id"]
        entry = {
            "EventBusName": self._name,
            "Source": SOURCE,
            "DetailType": kind,
            "Detail": json.dumps(detail),
            "Time": at,
        }
        try:
            answer = self._client.put_events(Entries=[entry])
        except (ClientError, BotoCoreError) as error:
            raise PublishError(f"EventBridge did not take {name}: {error}") from error
        if answer.get("FailedEntryCount"):  # the call went well and the entry did not
            refused = answer["Entries"][0]
            words = f"{refused.get('ErrorCode')}: {refused.get('ErrorMessage')}"
            raise PublishError(f"EventBridge refused {name}: {words}")
