"""Writes on top of the version that was read, so that of two writers at once one is told."""

from tunewright.adapters.dynamodb.table import ConditionError, Table, UnknownError
from tunewright.adapters.dynamodb.types import Item, typed
from tunewright.domain.errors import StaleVersionError


def put_over(table: Table, item: Item, version: int, name: str) -> None:
    """Write an item on top of the version that it was read at.

    Args:
        table: Where it is.
        item: What is known now, under its new version.
        version: The version that it was read at; 0 if there was none.
        name: What the item is of, for who reads the error.

    Raises:
        StaleVersionError: It is not at that version any more, or nobody can say.
    """
    condition, values = "attribute_not_exists(pk)", None
    if version:
        condition, values = "version = :version", typed({":version": version})
    try:
        table.put(item, condition, values)
    except (ConditionError, UnknownError) as error:
        raise StaleVersionError(f"{name} is not at that version any more") from error
