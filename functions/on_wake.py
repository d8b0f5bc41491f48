"""Woken for a study: the one writer of studies looks, decides, writes, and then does."""

from typing import Any

from tunewright import cloud, doors
from tunewright.adapters.batch import each_study


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Handle a batch of wakes, those of one study as one."""
    stack = cloud.stack()
    return each_study(
        event,
        read=lambda body: doors.read_wake(stack, body),
        handle=lambda study_id, look: doors.wake(stack, study_id, look=look),
    )
