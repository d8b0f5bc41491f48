"""Chooses which trial wins: limits first, then the objective, then what is preferred among equals.

Trials whose objectives differ by less than counts, or than the noise, are as good as each other:
the best of them by a hair has often only been lucky.
"""

import math
from collections.abc import Iterable
from typing import Literal

from tunewright.domain.lessons import View, learn
from tunewright.domain.limits import Beyond, beyond, broken, quantity
from tunewright.domain.objective import Goal, Objective
from tunewright.domain.round import Bar, Progress, needed_gain
from tunewright.domain.space import SearchSpace
from tunewright.domain.spec import Gain, Winner
from tunewright.domain.trial import Trial
from tunewright.domain.values import Value, show_gain, show_number

LEAST_FOR_NOISE = 8
"""Scored trials that the surrogate takes to tell noise from function."""


class Selection(Value):
    """Which trial wins, and why.

    Attributes:
        trial: Its name.
        reason: Why, in one sentence.
        breaks: The limits that it does not keep; none, if any trial keeps all of them.
        numbers: What the reason rests on.
    """

    trial: str
    reason: str
    breaks: tuple[str, ...]
    numbers: dict[str, float | int | str]


def select(
    trials: Iterable[Trial],
    objective: Objective,
    winner: Winner,
    *,
    space: SearchSpace,
    progress: Progress,
) -> Selection | None:
    """Choose the winner.

    Args:
        trials: All trials of the study; the order does not matter.
        objective: What was searched for.
        winner: The limits and the preference.
        space: The last round's search space, on which noise is measured.
        progress: The last round's, for the first trials, by whose spread gains are measured.

    Returns:
        The choice; None if no trial has the objective.
    """
    scored = sorted((each for each in trials if each.is_scored), key=lambda each: each.name)
    if not scored:
        return None
    keeping = [each for each in scored if not any(beyond(each, winner.subject_to))]
    pool = keeping or [min(scored, key=lambda each: _rank(each, objective, winner))]
    best = _best(pool, objective)
    chosen, why = best, f"{best.name} is the best"
    numbers: dict[str, float | int | str] = {}
    if winner.prefer is not None:
        chosen, why, numbers = _prefer(
            pool,
            best,
            objective,
            winner.prefer,
            winner.within,
            scored=scored,
            space=space,
            progress=progress.but(bar=_bar(_best(scored, objective))),
        )
    if winner.subject_to and keeping:
        why += f", of {_trials(len(keeping))} within the limits"
    breaks = broken(chosen, winner.subject_to)
    if breaks:
        why = f"no trial keeps every limit; {chosen.name} comes nearest: {', '.join(breaks)}"
    return Selection(trial=chosen.name, reason=why, breaks=breaks, numbers=numbers)


def _prefer(
    pool: list[Trial],
    best: Trial,
    objective: Objective,
    prefer: Objective,
    within: Gain | Literal["noise", "knee"],
    *,
    scored: list[Trial],
    space: SearchSpace,
    progress: Progress,
) -> tuple[Trial, str, dict[str, float | int | str]]:
    known = [each for each in pool if quantity(each, prefer.metric) is not None]
    if not known:
        return best, f"{best.name} is the best, and no trial has {prefer.metric}", {}
    most = "most" if prefer.goal is Goal.MAXIMIZE else "least"
    if within == "knee":
        front = pareto(known, objective, prefer)
        chosen = knee(front, objective, prefer)
        why = (
            f"{chosen.name} is the knee of the {_trials(len(front))} that no other betters in both "
            f"{objective.metric} and {prefer.metric}"
        )
        return chosen, _paid(why, chosen, best, objective, prefer), {"front": len(front)}
    if isinstance(within, Gain):
        # The spread is that of the study; a share is one of the best of those to choose among.
        measured = progress if within.kind == "spread" else progress.but(bar=_bar(best))
        tolerance = needed_gain(within, measured, objective)
    else:
        tolerance = noise(space, scored, objective)  # The limits leave too few to measure it on.
    equal = [each for each in known if _loss(each, objective) <= _loss(best, objective) + tolerance]
    if not equal:
        return best, f"{best.name} is the best, and none as good has {prefer.metric}", {}
    chosen = min(equal, key=lambda each: (_cost(each, prefer), _loss(each, objective), each.name))
    why = (
        f"{chosen.name} has the {most} {prefer.metric} of {_trials(len(equal))} within "
        f"{show_gain(tolerance)} of the best"
    )
    numbers: dict[str, float | int | str] = {"tolerance": tolerance, "equals": len(equal)}
    return chosen, _paid(why, chosen, best, objective, prefer), numbers


