"""What each kind of trial teaches, and what is thinned or tamed before anything is learned."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest

from tests.support.refining import (
    LOSS,
    SPACE,
    SUBSAMPLE,
    sample,
    trial,
)
from tunewright.domain.lessons import AT_MOST, Lesson, Lessons, View, learn
from tunewright.domain.space import (
    SearchSpace,
)
from tunewright.domain.trial import Trial, TrialStatus

if TYPE_CHECKING:
    from collections.abc import Sequence


def test_each_kind_of_trial_teaches_its_own() -> None:
    space = SearchSpace(ranges=(SUBSAMPLE,))

    def one(number: int, objective: float | None, status: TrialStatus, **more: object) -> Trial:
        return trial(number, {"subsample": "0.7"}, objective, status=status, **more)

    trials = [
        *(one(number, float(number), TrialStatus.COMPLETED) for number in range(1, 6)),
        one(6, 4.5, TrialStatus.STOPPED),  # worse than the median: it counts
        one(7, 1.5, TrialStatus.STOPPED),  # better: who knows where it would have gone
        one(8, None, TrialStatus.STOPPED),
        one(9, None, TrialStatus.FAILED, failure_reason="AlgorithmError: out of memory"),
        one(10, None, TrialStatus.FAILED, failure_reason="CapacityError: none left"),
        one(11, None, TrialStatus.COMPLETED),  # its metric was not found
        one(12, math.nan, TrialStatus.COMPLETED),  # it diverged
        one(13, None, TrialStatus.IN_PROGRESS),
        trial(14, {"subsample": "much"}, 1.0),
        trial(15, {}, 1.0),
        trial(16, {"subsample": "inf"}, 1.0),
    ]
    lessons = learn(space, trials, LOSS)
    assert [lesson.loss for lesson in lessons.lessons] == [1, 2, 3, 4, 5, 4.5, 5, 5]
    assert [lesson.scored for lesson in lessons.lessons] == [True] * 5 + [False] * 3
    assert lessons.best is lessons.lessons[0]
    assert lessons.spread == 2.0


def test_failures_alone_teach_nothing() -> None:
    failed = trial(1, {"subsample": "0.7"}, None, status=TrialStatus.FAILED)
    lessons = learn(SearchSpace(ranges=(SUBSAMPLE,)), [failed], LOSS)
    assert len(lessons) == 0
    assert lessons.best is None


def test_outliers_are_tamed_and_many_trials_thinned() -> None:
    def lessons(losses: Sequence[float]) -> Lessons:
        return Lessons(tuple(Lesson((0.5,), loss, True, 1) for loss in losses), 1.0)

    assert lessons([1.0, 2.0, 3.0, 4.0, 1e9]).tamed == (1.0, 2.0, 3.0, 4.0, 7.0)
    assert lessons([1.0]).tamed == (1.0,)
    many = lessons([float(500 - number) for number in range(500)]).to_fit
    assert len(many) == AT_MOST
    assert set(range(400, 500)) <= set(many)
    assert lessons([1.0, 2.0]).to_fit == (0, 1)


def test_the_newest_trials_gain_is_what_they_bettered_the_others_by() -> None:
    def lessons(losses: Sequence[float]) -> Lessons:
        return Lessons(tuple(Lesson((0.5,), loss, True, 1) for loss in losses), 1.0)

    course = lessons([5.0, 3.0, 4.0, 2.0])
    assert course.latest_gain(1) == 1.0
    assert course.latest_gain(2) == 1.0
    assert course.latest_gain(9) == 1.0  # at most half
    assert lessons([1.0, 2.0]).latest_gain(1) == 0.0
    assert lessons([1.0]).latest_gain(3) == 0.0


def test_a_view_holds_box_and_trials_on_the_cube() -> None:
    trials = sample(SPACE, count=10)
    view = View.of(SPACE, learn(SPACE, trials, LOSS), 0.5)
    numbers = [index for index, size in enumerate(view.sizes) if not size]
    for index in numbers:
        column = [row[index] for row in view.rows] + [view.low[index], view.high[index]]
        assert min(column) == pytest.approx(0.0, abs=1e-12)
        assert max(column) == pytest.approx(1.0)
        assert view.low[index] <= view.core_low[index] < view.core_high[index] <= view.high[index]
    assert view.back(4, view.onto((0.0,) * 4 + (0.005, 0.0))[4]) == pytest.approx(0.005)
    assert view.allowed[-1] == (0, 1, 2)
