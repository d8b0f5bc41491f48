"""What is remembered of orphans: few items, in one partition, each under a version of its own."""

from typing import Any

from tunewright.adapters.dynamodb import items
from tunewright.adapters.dynamodb.table import ConditionError, Table, UnknownError
from tunewright.adapters.dynamodb.types import typed
from tunewright.adapters.dynamodb.versions import put_over
from tunewright.domain.errors import StaleVersionError
from tunewright.domain.orphan import Orphan


class DynamoOrphans:
    """Keeps what is remembered of orphans; written by the caretaker alone."""

    def __init__(self, client: Any, name: str) -> None:  # noqa: ANN401 - boto3 carries no types
        self._table = Table(client, name)

    def known(self) -> tuple[Orphan, ...]:
        """Return all of them, by kind and name."""
        found = self._table.query("pk = :pk", typed({":pk": items.ORPHANS}))
        return tuple(items.read_orphan(each) for each in found)

    def save(self, orphan: Orphan) -> Orphan:
        """Write what is known now, on top of the version that it was read at.

        Raises:
            StaleVersionError: It is not at that version any more, or nobody can say.
        """
        written = orphan.but(version=orphan.version + 1)
        put_over(self._table, items.orphan_item(written), orphan.version, orphan.id)
        return written

    def forget(self, orphan: Orphan) -> None:
        """Remove one that is no orphan any more.

        Raises:
            StaleVersionError: It is not at that version any more, or nobody can say.
        """
        values = typed({":version": orphan.version})
        try:
            self._table.delete(items.orphan_key(orphan), "version = :version", values)
        except (ConditionError, UnknownError) as error:
            raise StaleVersionError(f"{orphan.id} is not at that version any more") from error
