"""Woken for an endpoint: the one hand that looks at endpoints and changes them."""

from typing import Any

from tunewright import cloud, doors
from tunewright.adapters.batch import each_record


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Handle a batch of studies, and of events of endpoints."""
    return each_record(event, lambda body: doors.tend(cloud.stack(), body))
