"""A round's progress is what its trials showed, in the order in which they ended."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from tests.support.build import AUC, LOSS, at, closed, running, trial
from tunewright.domain.round import EARLY_TRIALS, Bar, Progress, RoundStatus, count
from tunewright.domain.spec import DEFAULT_GAIN, Bound, Gain
from tunewright.domain.steps.fold import carry
from tunewright.domain.trial import Trial, TrialStatus

ANY = Gain(kind="absolute", amount=0.0)
TENTH = Gain(kind="absolute", amount=0.125)


@st.composite
def trials(draw: st.DrawFn) -> list[Trial]:
    made = []
    for number in range(1, draw(st.integers(1, 12)) + 1):
        began, took = draw(st.integers(0, 50)), draw(st.integers(1, 50))
        value = draw(st.none() | st.floats(0, 1))
        status = draw(st.sampled_from(TrialStatus))
        ended = at(began + took) if status not in {"InProgress", "Stopping"} else None
        made.append(trial(number, value, status=status, created=at(began), ended=ended))
    return made


@given(told=trials(), data=st.data())
def test_trials_that_arrive_in_any_order_end_in_the_same_progress(
    told: list[Trial], data: st.DataObject
) -> None:
    shuffled = data.draw(st.permutations(told))
    assert count(shuffled, Progress(), AUC, DEFAULT_GAIN) == count(
        told, Progress(), AUC, DEFAULT_GAIN
    )


@given(told=trials())
def test_adding_trials_as_they_end_is_counting_them_all(told: list[Trial]) -> None:
    whole = count(told, Progress(), LOSS, TENTH)
    progress = Progress()
    ended = sorted((t for t in told if t.ended), key=lambda t: (t.ended or t.created, t.name))
    for each in ended:
        assert not progress.comes_late(each)
        progress = progress.with_trial(each, LOSS, TENTH)
        assert progress.comes_late(each)
    assert progress == whole
    assert whole.finished == len(ended)
    assert whole.spent == sum((each.cost for each in ended), Decimal(0))


def test_every_kind_of_end_is_counted_as_what_it_is() -> None:
    told = [
        trial(1, 0.5),
        trial(2, None),
        trial(3, 0.25, status=TrialStatus.STOPPED),
        trial(4, None, status=TrialStatus.STOPPED),
        trial(5, status=TrialStatus.FAILED, failure_reason="AlgorithmError: x"),
        trial(6, status=TrialStatus.FAILED, failure_reason="CapacityError: x"),
        trial(7, 0.9, status=TrialStatus.IN_PROGRESS),
    ]
    seen = count(told, Progress(), AUC, ANY)
    assert (seen.completed, seen.silent, seen.stopped, seen.failed, seen.unlucky) == (1, 1, 2, 1, 1)
    assert (seen.finished, seen.best, seen.since) == (6, 0.5, 1)
    assert seen.spent == Decimal("0.06")


def test_patience_counts_only_trials_made_after_the_bar_was_raised() -> None:
    told = [
        trial(1, 0.75),  # raises the bar at 20 s
        trial(2, 0.5, created=at(19)),  # knew nothing of it
        trial(3, 0.5, created=at(20)),  # knew
        trial(4, None, status=TrialStatus.STOPPED),  # told nothing
        trial(5, 0.5, status=TrialStatus.STOPPED),  # fell behind, and knew
    ]
    seen = count(told, Progress(), AUC, ANY)
    assert seen.since == 2
    assert seen.bar == Bar(value=0.75, trial=told[0].name)
    assert seen.improved == at(20)


def test_a_gain_that_is_too_small_makes_a_new_best_but_no_new_bar() -> None:
    told = [trial(1, 0.5), trial(2, 0.625), trial(3, 0.75)]
    seen = count(told, Progress(), AUC, TENTH)
    assert (seen.best, seen.best_trial) == (0.75, told[2].name)
    assert seen.bar == Bar(value=0.75, trial=told[2].name)
    assert seen.since == 0
    before = count(told[:2], Progress(), AUC, TENTH)
    assert (before.best, before.since) == (0.625, 1)
    assert before.bar == Bar(value=0.5, trial=told[0].name)


def test_less_is_better_when_the_objective_says_so() -> None:
    seen = count([trial(1, 0.5), trial(2, 0.25), trial(3, 0.75)], Progress(), LOSS, ANY)
    assert (seen.best, seen.since) == (0.25, 1)


def test_the_bar_is_carried_into_the_next_round_and_patience_begins_anew() -> None:
    first = count([trial(1, 0.75), trial(2, 0.5), trial(3, 0.5)], Progress(), AUC, ANY)
    second = carry(first)
    assert second == Progress(bar=first.bar, early=(0.75, 0.5, 0.5))
    seen = count([trial(4, 0.5, created=at(0))], second, AUC, ANY)
    assert seen.since == 1  # every trial of a round knows of the rounds before
    assert seen.bar == first.bar
    assert seen.best == 0.5


def test_the_spread_is_that_of_the_first_trials_only() -> None:
    told = [trial(number, number / 64) for number in range(1, EARLY_TRIALS + 5)]
    seen = count(told, Progress(), AUC, ANY)
    assert seen.early == tuple(number / 64 for number in range(1, EARLY_TRIALS + 1))


def test_a_round_is_live_until_it_is_closed() -> None:
    assert running().is_live
    assert running(status=RoundStatus.STOPPING).is_live
    assert not closed().is_live


def test_only_a_best_raises_the_bar_however_little_the_gain_has_come_to_be() -> None:
    """With 0.5, 0.8 and 0.802 the median is the bar, and a share of the spread between is none."""
    told = [trial(number, value) for number, value in enumerate((0.5, 0.8, 0.802, 0.801))]
    seen = count(told, Progress(), AUC, DEFAULT_GAIN)
    assert (seen.bar, seen.best, seen.since) == (Bar(value=0.8, trial=told[1].name), 0.802, 2)
    mirrored = [each.but(objective=-(each.objective or 0)) for each in told]
    assert count(mirrored, Progress(), LOSS, DEFAULT_GAIN).since == 2


def test_what_breaks_a_limit_is_no_best_and_no_improvement() -> None:
    limits = (Bound(quantity="cost", at_most=0.02),)
    dear, fair = trial(1, 0.9, cost=Decimal("0.05")), trial(2, 0.7)
    later = trial(3, 0.95, cost=Decimal("0.05"))
    only = count([dear], Progress(), AUC, ANY, limits)
    assert (only.completed, only.best, only.bar, only.early) == (1, None, None, ())
    seen = count([dear, fair, later], Progress(), AUC, ANY, limits)
    assert (seen.best, seen.bar) == (0.7, Bar(value=0.7, trial=fair.name))
    assert (seen.completed, seen.since, seen.early) == (3, 1, (0.7,))
