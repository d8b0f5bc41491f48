"""What ended trials teach a model: points on the axes of a space, with losses; no model is here.

Numbers lie on the space's scaled axes, stretched so that the box in question and all trials are on
[0, 1]; categories are indices. The order of the trials and records told twice do not matter.
"""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from statistics import median, quantiles

from tunewright.domain.limits import WITHIN, Beyond, beyond
from tunewright.domain.objective import Objective
from tunewright.domain.penalty import penalise
from tunewright.domain.space import (
    CategoricalRange,
    ContinuousRange,
    IntegerRange,
    SearchSpace,
)
from tunewright.domain.spans import Span, span_of
from tunewright.domain.spec import Bound
from tunewright.domain.trial import Trial, TrialStatus

AT_MOST = 300
"""Trials that a model is fitted to: its cost grows with their cube."""
EARLY = 20
"""Trials that tell the spread of the losses; later ones are all near the best."""

AnyRange = ContinuousRange | IntegerRange | CategoricalRange


@dataclass(frozen=True)
class Lesson:
    """A trial as a point and a loss.

    Attributes:
        place: For each range the coordinate (0 and 1 at the hard limits), or the choice's index.
        loss: Less is better.
        scored: Whether the loss is one that the trial reached, and not one that stands for a
            failure, an early end or a broken limit.
        round_number: The round that the trial belongs to.
        standing: How far it is beyond the winner's limits, then its own loss; None for its loss
            alone. What is least is the best.
    """

    place: tuple[float, ...]
    loss: float
    scored: bool
    round_number: int
    standing: tuple[Beyond, float] | None = None


