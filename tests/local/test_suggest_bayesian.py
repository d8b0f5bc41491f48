"""The Bayesian search finds in 40 trials what a random search does not."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from itertools import pairwise
from statistics import median
from typing import Any

import numpy as np
import pytest

from sagemaker_local.suggest.bayesian import (
    AT_MOST,
    Goal,
    Observed,
    _keep,
    suggest_bayesian,
    winsorise,
)
from sagemaker_local.suggest.random_search import suggest_random
from sagemaker_local.suggest.space import Space

Params = Mapping[str, str]


def real(name: str, low: float, high: float, scaling: str = "Auto") -> dict[str, str]:
    return {"Name": name, "MinValue": str(low), "MaxValue": str(high), "ScalingType": scaling}


BRANIN = {"ContinuousParameterRanges": [real("a", -5, 10), real("b", 0, 15)]}
HARTMANN = {"ContinuousParameterRanges": [real(f"x{index}", 0, 1) for index in range(6)]}
BOOSTING = {
    "IntegerParameterRanges": [real("max_depth", 1, 12)],
    "ContinuousParameterRanges": [
        real("eta", 0.001, 0.5),
        real("gamma", 0, 5),
        real("subsample", 0.5, 1),
        real("alpha", 0, 10),
        real("min_child_weight", 1, 120),
    ],
    "CategoricalParameterRanges": [{"Name": "booster", "Values": ["gbtree", "dart", "gblinear"]}],
}


def branin(params: Params) -> float:
    a, b = float(params["a"]), float(params["b"])
    bowl = b - 5.1 / (4 * math.pi**2) * a * a + 5 / math.pi * a - 6
    return bowl**2 + 10 * (1 - 1 / (8 * math.pi)) * math.cos(a) + 10


def hartmann(params: Params) -> float:
    steep = np.array(
        [
            [10, 3, 17, 3.5, 1.7, 8],
            [0.05, 10, 17, 0.1, 8, 14],
            [3, 3.5, 1.7, 10, 17, 8],
            [17, 8, 0.05, 10, 0.1, 14],
        ]
    )
    centres = 1e-4 * np.array(
        [
            [1312, 1696, 5569, 124, 8283, 5886],
            [2329, 4135, 8307, 3736, 1004, 9991],
            [2348, 1451, 3522, 2883, 3047, 6650],
            [4047, 8828, 8732, 5743, 1091, 381],
        ]
    )
    x = np.array([float(params[f"x{index}"]) for index in range(6)])
    wells = np.exp(-(steep * (x - centres) ** 2).sum(axis=1))
    return -float(np.array([1.0, 1.2, 3.0, 3.2]) @ wells)


def boosting(params: Params) -> float:
    eta = math.log(float(params["eta"]) / 0.08)
    depth = int(params["max_depth"]) - 6 + eta
    weight = math.log(float(params["min_child_weight"]) / 5)
    return (
        0.1 * eta**2
        + 0.02 * depth**2
        + 0.3 * (float(params["subsample"]) - 0.8) ** 2
        + 0.01 * float(params["gamma"])
        + 0.02 * weight**2
        + 0.003 * float(params["alpha"])
        + {"gbtree": 0.0, "dart": 0.1, "gblinear": 0.25}[params["booster"]]
    )


def search(
    function: Callable[[Params], float],
    ranges: dict[str, Any],
    seed: int,
    trials: int = 40,
    *,
    workers: int = 1,
    goal: Goal = "Minimize",
) -> list[Observed]:
    space = Space.parse(ranges)
    observed: list[Observed] = []
    pending: list[Params] = []
    for index in range(trials):
        if len(pending) == workers:
            done = pending.pop(0)
            observed.append(Observed(done, function(done)))
        pending.append(suggest_bayesian(space, goal, observed, pending, seed, index))
    return [*observed, *(Observed(done, function(done)) for done in pending)]


@pytest.mark.parametrize("workers", [1, 5])
@pytest.mark.parametrize(
    ("function", "ranges", "lowest", "share"),
    [
        (branin, BRANIN, 0.397887, 0.1),
        (hartmann, HARTMANN, -3.32237, 0.4),
        (boosting, BOOSTING, 0.0, 0.25),
    ],
)
def test_it_is_clearly_better_than_random(
    function: Callable[[Params], float],
    ranges: dict[str, Any],
    lowest: float,
    share: float,
    workers: int,
) -> None:
    space = Space.parse(ranges)
    random = median(
        min(function(suggest_random(space, seed, index)) for index in range(40)) - lowest
        for seed in range(15)
    )
    ours = median(
        min(trial.value for trial in search(function, ranges, seed, workers=workers)) - lowest
        for seed in range(5)
    )
    assert ours < share * random


def test_maximize_mirrors_minimize() -> None:
    down = search(branin, BRANIN, 1, 10)
    up = search(lambda params: -branin(params), BRANIN, 1, 10, goal="Maximize")
    assert [trial.parameters for trial in up] == [trial.parameters for trial in down]


def test_it_is_deterministic() -> None:
    assert search(boosting, BOOSTING, 3, 8) == search(boosting, BOOSTING, 3, 8)
    assert search(boosting, BOOSTING, 3, 4) != search(boosting, BOOSTING, 4, 4)


def test_the_first_points_are_spread() -> None:
    points = [
        float(suggest_bayesian(Space.parse(BRANIN), "Minimize", [], [], 5, index)["a"])
        for index in range(4)
    ]
    gaps = [after - before for before, after in pairwise(sorted(points))]
    assert min(gaps) > 0.5


def test_nothing_is_tried_twice_while_there_is_something_new() -> None:
    ranges = {
        "IntegerParameterRanges": [real("k", 1, 5)],
        "CategoricalParameterRanges": [{"Name": "c", "Values": ["a", "b", "c", "d"]}],
    }
    trials = search(lambda params: abs(int(params["k"]) - 3), ranges, 0, 20, workers=4)
    assert len({tuple(trial.parameters.items()) for trial in trials}) == 20
    space = Space.parse(ranges)
    again = suggest_bayesian(space, "Minimize", trials, [], 0, 20)
    assert set(again) == {"k", "c"}  # all were tried: then it must repeat one


def test_parents_are_learnt_from_although_their_ranges_differ() -> None:
    parent = {"ContinuousParameterRanges": [real("x", 0, 1), real("old", 0, 1)]}
    child = {"ContinuousParameterRanges": [real("x", 0.5, 2), real("y", 0, 1)]}
    known = [
        Observed(trial.parameters, trial.value, own=False)
        for trial in search(lambda p: (float(p["x"]) - 1.5) ** 2, parent, 0, 15)
    ]
    first = suggest_bayesian(Space.parse(child), "Minimize", known, [], 0, 0)
    assert float(first["x"]) > 1.0  # no parent went there; all say that it goes on falling


def test_a_parent_far_outside_does_no_harm() -> None:
    space = Space.parse(BRANIN)
    known = [Observed({"a": str(1e6 * k), "b": "-1e9"}, float(k), own=False) for k in range(5)]
    assert set(suggest_bayesian(space, "Minimize", known, [], 0, 0)) == {"a", "b"}


def test_values_that_are_no_number_are_left_out() -> None:
    trials = search(branin, BRANIN, 0, 6)
    spoilt = [*trials, Observed({"a": "0", "b": "0"}, math.nan)]
    space = Space.parse(BRANIN)
    assert suggest_bayesian(space, "Minimize", spoilt, [], 0, 6) == suggest_bayesian(
        space, "Minimize", trials, [], 0, 6
    )


def test_pending_points_are_kept_away_from() -> None:
    trials = search(branin, BRANIN, 0, 10)
    space = Space.parse(BRANIN)
    pending: list[Params] = []
    for index in range(10, 15):
        pending.append(suggest_bayesian(space, "Minimize", trials, pending, 0, index))
    points = np.array([space.to_unit(each) for each in pending])
    gaps = [float(np.linalg.norm(points[i] - points[j])) for i in range(5) for j in range(i)]
    assert min(gaps) > 0.01


def test_outliers_are_pulled_in() -> None:
    pulled = winsorise(np.array([1.0, 2.0, 3.0, 4.0, 1e9]))
    assert pulled.tolist() == [1.0, 2.0, 3.0, 4.0, 7.0]


def test_only_so_many_trials_are_fitted() -> None:
    losses = np.arange(500.0)[::-1]
    kept = _keep(losses)
    assert len(set(kept.tolist())) == AT_MOST
    assert set(range(400, 500)) <= set(kept.tolist())
    assert (np.diff(kept) > 0).all()
