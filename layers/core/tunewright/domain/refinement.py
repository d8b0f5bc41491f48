"""The step from the trials so far to the next search space; it decides where, never whether.

The rule: fit a surrogate to all trials, ask it where in the ranges, grown at each side, the optimum
is likely (for a random search: which part is good), and box that. Boxing the best trials themselves
is worse than doing nothing: a few trials in many dimensions are good by luck.
A search whose trials learn from each other narrows by itself, and a bound that cuts off a corner
costs it more than it saves. What it cannot do is leave its ranges: they are widened past those
ends beyond which something better may well lie. Nor does it know of limits that the winner must
keep: where what it follows lies beyond them, its ranges are cut as those of a random search.
Too few trials, or a surrogate that cannot be fitted, fall back to a trust region around the best.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from tunewright.domain.changes import (
    LIKELY,
    RangeChange,
    Seen,
    at_soft_edge,
    categorical_change,
    numeric_change,
    sits_at_end,
    unchanged,
)
from tunewright.domain.lessons import EARLY, Lesson, Lessons, View, learn
from tunewright.domain.objective import Objective
from tunewright.domain.space import CategoricalRange, SearchSpace
from tunewright.domain.spans import Span, floor_of, limit_shrinking, range_at, span_of
from tunewright.domain.spec import Bound
from tunewright.domain.trial import Trial
from tunewright.domain.values import Value

GROWTH = 0.5
"""How far, as a share of its width, a range may move past each of its ends in one round."""
GOOD_SHARE_AT_RANDOM = 0.01
"""How much of the grown ranges is called good for a random search, which needs hard narrowing."""
PADDING = 0.02
"""Added to the good part at each end, as a share of the grown range."""
FEWEST = 3
"""Trials without which even a trust region would be guesswork."""
GAIN_THAT_COUNTS = 1e-3
"""A round was a success if it bettered the best by more than this share of the spread."""
FEWEST_CHOICES = 2
ELITE_SHARE, OPTIMA_SHARE, FEWEST_TRIES = 0.2, 0.1, 2

Method = Literal["surrogate", "trust region", "unchanged"]


class Refinement(Value):
    """The next search space, and why it is as it is.

    Attributes:
        space: What the next round searches.
        changes: What was done to each parameter, in the space's order.
        method: How the ranges were found.
        reason: What the method rests on, in one clause.
        at_edge: Parameters whose best trials, or good part, lie at an end of the old range that
            was not its hard limit: the optimum may lie beyond.
    """

    space: SearchSpace
    changes: tuple[RangeChange, ...]
    method: Method
    reason: str
    at_edge: tuple[str, ...]


def refine(
    space: SearchSpace,
    trials: Iterable[Trial],
    objective: Objective,
    *,
    study_id: str,
    round_number: int,
    keep_exploring: float = 0.15,
    adaptive: bool = True,
    limits: tuple[Bound, ...] = (),
) -> Refinement:
    """Find the next round's space.

    Deterministic; neither the order of the trials nor records told twice matter, nor do the unit
    of the objective or of a linear parameter.

    Args:
        space: The space of the last round.
        trials: All trials of all rounds so far.
        objective: What is to be made better.
        study_id: With the round's number, the seed.
        round_number: The number of the next round.
        keep_exploring: The share of what is cut off a range that stays open (its square for trials
            that are not adaptive); with 1 ranges only ever widen.
        adaptive: Whether the next round's trials learn from each other, as AMT's Bayesian strategy
            does; a surrogate widens their ranges where that is promising, and narrows none, unless
            their best lies beyond the limits.
        limits: What the winner must keep: what breaks it is no good part.
    """
    lessons = learn(space, trials, objective, limits)
    adaptive = adaptive and not lessons.led_astray
    best = lessons.best
    if best is None or len(lessons) < FEWEST:
        return unchanged_space(
            space, f"{len(lessons)} trials with a value are too few to learn from"
        )
    if len({lesson.loss for lesson in lessons.lessons}) == 1:
        return unchanged_space(space, f"all {len(lessons)} trials have the same value")
    needed = needed_trials(space)
    if len(lessons) < needed:
        why = f"{len(lessons)} trials are too few for a surrogate, which takes {needed}"
        found = _trust_region(space, lessons, best, len(lessons) / needed, why)
    else:
        try:
            seed = seed_of(study_id, round_number)
            found = _good_part(space, lessons, best, adaptive=adaptive, seed=seed)
        except (ArithmeticError, ValueError, ImportError) as error:
            found = _trust_region(space, lessons, best, 1.0, f"no surrogate: {error}")
    # A random search explores as it is: it gains the more, the less of the rest stays open.
    return _guarded(space, found, keep_exploring if adaptive else keep_exploring**2)


def needed_trials(space: SearchSpace) -> int:
    """Return how many trials a surrogate of a space takes."""
    return max(8, len(space) + 2)


def seed_of(study_id: str, round_number: int) -> int:
    """Return the seed of a study's round, the same on every machine."""
    return int.from_bytes(f"{study_id}/{round_number}".encode()) % (2**61 - 1)


