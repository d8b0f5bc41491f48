"""The search space maps AWS's strings to the unit cube and back."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sagemaker_local.suggest.random_search import suggest_random
from sagemaker_local.suggest.space import Categorical, Numeric, Space


def number(name: str, low: object, high: object, scaling: str | None = "Auto") -> dict[str, str]:
    entry = {"Name": name, "MinValue": str(low), "MaxValue": str(high)}
    return entry if scaling is None else {**entry, "ScalingType": scaling}


RANGES: dict[str, Any] = {
    "ContinuousParameterRanges": [
        number("eta", "0.001", "0.5"),
        number("momentum", 0, 0.999, "ReverseLogarithmic"),
        number("gamma", 0, 5, None),
    ],
    "IntegerParameterRanges": [number("depth", 1, 12, "Linear"), number("leaves", 4, 512)],
    "CategoricalParameterRanges": [{"Name": "booster", "Values": ["gbtree", "dart", "gblinear"]}],
}
SPACE = Space.parse(RANGES)


def test_parameters_are_read_in_order() -> None:
    assert SPACE.names == ("depth", "leaves", "eta", "momentum", "gamma", "booster")
    scalings = [each.scaling for each in SPACE if isinstance(each, Numeric)]
    assert scalings == ["Linear", "Logarithmic", "Logarithmic", "ReverseLogarithmic", "Linear"]
    assert len(SPACE) == 6


@given(st.lists(st.floats(0, 1), min_size=6, max_size=6))
def test_every_point_is_within_the_ranges_and_returns(unit: list[float]) -> None:
    params = SPACE.from_unit(np.array(unit))
    assert 1 <= int(params["depth"]) <= 12
    assert 4 <= int(params["leaves"]) <= 512
    assert 0.001 <= float(params["eta"]) <= 0.5
    assert 0 <= float(params["momentum"]) <= 0.999
    assert params["booster"] in {"gbtree", "dart", "gblinear"}
    assert (
        SPACE.from_unit(SPACE.snap(SPACE.to_unit(params)[None])[0])["booster"]
        == (params["booster"])
    )
    again = SPACE.from_unit(SPACE.to_unit(params))
    assert again["depth"] == params["depth"]
    assert again["leaves"] == params["leaves"]
    for name in ("eta", "momentum", "gamma"):
        assert float(again[name]) == pytest.approx(float(params[name]), rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("scaling", ["Linear", "Logarithmic"])
def test_integers_keep_their_share(scaling: str) -> None:
    space = Space.parse({"IntegerParameterRanges": [number("k", 1, 4, scaling)]})
    rng = np.random.default_rng(0)
    counts = Counter(space.from_unit(rng.random(1))["k"] for _ in range(8000))
    expected = (
        [0.25] * 4
        if scaling == "Linear"
        else [math.log((k + 0.5) / (k - 0.5)) / math.log(4.5 / 0.5) for k in range(1, 5)]
    )
    shares = [counts[str(k)] / 8000 for k in range(1, 5)]
    assert shares == pytest.approx(expected, abs=0.02)


def test_strings_are_as_a_training_job_gets_them() -> None:
    params = SPACE.from_unit(np.full(6, 0.5))
    assert params["depth"].isdigit()
    assert repr(float(params["eta"])) == params["eta"]


def test_points_of_parents_keep_their_place_outside() -> None:
    params = {"depth": "24", "eta": "5", "gamma": "-5", "booster": "unknown"}
    depth, leaves, eta, momentum, gamma, booster = SPACE.to_unit(params).tolist()
    assert depth > 1.5
    assert eta > 1
    assert gamma == -1.0
    assert booster < 0
    assert (leaves, momentum) == (0.5, 0.5)  # missing: in the middle
    assert SPACE.encode(SPACE.to_unit(params)[None])[0, -3:].tolist() == [0.0, 0.0, 0.0]


@pytest.mark.parametrize(
    ("params", "name", "expected"),
    [
        ({"eta": "0"}, "eta", 0.0),
        ({"momentum": "1.5"}, "momentum", 1.0),
        ({"gamma": "much"}, "gamma", 0.5),
        ({"gamma": "inf"}, "gamma", 0.5),
    ],
)
def test_values_off_the_axis_are_clipped(
    params: dict[str, str], name: str, expected: float
) -> None:
    assert SPACE.to_unit(params)[SPACE.names.index(name)] == expected


def test_snap_lands_on_integers_and_categories() -> None:
    units = np.random.default_rng(1).normal(0.5, 0.5, (50, 6))
    snapped = SPACE.snap(units)
    assert snapped.min() >= 0
    assert snapped.max() <= 1
    for row in snapped:
        params = SPACE.from_unit(row)
        assert SPACE.to_unit(params) == pytest.approx(row, abs=1e-9)


def test_combinations_and_grid() -> None:
    space = Space.parse(
        {
            "IntegerParameterRanges": [number("k", 2, 4)],
            "ContinuousParameterRanges": [number("fixed", 1, 1)],
            "CategoricalParameterRanges": [{"Name": "c", "Values": ["a", "b"]}],
        }
    )
    assert SPACE.combinations() == math.inf
    assert space.combinations() == 6
    points = {tuple(space.from_unit(row).items()) for row in space.grid()}
    assert len(points) == 6
    assert dict(next(iter(points)))["fixed"] == "1.0"


def test_shares_of_categories_cover_the_axis() -> None:
    each = Categorical("c", ("a", "b", "c"))
    assert [each.index(unit) for unit in (-1.0, 0.0, 0.34, 0.99, 1.0)] == [0, 0, 1, 2, 2]


def test_random_search_is_reproducible_and_varied() -> None:
    first = [suggest_random(SPACE, 7, index) for index in range(20)]
    assert first == [suggest_random(SPACE, 7, index) for index in range(20)]
    assert len({tuple(each.items()) for each in first}) == 20
    assert suggest_random(SPACE, 8, 0) != first[0]
