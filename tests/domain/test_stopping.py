"""Every rule fires at its boundary and not before it, and its numbers are right by hand."""

from decimal import Decimal
from typing import Any

import pytest

from tests.support.build import AUC, LOSS, START, at
from tunewright.domain.objective import Objective
from tunewright.domain.round import Bar, Progress, needed_gain, spread
from tunewright.domain.spec import (
    All,
    Failures,
    Gain,
    NoMetric,
    NotImproving,
    Rule,
    Spend,
    Target,
    Trials,
    WallClock,
)
from tunewright.domain.stopping import Ends, Situation, Verdict, judge
from tunewright.domain.stopping.rules import warm_up

BAR = Bar(value=0.75, trial="t7")
THREE = NotImproving(trials=3, warm_up=0)


def situation(progress: Progress | None = None, **changes: Any) -> Situation:
    values: dict[str, Any] = {
        "objective": AUC,
        "progress": progress or Progress(),
        "best": None,
        "finished": 0,
        "parameters": 3,
        "trials": 40,
        "parallel": 2,
        "spent": Decimal(0),
        "began": START,
        "now": START,
    }
    return Situation(**{**values, **changes})


def verdict(rule: Rule, **progress: Any) -> Verdict:
    return judge(rule, situation(Progress(**progress)))


@pytest.mark.parametrize(("since", "fires"), [(2, False), (3, True), (4, True)])
def test_patience_ends_when_as_many_trials_as_allowed_brought_nothing(
    since: int, fires: bool
) -> None:
    said = verdict(THREE, completed=9, since=since, bar=BAR, early=(0.5, 0.25, 0.75))
    assert said.fired is fires
    assert said.ends is Ends.ROUND
    assert said.numbers == {
        "since": since,
        "limit": 3,
        "needed_gain": 0.02 * 0.25,
        "scored": 9,
        "warm_up": 0,
        "bar": 0.75,
        "bar_trial": "t7",
    }


@pytest.mark.parametrize(
    ("completed", "stopped", "fires"), [(5, 4, False), (6, 4, True), (10, 0, True)]
)
def test_patience_waits_for_the_warm_up(completed: int, stopped: int, fires: bool) -> None:
    rule = NotImproving(trials=3, warm_up=10)
    assert verdict(rule, completed=completed, stopped=stopped, since=9).fired is fires


def test_patience_says_what_it_saw_before_and_after_it_fires() -> None:
    early, late = verdict(THREE, since=2), verdict(THREE, since=3, bar=BAR)
    assert early.reason == "2 of 3 trials without any that could win; 0 of at least 0 seen"
    assert "bar" not in early.numbers
    none = verdict(THREE, since=4)
    assert none.reason == "none of the last 4 trials could win (limit 3)"
    assert late.reason == (
        "no gain above 0 over 0.75 in the last 3 trials that could know of it (limit 3)"
    )


@pytest.mark.parametrize(
    ("given", "parameters", "trials", "parallel", "expected"),
    [
        (7, 3, 40, 2, 7),  # the person's word
        (0, 3, 40, 2, 0),
        (None, 3, 80, 2, 30),  # enough to explore
        (None, 18, 80, 2, 36),  # twice the parameters, where that is more
        (None, 10, 30, 2, 15),  # never more than half of the round…
        (None, 3, 8, 2, 4),
        (None, 3, 40, 10, 20),  # …nor less than twice the parallel trials
    ],
)
def test_the_warm_up_explores_but_leaves_the_rule_a_chance(
    given: int | None, parameters: int, trials: int, parallel: int, expected: int
) -> None:
    seen = situation(parameters=parameters, trials=trials, parallel=parallel)
    assert warm_up(NotImproving(warm_up=given), seen) == expected


@pytest.mark.parametrize(
    ("failed", "unlucky", "completed", "fires"),
    [
        (2, 0, 2, False),  # four trials, too few to judge
        (2, 0, 3, False),  # two in five are fewer than half
        (3, 0, 2, True),
        (1, 2, 2, True),  # bad luck counts: something is wrong all the same
        (5, 0, 5, True),
    ],
)
def test_failures_ask_a_person_when_their_share_is_reached(
    failed: int, unlucky: int, completed: int, fires: bool
) -> None:
    said = verdict(
        Failures(share=0.5, after=5), failed=failed, unlucky=unlucky, completed=completed
    )
    finished = failed + unlucky + completed
    assert said.fired is fires
    assert said.ends is Ends.ASKS
    assert said.numbers == {
        "failed": failed + unlucky,
        "finished": finished,
        "share": (failed + unlucky) / finished,
        "limit": 0.5,
    }


def test_no_failure_is_none_too_many_even_where_none_is_allowed() -> None:
    assert not verdict(Failures(share=0.0, after=1), completed=1).fired
    assert verdict(Failures(share=0.0, after=1), failed=1).fired
    assert verdict(Failures(), completed=0).numbers["share"] == 0.0


@pytest.mark.parametrize(
    ("silent", "completed", "fires"), [(2, 0, False), (3, 0, True), (3, 1, False)]
)
def test_trials_without_the_metric_ask_a_person_unless_one_gave_it(
    silent: int, completed: int, fires: bool
) -> None:
    said = verdict(NoMetric(after=3), silent=silent, completed=completed)
    assert said.fired is fires
    assert said.ends is Ends.ASKS
    assert said.reason.startswith(f"{silent} trials completed and none gave validation:auc")
    assert said.numbers == {"silent": silent, "limit": 3, "scored": completed}