@dataclass(frozen=True)
class _Found:
    """What a method wants, before the guards, by name: stretches of numbers, and choices."""

    method: Method
    reason: str
    seen: dict[str, Seen]
    choices: dict[str, tuple[str, ...]]


def unchanged_space(space: SearchSpace, reason: str) -> Refinement:
    """Leave all ranges as they are, for a reason."""
    return Refinement(
        space=space,
        changes=tuple(unchanged(range_, reason) for range_ in space.ranges),
        method="unchanged",
        reason=reason,
        at_edge=(),
    )


def _good_part(
    space: SearchSpace, lessons: Lessons, best: Lesson, *, adaptive: bool, seed: int
) -> _Found:
    """Ask the surrogate which part of the grown ranges is good."""
    from gp_surrogate.region import Box, good_region  # noqa: PLC0415 - numpy, only where needed

    view = View.of(space, lessons, GROWTH)
    box = Box(view.sizes, view.low, view.high, view.allowed)
    core = Box(view.sizes, view.core_low, view.core_high, view.allowed)
    share = None if adaptive else GOOD_SHARE_AT_RANDOM
    region = good_region(view.rows, view.losses, box, core=core, share=share, seed=seed)
    seen: dict[str, Seen] = {}
    choices: dict[str, tuple[str, ...]] = {}
    for index, range_ in enumerate(space.ranges):
        if isinstance(range_, CategoricalRange):
            optima = region.among_optima[index]
            held = int(best.place[index])
            choices[range_.name] = _choices(range_, index, lessons, optima, held, adaptive=adaptive)
            continue
        old = span_of(range_)
        below, above = region.below[index], region.above[index]
        if adaptive:
            # Few trials leave a surrogate timid beyond them: there the best one's place counts too.
            at_low, at_high = sits_at_end(range_, best.place[index])
            few = len(lessons) < EARLY
            wanted = old.past(
                GROWTH,
                below=below > LIKELY or (few and at_low),
                above=above > LIKELY or (few and at_high),
            )
        else:
            grown = old.lured(GROWTH, below=below, above=above)
            padding = PADDING * grown.width
            low, high = view.back(index, region.low[index]), view.back(index, region.high[index])
            wanted = Span(low - padding, high + padding).within(grown)
        seen[range_.name] = Seen(
            span=wanted,
            mean=view.back(index, region.mean[index]),
            best=best.place[index],
            preference=region.preference[index],
            chances=(below, above) if adaptive else None,
        )
    explained = max(0.0, region.explained)
    what = "trials' distances to the limits, which none keeps," if lessons.by_limits else "trials,"
    reason = f"fitted to {len(lessons)} {what} of whose variance it foresees {explained:.0%}"
    if lessons.breaking and not lessons.by_limits:
        reason += f", {lessons.breaking} of them beyond the winner's limits"
    return _Found("surrogate", reason, seen, choices)


