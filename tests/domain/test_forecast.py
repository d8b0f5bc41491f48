"""The forecast is in the objective's unit, calibrated, and silent where nothing can be told."""

from __future__ import annotations

import math
import random
from datetime import UTC, datetime
from statistics import fmean

import pytest

from tunewright.domain.forecast import Forecast, forecast
from tunewright.domain.objective import Goal, Objective
from tunewright.domain.space import CategoricalRange, ContinuousRange, SearchSpace
from tunewright.domain.trial import Trial, TrialStatus

LOSS = Objective(metric="loss", goal=Goal.MINIMIZE)
SCORE = Objective(metric="score", goal=Goal.MAXIMIZE)
SPACE = SearchSpace(
    ranges=(
        ContinuousRange(name="x", low=0.2, high=0.6, hard_low=0.0, hard_high=1.0),
        ContinuousRange(name="y", low=0.0, high=1.0, hard_low=0.0, hard_high=1.0),
        CategoricalRange(name="c", choices=("a", "b"), hard_choices=("a", "b")),
    )
)


def value(x: float, y: float, c: str) -> float:
    return (x - 0.55) ** 2 + (y - 0.3) ** 2 + (0.1 if c == "b" else 0.0)


def sample(count: int, seed: int = 0, *, factor: float = 1.0, noise: float = 0.0) -> list[Trial]:
    source = random.Random(seed)  # noqa: S311 - reproducible, not secret
    trials = []
    for number in range(count):
        x, y, c = source.uniform(0.2, 0.6), source.random(), source.choice("ab")
        trials.append(
            Trial(
                name=f"t-{seed}-{number:03d}",
                study_id="s",
                tuning_job="j",
                round_number=1,
                parameters={"x": repr(x), "y": repr(y), "c": c},
                status=TrialStatus.COMPLETED,
                objective=factor * (value(x, y, c) + noise * source.gauss(0, 1)),
                created=datetime(2026, 1, 1, tzinfo=UTC),
            )
        )
    return trials


def go(
    trials: list[Trial],
    objective: Objective = LOSS,
    *,
    ahead: int = 10,
    adaptive: bool = False,
    space: SearchSpace = SPACE,
) -> Forecast:
    return forecast(
        space,
        trials,
        objective,
        trials_ahead=ahead,
        adaptive=adaptive,
        study_id="s",
        round_number=2,
    )


def numbers(found: Forecast) -> tuple[float, float, float]:
    assert found.gain is not None
    assert found.low is not None
    assert found.high is not None
    return found.low, found.gain, found.high


@pytest.mark.parametrize("adaptive", [False, True])
def test_gains_are_ordered_and_not_negative(adaptive: bool) -> None:
    low, gain, high = numbers(go(sample(12), adaptive=adaptive))
    assert 0 <= low <= gain <= high
    assert high > 0


def test_random_rounds_gain_about_what_was_foreseen() -> None:
    foreseen, real = [], []
    for seed in range(20):
        trials = sample(10, seed)
        foreseen.append(numbers(go(trials))[1])
        best = min(trial.objective or math.inf for trial in trials)
        ahead = [trial.objective or math.inf for trial in sample(10, 1000 + seed)]
        real.append(max(0.0, best - min(ahead)))
    assert fmean(foreseen) == pytest.approx(fmean(real), rel=0.6)


def test_more_trials_gain_more() -> None:
    trials = sample(12)
    few, many = (numbers(go(trials, ahead=ahead))[1] for ahead in (2, 40))
    assert few < many


def test_little_is_left_where_much_was_tried() -> None:
    early, late = (numbers(go(sample(count), adaptive=True)) for count in (10, 80))
    assert late[1] < early[1]


def test_a_search_that_still_improves_is_expected_to_gain_more() -> None:
    rising = sample(16)
    ranked = sorted((trial.objective or 0.0 for trial in rising), reverse=True)
    improving = [t.but(objective=value) for t, value in zip(rising, ranked, strict=True)]
    standing = [t.but(objective=value) for t, value in zip(rising, ranked[::-1], strict=True)]
    # The same values: what differs is when the best of them came, and where.
    latest = [gain for trials in (improving, standing) for gain in [numbers(go(trials))[1]]]
    assert latest[0] > latest[1]


def test_each_doubling_of_the_trials_is_expected_to_gain_alike() -> None:
    # At one and the same point only the order tells of a gain: 0.5, by the newer half.
    worse, better = [1.0] * 10, [0.5] * 10

    def foreseen(losses: list[float], ahead: int) -> float:
        trials = sample(20)
        same = [
            trial.but(objective=loss, parameters=trials[0].parameters)
            for trial, loss in zip(trials, losses, strict=True)
        ]
        return numbers(go(same, ahead=ahead, adaptive=True))[1]

    half, one, two = (
        foreseen(worse + better, ahead) - foreseen(better + worse, ahead) for ahead in (10, 20, 60)
    )
    assert 0 < half < one
    assert two == pytest.approx(2 * one)


def test_one_score_among_early_stopped_trials_has_no_course_yet() -> None:
    trials = sample(12)
    best = min(trials, key=lambda trial: trial.objective or math.inf)
    stopped = [t if t is best else t.but(status=TrialStatus.STOPPED) for t in trials]
    low, gain, high = numbers(go(stopped, adaptive=True))
    assert low <= gain <= high < 1  # of values that lie within 0.7


def test_luck_is_not_a_gain() -> None:
    source = random.Random(0)  # noqa: S311
    trials = [trial.but(objective=source.gauss(0, 1)) for trial in sample(40)]
    _, gain, _ = numbers(go(trials))
    assert gain < 0.8  # two standard deviations lie between the median and the luckiest of 40


def test_the_unit_is_the_objectives_own() -> None:
    low, gain, high = numbers(go(sample(15)))
    scaled = numbers(go(sample(15, factor=1000.0)))
    assert scaled == pytest.approx((1000 * low, 1000 * gain, 1000 * high), rel=1e-4)


def test_maximize_mirrors_minimize() -> None:
    assert go(sample(15, factor=-1.0), SCORE) == go(sample(15))


def test_order_does_not_matter_and_it_is_deterministic() -> None:
    trials = sample(15)
    assert go(trials[::-1] + trials) == go(trials)


def test_without_enough_trials_nothing_is_told() -> None:
    found = go(sample(7))
    assert (found.gain, found.low, found.high) == (None, None, None)
    assert found.reason == "7 trials are too few for a forecast, which takes 8"
    assert go([]).gain is None


def test_equal_values_promise_nothing() -> None:
    found = go([trial.but(objective=0.5) for trial in sample(12)])
    assert (found.gain, found.high) == (0.0, 0.0)
    assert "nothing shows where to go" in found.reason


def test_a_surrogate_that_fails_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ArithmeticError("covariance is not positive definite")

    monkeypatch.setattr("gp_surrogate.region.expected_gain", fail)
    assert go(sample(12)).reason == "no surrogate: covariance is not positive definite"
