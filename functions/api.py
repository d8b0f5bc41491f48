"""Woken by the API: answers one request."""

from typing import Any

from tunewright import cloud


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Answer a REST API proxy event."""
    return cloud.stack().api.handle(event)