def _choices(
    range_: CategoricalRange,
    index: int,
    lessons: Lessons,
    optima: tuple[float, ...],
    best: int,
    *,
    adaptive: bool,
) -> tuple[str, ...]:
    """Keep the choices of the best and the elite, those hardly tried, and where the optimum may be.

    Trials that learn from each other leave a bad choice alone by themselves: they keep all.
    """
    ranked = sorted(lessons.lessons, key=lambda lesson: lesson.loss)
    elite = {lesson.place[index] for lesson in ranked[: round(ELITE_SHARE * len(ranked)) or 1]}
    elite.add(best)  # of equally good ones it may rank behind
    tries = [sum(lesson.place[index] == k for lesson in ranked) for k in range(len(optima))]
    old = [adaptive and name in range_.choices for name in range_.hard_choices]
    chance = [
        (old[k], k in elite, tries[k] < FEWEST_TRIES, optima[k] >= OPTIMA_SHARE)
        for k in range(len(optima))
    ]
    kept = [k for k in range(len(optima)) if any(chance[k])]
    for lesson in ranked:  # never fewer than two: the next best of the rest
        if len(kept) < FEWEST_CHOICES and int(lesson.place[index]) not in kept:
            kept.append(int(lesson.place[index]))
    return tuple(name for k, name in enumerate(range_.hard_choices) if k in kept)


def _trust_region(
    space: SearchSpace, lessons: Lessons, best: Lesson, weight: float, reason: str
) -> _Found:
    """Centre the ranges on the best trial; halve them if the last round did not better it.

    The weight says how far to go: as few trials as there are may well mislead. After Eriksson et
    al., NeurIPS 2019, with rounds as their batches.
    """
    size = 1.0 if _last_round_succeeded(lessons) else 0.5
    seen: dict[str, Seen] = {}
    for range_, place in zip(space.ranges, best.place, strict=True):
        if isinstance(range_, CategoricalRange):
            continue
        old, centre = span_of(range_), min(max(place, 0.0), 1.0)
        around = Span(centre, centre).at_least(size * old.width)
        seen[range_.name] = Seen(old.towards(around, weight), place, place, None)
    return _Found("trust region", reason, seen, {})


def _last_round_succeeded(lessons: Lessons) -> bool:
    latest = max(lesson.round_number for lesson in lessons.lessons)
    now = [each.loss for each in lessons.lessons if each.scored and each.round_number == latest]
    then = [each.loss for each in lessons.lessons if each.scored and each.round_number < latest]
    if not now or not then:
        return bool(now)
    return min(then) - min(now) > GAIN_THAT_COUNTS * lessons.spread


def _guarded(space: SearchSpace, found: _Found, keep_exploring: float) -> Refinement:
    """Hold what was found to the guards, and say what it comes to."""
    numbers = [each for each in space.ranges if not isinstance(each, CategoricalRange)]
    old = [span_of(range_) for range_ in numbers]
    new = [
        _guard(span, found.seen[range_.name], keep_exploring)
        for range_, span in zip(numbers, old, strict=True)
    ]
    spans = dict(zip(found.seen, limit_shrinking(old, new), strict=True))
    changes: list[RangeChange] = []
    for range_ in space.ranges:
        if isinstance(range_, CategoricalRange):
            after = range_.but(choices=found.choices.get(range_.name, range_.choices))
            changes.append(categorical_change(range_, after))
        else:
            seen = found.seen[range_.name]
            moved = range_at(range_, spans[range_.name], seen.best)
            changes.append(numeric_change(range_, moved, seen))
    return Refinement(
        space=space.but(ranges=tuple(change.after for change in changes)),
        changes=tuple(changes),
        method=found.method,
        reason=found.reason,
        at_edge=tuple(each.name for each in numbers if at_soft_edge(each, found.seen[each.name])),
    )


def _guard(old: Span, seen: Seen, keep_exploring: float) -> Span:
    span = seen.span if seen.matters else old
    span = span.keeping(keep_exploring, old).holding(seen.best)
    return span.at_least(floor_of(old))
