"""The decisions that nobody was told of yet: listed for the sweep, unmarked after the telling."""

from datetime import datetime
from itertools import islice
from typing import Any

from tunewright.adapters.dynamodb import items
from tunewright.adapters.dynamodb.definition import UNPUBLISHED
from tunewright.adapters.dynamodb.table import ConditionError, Table
from tunewright.adapters.dynamodb.types import typed
from tunewright.domain.study import Decision


class DynamoOutbox:
    """Finds marked decisions, and removes their marks."""

    def __init__(self, client: Any, name: str) -> None:  # noqa: ANN401 - boto3 carries no types
        self._table = Table(client, name)

    def unpublished(self, *, before: datetime, limit: int) -> tuple[Decision, ...]:
        """Return marked decisions of all studies that were made before a time, oldest first."""
        values = typed({":yes": items.MARKED, ":before": before})
        condition = f"{UNPUBLISHED} = :yes AND decided < :before"
        found = self._table.query(condition, values, index=UNPUBLISHED, late=True, limit=limit)
        return tuple(items.read_decision(each) for each in islice(found, limit))

    def published(self, decision: Decision) -> bool:
        """Remove the mark of a decision, after people were told; False if it had none."""
        key = items.decision_key(decision.study_id, decision.seq)
        try:
            self._table.update(key, f"REMOVE {UNPUBLISHED}", f"attribute_exists({UNPUBLISHED})")
        except ConditionError:
            return False
        return True