def _paid(why: str, chosen: Trial, best: Trial, objective: Objective, prefer: Objective) -> str:
    """Say what the choice comes to beside the best."""
    if chosen is best:
        return f"{why}, and the best itself"
    mine, theirs = (quantity(each, prefer.metric) for each in (chosen, best))
    shown = "unknown" if theirs is None else show_number(theirs)
    return (
        f"{why}: {prefer.metric} {show_number(mine or 0.0)} for {shown}, "
        f"{objective.metric} {show_number(chosen.objective or 0.0)} for "
        f"{show_number(best.objective or 0.0)}"
    )


def pareto(trials: Iterable[Trial], first: Objective, second: Objective) -> list[Trial]:
    """Return the trials that no other betters in one objective without losing in the other.

    The best in the first objective comes first; of trials equal in both the first by name is kept.
    """
    known = [each for each in trials if quantity(each, second.metric) is not None]
    known.sort(key=lambda each: (_loss(each, first), _cost(each, second), each.name))
    front: list[Trial] = []
    for each in known:
        if not front or _cost(each, second) < _cost(front[-1], second):
            front.append(each)
    return front


def knee(front: list[Trial], first: Objective, second: Objective) -> Trial:
    """Return where a front bends most: the trial farthest below the line between its ends."""
    losses = [_loss(each, first) for each in front]
    costs = [_cost(each, second) for each in front]
    width, height = losses[-1] - losses[0], costs[0] - costs[-1]
    if width <= 0 or height <= 0:
        return front[0]
    depths = [
        1 - (loss - losses[0]) / width - (cost - costs[-1]) / height
        for loss, cost in zip(losses, costs, strict=True)
    ]
    return front[max(range(len(front)), key=lambda index: (depths[index], -index))]


def noise(space: SearchSpace, trials: Iterable[Trial], objective: Objective) -> float:
    """Return the noise's standard deviation in the metric's units; 0 where nothing tells it."""
    lessons = learn(space, trials, objective)
    if len(lessons) < LEAST_FOR_NOISE:
        return 0.0
    view = View.of(space, lessons, 0.0)
    try:
        from gp_surrogate.region import noise_of  # noqa: PLC0415 - numpy, only where needed

        return noise_of(view.rows, view.losses, view.sizes)
    except (ArithmeticError, ValueError, ImportError):
        return 0.0


def _best(trials: list[Trial], objective: Objective) -> Trial:
    return min(trials, key=lambda each: (_loss(each, objective), each.name))


def _bar(trial: Trial) -> Bar:
    return Bar(value=trial.objective or 0.0, trial=trial.name)


def _loss(trial: Trial, objective: Objective) -> float:
    return math.inf if trial.objective is None else objective.loss(trial.objective)


def _cost(trial: Trial, prefer: Objective) -> float:
    value = quantity(trial, prefer.metric)
    return math.inf if value is None else prefer.loss(value)


def _rank(trial: Trial, objective: Objective, winner: Winner) -> tuple[Beyond, float, str]:
    return (beyond(trial, winner.subject_to), _loss(trial, objective), trial.name)


def _trials(count: int) -> str:
    return f"{count} trial{'' if count == 1 else 's'}"
