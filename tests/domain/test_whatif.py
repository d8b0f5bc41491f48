"""What other rules would have saved and lost is told from the record, and no further."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from tests.support.build import at, closed, plan, running, study, trial
from tunewright.domain.round import RoundStatus
from tunewright.domain.spec import (
    All,
    Bound,
    Failures,
    Gain,
    NotImproving,
    Rule,
    Spend,
    Target,
    Trials,
    WallClock,
)
from tunewright.domain.stopping import Ends
from tunewright.domain.trial import Trial, TrialStatus
from tunewright.domain.values import Value
from tunewright.domain.whatif import WhatIf, what_if

if TYPE_CHECKING:
    from tunewright.domain.study import Study

PATIENT = NotImproving(trials=3, min_gain=Gain(kind="absolute", amount=0.0), warm_up=3)


def of(
    values: list[float | None], *, rounds: int = 1, **changes: object
) -> tuple[Study, list[Trial]]:
    """A study whose rounds have as many trials each; one trial at a time, ten seconds each."""
    size = len(values) // rounds
    made = tuple(
        closed(number, plan=plan(number, trials=size), **changes) for number in range(1, rounds + 1)
    )
    trials = [
        trial(
            index,
            value,
            round_number=index // size + 1,
            status=TrialStatus.FAILED if value is None else TrialStatus.COMPLETED,
            failure_reason="AlgorithmError" if value is None else None,
        )
        for index, value in enumerate(values)
    ]
    return study(rounds=made), trials


def ask(values: list[float | None], *rules: Rule, rounds: int = 1, **changes: object) -> WhatIf:
    made, trials = of(values, rounds=rounds, **changes)
    return what_if(made, trials, rules)


def test_patience_saves_trials_and_may_lose_what_came_later() -> None:
    found = ask([0.5, 0.7, 0.6, 0.6, 0.6, 0.6, 0.9, 0.6], PATIENT)
    assert (found.trials, found.recorded_trials) == (6, 8)  # one was launched as it fired
    assert (found.spent, found.recorded_spent) == (Decimal("0.05"), Decimal("0.08"))
    assert (found.best, found.recorded_best) == (0.7, 0.9)
    assert found.lost == pytest.approx(0.2)
    assert found.lost_share == pytest.approx(0.2 / 0.3)  # the median of the record is 0.6
    (fired,) = found.firings
    assert (fired.rule, fired.trials, fired.ends) == ("not_improving", 6, Ends.ROUND)
    assert fired.at == at(50)
    assert found.unknown_after == ()
    assert found.sentence("auc") == ("6 of 8 trials, $0.03 of $0.08 saved; auc 0.7, worse by 0.2")


def test_nothing_lost_is_said_so() -> None:
    found = ask([0.5, 0.9, 0.6, 0.6, 0.6, 0.6], PATIENT)
    assert found.lost == 0
    assert found.sentence("auc").endswith("the best auc is the same, 0.9")


def test_what_runs_when_a_rule_fires_is_paid_for_until_then() -> None:
    made, trials = of([0.9, 0.6, 0.6, 0.6, 0.6, 0.6])
    early = trials[4].but(created=at(33), started=at(35), ended=at(55), cost=Decimal("0.10"))
    instant = trials[5].but(created=at(40), started=at(60), ended=at(60), cost=Decimal("0.01"))
    found = what_if(made, [*trials[:4], early, instant], [PATIENT])
    assert found.firings[0].at == at(40)
    assert found.firings[0].trials == 6
    assert found.spent == Decimal("0.04") + Decimal("0.025") + Decimal("0.01")


def test_a_round_that_is_cut_does_not_end_the_next() -> None:
    values: list[float | None] = [0.5, 0.4, 0.4, 0.4, 0.4, 0.4, 0.6, 0.4, 0.4, 0.4, 0.4, 0.4]
    found = ask(values, PATIENT, rounds=2)
    assert [each.round_number for each in found.firings] == [1, 2]
    assert found.trials == 10
    assert found.best == 0.6


def test_what_ends_the_search_leaves_later_rounds_out() -> None:
    values: list[float | None] = [0.5, 0.8, 0.4, 0.4, 0.9, 0.9]
    for rule in (Target(value=0.8), Spend(limit=Decimal("0.02"))):
        found = ask(values, rule, rounds=2)
        assert (found.trials, found.recorded_trials, found.best) == (3, 6, 0.8)
        assert found.firings[0].ends is Ends.SEARCH


def test_the_objectives_own_target_stays() -> None:
    made, trials = of([0.5, 0.8, 0.9])
    objective = made.spec.objective.but(target=0.8)
    targeted = made.but(spec=made.spec.but(objective=objective))
    assert what_if(targeted, trials, []).best == 0.8


def test_rules_that_go_on_longer_do_not_know_what_would_have_come() -> None:
    found = ask([0.5, 0.7, 0.6], stopped_by="not_improving")
    assert found.unknown_after == (1,)
    assert found.trials == found.recorded_trials == 3
    assert ask([0.5, 0.7, 0.6]).unknown_after == ()


def test_without_any_objective_nothing_is_lost_or_won() -> None:
    found = ask([None, None])
    assert (found.best, found.lost, found.lost_share) == (None, None, None)
    assert found.sentence("auc").endswith("no auc that could win would have been found")


def test_equal_values_have_no_spread() -> None:
    assert ask([0.5, 0.5]).lost_share is None


def test_running_trials_and_records_told_twice_do_not_count() -> None:
    made = study(rounds=(running(status=RoundStatus.RUNNING),))
    ended, goes_on = trial(1, 0.5), trial(2, status=TrialStatus.IN_PROGRESS, ended=None)
    found = what_if(made, [ended, ended, goes_on], [])
    assert found.recorded_trials == 1
    assert isinstance(found, Value)


def test_the_share_that_is_lost_does_not_depend_on_the_rules() -> None:
    values: list[float | None] = [0.5, 0.7, 0.6, 0.6, 0.6, 0.6, 0.9, 0.6]
    calm = PATIENT.but(min_gain=Gain(kind="absolute", amount=1.0))
    shares = [ask(values, rule).lost_share for rule in (PATIENT, calm, Trials(limit=2))]
    assert shares == pytest.approx([0.2 / 0.3] * 3)


def test_a_studys_own_rules_end_a_round_where_they_did() -> None:
    """Where one trial runs at a time, none is left to tell that the round was stopped."""
    stopped = closed(
        plan=plan(trials=8), stopped_by="not_improving", told_to_stop=at(41), launched=4
    )
    trials = [trial(number, value) for number, value in enumerate([0.7, 0.6, 0.6, 0.6])]
    found = what_if(study(rounds=(stopped,)), trials, [PATIENT])
    assert [(each.trials, each.at) for each in found.firings] == [(4, at(40))]
    assert found.unknown_after == ()


def test_trials_that_were_stopped_with_their_round_try_no_patience() -> None:
    stopped = closed(
        plan=plan(trials=8), stopped_by="not_improving", told_to_stop=at(41), launched=7
    )
    trials = [trial(number, value) for number, value in enumerate([0.7, 0.6, 0.6, 0.6])]
    trials += [
        trial(number, 0.6, created=at(20), ended=at(42), status=TrialStatus.STOPPED)
        for number in (4, 5, 6)
    ]
    found = what_if(study(rounds=(stopped,)), trials, [PATIENT.but(trials=5)])
    assert (found.firings, found.unknown_after) == ((), (1,))


@pytest.mark.parametrize(
    "rule", [Target(value=0.8), Trials(limit=3), Spend(limit=Decimal("0.03")), WallClock(limit=30)]
)
def test_the_last_trial_of_a_round_may_end_the_search(rule: Rule) -> None:
    found = ask([0.5, 0.6, 0.8, 0.85, 0.9, 0.9], rule, rounds=2)
    assert (found.trials, found.best) == (3, 0.8)
    assert [(each.round_number, each.trials) for each in found.firings] == [(1, 3)]


def test_a_round_that_is_over_is_not_ended_by_patience() -> None:
    found = ask([0.7, 0.6, 0.6, 0.6, 0.8, 0.9], PATIENT.but(trials=2, warm_up=3), rounds=2)
    assert (found.trials, found.firings) == (6, ())


def test_the_clock_does_not_wait_for_the_end_of_a_trial() -> None:
    found = ask([0.5, 0.6, 0.8], WallClock(limit=14))
    (fired,) = found.firings
    assert (fired.at, fired.trials, found.trials) == (at(14), 2, 2)
    assert found.spent == Decimal("0.01") + Decimal("0.01") * Decimal("0.333333")
    assert fired.reason == "the study has taken 14 s (limit 14 s)"
    both = All(rules=(WallClock(limit=14), Trials(limit=2)))
    assert ask([0.5, 0.6, 0.8], both).firings[0].at == at(20)


def test_a_round_that_is_cut_lets_the_next_begin_sooner() -> None:
    values: list[float | None] = [0.5, 0.4, 0.4, 0.4, 0.4, 0.4, 0.6, 0.4, 0.4, 0.4, 0.4, 0.4]
    found = ask(values, PATIENT, WallClock(limit=75), rounds=2)
    assert [(each.rule, each.at) for each in found.firings] == [
        ("not_improving", at(40)),
        ("wall_clock", at(75)),  # that is at 95 seconds of the record
    ]
    assert found.best == 0.6


def test_a_person_who_was_asked_and_went_on_goes_on_in_the_replay() -> None:
    values: list[float | None] = [None, None, None, 0.5, 0.6, 0.7]
    asks = Failures(share=0.5, after=2)
    assert ask(values, asks, rounds=2).best is None
    assert ask(values, asks, rounds=2, stopped_by="failures").best == 0.7


def test_trials_that_are_stopped_with_a_round_count_before_the_next() -> None:
    values: list[float | None] = [0.5, 0.7, 0.6, 0.6, 0.6, 0.6, 0.5, 0.6, 0.9, 0.6, 0.6, 0.6]
    found = ask(values, PATIENT, Trials(limit=6), rounds=2)
    assert [(each.rule, each.trials) for each in found.firings] == [
        ("not_improving", 6),
        ("trials", 6),
    ]
    assert (found.trials, found.best) == (6, 0.7)
    assert ask(values, PATIENT, Trials(limit=7), rounds=2).trials == 8  # one as it fired


def test_what_could_not_win_reaches_no_target_and_is_no_best() -> None:
    made, trials = of([0.5, 0.9, 0.8])
    dear = [trials[0], trials[1].but(cost=Decimal("0.05")), trials[2]]
    winner = made.spec.winner.but(subject_to=(Bound(quantity="cost", at_most=0.02),))
    limited = made.but(spec=made.spec.but(winner=winner))
    assert what_if(limited, dear, [Target(value=0.85)]).firings == ()
    found = what_if(limited, dear, [Target(value=0.75)])
    assert (found.trials, found.best, found.recorded_best, found.lost) == (3, 0.8, 0.8, 0.0)
    one = what_if(limited, dear, [Trials(limit=1)])  # the spread: from 0.65, halfway, to 0.8
    assert (one.best, one.lost_share) == (0.5, pytest.approx(0.3 / 0.15))
    first = trials[0].but(objective=0.9, cost=Decimal("0.05"))
    cut = what_if(limited, [first, *trials[1:]], [Trials(limit=1)])
    assert (cut.best, cut.recorded_best, cut.lost) == (None, 0.9, None)
    assert cut.best_trial is None