@dataclass(frozen=True)
class Lessons:
    """All that the trials teach, oldest first.

    Attributes:
        lessons: The usable trials.
        spread: How much the early trials' median was worse than the best: the yardstick of gains.
        breaking: How many of those with a score break a limit that the winner must keep.
        keeping: How many keep them all; without limits, all with a score.
        by_limits: Whether the losses are how far each is beyond the limits, for none keeps them.
        led_astray: Whether within the ranges the best by the objective alone breaks a limit: a
            search that follows it is led beyond.
    """

    lessons: tuple[Lesson, ...]
    spread: float
    breaking: int = 0
    keeping: int = 0
    by_limits: bool = False
    led_astray: bool = False

    def __len__(self) -> int:
        return len(self.lessons)

    @property
    def best(self) -> Lesson | None:
        """The best scored trial, first by the limits; of equals the oldest."""
        scored = [each for each in self.lessons if each.scored]
        if not scored:
            return None
        return min(scored, key=lambda each: each.standing or (WITHIN, each.loss))

    def able(self, trials: int) -> int:
        """Return how many of as many trials will keep the limits, if as large a share does."""
        share = self.keeping / (self.keeping + self.breaking) if self.breaking else 1.0
        return max(1, round(share * trials))

    def latest_gain(self, count: int) -> float:
        """Return how much the newest `count` scored trials, at most half, bettered the others."""
        losses = [each.loss for each in self.lessons if each.scored]
        newest = min(count, len(losses) // 2)
        if not newest:
            return 0.0
        return max(0.0, min(losses[:-newest]) - min(losses[-newest:]))

    @property
    def tamed(self) -> tuple[float, ...]:
        """The losses with bad outliers pulled in (Tukey 1977): one diverged trial says enough."""
        losses = [each.loss for each in self.lessons]
        if len(losses) < 2:
            return tuple(losses)
        low, _, high = quantiles(losses, method="inclusive")
        return tuple(min(loss, high + 1.5 * (high - low)) for loss in losses)

    @property
    def to_fit(self) -> tuple[int, ...]:
        """Which of them a model is fitted to: all, or the best third and the latest."""
        count = len(self.lessons)
        if count <= AT_MOST:
            return tuple(range(count))
        by_loss = sorted(range(count), key=lambda index: (self.lessons[index].loss, index))
        best = set(by_loss[: AT_MOST // 3])
        latest = [index for index in range(count) if index not in best]
        return tuple(sorted(best | set(latest[-(AT_MOST - len(best)) :])))


def learn(
    space: SearchSpace,
    trials: Iterable[Trial],
    objective: Objective,
    limits: tuple[Bound, ...] = (),
) -> Lessons:
    """Turn trials into lessons.

    A completed trial counts with its objective. One that was stopped early counts with its last
    value if that is worse than the median of the completed: then it was rightly stopped. One that
    failed through its parameters counts as the worst completed. Infrastructure's failures, trials
    without any value and trials that the space cannot place teach nothing.

    One that breaks a limit cannot win: it counts as no better than the best that keeps them all,
    and the worse, the further it is beyond; as far as the median of those that break it, as no
    better than the median trial. Where none keeps them, the first thing to find is one that does:
    each counts with how far it is beyond alone, as long as that differs.
    """
    ended = {trial.name: trial for trial in trials if trial.is_ended}
    ordered = sorted(ended.values(), key=lambda trial: (trial.round_number, trial.name))
    placings = [(each.name, _placing(each)) for each in space.ranges]
    placed = [(trial, place) for trial in ordered if (place := _place(placings, trial)) is not None]
    scored = {
        trial.name: (trial, loss)
        for trial, _ in placed
        if (loss := _score(trial, objective)) is not None
    }
    if not scored:
        return Lessons((), 0.0)
    own = {name: loss for name, (_, loss) in scored.items()}
    told = penalise([trial for trial, _ in scored.values()], own, limits, _spread(own))
    losses, all_keep = told.losses, len(told.keeping) == len(own)
    # What was stopped says nothing of how far it would have been beyond.
    middle, worst = math.inf if told.by_limits else median(losses.values()), max(losses.values())
    lessons = []
    for trial, place in placed:
        name, number = trial.name, trial.round_number
        if name in losses:
            can_win = name in told.keeping or not told.keeping
            standing = None if all_keep else (beyond(trial, limits), own[name])
            lessons.append(Lesson(place, losses[name], can_win, number, standing))
        elif (stand_in := _stand_in(trial, objective, middle, worst)) is not None:
            lessons.append(Lesson(place, stand_in, False, number))
    within = () if all_keep else _within(space, [(trial.name, place) for trial, place in placed])
    return Lessons(
        lessons=tuple(lessons),
        spread=_spread(losses),
        breaking=len(own) - len(told.keeping),
        keeping=len(told.keeping),
        by_limits=told.by_limits,
        led_astray=told.leads_astray(own, within),
    )


def _spread(losses: dict[str, float]) -> float:
    return median(list(losses.values())[:EARLY]) - min(losses.values())


def _within(space: SearchSpace, placed: list[tuple[str, tuple[float, ...]]]) -> set[str]:
    """Return the names of those that lie within the ranges."""
    hair, outside = 1e-9, set[str]()
    for index, range_ in enumerate(space.ranges):
        if isinstance(range_, CategoricalRange):
            kept = [name in range_.choices for name in range_.hard_choices]
            outside |= {name for name, place in placed if not kept[int(place[index])]}
        else:
            low, high = span_of(range_).low - hair, span_of(range_).high + hair
            outside |= {name for name, place in placed if not low <= place[index] <= high}
    return {name for name, _ in placed} - outside


def _score(trial: Trial, objective: Objective) -> float | None:
    if trial.objective is None or not trial.is_scored or not math.isfinite(trial.objective):
        return None
    return objective.loss(trial.objective)


def _stand_in(trial: Trial, objective: Objective, middle: float, worst: float) -> float | None:
    """Return the loss that stands for a trial without a score; None if it teaches nothing."""
    if trial.status is TrialStatus.STOPPED:
        if trial.objective is None or not math.isfinite(trial.objective):
            return None
        loss = objective.loss(trial.objective)
        return loss if loss > middle else None
    if trial.status is TrialStatus.COMPLETED:
        # Its objective is no number: it diverged. None at all is a metric that was not found.
        return worst if trial.objective is not None else None
    return None if trial.was_unlucky else worst


def _placing(range_: AnyRange) -> Callable[[str], float]:
    """Return what places a word on a range's axis; the axis takes longer to make than to use."""
    if isinstance(range_, CategoricalRange):
        return lambda word: float(range_.hard_choices.index(range_.parse(word)))
    axis = range_.axis
    return lambda word: axis.to_unit(float(range_.parse(word)))


def _place(
    placings: list[tuple[str, Callable[[str], float]]], trial: Trial
) -> tuple[float, ...] | None:
    try:
        place = tuple(placing(trial.parameters[name]) for name, placing in placings)
    except (KeyError, ValueError):
        return None
    return place if all(map(math.isfinite, place)) else None


@dataclass(frozen=True)
class View:
    """The lessons and a box on a model's cube, in plain numbers.

    Hard limits may be a thousand times as wide as what is searched; a model that measured by them
    would see all trials in one corner. So each axis is stretched from the box and the trials
    together to [0, 1]. Categories are indices of `hard_choices`.

    Attributes:
        sizes: For each range 0 for a number, else the number of categories.
        low: Where the box begins on the cube, for numbers; else 0.
        high: Where it ends.
        core_low: Where the box without its growth begins.
        core_high: Where that ends.
        allowed: The categories in the box; empty for numbers.
        rows: The lessons' points.
        losses: Their losses, outliers pulled in.
        starts: The places that are 0 on the cube.
        widths: The stretch of the places that is 1 on the cube.
    """

    sizes: tuple[int, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    core_low: tuple[float, ...]
    core_high: tuple[float, ...]
    allowed: tuple[tuple[int, ...], ...]
    rows: tuple[tuple[float, ...], ...]
    losses: tuple[float, ...]
    starts: tuple[float, ...]
    widths: tuple[float, ...]

    @classmethod
    def of(cls, space: SearchSpace, lessons: Lessons, growth: float) -> "View":
        """Look at a space whose ranges are grown by a share of their widths on each side."""
        axes = [_axis(range_, index, lessons, growth) for index, range_ in enumerate(space.ranges)]
        starts = tuple(axis.start for axis in axes)
        widths = tuple(axis.width for axis in axes)
        fitted = lessons.to_fit
        places, losses = [lessons.lessons[index].place for index in fitted], lessons.tamed
        return cls(
            sizes=tuple(axis.size for axis in axes),
            low=_onto(tuple(axis.low for axis in axes), starts, widths),
            high=_onto(tuple(axis.high for axis in axes), starts, widths),
            core_low=_onto(tuple(axis.core.low for axis in axes), starts, widths),
            core_high=_onto(tuple(axis.core.high for axis in axes), starts, widths),
            allowed=tuple(axis.allowed for axis in axes),
            rows=tuple(_onto(place, starts, widths) for place in places),
            losses=tuple(losses[index] for index in fitted),
            starts=starts,
            widths=widths,
        )

    def onto(self, place: tuple[float, ...]) -> tuple[float, ...]:
        """Map a place between the hard limits onto the cube."""
        return _onto(place, self.starts, self.widths)

    def back(self, index: int, coordinate: float) -> float:
        """Map a coordinate of the cube back between the hard limits of range `index`."""
        return self.starts[index] + coordinate * self.widths[index]


@dataclass(frozen=True)
class _Axis:
    size: int
    low: float
    high: float
    core: Span
    allowed: tuple[int, ...]
    start: float
    width: float


def _axis(range_: AnyRange, index: int, lessons: Lessons, growth: float) -> _Axis:
    if isinstance(range_, CategoricalRange):
        names = range_.hard_choices if growth else range_.choices
        allowed = tuple(range_.hard_choices.index(name) for name in names)
        return _Axis(len(range_.hard_choices), 0.0, 0.0, Span(0.0, 0.0), allowed, 0.0, 1.0)
    core = span_of(range_)
    span = core.grown(growth)
    places = [lesson.place[index] for lesson in lessons.lessons]
    low, high = min([span.low, *places]), max([span.high, *places])
    return _Axis(0, span.low, span.high, core, (), low, high - low)


def _onto(
    place: tuple[float, ...], starts: tuple[float, ...], widths: tuple[float, ...]
) -> tuple[float, ...]:
    return tuple(
        (each - start) / width for each, start, width in zip(place, starts, widths, strict=True)
    )
