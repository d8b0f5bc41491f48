"""What another round may be expected to gain; whether that is worth it, others decide."""

import math
from collections.abc import Iterable

from tunewright.domain.lessons import Lesson, Lessons, View, learn
from tunewright.domain.objective import Objective
from tunewright.domain.refinement import needed_trials, seed_of
from tunewright.domain.space import SearchSpace
from tunewright.domain.spec import Bound
from tunewright.domain.trial import Trial
from tunewright.domain.values import Value, show_gain

MODEL_SHARE, MODEL_SHARE_AT_RANDOM, RECENT_SHARE, REACH = 0.1, 0.2, 0.6, 4.0
"""How much of what the surrogate foresees, for trials that learn from each other and for others,
and of what the newest trials gained, at the pace of a search that slows down, a round gains on
average; and how many times that it gains at most nine times in ten. Measured on the development
problems of `bench`: a surrogate alone foresees too much, and does not tell a search that still
improves from one that has stopped to. More than one round in ten gains nothing."""


class Forecast(Value):
    """The expected gain of a round's trials over the best so far.

    Gains are in the objective's own unit and never below 0, whichever its direction.

    Attributes:
        gain: The expected gain of the best of the new trials; None if no model can tell.
        low: One in ten rounds gains less than this: nothing, as measured.
        high: One in ten rounds gains more.
        reason: What the forecast rests on, as a sentence without a full stop.
    """

    gain: float | None
    low: float | None
    high: float | None
    reason: str


def forecast(
    space: SearchSpace,
    trials: Iterable[Trial],
    objective: Objective,
    *,
    trials_ahead: int,
    adaptive: bool,
    study_id: str,
    round_number: int,
    limits: tuple[Bound, ...] = (),
) -> Forecast:
    """Foresee what a round in a space gains on the trials so far.

    Args:
        space: What the round would search: the refined space, or the old one.
        trials: All trials of all rounds so far.
        objective: What is to be made better.
        trials_ahead: How many trials the round would have.
        adaptive: Whether its trials learn from each other, as AMT's Bayesian strategy does.
        study_id: With the round's number, the seed.
        round_number: The number of that round.
        limits: What the winner must keep: the best so far, and what is gained on it, keep it.
    """
    lessons = learn(space, trials, objective, limits)
    best = lessons.best
    needed = needed_trials(space)
    if best is None or len(lessons) < needed:
        count = len(lessons)
        return _unknown(f"{count} trials are too few for a forecast, which takes {needed}")
    if lessons.breaking and not lessons.keeping:
        return _unknown("no trial keeps the limits yet, and there is no gain without one that does")
    if len({lesson.loss for lesson in lessons.lessons}) == 1:
        why = f"all {len(lessons)} trials have the same value: nothing shows where to go"
        return Forecast(gain=0.0, low=0.0, high=0.0, reason=why)
    try:
        return _foreseen(
            View.of(space, lessons, 0.0),
            lessons,
            best,
            objective=objective,
            trials=trials_ahead,
            adaptive=adaptive,
            seed=seed_of(study_id, round_number),
        )
    except (ArithmeticError, ValueError, ImportError) as error:
        return _unknown(f"no surrogate: {error}")


def _foreseen(
    view: View,
    lessons: Lessons,
    best: Lesson,
    *,
    objective: Objective,
    trials: int,
    adaptive: bool,
    seed: int,
) -> Forecast:
    from gp_surrogate.region import Box, expected_gain  # noqa: PLC0415 - numpy, only where needed

    found = expected_gain(
        view.rows,
        view.losses,
        Box(view.sizes, view.low, view.high, view.allowed),
        incumbent=view.onto(best.place),
        trials=trials,
        adaptive=adaptive,
        seed=seed,
    )
    most = headroom(objective, best.loss)
    model = MODEL_SHARE if adaptive else MODEL_SHARE_AT_RANDOM
    able = lessons.able(trials)
    recent = _pace(lessons, able) * lessons.latest_gain(able)
    likely = model * found.mean + RECENT_SHARE * recent
    gain, low, high = min(likely, most), 0.0, min(REACH * likely, most)
    reason = (
        f"{trials} more trials are expected to gain {show_gain(gain)} "
        f"(8 times in 10 between {show_gain(low)} and {show_gain(high)})"
    )
    return Forecast(gain=gain, low=low, high=high, reason=reason)


def _pace(lessons: Lessons, trials: int) -> float:
    """Return which part of the newest trials' gain as many more are expected to bring.

    A search slows down: what it gains is taken to go with the logarithm of its trials. The newest
    are at most half of those known, as in `Lessons.latest_gain`.
    """
    known = sum(lesson.scored for lesson in lessons.lessons)
    newest = min(trials, known // 2)
    if not newest:
        return 0.0
    return math.log(1 + trials / known) / math.log(known / (known - newest))


def headroom(objective: Objective, loss: float) -> float:
    """Return what can be gained at all: a model of values does not know that an AUC ends at 1."""
    if objective.best_possible is None:
        return math.inf
    return max(0.0, loss - objective.loss(objective.best_possible))


def _unknown(reason: str) -> Forecast:
    return Forecast(gain=None, low=None, high=None, reason=reason)
