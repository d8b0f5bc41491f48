"""Woken by new decisions in the table: tells people and programs of them."""

from typing import Any

from tunewright import cloud
from tunewright.adapters.batch import each_change
from tunewright.adapters.dynamodb import read_decision


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Handle a batch of the table's stream."""
    announcer = cloud.stack().announcer
    return each_change(event, lambda image: announcer.announce(read_decision(image)))
