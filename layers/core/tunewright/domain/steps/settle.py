"""Takes in what came of an owed action."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import assert_never

from tunewright.domain.round import Round, RoundStatus
from tunewright.domain.seen import RoundSeen
from tunewright.domain.steps.choose import finish
from tunewright.domain.steps.close import GONE_AFTER, ask
from tunewright.domain.steps.hold import STACK_PAUSED, hold
from tunewright.domain.steps.plan import another_attempt
from tunewright.domain.steps.step import Step
from tunewright.domain.study import (
    Action,
    DecisionKind,
    DeployModel,
    Doubt,
    Hold,
    Phase,
    StartRound,
    StopRound,
    Study,
)
from tunewright.domain.values import show_duration, show_number

FIRST_WAIT = timedelta(minutes=5)
LONGEST_WAIT = timedelta(minutes=60)


@dataclass(frozen=True, slots=True)
class Done:
    """It was done, now or by an earlier try."""


@dataclass(frozen=True, slots=True)
class Refused:
    """SageMaker said no, in these words, and would say no again."""

    words: str


@dataclass(frozen=True, slots=True)
class NoCapacity:
    """SageMaker said not now, in these words."""

    words: str


@dataclass(frozen=True, slots=True)
class Foreign:
    """The name is taken by something that is not ours."""

    words: str


@dataclass(frozen=True, slots=True)
class Outdated:
    """What was planned rests on something that is not so any more."""


@dataclass(frozen=True, slots=True)
class Halted:
    """It was not tried: the stack is paused."""


Told = Done | Refused | NoCapacity | Foreign | Outdated
Outcome = Told | Halted
"""What is not known is no outcome: the action stays owed."""


def settle(study: Study, action: Action, outcome: Outcome, now: datetime) -> Step | None:
    """Take in what came of an action; None when it is owed no more."""
    if action not in study.owed:
        return None
    if isinstance(outcome, Halted):
        return hold(study, Hold.PAUSED, STACK_PAUSED, now)
    went_on = study.but(held=None)
    match action:
        case StartRound():
            return _started(went_on, action, outcome, now)
        case StopRound():
            return Step(study.but(owed=()))
        case DeployModel():
            return _deployed(went_on, outcome, now)
        case _ as never:  # pragma: no cover
            assert_never(never)


def _started(study: Study, action: StartRound, outcome: Told, now: datetime) -> Step | None:
    live = study.live
    if live is None:
        return None
    match outcome:
        case Done():
            return _runs(study, live, now)
        case NoCapacity(words):
            return _wait(study, live, action, words, now)
        case Refused(words):
            return _refused(study, live, action, words, now)
        case Outdated():
            return None
        case Foreign(words):
            reason = f"the name {live.plan.job} is taken by a job that is not ours: {words}"
            freed = study.without_live().but(phase=Phase.FAILED)
            return Step(freed).tell(DecisionKind.FAILED, reason, now)
        case _ as never:  # pragma: no cover
            assert_never(never)


def _runs(study: Study, live: Round, now: datetime) -> Step:
    running = live.but(status=RoundStatus.RUNNING, began=now)
    attempt = f" at attempt {live.plan.attempt}" if live.plan.attempt > 1 else ""
    reason = f"round {live.plan.number} runs as {live.plan.job}{attempt}"
    return Step(study.with_live(running).but(owed=())).tell(
        DecisionKind.ROUND_STARTED, reason, now, round_number=live.plan.number
    )


def _wait(study: Study, live: Round, action: StartRound, words: str, now: datetime) -> Step:
    doublings = min(action.waits, 10)  # of more than that even a timedelta runs over
    delay = min(FIRST_WAIT * 2**doublings, LONGEST_WAIT)
    waiting = action.but(not_before=now + delay, waits=action.waits + 1)
    step = Step(study.but(owed=(waiting,)))
    reason = (
        f"round {live.plan.number} waits for capacity: SageMaker says: {words}; it is tried "
        f"again in {show_duration(delay.total_seconds())}"
    )
    if action.waits:  # told once; the waiting itself is no news
        return step
    return step.tell(DecisionKind.WAITING, reason, now, round_number=live.plan.number)


def claim(study: Study, action: StartRound) -> Step:
    """Write that a start is tried once more: whoever tried it before may have made its job."""
    return Step(study.but(owed=(action.but(tries=action.tries + 1),)))


def _refused(study: Study, live: Round, action: StartRound, words: str, now: datetime) -> Step:
    """Believe the refusal of the only try there was; another may have come after a job was made.

    SageMaker may not know a new job at once, so that one look does not show that there is none.
    """
    if action.tries == 0:
        return _tried_otherwise(study, live, words, now)
    doubted = action.but(doubt=Doubt(words=words, until=now + GONE_AFTER))
    reason = (
        f"{_said(live, words)}; an earlier try may have made {live.plan.job}: it is looked for "
        f"during {show_duration(GONE_AFTER.total_seconds())}"
    )
    return Step(study.but(owed=(doubted,))).tell(
        DecisionKind.ROUND_REFUSED, reason, now, round_number=live.plan.number
    )


def settle_doubt(
    study: Study, live: Round, doubt: Doubt, told: RoundSeen, now: datetime
) -> Step | None:
    """Take a job for started that is there after all; believe the refusal if it never shows."""
    if told.exists:
        return _runs(study, live, now)
    if now < doubt.until:
        return None
    return _tried_otherwise(study, live, doubt.words, now)


def _said(live: Round, words: str) -> str:
    return f"SageMaker refused attempt {live.plan.attempt} at round {live.plan.number}: {words}"


def _tried_otherwise(study: Study, live: Round, words: str, now: datetime) -> Step:
    plan, number = another_attempt(study, live), live.plan.number
    said = _said(live, words)
    if plan is None:
        told = Step(study.without_live()).tell(
            DecisionKind.ROUND_REFUSED, said, now, round_number=number
        )
        return ask(told, said, now)
    how = "without warm start" if plan.warm_start is None else "with its parents' scalings"
    after = study.with_live(live.but(plan=plan)).but(owed=(StartRound(job=plan.job),))
    return Step(after).tell(
        DecisionKind.ROUND_REFUSED,
        f"{said}; attempt {plan.attempt} goes {how}",
        now,
        round_number=number,
        numbers={"attempt": plan.attempt, "words": words},
    )


def _deployed(study: Study, outcome: Told, now: datetime) -> Step | None:
    planned = study.deployment
    if planned is None:
        return None
    match outcome:
        case Done():
            reason = (
                f"{planned.endpoint} answers with {planned.trial} "
                f"({study.spec.objective.metric} {show_number(planned.value)})"
            )
            step = Step(study).tell(DecisionKind.DEPLOYED, reason, now)
            return finish(step, f"the study is done: {reason}", now)
        case NoCapacity():
            return None  # It stays owed; the next wake tries again.
        case Outdated():
            reason = (
                f"what is live at {planned.endpoint} has changed since {planned.trial} was judged; "
                "it is judged again"
            )
            again = study.but(phase=Phase.CHOOSING, deployment=None, owed=())
            return Step(again).tell(DecisionKind.JUDGED_AGAIN, reason, now)
        case Refused(words) | Foreign(words):
            reason = f"{planned.endpoint} could not be deployed: {words}"
            failed = Step(study.but(phase=Phase.FAILED, owed=()))
            return failed.tell(DecisionKind.FAILED, reason, now)
        case _ as never:  # pragma: no cover
            assert_never(never)
