"""What is known of each endpoint, under a version of its own."""

from datetime import datetime
from typing import Any

from tunewright.adapters.dynamodb import items
from tunewright.adapters.dynamodb.definition import STANDING
from tunewright.adapters.dynamodb.table import Table
from tunewright.adapters.dynamodb.types import typed
from tunewright.adapters.dynamodb.versions import put_over
from tunewright.domain.seen import Endpoint


class DynamoEndpoints:
    """Keeps what is known of endpoints; written by the deployer alone."""

    def __init__(self, client: Any, name: str) -> None:  # noqa: ANN401 - boto3 carries no types
        self._table = Table(client, name)

    def load(self, name: str) -> Endpoint:
        """Return what is known of an endpoint; at version 0, if that is nothing."""
        item = self._table.get(items.endpoint_key(name))
        return Endpoint(name=name) if item is None else items.read_endpoint(item)

    def save(self, endpoint: Endpoint) -> Endpoint:
        """Write what is known now, on top of the version that it was read at.

        Raises:
            StaleVersionError: It is not at that version any more, or nobody can say.
        """
        written = endpoint.but(version=endpoint.version + 1)
        put_over(self._table, items.endpoint_item(written), endpoint.version, endpoint.name)
        return written

    def due(self, now: datetime) -> tuple[str, ...]:
        """Return the names of the endpoints whose lease has ended by now; the index may be late."""
        values = typed({":leased": items.LEASED, ":now": now})
        condition = f"{STANDING} = :leased AND submitted <= :now"
        found = self._table.query(condition, values, index=STANDING, late=True)
        return tuple(items.endpoint_name_of(each) for each in found)
