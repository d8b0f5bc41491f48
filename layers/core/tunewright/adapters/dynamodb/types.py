"""Python's values with DynamoDB's types, and back; it knows no item."""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

Item = dict[str, dict[str, Any]]
"""An item as the low-level client takes and gives it."""

_LARGEST, _SMALLEST = Decimal("1e125"), Decimal("1e-129")


def typed(fields: Mapping[str, Any]) -> Item:
    """Write fields with their types; those that are None are left out.

    >>> typed({"value": 0.1, "rev": 3, "model": None})
    {'value': {'N': '0.1'}, 'rev': {'N': '3'}}

    Raises:
        ValueError: A number is not finite.
    """
    return {name: _write(value) for name, value in fields.items() if value is not None}


def untyped(item: Item) -> dict[str, Any]:
    """Read fields without their types; numbers are Decimals."""
    return {name: _read(value) for name, value in item.items()}


def _write(value: object) -> dict[str, Any]:
    match value:
        case str():
            return {"S": value}
        case int() | Decimal():
            return {"N": str(value)}
        case float():
            return _number(value)
        case datetime():
            return {"S": stamp(value)}
        case Mapping():
            return {"M": {name: _write(each) for name, each in value.items()}}
        case _:
            raise TypeError(f"an item holds no {type(value).__name__}")


def _number(value: float) -> dict[str, str]:
    """Write a float by its shortest digits; one that DynamoDB's numbers cannot hold as text."""
    exact = Decimal(repr(value))
    if not exact.is_finite():
        raise ValueError(f"{value} is not a number that can be kept")
    fits = not exact or _SMALLEST <= abs(exact) <= _LARGEST
    return {"N" if fits else "S": repr(value)}


def _read(value: Mapping[str, Any]) -> Any:  # noqa: ANN401 - whatever was written
    match value:
        case {"N": number}:  # boto3's own reader refuses the 39 digits of the largest float32
            return Decimal(number)
        case {"M": fields}:
            return {name: _read(each) for name, each in fields.items()}
        case _:
            return value["S"]


def stamp(moment: datetime) -> str:
    """Write a time so that texts sort as times do.

    >>> stamp(datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))
    '2026-01-02T03:04:05.000000Z'
    """
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
