"""The brain: looks at a study and what is known, and says the one next step, or that none is due.

Everything that is decided is decided here, by pure functions of the study, an observation and the
time. A step is written before anything is done about it.
"""

from datetime import datetime

from tunewright.domain.round import Round, RoundStatus
from tunewright.domain.steps.choose import choose
from tunewright.domain.steps.close import (
    close,
    judge_live,
    search_is_over,
    stop_again,
    stop_live,
)
from tunewright.domain.steps.command import answer
from tunewright.domain.steps.fold import fold
from tunewright.domain.steps.lease import end_lease
from tunewright.domain.steps.plan import end, next_round
from tunewright.domain.steps.resync import resync
from tunewright.domain.steps.settle import settle_doubt
from tunewright.domain.steps.step import Look, Observation, Step, View
from tunewright.domain.study import DecisionKind, Phase, Study

__all__ = ["decide"]


def decide(study: Study, seen: Observation, now: datetime) -> Step | Look | None:
    """Decide the next step.

    Args:
        study: The study as it is stored.
        seen: What is known; None in it stands for what nobody has looked at.
        now: The time, for the record and for rules about time; order never goes by it.

    Returns:
        A step to write, something to look at first, or None: nothing is due before the world
        changes or an owed action is performed.
    """
    step = resync(study, seen, now) or fold(study, seen, now) or answer(study, seen, now)
    if step is not None:
        return step
    if study.phase.is_over:
        return end_lease(study, seen.lease, now)
    if study.owed:
        return _while_owing(study, seen, now)
    if study.phase is Phase.SEARCHING:
        live = study.live
        return _between(study, seen, now) if live is None else _during(study, live, seen, now)
    if study.phase is Phase.CHOOSING:
        return choose(study, seen, now)
    return None


def _while_owing(study: Study, seen: Observation, now: datetime) -> Step | Look | None:
    """Wait for what is owed; waiting for capacity is not longer than the search may take."""
    live, waits, doubt = study.live, study.waits_for_capacity(now), study.doubt
    if live is not None and doubt is not None:
        if seen.round is None or seen.round.job != live.plan.job:
            return Look(View.ROUND)
        step = settle_doubt(study, live, doubt, seen.round, now)
        if step is not None:
            return step
    over = search_is_over(study, now) if waits else None
    if live is None or over is None:
        return None
    ending = study.but(ending=over.reason)
    reason = f"round {live.plan.number} is not waited for any longer: {over.reason}"
    return Step(stop_live(ending, live, over.rule, now)).tell(
        DecisionKind.STOPPING, reason, now, round_number=live.plan.number
    )


def _between(study: Study, seen: Observation, now: datetime) -> Step | Look | None:
    if study.ending == "cancelled":
        step = Step(study.but(phase=Phase.CANCELLED))
        return step.tell(DecisionKind.DONE, "the study is cancelled; nothing runs any more", now)
    if study.ending is not None:
        return end(study, study.ending, now)
    if study.paused:
        return None
    over = search_is_over(study, now)
    if over is not None:
        return end(study, over.reason, now)
    return next_round(study, seen, now)


def _during(study: Study, live: Round, seen: Observation, now: datetime) -> Step | Look | None:
    told = seen.round if seen.round is not None and seen.round.job == live.plan.job else None
    if told is not None and (told.is_over or not told.exists):
        return close(study, live, told, now, listed=seen.listed)
    if told is not None and told.finished > live.progress.finished and not seen.listed:
        return Look(View.LISTING)  # Some ends were lost: the rules are to know of them now.
    if live.status is RoundStatus.RUNNING:
        return judge_live(study, live, seen, now)
    if told is not None and told.status == "InProgress" and live.began is None:
        return stop_again(study, live, told)
    return None
