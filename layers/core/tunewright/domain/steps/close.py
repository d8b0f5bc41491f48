"""Closes a round whose tuning job has ended, and says where that leads."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import assert_never

from tunewright.domain import budget
from tunewright.domain.objective import Goal
from tunewright.domain.round import Progress, Round, RoundStatus
from tunewright.domain.seen import RoundSeen
from tunewright.domain.spec import NoMetric, Rule, Target, simple
from tunewright.domain.steps.step import Look, Observation, Step, View
from tunewright.domain.stopping import Ends, Outlook, Situation, Verdict, is_due, judge, look_out
from tunewright.domain.study import DecisionKind, Phase, StopRound, Study
from tunewright.domain.trial import Trial
from tunewright.domain.values import show_change, show_duration, show_money, show_number

GONE_AFTER = timedelta(minutes=15)
"""SageMaker may not know a new job at once; what it does not know for so long is not there."""
MISSED_AFTER = timedelta(hours=1)
"""A training job that cannot be found so long after its round's end was deleted by somebody; an
objective that was not told by then is not waited for, either."""


def judge_live(study: Study, live: Round, seen: Observation, now: datetime) -> Step | Look | None:
    """Let every rule judge the live round, and stop it when one fires.

    A round whose trials have all ended is about to end by itself; `close` asks the rules then.
    """
    if live.progress.finished >= live.plan.trials:
        return None
    known = situation(study, live, now)
    begun = known.finished - live.progress.finished
    if is_due(rules_of(study), known.finished, max(live.judged, begun)):
        if seen.trials is None:
            return Look(View.TRIALS)
        known = known.but(outlook=_look_out(study, live, seen.trials))
    for rule in rules_of(study):
        verdict = judge(rule, known)
        if verdict.fired and not seen.listed and NoMetric in map(type, simple([rule])):
            return Look(View.LISTING)  # An objective may come later than the end of its trial.
        if verdict.fired:
            return _stop(study, live, verdict, now)
    if known.outlook is None:
        return None
    return Step(study.with_live(live.but(judged=known.finished)))  # Not asked again before more end


def _look_out(study: Study, live: Round, trials: tuple[Trial, ...]) -> Outlook:
    return look_out(
        live.plan.space,
        trials,
        study.spec.objective,
        study_id=study.id,
        round_number=live.plan.number,
        limits=study.spec.winner.subject_to,
    )


def search_is_over(study: Study, now: datetime) -> Verdict | None:
    """Let the rules that end the search judge the study while no round runs.

    It is over without any rule where the best is the best that there can be. A forecast would say
    so, too, but not where all trials reach it: they differ by nothing, and so does what is needed.
    """
    for rule in rules_of(study):
        verdict = judge(rule, situation(study, None, now))
        if verdict.fired and verdict.ends is Ends.SEARCH:
            return verdict
    return _nothing_is_better(study)


def _nothing_is_better(study: Study) -> Verdict | None:
    best, objective = study.incumbent, study.spec.objective
    most = objective.best_possible
    if best is None or most is None or objective.better(most, best.value):
        return None
    if study.spec.winner.prefer is not None or best.breaks:
        return None  # Of trials as good as that one may be preferred, or keep the limits.
    reason = f"{objective.metric} is {show_number(best.value)}, which nothing can better"
    numbers: dict[str, float | int | str] = {"best": best.value}
    return Verdict(
        rule="best possible", fired=True, ends=Ends.SEARCH, reason=reason, numbers=numbers
    )


def rules_of(study: Study) -> tuple[Rule, ...]:
    """Return the rules of a study; its objective's target is one of them."""
    target = study.spec.objective.target
    extra: tuple[Rule, ...] = () if target is None else (Target(value=target),)
    return (*extra, *study.spec.stop)


def situation(study: Study, judged: Round | None, now: datetime) -> Situation:
    """Gather what the rules may look at: of a round, or of the study between its rounds."""
    rounds = study.spec.rounds
    return Situation(
        objective=study.spec.objective,
        progress=judged.progress if judged else Progress(),
        best=study.incumbent.value if study.incumbent else None,
        breaks=study.incumbent.breaks if study.incumbent else (),
        finished=sum(each.progress.finished for each in study.rounds),
        parameters=len(study.spec.search_space),
        trials=judged.plan.trials if judged else rounds.trials,
        parallel=judged.plan.parallel if judged else rounds.parallel,
        spent=study.spent,
        began=study.submitted,
        now=now,
    )


def _stop(study: Study, live: Round, verdict: Verdict, now: datetime) -> Step:
    stopping = live.but(status=RoundStatus.STOPPING, stopped_by=verdict.rule, told_to_stop=now)
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


def close(
    study: Study, live: Round, seen: RoundSeen, now: datetime, *, listed: bool = False
) -> Step | Look | None:
    """Close a round, once every trial that its tuning job launched is recorded."""
    if not seen.exists:
        return _lost(study, live, now)
    finished = live.progress.finished
    # What a limit is on may come after the end of a trial, as an objective may.
    late = live.progress.silent or study.spec.winner.subject_to
    if not listed and (finished < seen.launched or late):
        return Look(View.LISTING)
    is_short = finished < seen.launched or seen.pending > 0  # An objective may come after its end.
    if is_short and now - (seen.ended or now) < MISSED_AFTER:
        return None
    launched = max(seen.launched, finished)
    closed = live.but(
        status=RoundStatus.CLOSED,
        launched=launched,
        began=seen.created or live.began,
        ended=seen.ended or now,
    )
    cost = budget.round_cost(study.spec, study.profile.prices, closed)
    ledger = study.ledger.settle(cost, launched)
    after = study.with_live(closed).but(ledger=ledger, owed=())
    step = Step(after).tell(
        DecisionKind.ROUND_DONE,
        _summary(study, closed, cost),
        now,
        round_number=live.plan.number,
        numbers=_numbers(study, closed, cost),
    )
    return _go_on(step, closed, seen, now)


