"""News of trials ends in the same study, whenever and however often it comes."""

from decimal import Decimal
from typing import Any

from tests.support.build import START, at, closed, incumbent, reserved, running, study, trial
from tunewright.domain.budget import Ledger
from tunewright.domain.round import Progress, count
from tunewright.domain.steps.fold import carry, fold, recount
from tunewright.domain.steps.step import Look, Observation, Step, View
from tunewright.domain.study import DecisionKind, Phase, Study
from tunewright.domain.trial import Trial, TrialStatus

CALM = {"stop": [{"not_improving": {"trials": 5, "min_gain": 0.125}}]}


def folded(before: Study, *news: Trial, of: tuple[Trial, ...] | None = None) -> Step:
    step = fold(before, Observation(unfolded=news, trials=of), START)
    assert isinstance(step, Step)
    assert step.folded == news
    return step


def counted(told: list[Trial], before: Study) -> Progress:
    return count(told, Progress(), before.spec.objective, before.gain)


def live(**changes: Any) -> Study:
    return study(rounds=(running(),), ledger=reserved(), **changes)


def with_closed_round(*told: Trial) -> Study:
    """A study whose first round ended with these trials and whose second runs."""
    bare = live()
    progress = counted(list(told), bare)
    second = running(2, start=carry(progress), progress=carry(progress))
    ledger = reserved(spent=progress.spent, used_trials=8)
    return bare.but(rounds=(closed(progress=progress), second), ledger=ledger)


def test_nothing_new_is_no_step() -> None:
    assert fold(live(), Observation(), START) is None


def test_a_trial_of_an_attempt_that_was_given_up_is_consumed_and_changes_nothing() -> None:
    before = with_closed_round(trial(1, 0.75))
    stray = trial(2, 0.9, tuning_job="tw-churn-aaaaaa-r01a2")
    step = folded(before, stray)
    assert step.study == before
    assert step.decisions == ()


def test_a_trial_of_an_attempt_that_a_restored_study_has_still_to_make_keeps_its_mark() -> None:
    ahead = trial(1, 0.9, tuning_job="tw-churn-aaaaaa-r01a3")
    assert fold(live(), Observation(unfolded=(ahead,)), START) is None


def test_a_trial_of_a_round_that_a_restored_study_has_still_to_plan_keeps_its_mark() -> None:
    ahead = trial(1, 0.9, round_number=2, tuning_job="tw-churn-aaaaaa-r02")
    assert fold(live(), Observation(unfolded=(ahead,)), START) is None
    step = fold(live(), Observation(unfolded=(trial(1, 0.75), ahead)), START)
    assert isinstance(step, Step)
    assert step.folded == (trial(1, 0.75),)
    over = live().but(phase=Phase.CANCELLED)
    assert folded(over, ahead).study == over


def test_a_trial_that_ended_last_is_added_without_another_look() -> None:
    step = folded(live(), trial(1, 0.75))
    assert step.study.progress == counted([trial(1, 0.75)], live())
    assert step.study.incumbent == incumbent(0.75)
    assert step.study.spent == Decimal("0.01")
    (told,) = step.decisions
    assert told.kind is DecisionKind.NEW_BEST
    assert told.reason == f"validation:auc 0.75 by {trial(1).name} is the new best"
    assert told.numbers == {"value": 0.75, "trial": trial(1).name, "before": None}


def test_a_new_best_is_told_with_its_gain_and_a_small_one_is_not_told() -> None:
    before = folded(live(spec=CALM), trial(1, 0.5)).study
    small = folded(before, trial(2, 0.5625))
    assert small.study.incumbent is not None
    assert small.study.incumbent.value == 0.5625
    assert small.decisions == ()
    large = folded(small.study, trial(3, 0.75))
    assert "0.75 (+0.25) by" in large.decisions[0].reason
    assert large.decisions[0].numbers["before"] == 0.5
    least = {"objective": {"minimize": "validation:logloss"}}
    lower = folded(folded(live(spec=CALM | least), trial(1, 0.5)).study, trial(2, 0.25))
    assert "validation:logloss 0.25 (−0.25) by" in lower.decisions[0].reason


def test_an_incumbent_without_news_is_kept_and_failed_trials_never_are_one() -> None:
    before = folded(live(), trial(1, 0.75)).study
    failed = trial(2, 0.9, status=TrialStatus.FAILED)
    stopped = trial(3, 0.9, status=TrialStatus.STOPPED)
    after = folded(before, failed, stopped).study
    assert after.incumbent == incumbent(0.75)
    assert (after.progress.failed, after.progress.stopped) == (1, 1)


def test_a_late_trial_asks_for_all_trials_and_then_counts_as_if_it_had_been_in_time() -> None:
    told = (trial(1, 0.75), trial(2, 0.5), trial(3, 0.625))
    before = folded(live(), told[0], told[2]).study
    assert fold(before, Observation(unfolded=(told[1],)), START) == Look(View.TRIALS)
    late = folded(before, told[1], of=told)
    in_time = folded(live(), *told)
    assert late.study.rounds == in_time.study.rounds
    assert late.study.incumbent == in_time.study.incumbent


