"""Woken by the topic: shows messages in Slack."""

from typing import Any

from tunewright import cloud
from tunewright.adapters.sns import read_message


def handler(event: dict[str, Any], _context: object) -> None:
    """Post each message of the topic."""
    for record in event["Records"]:
        cloud.stack().tell_slack(read_message(record))
