"""How far the best trial may lie behind the optimum of a round's ranges, by the surrogate."""

from collections.abc import Iterable

from tunewright.domain.forecast import headroom
from tunewright.domain.lessons import View, learn
from tunewright.domain.objective import Objective
from tunewright.domain.refinement import needed_trials, seed_of
from tunewright.domain.space import SearchSpace
from tunewright.domain.spec import Bound, Regret, Rule, simple
from tunewright.domain.trial import Trial
from tunewright.domain.values import Value

EVERY, SHARE = 5, 0.05
"""New trials after which the surrogate is asked again: so many, or this share of all that are
known where that is more, so that replaying a study of hundreds of trials stays cheap."""


class Outlook(Value):
    """How far the best trial may lie behind the optimum of the ranges.

    Attributes:
        trials: Trials that the surrogate was fitted to.
        regrets: What each of the functions drawn from it says, in the objective's unit, ascending;
            empty if no surrogate could be fitted.
        reason: What it rests on, in one clause.
    """

    trials: int
    regrets: tuple[float, ...]
    reason: str

    def chance_below(self, gain: float) -> float:
        """Return how probable it is that the ranges hold no more than this gain."""
        return sum(each <= gain for each in self.regrets) / len(self.regrets)

    def quantile(self, chance: float) -> float:
        """Return the least gain that they hold no more than with this probability."""
        count = len(self.regrets)
        draws = sum(each / count < chance for each in range(count))  # that make up the share
        return self.regrets[max(draws - 1, 0)]


def is_due(rules: Iterable[Rule], ended: int, judged: int) -> bool:
    """Say whether the surrogate is to be asked.

    Args:
        rules: The rules of the study.
        ended: How many of its trials have ended.
        judged: How many had when it was asked last, or when the round began.
    """
    if not any(isinstance(rule, Regret) for rule in simple(rules)):
        return False
    return ended - judged >= max(EVERY, int(SHARE * ended))


def look_out(
    space: SearchSpace,
    trials: Iterable[Trial],
    objective: Objective,
    *,
    study_id: str,
    round_number: int,
    limits: tuple[Bound, ...] = (),
) -> Outlook:
    """Ask the surrogate how much better than the best the optimum of a round's ranges may be.

    Args:
        space: What the round searches.
        trials: All trials of all rounds so far.
        objective: What is to be made better.
        study_id: With the round's number, the seed.
        round_number: The number of the round.
        limits: What the winner must keep: what breaks it is no better than the best.
    """
    lessons = learn(space, trials, objective, limits)
    best, count, needed = lessons.best, len(lessons), needed_trials(space)
    if best is None or count < needed:
        why = f"{count} trials are too few for a surrogate, which takes {needed}"
        return Outlook(trials=count, regrets=(), reason=why)
    if lessons.breaking and not lessons.keeping:
        return Outlook(trials=count, regrets=(), reason="no trial keeps the limits yet")
    if len({lesson.loss for lesson in lessons.lessons}) == 1:
        return Outlook(trials=count, regrets=(), reason=f"all {count} trials have the same value")
    view = View.of(space, lessons, 0.0)
    try:
        from gp_surrogate.region import Box, regrets  # noqa: PLC0415 - numpy, only where needed

        found = regrets(
            view.rows,
            view.losses,
            Box(view.sizes, view.low, view.high, view.allowed),
            incumbent=view.onto(best.place),
            seed=seed_of(study_id, round_number),
        )
    except (ArithmeticError, ValueError, ImportError) as error:
        return Outlook(trials=count, regrets=(), reason=f"no surrogate: {error}")
    most = headroom(objective, best.loss)
    reason = f"as a surrogate fitted to {count} trials sees it"
    return Outlook(trials=count, regrets=tuple(min(each, most) for each in found), reason=reason)
