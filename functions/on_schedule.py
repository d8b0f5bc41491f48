"""Woken every five minutes: looks after what nobody else has woken."""

from tunewright import cloud


def handler(_event: object, _context: object) -> None:
    """Sweep once."""
    cloud.stack().sweeper.sweep()
