"""Woken by a link in a message, or by a button in Slack: takes a person's answer."""

from typing import Any

from tunewright import cloud


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Answer a REST API proxy event."""
    return cloud.stack().approvals.handle(event)
