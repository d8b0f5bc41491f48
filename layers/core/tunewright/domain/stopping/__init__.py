"""The stopping rules: each judges a round and gives a verdict with its numbers; none stops."""

from tunewright.domain.stopping.outlook import Outlook, is_due, look_out
from tunewright.domain.stopping.rules import Ends, Situation, Verdict, judge

__all__ = ["Ends", "Outlook", "Situation", "Verdict", "is_due", "judge", "look_out"]
