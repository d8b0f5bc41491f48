"""The surrogate predicts, doubts, and does not care for the order or unit of what it is given."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gp_surrogate import (
    GaussianProcess,
    Layout,
)
from gp_surrogate.candidates import spread
from gp_surrogate.gp import AT_ONCE
from gp_surrogate.kernel import (
    matern52,
    squared_distances,
)
from tests.support.bowl import bowl, sample

if TYPE_CHECKING:
    from gp_surrogate.kernel import Array


def test_noiseless_data_are_interpolated() -> None:
    x = spread(40, 2, np.random.default_rng(0))
    y = bowl(x)
    model = GaussianProcess.fit(x, y)
    mean, sd = model.predict(x)
    assert np.abs(mean - y).max() < 0.01 * y.std()
    assert sd.max() < 0.02 * y.std()
    assert model.noise < 0.02 * y.std()


def test_prediction_far_away_returns_to_the_prior() -> None:
    x, y = sample()
    model = GaussianProcess.fit(x, y)
    mean, sd = model.predict(np.full((1, 3), 1e3))
    assert mean[0] == pytest.approx(y.mean())
    assert sd[0] == pytest.approx(model.amplitude * model.scale)


def test_noise_is_found() -> None:
    rng = np.random.default_rng(3)
    x = rng.random((120, 2))
    y = np.sin(5 * x[:, 0]) + 0.3 * rng.standard_normal(120)
    model = GaussianProcess.fit(x, y)
    assert model.noise == pytest.approx(0.3, rel=0.3)
    assert model.lengthscales[1] > 2 * model.lengthscales[0]


def test_doubt_is_calibrated_on_draws_from_the_prior() -> None:
    inside = []
    for seed in range(12):
        rng = np.random.default_rng(seed)
        x = rng.random((60, 2))
        covariance = matern52(squared_distances(x / 0.4, x / 0.4)) + 1e-9 * np.eye(60)
        truth = np.linalg.cholesky(covariance) @ rng.standard_normal(60)
        model = GaussianProcess.fit(x[:30], truth[:30] + 0.05 * rng.standard_normal(30))
        mean, sd = model.predict(x[30:])
        inside.append(np.abs(truth[30:] - mean) < 1.2816 * sd)
    assert 0.70 < np.mean(inside) < 0.90  # 80 % intended


def test_order_does_not_matter() -> None:
    x, y = sample()
    where = spread(50, 3, np.random.default_rng(2))
    order = np.random.default_rng(9).permutation(len(x))
    first = GaussianProcess.fit(x, y).predict(where)
    second = GaussianProcess.fit(x[order], y[order]).predict(where)
    assert first[0] == pytest.approx(second[0], rel=1e-12)
    assert first[1] == pytest.approx(second[1], rel=1e-9)


@settings(max_examples=15, deadline=None)
@given(st.floats(1e-6, 1e6), st.floats(-1e3, 1e3))
def test_unit_of_the_values_does_not_matter(factor: float, shift: float) -> None:
    x, y = sample(12, 2)
    where = spread(20, 2, np.random.default_rng(2))
    plain, doubt = GaussianProcess.fit(x, y).predict(where)
    # No more digits than the shift leaves of the values.
    shift *= factor
    mean, sd = GaussianProcess.fit(x, factor * y + shift).predict(where)
    assert (mean - shift) / factor == pytest.approx(plain, abs=1e-6)
    assert sd / factor == pytest.approx(doubt, abs=1e-6)


def test_one_point_is_enough() -> None:
    model = GaussianProcess.fit(np.array([[0.5, 0.5]]), np.array([3.0]))
    mean, sd = model.predict(np.array([[0.5, 0.5], [0.0, 1.0]]))
    assert mean == pytest.approx([3.0, 3.0])
    assert sd[0] < sd[1]


def test_duplicates_are_averaged() -> None:
    x = np.array([[0.2], [0.2], [0.2], [0.8]])
    mean, _ = GaussianProcess.fit(x, np.array([0.0, 1.0, 2.0, 5.0])).predict(np.array([[0.2]]))
    assert 0.5 < mean[0] < 1.8


def test_equal_values_give_a_constant() -> None:
    x, _ = sample()
    model = GaussianProcess.fit(x, np.full(len(x), 0.1))
    mean, sd = model.predict(x)
    assert mean == pytest.approx(np.full(len(x), 0.1))
    assert np.isfinite(sd).all()


def test_a_constant_column_does_no_harm() -> None:
    x, y = sample()
    x[:, 1] = 0.5
    mean, _ = GaussianProcess.fit(x, y).predict(x)
    assert np.isfinite(mean).all()


@pytest.mark.parametrize(
    ("x", "y", "groups"),
    [
        (np.zeros((2, 1)), np.zeros(3), None),
        (np.zeros((0, 1)), np.zeros(0), None),
        (np.zeros((2, 2)), np.zeros(2), (0, 2)),
        (np.zeros((2, 2)), np.zeros(2), (0,)),
        (np.full((2, 1), np.nan), np.zeros(2), None),
        (np.zeros((2, 1)), np.array([0.0, np.inf]), None),
    ],
)
def test_nonsense_is_refused(x: Array, y: Array, groups: tuple[int, ...] | None) -> None:
    with pytest.raises(ValueError, match="must"):
        GaussianProcess.fit(x, y, groups=groups)


def test_many_points_are_predicted_as_each_by_itself() -> None:
    model = GaussianProcess.fit(*sample(40, 2))
    points = np.random.default_rng(3).random((AT_ONCE // 40 + 7, 2))
    mean, sd = model.predict(points)
    for each in (0, AT_ONCE // 40 - 1, AT_ONCE // 40, -1):
        alone = model.predict(points[[each]])
        assert (mean[each], sd[each]) == pytest.approx((alone[0][0], alone[1][0]), rel=1e-9)


def test_joint_samples_have_the_predicted_covariance() -> None:
    x, y = sample(15, 2)
    model = GaussianProcess.fit(x, y)
    where = spread(6, 2, np.random.default_rng(4))
    draws = model.joint_sample(where, 40_000, np.random.default_rng(0))
    mean, sd = model.predict(where)
    assert draws.shape == (40_000, 6)
    assert draws.mean(axis=0) == pytest.approx(mean, abs=0.03 * sd.max())
    assert np.cov(draws.T) == pytest.approx(model.covariance(where), abs=0.03 * sd.max() ** 2)
    assert np.sqrt(np.diagonal(model.covariance(where))) == pytest.approx(sd)


def test_joint_samples_of_one_point_twice_agree() -> None:
    x, y = sample(15, 2)
    draws = GaussianProcess.fit(x, y).joint_sample(
        np.full((2, 2), 0.9), 50, np.random.default_rng(0)
    )
    assert draws[:, 0] == pytest.approx(draws[:, 1], abs=1e-3)


def test_conditioning_equals_the_whole_formula() -> None:
    x, y = sample(20, 2)
    model = GaussianProcess.fit(x[:16], y[:16])
    grown = model.condition(x[16:], y[16:])
    where = spread(9, 2, np.random.default_rng(4))
    everything = np.vstack([model.x, x[16:]])
    stretch = model.lengthscales
    inner = model.amplitude**2 * matern52(
        squared_distances(everything / stretch, everything / stretch)
    ) + model.relative_noise**2 * np.eye(20)
    cross = model.amplitude**2 * matern52(squared_distances(where / stretch, everything / stretch))
    mean, sd = grown.predict(where)
    z = np.concatenate([model.z, (y[16:] - model.centre) / model.scale])
    assert (mean - model.centre) / model.scale == pytest.approx(cross @ np.linalg.solve(inner, z))
    variance = model.amplitude**2 - np.sum(cross * np.linalg.solve(inner, cross.T).T, axis=1)
    assert (sd / model.scale) ** 2 == pytest.approx(variance, abs=1e-8)


def test_believing_a_pending_point_keeps_the_mean_and_shrinks_the_doubt() -> None:
    x, y = sample(15, 2)
    model = GaussianProcess.fit(x, y)
    pending = np.array([[0.9, 0.1]])
    believed = model.condition(pending, model.predict(pending)[0])
    assert believed.predict(pending)[0] == pytest.approx(model.predict(pending)[0])
    assert believed.predict(pending)[1][0] < model.predict(pending)[1][0]
    assert model.condition(np.empty((0, 2)), np.empty(0)) is model


def test_categories_are_told_apart() -> None:
    rng = np.random.default_rng(0)
    rows = np.column_stack([rng.random(40), rng.integers(3, size=40)])
    layout = Layout((0, 3))
    y = rows[:, 0] + np.array([0.0, 2.0, 1.0])[rows[:, 1].astype(int)]
    model = GaussianProcess.fit(layout.encode(rows), y, groups=layout.groups)
    mean, _ = model.predict(layout.encode([[0.5, 0], [0.5, 1], [0.5, 2]]))
    assert mean == pytest.approx([0.5, 2.5, 1.5], abs=0.1)
    assert len(model.lengthscales) == 2