def test_a_trial_that_is_folded_twice_counts_once() -> None:
    once = folded(live(), trial(1, 0.75)).study
    assert fold(once, Observation(unfolded=(trial(1, 0.75),)), START) == Look(View.TRIALS)
    assert folded(once, trial(1, 0.75), of=(trial(1, 0.75),)).study == once


def test_news_is_newer_than_the_table_that_was_read_a_moment_before() -> None:
    silent, scored = trial(1, None), trial(1, 0.75)
    before = folded(live(), silent).study
    after = folded(before, scored, of=(silent,)).study
    assert after.progress == counted([scored], before)
    assert after.incumbent == incumbent(0.75)


def test_an_objective_that_comes_after_the_round_is_closed_corrects_everything() -> None:
    others = (trial(2, 0.5), trial(3, 0.625))
    silent = trial(1, None, cost=Decimal(0))
    before = with_closed_round(silent, *others)
    told = trial(1, 0.875, cost=Decimal("0.05"))
    new = trial(4, 0.75, round_number=2)
    after = folded(before, told, new, of=(silent, *others, new)).study
    first, second = after.rounds
    assert first.progress == counted([told, *others], before)
    assert second.start == carry(first.progress)
    assert (second.progress.best, second.progress.since) == (0.75, 1)
    assert after.incumbent == incumbent()
    assert after.ledger == reserved(spent=Decimal("0.07"), used_trials=8)
    assert after.spent == Decimal("0.08")


def test_between_rounds_any_news_asks_for_all_trials() -> None:
    before = with_closed_round(trial(1, 0.5))
    before = before.but(rounds=before.rounds[:1], ledger=Ledger())
    assert fold(before, Observation(unfolded=(trial(2, 0.5),)), START) == Look(View.TRIALS)


def test_a_trial_on_its_way_changes_nothing_yet() -> None:
    begun = trial(1, 0.75, status=TrialStatus.IN_PROGRESS, ended=None)
    assert folded(live(), begun, of=(begun,)).study == live()


def test_a_late_first_trial_that_lowers_the_bar_is_not_told_as_a_new_best() -> None:
    known, late = trial(2, 0.75), trial(1, 0.6875)
    before = folded(live(spec=CALM), known).study
    after = folded(before, late, of=(late, known))
    assert after.study.progress.bar is not None
    assert after.study.progress.bar.value == 0.6875
    assert after.study.incumbent == incumbent(0.75, trial=known.name)
    assert after.decisions == ()


def test_a_stopped_trial_that_never_ended_by_the_clock_goes_by_its_making() -> None:
    told = trial(1, None, status=TrialStatus.STOPPED, started=None, ended=None)
    assert folded(live(), told).study.progress.last == (at(10), told.name)


def test_late_news_leaves_a_winner_that_keeps_the_limits_where_it_is() -> None:
    """Or a deployment that is judged again would take the best, and ask nobody about its limits."""
    words = {"winner": {"subject_to": {"cost": "<= 0.02 USD"}}}
    dear, fair, late = trial(1, 0.875, cost=Decimal("0.05")), trial(2, 0.75), trial(3, 0.5)
    chosen = incumbent(0.75, trial=fair.name)
    before = with_closed_round(dear, fair)
    before = study(spec=words, rounds=before.rounds[:1], selected=True, incumbent=chosen)
    for phase in (Phase.DEPLOYING, Phase.AWAITING_APPROVAL, Phase.DONE):
        step = folded(before.but(phase=phase), late, of=(dear, fair, late))
        assert step.study.incumbent == chosen
    better = trial(4, 0.8125)
    step = folded(before.but(phase=Phase.DEPLOYING), better, of=(dear, fair, late))
    assert step.study.incumbent == incumbent(0.8125, trial=better.name)


def test_the_best_so_far_keeps_the_limits_or_comes_nearest_to_them() -> None:
    before = live(spec={"winner": {"subject_to": {"cost": "<= 0.0625 USD"}}})
    dear, nearer = trial(1, 0.9, cost=Decimal("0.25")), trial(2, 0.5, cost=Decimal("0.125"))
    first = folded(before, dear, nearer).study
    assert first.incumbent is not None
    assert (first.incumbent.trial, first.incumbent.beyond) == (nearer.name, (0, 1.0))
    assert first.incumbent.breaks == ("cost is 0.125, not <= 0.0625",)
    assert not any(each.kind is DecisionKind.NEW_BEST for each in folded(before, dear).decisions)
    fair = folded(first, trial(3, 0.25)).study
    assert fair.incumbent is not None
    assert (fair.incumbent.value, fair.incumbent.breaks) == (0.25, ())
    assert folded(fair, trial(4, 0.95, cost=Decimal("0.25"))).study.incumbent == fair.incumbent
    limits = before.spec.winner.subject_to
    every = [dear, nearer, trial(3, 0.25), trial(4, 0.95, cost=Decimal("0.25"))]
    again = recount(fair, every)
    assert again.progress == count(every, Progress(), before.spec.objective, before.gain, limits)
    assert again.progress.best == 0.25
