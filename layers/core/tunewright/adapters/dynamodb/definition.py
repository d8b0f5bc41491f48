"""The table as `CreateTable` takes it: two keys, four indexes, and a stream; no items.

Marks that must not be missed (`unfolded`, `waiting`) have local indexes, for these can be read
consistently: a wake that follows a record sees its mark at once. What sweeps over all studies
(`standing`, `unpublished`) has global ones, whose reads may come late.
"""

from typing import Any

STANDING = "standing"
UNPUBLISHED = "unpublished"
UNFOLDED = "unfolded"
WAITING = "waiting"
"""Each is an attribute and the index of the items that have it; the last three are marks, which
are removed once what they ask for is done."""

EXPIRES = "expires"
"""When an item may be swept away, in seconds since 1970; only answered commands have it."""


def table_definition(name: str) -> dict[str, Any]:
    """Return the parameters of `CreateTable`."""
    strings = ("pk", "sk", STANDING, "submitted", UNPUBLISHED, "decided", UNFOLDED, WAITING)
    return {
        "TableName": name,
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{"AttributeName": each, "AttributeType": "S"} for each in strings],
        "KeySchema": _schema("pk", "sk"),
        "LocalSecondaryIndexes": [
            _index(UNFOLDED, "pk", UNFOLDED, "ALL"),
            _index(WAITING, "pk", WAITING, "ALL"),
        ],
        "GlobalSecondaryIndexes": [
            _index(STANDING, STANDING, "submitted", "KEYS_ONLY"),
            _index(UNPUBLISHED, UNPUBLISHED, "decided", "ALL"),
        ],
        "StreamSpecification": {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
    }


def _index(name: str, partition: str, sort: str, projection: str) -> dict[str, Any]:
    return {
        "IndexName": name,
        "KeySchema": _schema(partition, sort),
        "Projection": {"ProjectionType": projection},
    }


def _schema(partition: str, sort: str) -> list[dict[str, str]]:
    return [
        {"AttributeName": partition, "KeyType": "HASH"},
        {"AttributeName": sort, "KeyType": "RANGE"},
    ]
