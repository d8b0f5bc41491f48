"""When a trial, and when a whole tuning job, has done enough."""

from __future__ import annotations

import math

import pytest

from sagemaker_local.suggest import halving
from sagemaker_local.suggest.completion import not_improving, target_reached
from sagemaker_local.suggest.early_stopping import Goal, should_stop

OTHERS = [[0.5, 0.6, 0.7, 0.8]] * 5


def stops(curve: list[float], others: list[list[float]] = OTHERS, goal: Goal = "Maximize") -> bool:
    return should_stop(curve, others, goal, min_jobs=5, grace_steps=2)


def test_a_value_below_the_median_of_running_averages_stops() -> None:
    assert stops([0.1, 0.1, 0.59])  # the others' average up to step 3 is 0.6
    assert not stops([0.1, 0.1, 0.6])


def test_less_is_better_when_minimizing() -> None:
    assert stops([0.9, 0.9, 0.61], goal="Minimize")
    assert not stops([0.9, 0.9, 0.59], goal="Minimize")


def test_the_guards_hold() -> None:
    assert not stops([0.0, 0.0])  # within the grace
    assert not stops([0.0, 0.0, 0.0], OTHERS[:4])  # too few to compare with
    assert not stops([0.0, 0.0, 0.0], [*OTHERS[:4], [], [math.nan]])
    assert not should_stop([], [], "Maximize", min_jobs=0, grace_steps=0)
    assert not should_stop([0.0], [], "Maximize", min_jobs=0, grace_steps=0)


def test_jobs_that_ended_early_count_with_what_they_told() -> None:
    others = [[0.9, 0.9, 0.9], [0.9, 0.9, 0.9], [0.2], [0.2], [0.2]]
    assert not stops([0.3, 0.3, 0.3], others)


def test_a_value_that_is_no_number_stops() -> None:
    assert stops([0.9, 0.9, math.nan])


@pytest.mark.parametrize(
    ("values", "goal", "gain", "count"),
    [
        ([], "Maximize", 0.01, 0),
        ([0.9], "Maximize", 0.01, 0),
        ([0.9, 0.8, 0.7], "Maximize", 0.01, 2),
        ([0.9, 0.905, 0.92], "Maximize", 0.01, 0),
        ([0.9, 0.905], "Maximize", 0.01, 1),
        ([0.9, 0.905], "Maximize", 0.0, 0),
        ([0.9, 0.905, 0.912], "Maximize", 0.01, 2),  # each step is below 1 % of the best so far
        ([5.0, 4.0, 4.5], "Minimize", 0.01, 1),
        ([-5.0, -4.0], "Maximize", 0.01, 0),
        ([0.0, 0.0], "Minimize", 0.0, 1),
    ],
)
def test_not_improving(values: list[float], goal: Goal, gain: float, count: int) -> None:
    assert not_improving(values, goal, gain) == count


def test_a_target_is_reached_by_equality() -> None:
    assert target_reached(0.9, "Maximize", 0.9)
    assert not target_reached(0.9, "Maximize", 0.91)
    assert target_reached(0.9, "Minimize", 0.9)


@pytest.mark.parametrize(
    ("value", "others", "stops_here"),
    [
        (0.1, [], False),
        (0.1, [0.9], False),  # one of two: no third of them yet
        (0.1, [0.9, 0.8], True),
        (0.85, [0.9, 0.8], True),
        (0.95, [0.9, 0.8], False),
        (0.85, [0.9, 0.8, 0.7, 0.6, 0.5], False),  # second of six
        (0.85, [0.9, 0.88, 0.7, 0.6, 0.5], True),
        (math.nan, [0.9, 0.8], True),
    ],
)
def test_the_best_third_goes_on(value: float, others: list[float], *, stops_here: bool) -> None:
    for sign, goal in ((1, "Maximize"), (-1, "Minimize")):
        curves = [[sign * other] for other in others]
        found = halving.should_stop(
            [sign * value],
            curves,
            goal,
            judged=0,
            lowest=1,
            highest=9,  # type: ignore[arg-type]
        )
        assert found is stops_here


def test_a_rung_is_judged_once_even_if_two_values_come_together() -> None:
    others = [[0.9] * 9] * 3

    def judge(curve: list[float], judged: int) -> bool:
        return halving.should_stop(curve, others, "Maximize", judged=judged, lowest=3, highest=9)

    assert not judge([0.1, 0.1], 0)  # below the first rung
    assert judge([0.1, 0.1, 0.1, 0.1], 2)
    assert not judge([0.1, 0.1, 0.1, 0.1], 3)
    assert judge([0.9] * 10, 9)  # past the most
