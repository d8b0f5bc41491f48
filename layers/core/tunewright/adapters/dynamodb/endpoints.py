"""What is live at each endpoint, under a version of its own."""

from typing import Any

from tunewright.adapters.dynamodb import items
from tunewright.adapters.dynamodb.table import ConditionError, Table
from tunewright.adapters.dynamodb.types import Item, typed
from tunewright.domain.errors import StaleVersionError
from tunewright.domain.seen import Champion

_RACES = 20


class DynamoEndpoints:
    """Keeps what is live; written by the deployer alone."""

    def __init__(self, client: Any, name: str) -> None:  # noqa: ANN401 - boto3 carries no types
        self._table = Table(client, name)

    def champion(self, endpoint: str) -> Champion | None:
        """Return what is live at an endpoint, if one of our studies put it there."""
        item = self._table.get(items.endpoint_key(endpoint))
        return None if item is None else items.read_champion(item)

    def crown(self, champion: Champion) -> None:
        """Keep what is live now; nothing is written if that is known.

        Raises:
            StaleVersionError: Others were first, again and again.
        """
        item = self._table.get(items.endpoint_key(champion.endpoint))
        for _ in range(_RACES):
            if item is not None and items.read_champion(item) == champion:
                return
            try:
                self._put(champion, item)
            except ConditionError as lost:
                item = lost.items[0]
            else:
                return
        raise StaleVersionError(f"others are crowning at {champion.endpoint}")

    def _put(self, champion: Champion, item: Item | None) -> None:
        if item is None:
            self._table.put(items.endpoint_item(champion, 1), "attribute_not_exists(pk)")
            return
        version = int(item["version"]["N"])
        self._table.put(
            items.endpoint_item(champion, version + 1),
            "version = :version",
            typed({":version": version}),
        )
