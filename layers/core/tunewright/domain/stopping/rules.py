"""One function for each rule: what it looks at, when it fires, and what it says."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import assert_never

from tunewright.domain.objective import Objective
from tunewright.domain.round import Bar, Progress, needed_gain
from tunewright.domain.spec import (
    All,
    Failures,
    NoMetric,
    NotImproving,
    Regret,
    Rule,
    Spend,
    Target,
    Trials,
    WallClock,
)
from tunewright.domain.stopping.outlook import Outlook
from tunewright.domain.values import Value, show_duration, show_money, show_number


class Ends(StrEnum):
    """What a fired rule ends, the mildest first."""

    ROUND = "round"
    """The round; the study goes on with a refined one, if that is worth it."""
    ASKS = "asks"
    """The round; a person must look before another."""
    SEARCH = "search"
    """The search; the best so far is taken."""


class Verdict(Value):
    """What a rule says of a round.

    Attributes:
        rule: The rule's name.
        fired: Whether the round must stop.
        ends: What that ends.
        reason: The verdict in one sentence.
        numbers: The numbers that it rests on.
    """

    rule: str
    fired: bool
    ends: Ends
    reason: str
    numbers: dict[str, float | int | str]


class Situation(Value):
    """What rules may look at.

    Attributes:
        objective: What is to be made better.
        progress: The live round's progress.
        best: The study's best objective; None while there is none.
        breaks: The limits that the trial of that does not keep, for none keeps them all.
        finished: How many of its trials have ended.
        parameters: How many parameters are searched.
        trials: Trials that the live round may launch.
        parallel: Trials at a time.
        spent: What all ended trials of the study cost, in US dollars.
        began: When the study was submitted.
        now: The time of the judgement.
        outlook: What the surrogate says of the round's ranges; None where it was not asked.
    """

    objective: Objective
    progress: Progress
    best: float | None
    breaks: tuple[str, ...] = ()
    finished: int
    parameters: int
    trials: int
    parallel: int
    spent: Decimal
    began: datetime
    now: datetime
    outlook: Outlook | None = None


def judge(rule: Rule, situation: Situation) -> Verdict:
    """Let a rule judge a round."""
    match rule:
        case NotImproving():
            return _not_improving(rule, situation)
        case Regret():
            return _regret(rule, situation)
        case Failures():
            return _failures(rule, situation)
        case NoMetric():
            return _no_metric(rule, situation)
        case WallClock():
            return _wall_clock(rule, situation)
        case Spend():
            return _spend(rule, situation)
        case Target():
            return _target(rule, situation)
        case Trials():
            return _trials(rule, situation)
        case All():
            return _all(rule, situation)
        case _ as never:  # pragma: no cover
            assert_never(never)


def warm_up(rule: NotImproving | Regret, situation: Situation) -> int:
    """Return how many scored trials a round must have before a rule may end it.

    By default twice the parallel trials, and enough to explore (thirty, or twice the parameters),
    but never more than half of the round: a rule that cannot fire is none. On recorded searches
    (`bench/notes.md`) waiting for thirty trials is worth more than waiting longer between gains.
    """
    if rule.warm_up is not None:
        return rule.warm_up
    explore = max(30, 2 * situation.parameters)
    return max(2 * situation.parallel, min(explore, situation.trials // 2))


def _not_improving(rule: NotImproving, situation: Situation) -> Verdict:
    progress, objective = situation.progress, situation.objective
    needed = needed_gain(rule.min_gain, progress, objective)
    scored = progress.completed + progress.stopped
    least = warm_up(rule, situation)
    fired = progress.since >= rule.trials and scored >= least
    sought, none = "any that could win", f"none of the last {progress.since} trials could win"
    if progress.bar:
        gain = f"gain above {show_number(needed)} over {show_number(progress.bar.value)}"
        sought = f"a {gain}"
        none = f"no {gain} in the last {progress.since} trials that could know of it"
    reason = f"{none} (limit {rule.trials})"
    if not fired:
        reason = (
            f"{progress.since} of {rule.trials} trials without {sought}; "
            f"{scored} of at least {least} seen"
        )
    numbers: dict[str, float | int | str] = {
        "since": progress.since,
        "limit": rule.trials,
        "needed_gain": needed,
        "scored": scored,
        "warm_up": least,
    }
    if progress.bar:
        numbers |= {"bar": progress.bar.value, "bar_trial": progress.bar.trial}
    return Verdict(rule=rule.rule, fired=fired, ends=Ends.ROUND, reason=reason, numbers=numbers)


def _regret(rule: Regret, situation: Situation) -> Verdict:
    progress, outlook = situation.progress, situation.outlook
    # By the best, which another rule's bar may lie far behind.
    best = situation.best
    measured = progress if best is None else progress.but(bar=Bar(value=best, trial="the best"))
    bound = needed_gain(rule.below, measured, situation.objective)
    scored = progress.completed + progress.stopped
    least = warm_up(rule, situation)
    numbers: dict[str, float | int | str] = {
        "below": bound,
        "limit": rule.chance,
        "scored": scored,
        "warm_up": least,
    }
    if outlook is None:
        fired, reason = False, "the surrogate is not asked at each trial"
    elif not outlook.regrets:
        fired, reason = False, outlook.reason
    else:
        chance, regret = outlook.chance_below(bound), outlook.quantile(rule.chance)
        fired = chance >= rule.chance and scored >= least
        reason = (
            f"with a probability of {chance:.0%} its ranges hold no gain above "
            f"{show_number(bound)} ({outlook.reason}; limit {rule.chance:.0%}; {scored} of at "
            f"least {least} seen)"
        )
        numbers |= {"chance": chance, "regret": regret, "trials": outlook.trials}
    return Verdict(rule=rule.rule, fired=fired, ends=Ends.ROUND, reason=reason, numbers=numbers)


def _failures(rule: Failures, situation: Situation) -> Verdict:
    progress = situation.progress
    failed, finished = progress.failed + progress.unlucky, progress.finished
    share = failed / finished if finished else 0.0
    return Verdict(
        rule=rule.rule,
        fired=finished >= rule.after and share >= rule.share and failed > 0,
        ends=Ends.ASKS,
        reason=f"{failed} of {finished} trials failed ({share:.0%}; limit {rule.share:.0%} "
        f"after {rule.after})",
        numbers={"failed": failed, "finished": finished, "share": share, "limit": rule.share},
    )


def _no_metric(rule: NoMetric, situation: Situation) -> Verdict:
    progress, metric = situation.progress, situation.objective.metric
    scored = progress.completed
    return Verdict(
        rule=rule.rule,
        fired=progress.silent >= rule.after and scored == 0,
        ends=Ends.ASKS,
        reason=f"{progress.silent} trials completed and none gave {metric}: does the metric's "
        f"regular expression match the log?",
        numbers={"silent": progress.silent, "limit": rule.after, "scored": scored},
    )


def _wall_clock(rule: WallClock, situation: Situation) -> Verdict:
    took = (situation.now - situation.began).total_seconds()
    return Verdict(
        rule=rule.rule,
        fired=took >= rule.limit,
        ends=Ends.SEARCH,
        reason=f"the study has taken {show_duration(took)} (limit {show_duration(rule.limit)})",
        numbers={"seconds": took, "limit": rule.limit},
    )


def _spend(rule: Spend, situation: Situation) -> Verdict:
    return Verdict(
        rule=rule.rule,
        fired=situation.spent >= rule.limit,
        ends=Ends.SEARCH,
        reason=f"the study has spent {show_money(situation.spent)} "
        f"(limit {show_money(rule.limit)})",
        numbers={"spent": str(situation.spent), "limit": str(rule.limit)},
    )


def _target(rule: Target, situation: Situation) -> Verdict:
    best = situation.best
    reached = best is not None and situation.objective.gain(rule.value, best) >= 0
    shown = "nothing yet" if best is None else show_number(best)
    but = f", but {', '.join(situation.breaks)}" if situation.breaks else ""
    numbers: dict[str, float | int | str] = {"target": rule.value}
    if best is not None:
        numbers["best"] = best
    return Verdict(
        rule=rule.rule,
        fired=reached and not situation.breaks,  # What could not win ends no search.
        ends=Ends.SEARCH,
        reason=f"{situation.objective.metric} is {shown} (target {show_number(rule.value)}){but}",
        numbers=numbers,
    )


def _trials(rule: Trials, situation: Situation) -> Verdict:
    return Verdict(
        rule=rule.rule,
        fired=situation.finished >= rule.limit,
        ends=Ends.SEARCH,
        reason=f"{situation.finished} trials have ended (limit {rule.limit})",
        numbers={"finished": situation.finished, "limit": rule.limit},
    )


def _all(rule: All, situation: Situation) -> Verdict:
    parts = [judge(each, situation) for each in rule.rules]
    open_ = [each for each in parts if not each.fired]
    return Verdict(
        rule=" and ".join(each.rule for each in parts),
        fired=not open_,
        ends=min((each.ends for each in parts), key=list(Ends).index),
        reason="; ".join(each.reason for each in open_ or parts),
        numbers={
            f"{each.rule}.{name}": value for each in parts for name, value in each.numbers.items()
        },
    )
