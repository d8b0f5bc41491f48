"""Records of a trial only ever grow: order and repetition of what SageMaker tells do not matter."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.build import at, trial
from tunewright.domain.trial import Trial, TrialStatus, merge

ENDS = [TrialStatus.COMPLETED, TrialStatus.FAILED, TrialStatus.STOPPED]
RANKS = {TrialStatus.IN_PROGRESS: 0, TrialStatus.STOPPING: 1}
GROWING = ("started", "ended", "billable_seconds", "failure_reason", "model")


@st.composite
def life(draw: st.DrawFn) -> list[Trial]:
    """What SageMaker tells of one training job from beginning to end, in its own order.

    Metrics and bills may be told some time after the end; what an end told, it does not change.
    """
    end, value = draw(st.sampled_from(ENDS)), draw(st.floats(0, 1))
    born = trial(1, None, status=TrialStatus.IN_PROGRESS, started=None, ended=None, model=None)
    born = born.but(billable_seconds=None, cost=Decimal(0))
    runs = born.but(started=at(11))
    on_the_way = draw(st.floats(0, 1))
    measured = runs.but(objective=on_the_way, metrics={"validation:auc": on_the_way})
    stopping = measured.but(status=TrialStatus.STOPPING)
    over = runs.but(status=end, ended=at(20))
    billed = over.but(billable_seconds=9, cost=Decimal("0.01"))
    whole = billed.but(objective=value, metrics={"validation:auc": value}, model="s3://m")
    if end is TrialStatus.FAILED:
        over, billed, whole = (
            each.but(failure_reason="AlgorithmError: x") for each in (over, billed, whole)
        )
    return [born, runs, measured, stopping, over, billed, whole]


def merged(told: list[Trial]) -> Trial:
    known = None
    for each in told:
        known = merge(known, each)
    assert known is not None
    return known


@given(told=life(), data=st.data())
def test_whatever_the_order_and_however_often_the_end_is_the_same(
    told: list[Trial], data: st.DataObject
) -> None:
    heard = data.draw(st.permutations([*told, *data.draw(st.lists(st.sampled_from(told)))]))
    assert merged(heard) == told[-1]


@given(told=life(), data=st.data())
def test_two_records_of_one_trial_merge_the_same_either_way(
    told: list[Trial], data: st.DataObject
) -> None:
    first, second = data.draw(st.permutations(told))[:2]
    if first.is_ended or second.is_ended:
        assert merge(first, second) == merge(second, first)


@given(told=life(), data=st.data())
def test_a_record_told_twice_is_no_news_and_nothing_goes_backwards(
    told: list[Trial], data: st.DataObject
) -> None:
    heard = data.draw(st.lists(st.sampled_from(told), min_size=1))
    known = merge(None, heard[0])
    for each in heard:
        after = merge(known, each)
        assert merge(after, each) == after
        assert RANKS.get(after.status, 2) >= RANKS.get(known.status, 2)
        assert after.cost >= known.cost
        assert not [
            name
            for name in GROWING
            if getattr(known, name) is not None and getattr(after, name) != getattr(known, name)
        ]
        known = after


def test_an_end_that_is_known_stays_and_keeps_its_revision() -> None:
    known = trial(1, 0.5, rev=3)
    assert merge(known, trial(1, 0.6, status=TrialStatus.STOPPED)) == known


def test_a_value_on_the_way_is_not_taken_for_that_of_the_end() -> None:
    on_the_way = trial(1, 0.5, status=TrialStatus.IN_PROGRESS, metrics={"validation:auc": 0.5})
    over = trial(1, None)
    assert merge(on_the_way, over).objective is None
    assert merge(merge(on_the_way, over), trial(1, 0.6)).objective == 0.6


@pytest.mark.parametrize(
    ("status", "reason", "unlucky"),
    [
        (TrialStatus.FAILED, "CapacityError: no instances", True),
        (TrialStatus.FAILED, "InternalServerError: try again", True),
        (TrialStatus.FAILED, "AlgorithmError: exit code 1", False),
        (TrialStatus.FAILED, None, False),
        (TrialStatus.STOPPED, "Interrupted", False),
    ],
)
def test_bad_luck_is_what_parameters_cannot_cause(
    status: TrialStatus, reason: str | None, unlucky: bool
) -> None:
    assert trial(1, status=status, failure_reason=reason).was_unlucky is unlucky


@pytest.mark.parametrize("status", TrialStatus)
def test_only_a_completed_trial_with_an_objective_is_scored(status: TrialStatus) -> None:
    assert trial(1, 0.5, status=status).is_scored is (status is TrialStatus.COMPLETED)
    assert not trial(1, None, status=status).is_scored
    assert trial(1, status=status).is_ended is (status in ENDS)