def _summary(study: Study, closed: Round, cost: Decimal) -> str:
    progress, metric = closed.progress, study.spec.objective.metric
    parts = [f"{progress.completed} of {closed.launched} trials completed"]
    for number, word in (
        (progress.stopped, "stopped early"),
        (progress.failed + progress.unlucky, "failed"),
        (progress.silent, f"without {metric}"),
        (closed.launched - progress.finished, "gone, and counted at their worst"),
    ):
        if number:
            parts.append(f"{number} {word}")
    limited = study.spec.winner.subject_to and progress.completed
    nothing = "none within the limits" if limited else "no objective"
    best = nothing if progress.best is None else f"best {metric} {show_number(progress.best)}"
    took = ""
    if closed.began and closed.ended:
        took = f" in {show_duration((closed.ended - closed.began).total_seconds())}"
    saved = closed.plan.trials - closed.launched
    unused = f"; not needed: {saved} of {closed.plan.trials} trials" if saved > 0 else ""
    gained = _gain_text(study, closed)
    return (
        f"round {closed.plan.number} is done: {', '.join(parts)}; {best}{gained}; "
        f"{show_money(cost)}{took}{unused}"
    )


def _gain_text(study: Study, closed: Round) -> str:
    gain = _gain(study, closed)
    if gain is None:
        return ""
    change = gain if study.spec.objective.goal is Goal.MAXIMIZE else -gain
    return f" ({show_change(change)} on the rounds before)"


def _gain(study: Study, closed: Round) -> float | None:
    before = [each.progress.best for each in study.closed if each.progress.best is not None]
    if not before or closed.progress.best is None:
        return None
    objective = study.spec.objective
    best = min(before, key=objective.loss)
    return objective.gain(best, closed.progress.best)


def _numbers(study: Study, closed: Round, cost: Decimal) -> dict[str, float | int | str | None]:
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
        "spent": str(cost),
    }


def _go_on(step: Step, closed: Round, seen: RoundSeen, now: datetime) -> Step:
    study, number, progress = step.study, closed.plan.number, closed.progress
    if study.ending is not None or search_is_over(study, now) is not None:
        return step
    if study.resume_to is not None:
        return ask(step, f"round {number} was stopped by {closed.stopped_by}", now)
    if seen.status == "Failed":
        words = seen.words or "SageMaker gives no reason"
        return ask(step, f"the tuning job of round {number} failed: {words}", now)
    for rule in rules_of(study):  # What the last trials showed, no rule has judged yet.
        verdict = judge(rule, situation(study, closed, now))
        if verdict.fired and verdict.ends is Ends.ASKS:
            return ask(step, f"round {number} showed trouble: {verdict.reason}", now)
    if progress.completed + progress.stopped == 0:
        metric = study.spec.objective.metric
        return ask(step, f"no trial of round {number} gave {metric}: nothing can be learned", now)
    return step


def ask(step: Step, why: str, now: datetime) -> Step:
    """Ask a person: the study rests until it is resumed, stopped or cancelled."""
    reason = f"{why}; resume, stop or cancel the study when you have looked"
    waiting = step.with_study(phase=Phase.NEEDS_PERSON, resume_to=Phase.SEARCHING, owed=())
    number = step.study.rounds[-1].plan.number if step.study.rounds else 0
    return waiting.tell(DecisionKind.NEEDS_PERSON, reason, now, round_number=number)


def stop_live(study: Study, live: Round, by: str, now: datetime) -> Study:
    """Owe the stop of the live round, whether or not its tuning job was seen to be made.

    One that SageMaker had no room for is no exception: an earlier try that was not answered, or
    is late, may still have made it.
    """
    stopping = live.but(
        status=RoundStatus.STOPPING,
        stopped_by=live.stopped_by or by,
        told_to_stop=live.told_to_stop or now,
    )
    return study.with_live(stopping).but(owed=(StopRound(job=live.plan.job),))


def stop_again(study: Study, live: Round, seen: RoundSeen) -> Step:
    """Owe the stop of a job that appeared only after it was told to stop."""
    made = live.but(began=seen.created)
    return Step(study.with_live(made).but(owed=(StopRound(job=live.plan.job),)))


def _lost(study: Study, live: Round, now: datetime) -> Step | None:
    known = live.began or live.told_to_stop
    if live.progress.finished == 0 and known is not None and now - known < GONE_AFTER:
        return None
    if live.began is None:  # It was stopped before its tuning job was made: nothing was launched.
        return Step(study.without_live())
    closed = live.but(status=RoundStatus.CLOSED, launched=live.progress.finished, ended=now)
    ledger = study.ledger.settle(live.progress.spent, live.progress.finished)
    step = Step(study.with_live(closed).but(ledger=ledger))
    if study.ending is not None:
        return step
    return ask(step, f"the tuning job {live.plan.job} is gone; nobody here deleted it", now)
