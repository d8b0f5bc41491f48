"""The surrogate's region is where the function is good; its gains are those of its own draws."""

from __future__ import annotations

import numpy as np
import pytest

from gp_surrogate.region import Box, Gain, expected_gain, good_region, regrets

BOX = Box(sizes=(0, 0, 3), low=(0.0, 0.0, 0.0), high=(1.0, 1.0, 0.0), allowed=((), (), (0, 1, 2)))


def lessons(count: int = 50) -> tuple[list[list[float]], list[float]]:
    rng = np.random.default_rng(0)
    rows = np.column_stack([rng.random((count, 2)), rng.integers(3, size=count)])
    losses = (rows[:, 0] - 0.8) ** 2 + np.array([0.0, 0.4, 0.8])[rows[:, 2].astype(int)]
    return rows.tolist(), losses.tolist()


def gain(trials: int = 10, *, adaptive: bool = True) -> Gain:
    rows, losses = lessons()
    incumbent = rows[int(np.argmin(losses))]
    return expected_gain(
        rows, losses, BOX, incumbent=incumbent, trials=trials, adaptive=adaptive, seed=1
    )


def test_points_fill_the_box_evenly() -> None:
    box = Box((0, 2, 4), (-1.0, 0.0, 0.0), (3.0, 0.0, 0.0), ((), (0, 1), (1, 3)))
    points = box.fill(400, np.random.default_rng(0))
    assert points[:, 0].min() == pytest.approx(-1.0, abs=0.02)
    assert points[:, 0].max() == pytest.approx(3.0, abs=0.02)
    assert set(points[:, 1]) == {0.0, 1.0}
    assert np.mean(points[:, 2] == 3) == pytest.approx(0.5, abs=0.03)
    assert set(points[:, 2]) == {1.0, 3.0}


def test_the_good_part_is_found() -> None:
    rows, losses = lessons()
    core = Box(BOX.sizes, (0.2, 0.2, 0.0), (0.7, 0.8, 0.0), BOX.allowed)
    region = good_region(rows, losses, BOX, core=core, share=0.05, seed=1)
    assert region.low[0] < 0.8 < region.high[0]
    assert region.high[0] - region.low[0] < 0.6
    assert region.mean[0] == pytest.approx(0.8, abs=0.1)
    assert region.above[0] > 0.5
    assert region.below[0] == 0.0
    assert region.preference[0] > 0.4 > region.preference[1]
    assert region.among_optima[2][0] > 0.9
    assert sum(region.among_optima[2]) == pytest.approx(1.0)
    assert region.among_optima[0] == ()
    assert region.explained > 0.9
    assert region == good_region(rows, losses, BOX, core=core, share=0.05, seed=1)


def test_a_surrogate_that_knows_nothing_explains_little() -> None:
    rows, _ = lessons(100)
    noise = np.random.default_rng(5).standard_normal(100).tolist()
    region = good_region(rows, noise, BOX, core=BOX, share=0.05, seed=1)
    assert region.explained < 0.3
    constant = good_region(rows, [1.0] * 100, BOX, core=BOX, share=0.05, seed=1)
    assert constant.explained == 0.0


@pytest.mark.parametrize("adaptive", [False, True])
def test_a_gain_is_ordered(adaptive: bool) -> None:
    found = gain(adaptive=adaptive)
    assert 0 <= found.low <= found.mean <= found.high
    assert found == gain(adaptive=adaptive)


def test_learning_trials_gain_more_than_spread_ones() -> None:
    assert gain().mean > gain(adaptive=False).mean


def behind(count: int, box: Box = BOX) -> list[float]:
    rows, losses = lessons(count)
    incumbent = rows[int(np.argmin(losses))]
    return regrets(rows, losses, box, incumbent=incumbent, seed=1)


def test_regrets_are_ascending_and_reach_to_what_is_really_left() -> None:
    few, many = behind(8), behind(50)
    assert few == sorted(few)
    assert len(few) == 200
    assert few[0] >= 0
    left = min(lessons(8)[1])  # the function's least value is 0
    assert left <= few[-1]
    assert np.median(many) < np.median(few)
    assert few == behind(8)


def test_a_box_around_the_incumbent_holds_less_regret() -> None:
    rows, losses = lessons(20)
    best = rows[int(np.argmin(losses))]
    low, high = (tuple(each + move for each in best[:2]) for move in (-0.02, 0.02))
    near = Box(BOX.sizes, (*low, 0.0), (*high, 0.0), BOX.allowed)
    assert np.mean(behind(20, near)) < np.mean(behind(20))


def test_no_trials_are_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        good_region([], [], BOX, core=BOX, share=0.05, seed=1)
    with pytest.raises(ValueError, match="at least one"):
        regrets([], [], BOX, incumbent=[0.0, 0.0, 0.0], seed=1)
