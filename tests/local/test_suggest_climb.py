"""The expected improvement's gradient is its slope, and a climb by it only ever goes up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from gp_surrogate import GaussianProcess, log_expected_improvement
from sagemaker_local.suggest.ascent import climb
from sagemaker_local.suggest.bayesian import _draws
from sagemaker_local.suggest.improvement import Improvement
from sagemaker_local.suggest.space import Space

if TYPE_CHECKING:
    from gp_surrogate.kernel import Array

NUMBERS = {
    "ContinuousParameterRanges": [
        {"Name": f"x{each}", "MinValue": "0", "MaxValue": "1"} for each in range(3)
    ]
}
MIXED: dict[str, Any] = {
    **NUMBERS,
    "IntegerParameterRanges": [
        {"Name": "few", "MinValue": "1", "MaxValue": "6"},
        {"Name": "many", "MinValue": "1", "MaxValue": "400", "ScalingType": "Logarithmic"},
    ],
    "CategoricalParameterRanges": [{"Name": "word", "Values": ["a", "b", "c"]}],
}
WHOLE = {"IntegerParameterRanges": MIXED["IntegerParameterRanges"]}


def prepared(ranges: dict[str, Any], seed: int, running: int) -> tuple[Space, Improvement, Array]:
    """Return a space, what is expected after 25 trials and some that run, and all their points."""
    space, rng = Space.parse(ranges), np.random.default_rng(seed)
    units = space.snap(rng.random((25 + running, len(space))))
    coded = space.encode(units)
    losses = ((units - 0.3) ** 2).sum(axis=1) + 0.01 * rng.standard_normal(len(units))
    model = GaussianProcess.fit(coded[:25], losses[:25], groups=space.layout.groups)
    score = Improvement.of(model, coded[25:], coded[:25], _draws(running, rng))
    return space, score, units


@pytest.mark.parametrize("running", [0, 5])
@pytest.mark.parametrize("seed", range(4))
def test_the_slope_is_that_of_the_score(seed: int, running: int) -> None:
    space, score, _ = prepared(MIXED, seed, running)
    x = space.encode(np.random.default_rng(100 + seed).random((6, len(space))))
    value, slope = score.with_slope(x)
    assert value == pytest.approx(score(x), abs=1e-9)
    step = 1e-6
    for column in range(x.shape[1]):
        ahead, behind = x.copy(), x.copy()
        ahead[:, column] += step
        behind[:, column] -= step
        difference = (score(ahead) - score(behind)) / (2 * step)
        assert slope[:, column] == pytest.approx(difference, rel=2e-3, abs=2e-3)


def test_the_slope_holds_where_hardly_anything_is_expected() -> None:
    """Far from hope the improvement underflows; its logarithm and slope must not."""
    x = np.linspace(0.0, 1.0, 12)[:, None]
    model = GaussianProcess.fit(x, 50.0 * x[:, 0] ** 2)
    score = Improvement.of(model, np.empty((0, 1)), x, np.zeros((1, 0)))
    at = np.linspace(0.5, 0.98, 7)[:, None] + 0.003
    value, slope = score.with_slope(at)
    assert value.min() < -50.0
    difference = (score(at + 1e-6) - score(at - 1e-6)) / 2e-6
    assert slope[:, 0] == pytest.approx(difference, rel=1e-2, abs=1e-2)


def test_with_nothing_running_it_is_the_textbooks() -> None:
    space, score, units = prepared(NUMBERS, 1, 0)
    x = np.random.default_rng(9).random((20, 3))
    mean, sd = score.model.predict(x)
    best = float(score.model.predict(space.encode(units))[0].min())
    textbook = log_expected_improvement(mean, sd, best) - np.log(score.model.scale)
    assert score(x) == pytest.approx(textbook, abs=1e-6)


def test_little_is_expected_next_to_a_trial_that_runs() -> None:
    space, score, units = prepared(NUMBERS, 2, 1)
    alone = Improvement.of(
        GaussianProcess.fit(space.encode(units[:25]), ((units[:25] - 0.3) ** 2).sum(axis=1)),
        np.empty((0, 3)),
        space.encode(units[:25]),
        np.zeros((1, 0)),
    )
    top = climb(alone, space, np.random.default_rng(0).random((6, 3)))
    place = top[0][[np.argmax(top[1])]]
    coded = space.encode(place)
    waiting = Improvement.of(
        alone.model, coded, space.encode(units[:25]), _draws(1, np.random.default_rng(3))
    )
    assert waiting(coded)[0] < alone(coded)[0] - 1.0
    assert score.alphas.shape == (26, 16)


@pytest.mark.parametrize("ranges", [NUMBERS, MIXED, WHOLE], ids=["numbers", "mixed", "whole"])
@pytest.mark.parametrize("seed", range(5))
def test_a_climb_goes_up_and_stays_inside(ranges: dict[str, Any], seed: int) -> None:
    space, score, _ = prepared(ranges, seed, 4)
    first = space.snap(np.random.default_rng(seed).random((6, len(space))))
    first[0] = np.round(first[0])  # a corner of the cube
    first = space.snap(first)
    before = first.copy()
    points, reached = climb(score, space, first)
    assert np.array_equal(first, before)  # the caller's are left as they are
    assert points.min() >= 0.0
    assert points.max() <= 1.0
    assert reached == pytest.approx(score(space.encode(points)), abs=1e-6)
    assert reached.max() >= score(space.encode(first)).max() - 1e-9


@pytest.mark.parametrize("seed", range(5))
def test_a_climb_finds_better_than_as_much_looking_about(seed: int) -> None:
    space, score, _ = prepared(NUMBERS, seed, 4)
    rng = np.random.default_rng(50 + seed)
    _, reached = climb(score, space, rng.random((6, 3)))
    assert reached.max() >= score(rng.random((2000, 3))).max() - 1e-3


def test_each_single_climb_ends_no_lower_than_it_began() -> None:
    space, score, _ = prepared(NUMBERS, 7, 5)
    for first in np.random.default_rng(1).random((20, 1, 3)):
        _, reached = climb(score, space, first)
        assert reached[-1] >= score(space.encode(first))[0] - 1e-9
