"""Stretches of an axis between the hard limits 0 and 1, and the guards on how they may change."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from tunewright.domain.space import ContinuousRange, IntegerRange, NumericRange, round_outward

FLOOR = 0.10
"""No range gets narrower than this share of the stretch between its hard limits…"""
STEP_FLOOR = 0.5
"""…nor, where it already is, than this share of itself in one round."""
VOLUME_FLOOR = 0.5
"""No round shrinks the ranges by more than this factor each, in the geometric mean."""
NEGLIGIBLE = 0.02
"""A bound that would move by less than this share of the range stays where it is."""
FEWEST_INTEGERS = 3


@dataclass(frozen=True)
class Span:
    """A stretch of an axis.

    >>> Span(0.2, 0.4).grown(0.5)
    Span(low=0.1, high=0.5)
    """

    low: float
    high: float

    @property
    def width(self) -> float:
        """How long it is."""
        return self.high - self.low

    @property
    def middle(self) -> float:
        """Its middle."""
        return 0.5 * (self.low + self.high)

    def grown(self, share: float) -> "Span":
        """Widen it by a share of its width on each side, within the hard limits."""
        more = share * self.width
        return Span(max(0.0, self.low - more), min(1.0, self.high + more))

    def past(self, share: float, *, below: bool, above: bool) -> "Span":
        """Widen it by a share of its width past the ends that are named."""
        grown = self.grown(share)
        return Span(grown.low if below else self.low, grown.high if above else self.high)

    def lured(self, share: float, *, below: float, above: float) -> "Span":
        """Grow only past those ends beyond which good points lie more densely than on average.

        At the rim a surrogate is unsure, and unsure is hopeful: mere hope would widen every
        parameter that makes little difference.

        Args:
            share: How far to grow, as a share of the width.
            below: Which share of the good points lies below, within the growth.
            above: Which share lies above.
        """
        grown = self.grown(share)
        return self.past(
            share,
            below=below * grown.width > self.low - grown.low,
            above=above * grown.width > grown.high - self.high,
        )

    def within(self, outer: "Span") -> "Span":
        """Cut it to what lies in another."""
        low, high = max(self.low, outer.low), min(self.high, outer.high)
        return Span(min(low, high), max(low, high))

    def holding(self, place: float) -> "Span":
        """Extend it to a place, if that is within the hard limits."""
        place = min(max(place, 0.0), 1.0)
        return Span(min(self.low, place), max(self.high, place))

    def keeping(self, share: float, of: "Span") -> "Span":
        """Give back a share of what it cuts off another at each end.

        What is good by today's model gets the most trials, but a share of the rest stays open, so
        that a model that is wrong can still be proved wrong.
        """
        return Span(
            self.low - share * max(0.0, self.low - of.low),
            self.high + share * max(0.0, of.high - self.high),
        )

    def at_least(self, width: float) -> "Span":
        """Widen it evenly to a width; at a hard limit it moves away and keeps the width."""
        width = min(1.0, width)
        if self.width >= width:
            return self
        low = min(max(0.0, self.middle - 0.5 * width), 1.0 - width)
        return Span(low, low + width)

    def towards(self, other: "Span", share: float) -> "Span":
        """Go a share of the way to another."""
        return Span(
            self.low + share * (other.low - self.low), self.high + share * (other.high - self.high)
        )


def floor_of(old: Span) -> float:
    """Return the least width that may follow a span.

    Where the hard limits are a catalogue's, far wider than what was ever searched, a tenth of them
    would forbid any narrowing; there a range may halve.
    """
    return FLOOR if old.width >= FLOOR else STEP_FLOOR * old.width


def limit_shrinking(old: Sequence[Span], new: Sequence[Span]) -> list[Span]:
    """Go back towards the old spans, as little as will do, if all together shrank too much."""
    allowed = len(old) * math.log(VOLUME_FLOOR)

    def blend(share: float) -> list[Span]:
        return [
            now.towards(Span(min(now.low, was.low), max(now.high, was.high)), share)
            for was, now in zip(old, new, strict=True)
        ]

    def shrinkage(spans: Sequence[Span]) -> float:
        return sum(math.log(now.width / was.width) for was, now in zip(old, spans, strict=True))

    if not old or shrinkage(new) >= allowed:
        return list(new)
    least, most = 0.0, 1.0
    for _ in range(30):
        share = 0.5 * (least + most)
        least, most = (least, share) if shrinkage(blend(share)) >= allowed else (share, most)
    return blend(most)


def span_of(range_: NumericRange) -> Span:
    """Return where a range lies on its axis; an integer's ends reach half a step further."""
    if isinstance(range_, ContinuousRange):
        return Span(range_.to_unit(range_.low), range_.to_unit(range_.high))
    low, high = range_.to_unit(range_.low - 0.5), range_.to_unit(range_.high + 0.5)
    return Span(max(0.0, low), min(1.0, high))


def range_at(range_: NumericRange, span: Span, best: float) -> NumericRange:
    """Move a range to a span; what does not move keeps the user's own numbers.

    Args:
        range_: the range so far.
        span: where it shall lie.
        best: the place of the best trial, which is never lost by rounding.
    """
    if isinstance(range_, IntegerRange):
        return _integers_at(range_, span)
    old = span_of(range_)
    slack = NEGLIGIBLE * old.width
    keep_low = abs(span.low - old.low) < slack and not best < old.low
    keep_high = abs(span.high - old.high) < slack and not best > old.high
    low, high = range_.from_unit(span.low), range_.from_unit(span.high)
    low, high = round_outward(low, high, range_.hard_low, range_.hard_high)
    low = range_.low if keep_low else low if span.low > 1e-9 else range_.hard_low
    high = range_.high if keep_high else high if span.high < 1 - 1e-9 else range_.hard_high
    return range_.but(low=low, high=high) if low < high else range_


def _integers_at(range_: IntegerRange, span: Span) -> IntegerRange:
    """Take every integer whose stretch the span touches, and three of them at least."""
    hair = 1e-9  # a span that ends where an integer's stretch begins does not touch it
    low, high = range_.from_unit(span.low + hair), range_.from_unit(span.high - hair)
    while high - low + 1 < min(FEWEST_INTEGERS, range_.hard_high - range_.hard_low + 1):
        nearer = span.middle - range_.to_unit(low) < range_.to_unit(high) - span.middle
        down = (nearer and low > range_.hard_low) or high == range_.hard_high
        low, high = (low - 1, high) if down else (low, high + 1)
    return range_.but(low=low, high=high)
