"""The stopping rules: each judges a round and gives a verdict with its numbers; none stops."""

from tunewright.domain.stopping.rules import Ends, Situation, Verdict, judge

__all__ = ["Ends", "Situation", "Verdict", "judge"]
