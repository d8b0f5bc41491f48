"""Woken by the end of a training job: records that one trial, then wakes its study."""

from typing import Any

from tunewright import cloud, doors
from tunewright.adapters.batch import each_record


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Handle a batch of EventBridge events from the queue of trials."""
    return each_record(event, lambda body: doors.training_job_ended(cloud.stack(), body))
