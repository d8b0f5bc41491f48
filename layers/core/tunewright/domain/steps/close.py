"""Closes a round whose tuning job has ended, and says where that leads."""

from datetime import datetime
from typing import assert_never

from tunewright.domain.round import Round, RoundStatus
from tunewright.domain.seen import RoundSeen
from tunewright.domain.spec import Rule, Target
from tunewright.domain.steps.step import Look, Step, View
from tunewright.domain.stopping import Ends, Situation, Verdict, judge
from tunewright.domain.study import DecisionKind, Phase, StopRound, Study
from tunewright.domain.values import show_duration, show_gain, show_money, show_number


def judge_live(study: Study, live: Round, now: datetime) -> Step | None:
    """Let every rule judge the live round, and stop it when one fires."""
    for rule in rules_of(study):
        verdict = judge(rule, situation(study, live, now))
        if verdict.fired:
            return _stop(study, live, verdict, now)
    return None


def rules_of(study: Study) -> tuple[Rule, ...]:
    """Return the rules of a study; its objective's target is one of them."""
    target = study.spec.objective.target
    extra: tuple[Rule, ...] = () if target is None else (Target(value=target),)
    return (*extra, *study.spec.stop)


def situation(study: Study, live: Round, now: datetime) -> Situation:
    """Gather what the rules may look at."""
    return Situation(
        objective=study.spec.objective,
        progress=live.progress,
        best=study.incumbent.value if study.incumbent else None,
        parameters=len(study.spec.search_space),
        trials=live.plan.trials,
        parallel=live.plan.parallel,
        spent=study.spent,
        began=study.submitted,
        now=now,
    )


def _stop(study: Study, live: Round, verdict: Verdict, now: datetime) -> Step:
    stopping = live.but(status=RoundStatus.STOPPING, stopped_by=verdict.rule)
    after = study.with_live(stopping).but(owed=(StopRound(job=live.plan.job),))
    match verdict.ends:
        case Ends.SEARCH:
            after = after.but(ending=verdict.reason)
            then = "the search ends"
        case Ends.ASKS:
            after = after.but(resume_to=Phase.SEARCHING)
            then = "a person must look before another round"
        case Ends.ROUND:
            then = "the round ends"
        case _ as never:  # pragma: no cover
            assert_never(never)
    left = live.plan.trials - live.progress.finished
    reason = f"round {live.plan.number} is stopped by {verdict.rule}: {verdict.reason}; {then}"
    return Step(after).tell(
        DecisionKind.STOPPING,
        reason,
        now,
        round_number=live.plan.number,
        numbers={**verdict.numbers, "rule": verdict.rule, "trials_left": left},
    )


def close(study: Study, live: Round, seen: RoundSeen, now: datetime) -> Step | Look:
    """Close a round, once every trial that its tuning job launched is recorded."""
    if not seen.exists:
        return _lost(study, live, now)
    if live.progress.finished < seen.launched:
        return Look(View.LISTING)
    closed = live.but(
        status=RoundStatus.CLOSED,
        launched=seen.launched,
        began=seen.created or live.began,
        ended=seen.ended or now,
    )
    ledger = study.ledger.settle(live.progress.spent, seen.launched)
    after = study.with_live(closed).but(ledger=ledger, owed=())
    step = Step(after).tell(
        DecisionKind.ROUND_DONE,
        _summary(study, closed, seen),
        now,
        round_number=live.plan.number,
        numbers=_numbers(study, closed),
    )
    return _go_on(step, closed, seen, now)


def _summary(study: Study, closed: Round, seen: RoundSeen) -> str:
    progress, metric = closed.progress, study.spec.objective.metric
    parts = [f"{progress.completed} of {seen.launched} trials completed"]
    for number, word in (
        (progress.stopped, "stopped early"),
        (progress.failed + progress.unlucky, "failed"),
        (progress.silent, f"without {metric}"),
    ):
        if number:
            parts.append(f"{number} {word}")
    best = (
        "no objective" if progress.best is None else f"best {metric} {show_number(progress.best)}"
    )
    took = ""
    if closed.began and closed.ended:
        took = f" in {show_duration((closed.ended - closed.began).total_seconds())}"
    saved = closed.plan.trials - seen.launched
    unused = f"; not needed: {saved} of {closed.plan.trials} trials" if saved > 0 else ""
    gained = _gain_text(study, closed)
    return (
        f"round {closed.plan.number} is done: {', '.join(parts)}; {best}{gained}; "
        f"{show_money(progress.spent)}{took}{unused}"
    )


def _gain_text(study: Study, closed: Round) -> str:
    gain = _gain(study, closed)
    if gain is None:
        return ""
    return f" ({'+' if gain >= 0 else '−'}{show_gain(abs(gain))} on the rounds before)"


def _gain(study: Study, closed: Round) -> float | None:
    before = [each.progress.best for each in study.closed if each.progress.best is not None]
    if not before or closed.progress.best is None:
        return None
    objective = study.spec.objective
    best = min(before, key=objective.loss)
    return objective.gain(best, closed.progress.best)


def _numbers(study: Study, closed: Round) -> dict[str, float | int | str | None]:
    progress = closed.progress
    return {
        "completed": progress.completed,
        "stopped": progress.stopped,
        "failed": progress.failed + progress.unlucky,
        "silent": progress.silent,
        "launched": closed.launched,
        "best": progress.best,
        "gain": _gain(study, closed),
        "forecast": closed.forecast,
        "spent": str(progress.spent),
    }


def _go_on(step: Step, closed: Round, seen: RoundSeen, now: datetime) -> Step:
    study = step.study
    if study.ending is not None:
        return step  # It is stopped, cancelled or has what it wanted: there is nothing to ask.
    if study.resume_to is not None:
        return ask(step, f"round {closed.plan.number} was stopped by {closed.stopped_by}", now)
    if seen.status == "Failed":
        words = seen.words or "SageMaker gives no reason"
        return ask(step, f"the tuning job of round {closed.plan.number} failed: {words}", now)
    return step


def ask(step: Step, why: str, now: datetime) -> Step:
    """Ask a person: the study rests until it is resumed, stopped or cancelled."""
    reason = f"{why}; resume, stop or cancel the study when you have looked"
    waiting = step.with_study(phase=Phase.NEEDS_PERSON, resume_to=Phase.SEARCHING, owed=())
    number = step.study.rounds[-1].plan.number if step.study.rounds else 0
    return waiting.tell(DecisionKind.NEEDS_PERSON, reason, now, round_number=number)


def _lost(study: Study, live: Round, now: datetime) -> Step:
    if live.began is None:  # It was stopped before its tuning job was made: nothing was launched.
        return Step(study.but(rounds=study.rounds[:-1], ledger=study.ledger.release(), owed=()))
    closed = live.but(status=RoundStatus.CLOSED, launched=live.progress.finished, ended=now)
    ledger = study.ledger.settle(live.progress.spent, live.progress.finished)
    step = Step(study.with_live(closed).but(ledger=ledger))
    return ask(step, f"the tuning job {live.plan.job} is gone; nobody here deleted it", now)
