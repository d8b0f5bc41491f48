"""How a range changed from one round to the next, and why, in numbers and in a person's words."""

from dataclasses import dataclass
from typing import Literal

from tunewright.domain.space import CategoricalRange, IntegerRange, NumericRange, Range, show_range
from tunewright.domain.spans import Span, floor_of, span_of
from tunewright.domain.values import Value

Kind = Literal["narrowed", "widened low", "widened high", "widened", "shifted", "unchanged"]
NEAR_EDGE = 0.05
"""Within this share of a range's width a trial sits at its edge."""
UNIMPORTANT = 0.15
"""Below this unevenness of the good points a parameter makes no difference: it stays as it is."""
LIKELY = 0.3
"""Where something better lies beyond an end with this chance, a search that learns is let go on."""


class RangeChange(Value):
    """What a refinement did to one parameter.

    Attributes:
        name: The parameter.
        before: Its range in the last round.
        after: Its range in the next.
        kind: What was done.
        why: The reason, as a clause without a full stop.
        width: The new width on the scaled axis, as a share of the old; for categories the share of
            choices.
        preference: How unevenly the good points lie on the axis, 0 to 1; None without a model.
    """

    name: str
    before: Range
    after: Range
    kind: Kind
    why: str
    width: float
    preference: float | None = None

    @property
    def sentence(self) -> str:
        """The change as a person says it."""
        if self.kind == "unchanged":
            return f"{self.name} {show_range(self.before)}: unchanged, {self.why}"
        before, after = show_range(self.before), show_range(self.after)
        if not isinstance(self.before, CategoricalRange):
            before = before.partition(" (")[0]  # the scaling is told once
        return f"{self.name} {before} → {after}: {self.kind}, {self.why}"


@dataclass(frozen=True)
class Seen:
    """Where the good part of a numeric range was seen, between its hard limits 0 and 1.

    Attributes:
        span: What is wanted, before the guards.
        mean: The middle of the good part.
        best: The place of the best trial.
        preference: How unevenly the good part lies; None without a model.
        chances: How likely something better lies beyond its low end, and beyond its high one; None
            where that was not asked.
    """

    span: Span
    mean: float
    best: float
    preference: float | None
    chances: tuple[float, float] | None = None

    @property
    def matters(self) -> bool:
        """Whether the parameter makes a difference, as far as is known."""
        return self.preference is None or self.preference >= UNIMPORTANT

    def at_low(self, old: Span) -> bool:
        """Whether the good part or the best trial sits at the lower edge, or beyond."""
        return self.matters and min(self.mean, self.best) < old.low + NEAR_EDGE * old.width

    def at_high(self, old: Span) -> bool:
        """Whether the good part or the best trial sits at the upper edge, or beyond."""
        return self.matters and max(self.mean, self.best) > old.high - NEAR_EDGE * old.width


def sits_at_end(range_: NumericRange, place: float) -> tuple[bool, bool]:
    """Say whether a place is at the low and at the high end of a range; of integers, the last."""
    if isinstance(range_, IntegerRange):
        number = range_.from_unit(place)
        return number <= range_.low, number >= range_.high
    span = span_of(range_)
    near = NEAR_EDGE * span.width
    return place < span.low + near, place > span.high - near


def at_soft_edge(range_: NumericRange, seen: Seen) -> bool:
    """Say whether the optimum may lie beyond an edge that is not a hard limit."""
    old = span_of(range_)
    below = range_.low > range_.hard_low and seen.at_low(old)
    return below or (range_.high < range_.hard_high and seen.at_high(old))


def numeric_change(before: NumericRange, after: NumericRange, seen: Seen) -> RangeChange:
    """Say what was done to a numeric range, and why."""
    old, new = span_of(before), span_of(after)
    kind = _kind(before, after)
    chance_low, chance_high = seen.chances or (None, None)
    match kind:
        case "unchanged":
            why = _why_unchanged(before, old, seen)
        case "narrowed":
            why = "the good trials lie in this part"
        case "widened low":
            why = _beyond(seen.at_low(old), "lower", chance_low)
        case "widened high":
            why = _beyond(seen.at_high(old), "upper", chance_high)
        case "widened" if seen.chances:
            below, above = _beyond(False, "lower", chance_low), _beyond(False, "upper", chance_high)
            why = f"{below}, {above}"
        case "widened":
            why = "good trials are expected beyond both edges"
        case _:
            why = f"the good trials lie {'higher' if new.middle > old.middle else 'lower'}"
    return RangeChange(
        name=before.name,
        before=before,
        after=after,
        kind=kind,
        why=why,
        width=new.width / old.width,
        preference=seen.preference,
    )


def _kind(before: NumericRange, after: NumericRange) -> Kind:
    down, up = after.low < before.low, after.high > before.high
    cut_low, cut_high = after.low > before.low, after.high < before.high
    wider = span_of(after).width >= span_of(before).width
    if down and up:
        return "widened"
    if (down and cut_high and not wider) or (up and cut_low and not wider):
        return "shifted"
    if down or up:
        return "widened low" if down else "widened high"
    return "narrowed" if cut_low or cut_high else "unchanged"


def _beyond(sat_there: bool, edge: str, chance: float | None) -> str:
    if chance is not None and chance > LIKELY:
        return f"something better lies beyond the {edge} edge with a chance of {chance:.0%}"
    if chance is not None:  # so few trials are known that the best one's place let it go on
        return f"the best trial sat at the {edge} edge"
    if sat_there:
        return f"the best trials sat at the {edge} edge"
    return f"good trials are expected beyond the {edge} edge"


def _why_unchanged(before: NumericRange, old: Span, seen: Seen) -> str:
    if not seen.matters:
        return "it made no difference"
    if before.low == before.hard_low and seen.at_low(old):
        return f"the best trials sit at its hard limit {before.hard_low:g}"
    if before.high == before.hard_high and seen.at_high(old):
        return f"the best trials sit at its hard limit {before.hard_high:g}"
    if seen.chances is not None:
        full = before.low == before.hard_low and before.high == before.hard_high
        return "it fills its hard limits" if full else "nothing better is likely beyond it"
    if old.width <= floor_of(old) + 1e-9:
        return "it is as narrow as it may get"
    if seen.preference is None:
        return "too little is known"
    return "good trials lie all over it"


def categorical_change(before: CategoricalRange, after: CategoricalRange) -> RangeChange:
    """Say what was done to a categorical range."""
    lost = [each for each in before.choices if each not in after.choices]
    won = [each for each in after.choices if each not in before.choices]
    kind: Kind = "shifted" if lost and won else "narrowed" if lost else "widened"
    if not lost and not won:
        return unchanged(before, "each of them may still be the best")
    dropped = f"{' and '.join(lost)} never came near the best" if lost else ""
    added = f"{' and '.join(won)} may be good" if won else ""
    return RangeChange(
        name=before.name,
        before=before,
        after=after,
        kind=kind,
        why="; ".join(part for part in (dropped, added) if part),
        width=len(after.choices) / len(before.choices),
    )


def unchanged(range_: Range, why: str) -> RangeChange:
    """Say that a range stays, and why."""
    return RangeChange(
        name=range_.name, before=range_, after=range_, kind="unchanged", why=why, width=1.0
    )
