"""The stack's own secrets: random keys, each made once by whoever needs it first."""

import secrets
from typing import Any

from tunewright.adapters.dynamodb import items
from tunewright.adapters.dynamodb.table import ConditionError, Table

_BYTES = 32


class DynamoSecrets:
    """Keeps random keys; IAM says which function may read which, and who may make it."""

    def __init__(self, client: Any, name: str) -> None:  # noqa: ANN401 - boto3 carries no types
        self._table = Table(client, name)

    def read(self, name: str) -> bytes | None:
        """Return a key; None if nobody has made it yet."""
        item = self._table.get(items.secret_key(name))
        return None if item is None else items.read_secret(item)

    def read_or_make(self, name: str) -> bytes:
        """Return a key of 32 random bytes; whoever needs it first makes it, for everybody.

        Raises:
            UnknownError: Nobody can say whether the key was written: ask again.
        """
        known = self.read(name)
        if known is not None:
            return known
        made = secrets.token_bytes(_BYTES)
        try:
            self._table.put(items.secret_item(name, made), "attribute_not_exists(pk)")
        except ConditionError as error:  # Somebody was first: theirs is the key.
            held = error.items[0]
            return made if held is None else items.read_secret(held)
        return made
