"""What the surrogate is made of: its evidence, optimiser, kernel, acquisition and candidates."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest

from gp_surrogate import (
    Layout,
    expected_improvement,
    log_expected_improvement,
)
from gp_surrogate.acquisition import erfc, log_h, normal_cdf
from gp_surrogate.candidates import around, spread
from gp_surrogate.evidence import LEAST_NOISE, Evidence
from gp_surrogate.kernel import (
    NotPositiveDefiniteError,
    inverse_of_lower,
    matern52,
    robust_cholesky,
    squared_distances,
)
from gp_surrogate.optimise import Answer, minimise
from tests.support.bowl import sample

if TYPE_CHECKING:
    from gp_surrogate.kernel import Array


# -- the parts ----------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(4))
def test_gradient_agrees_with_finite_differences(seed: int) -> None:
    rng = np.random.default_rng(seed)
    x, y = sample(25, 4, seed)
    evidence = Evidence.of(x, (y - y.mean()) / y.std(), (0, 1, 1, 2))
    theta = evidence.mean + 0.7 * rng.standard_normal(evidence.mean.size)
    gradient = evidence(theta)[1]()
    for index in range(theta.size):
        step = np.zeros_like(theta)
        step[index] = 1e-5
        difference = (evidence(theta + step)[0] - evidence(theta - step)[0]) / 2e-5
        assert gradient[index] == pytest.approx(difference, rel=1e-4, abs=1e-4)


def test_value_is_that_of_the_textbook_up_to_a_constant() -> None:
    x, y = sample(9, 2)
    z = (y - y.mean()) / y.std()
    evidence = Evidence.of(x, z, (0, 1))
    values = []
    for theta in (np.array([-0.5, 0.2, 0.1, -2.0]), np.array([0.3, -1.0, -0.4, -5.0])):
        scaled = x / np.exp(theta[:2])
        covariance = math.exp(2 * theta[2]) * matern52(squared_distances(scaled, scaled))
        covariance += (math.exp(2 * theta[3]) + LEAST_NOISE) * np.eye(9)
        fit = 0.5 * z @ np.linalg.solve(covariance, z) + 0.5 * np.linalg.slogdet(covariance)[1]
        prior = 0.5 * np.sum(((theta - evidence.mean) / evidence.sd) ** 2)
        values.append((evidence(theta)[0], fit + prior))
    (first, textbook_first), (second, textbook_second) = values
    assert first - second == pytest.approx(textbook_first - textbook_second, rel=1e-6)


def test_optimiser_solves_rosenbrock() -> None:
    def rosenbrock(p: Array) -> Answer:
        a, b = float(p[0]), float(p[1])
        value = (1 - a) ** 2 + 100 * (b - a * a) ** 2
        slope = np.array([-2 * (1 - a) - 400 * a * (b - a * a), 200 * (b - a * a)])
        return value, lambda: slope

    point, value = minimise(
        rosenbrock, np.array([-1.2, 1.0]), spread=np.ones(2) * 0.01, iterations=200, tolerance=1e-12
    )
    assert point == pytest.approx([1.0, 1.0], abs=1e-3)
    assert value < 1e-6


def test_optimiser_turns_back_where_there_is_no_value() -> None:
    def half_line(p: Array) -> Answer:
        x = float(p[0])
        if x <= 0:
            return math.inf, lambda: np.zeros(1)
        return x - math.log(x), lambda: np.array([1 - 1 / x])

    point, _ = minimise(half_line, np.array([1.9]), spread=np.array([40.0]), tolerance=1e-10)
    assert point[0] == pytest.approx(1.0, abs=1e-3)


@pytest.mark.parametrize("size", [1, 5, 8, 9, 17, 100, 200])
def test_inverse_of_lower(size: int) -> None:
    rng = np.random.default_rng(size)
    factor = np.tril(rng.standard_normal((size, size))) + 3 * math.sqrt(size) * np.eye(size)
    inverse = inverse_of_lower(factor)
    assert inverse @ factor == pytest.approx(np.eye(size), abs=1e-9)
    assert not np.triu(inverse, 1).any()


def test_cholesky_of_a_singular_matrix_gets_jitter() -> None:
    factor = robust_cholesky(np.ones((4, 4)))
    assert factor @ factor.T == pytest.approx(np.ones((4, 4)), abs=1e-4)


def test_jitter_is_in_units_of_the_level_where_one_is_given() -> None:
    singular = np.ones((3, 3))
    singular[2] = 1e-3, 1e-3, 1e9  # A corner like this one is no measure of the rest.
    factor = robust_cholesky(singular, level=1.0)
    assert factor @ factor.T == pytest.approx(np.tril(singular) + np.tril(singular, -1).T, abs=1e-4)


def test_cholesky_gives_up_on_what_is_no_covariance() -> None:
    with pytest.raises(NotPositiveDefiniteError, match="not positive definite"):
        robust_cholesky(-np.eye(3))


def test_kernel_at_distance_one() -> None:
    root = math.sqrt(5.0)
    expected = (1 + root + 5 / 3) * math.exp(-root)
    assert matern52(np.ones(1))[0] == pytest.approx(expected, rel=1e-14)


def test_squared_distances_are_not_negative() -> None:
    x = np.random.default_rng(1).random((40, 3)) + 1e6
    assert squared_distances(x, x).min() >= 0.0


# -- acquisition --------------------------------------------------------------------------------


def test_erfc_keeps_shape_and_precision() -> None:
    values = np.array([[-3.0, 0.0], [0.5, 20.0]])
    assert erfc(values).shape == (2, 2)
    assert erfc(values)[1, 1] == math.erfc(20.0)
    assert normal_cdf(np.array([0.0]))[0] == 0.5


def test_expected_improvement_agrees_with_monte_carlo() -> None:
    draws = np.random.default_rng(0).standard_normal(400_000)
    for mean, sd, best in [(0.0, 1.0, 0.0), (1.0, 0.5, 0.7), (-2.0, 3.0, 1.0), (0.5, 0.1, 0.6)]:
        seen = np.maximum(best - (mean + sd * draws), 0.0).mean()
        told = expected_improvement(np.array([mean]), np.array([sd]), best)[0]
        assert told == pytest.approx(seen, rel=0.02, abs=1e-4)


def test_log_improvement_is_smooth_over_its_branches() -> None:
    z = np.linspace(-40.0, 5.0, 200_001)
    values = log_h(z)
    assert np.isfinite(values).all()
    assert (np.diff(values) > 0).all()
    # The second difference of a smooth function is small: a jump between branches would show.
    assert np.abs(np.diff(values, 2)).max() < 1e-6


def test_log_improvement_far_in_the_tail() -> None:
    value = log_expected_improvement(np.array([100.0, 1000.0]), np.array([1.0, 1.0]), 0.0)
    # ln h(z) -> -z²/2 - ln √(2π) - 2 ln|z|
    assert value[0] == pytest.approx(
        -5000 - 0.5 * math.log(2 * math.pi) - 2 * math.log(100), abs=1e-3
    )
    assert value[0] > value[1] > -math.inf


def test_log_improvement_without_doubt() -> None:
    value = log_expected_improvement(np.array([1.0, 3.0]), np.zeros(2), 2.0)
    assert value.tolist() == [0.0, -math.inf]


# -- candidates and encoding --------------------------------------------------------------------


def test_spread_points_are_even() -> None:
    points = spread(512, 6, np.random.default_rng(0))
    assert points.shape == (512, 6)
    assert points.min() >= 0.0
    assert points.max() < 1.0
    for column in points.T:
        counts = np.histogram(column, bins=16, range=(0, 1))[0]
        assert counts.min() > 20  # 32 expected
    distinct = {tuple(point) for point in points.tolist()}
    assert len(distinct) == 512


def test_spread_is_reproducible() -> None:
    first, second = (spread(50, 3, np.random.default_rng(7)) for _ in range(2))
    assert (first == second).all()


def test_around_moves_each_point_in_some_coordinate() -> None:
    centre = np.full((2, 5), 0.5)
    points = around(centre, 100, 0.1, np.random.default_rng(0))
    assert points.shape == (200, 5)
    assert (points != 0.5).any(axis=1).all()
    assert (points == 0.5).mean() > 0.4


def test_categories_are_at_distance_one() -> None:
    coded = Layout((3, 0)).encode([[0, 0.1], [2, 0.1]])
    assert squared_distances(coded, coded)[0, 1] == pytest.approx(1.0)
    assert Layout((3, 0)).numeric == (1,)
    assert Layout((2,)).encode([[-1.0]]).tolist() == [[0.0, 0.0]]