@pytest.mark.parametrize(("seconds", "fires"), [(3599, False), (3600, True)])
def test_the_clock_ends_the_search(seconds: int, fires: bool) -> None:
    said = judge(WallClock(limit=3600), situation(now=at(seconds)))
    assert said.fired is fires
    assert said.ends is Ends.SEARCH
    assert said.numbers == {"seconds": seconds, "limit": 3600}


@pytest.mark.parametrize(("spent", "fires"), [("9.999999", False), ("10", True)])
def test_money_ends_the_search(spent: str, fires: bool) -> None:
    said = judge(Spend(limit=Decimal(10)), situation(spent=Decimal(spent)))
    assert said.fired is fires
    assert said.ends is Ends.SEARCH
    assert said.reason == "the study has spent $10.00 (limit $10.00)"
    assert said.numbers == {"spent": spent, "limit": "10"}


@pytest.mark.parametrize(
    ("objective", "best", "fires"),
    [
        (AUC, None, False),
        (AUC, 0.749, False),
        (AUC, 0.75, True),
        (AUC, 0.8, True),
        (LOSS, 0.751, False),
        (LOSS, 0.75, True),
        (LOSS, 0.5, True),
    ],
)
def test_a_target_that_is_reached_ends_the_search(
    objective: Objective, best: float | None, fires: bool
) -> None:
    said = judge(Target(value=0.75), situation(objective=objective, best=best))
    assert said.fired is fires
    assert said.ends is Ends.SEARCH
    assert said.numbers.get("best") == best
    assert ("nothing yet" in said.reason) is (best is None)


@pytest.mark.parametrize(
    ("gain", "objective", "needed"),
    [
        (Gain(kind="absolute", amount=0.01), AUC, 0.01),
        (Gain(kind="relative", amount=0.01), AUC, 0.0075),
        (Gain(kind="relative", amount=0.01), LOSS, 0.0075),
        (Gain(kind="spread", amount=0.5), AUC, 0.125),  # the median of 0.25, 0.5, 0.75, 1 is 0.625
        (Gain(kind="spread", amount=0.5), LOSS, 0.0),  # the bar lies behind the median
    ],
)
def test_the_gain_that_counts_is_absolute_relative_or_a_share_of_the_spread(
    gain: Gain, objective: Objective, needed: float
) -> None:
    progress = Progress(bar=Bar(value=0.875, trial="t"), early=(1.0, 0.25, 0.75, 0.5))
    if gain.kind == "relative":
        progress = progress.but(bar=BAR)
    assert needed_gain(gain, progress, objective) == needed


def test_without_a_bar_any_value_counts_and_there_is_no_spread() -> None:
    assert needed_gain(Gain(kind="relative", amount=0.5), Progress(), AUC) == 0.0
    assert spread((0.5, 0.75), None, AUC) == 0.0
    assert spread((), BAR, AUC) == 0.0


def test_the_spread_is_measured_from_the_median_towards_better() -> None:
    assert spread((0.25, 0.5, 0.625), BAR, AUC) == 0.25
    assert spread((1.0, 1.5, 1.25), BAR, LOSS) == 0.5


@pytest.mark.parametrize(("finished", "fires"), [(29, False), (30, True)])
def test_trials_are_counted_over_all_rounds(finished: int, fires: bool) -> None:
    said = judge(Trials(limit=30), situation(finished=finished))
    assert (said.fired, said.ends) == (fires, Ends.SEARCH)
    assert said.numbers == {"finished": finished, "limit": 30}


@pytest.mark.parametrize(
    ("finished", "since", "fires"), [(30, 3, True), (29, 3, False), (30, 2, False)]
)
def test_all_fires_when_each_of_its_rules_does(finished: int, since: int, fires: bool) -> None:
    rule = All(rules=(Trials(limit=30), THREE))
    progress = Progress(completed=9, since=since, bar=BAR, early=(0.5, 0.25, 0.75))
    said = judge(rule, situation(progress, finished=finished))
    assert said.fired is fires
    assert said.rule == "trials and not_improving"
    assert said.numbers["trials.limit"] == 30
    assert said.numbers["not_improving.since"] == since
    told = [each in said.reason for each in ("trials have ended", "gain above")]
    assert told == ([True, True] if fires else [finished < 30, since < 3])


@pytest.mark.parametrize(
    ("rules", "ends"),
    [
        ((Trials(limit=1), THREE, Spend(limit=Decimal(1))), Ends.ROUND),
        ((Trials(limit=1), Failures()), Ends.ASKS),
        ((Trials(limit=1), Target(value=1.0)), Ends.SEARCH),
    ],
)
def test_all_ends_what_the_mildest_of_its_rules_ends(rules: Any, ends: Ends) -> None:
    assert judge(All(rules=rules), situation()).ends is ends


def test_a_target_that_only_breaks_of_limits_reach_ends_nothing() -> None:
    breaks = ("cost is 3, not <= 2",)
    said = judge(Target(value=0.75), situation(objective=AUC, best=0.8, breaks=breaks))
    assert not said.fired
    assert said.reason == "validation:auc is 0.8 (target 0.75), but cost is 3, not <= 2"
