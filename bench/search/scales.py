"""Finds each problem's best and typical loss, and where the best is; writes `scales.json`.

Tables are enumerated. Elsewhere 60 000 random points, then steps from the best of them: no search
under test comes near so many. Run it again only when a problem is added.
"""

from __future__ import annotations

import json
import zlib
from typing import TYPE_CHECKING

import numpy as np

from bench.search.families import HERE, load, points_of_table
from bench.search.split import names

if TYPE_CHECKING:
    from bench.search.problem import Point, Problem

RANDOM, STEPS, KEPT = 60_000, 60, 20


def measure(problem: Problem) -> dict[str, object]:
    """Return the scale of a problem, as JSON takes it."""
    table = points_of_table(problem)
    rng = np.random.default_rng(zlib.crc32(problem.name.encode()))
    if table is not None:
        losses = problem.inner(table)
        typical = float(np.median(losses))
        best = int(np.argmin(losses))
        return _told(problem, table[best], float(losses[best]), typical)
    cube = rng.random((RANDOM, len(problem.axes)))
    losses = _losses(problem, cube)
    typical = float(np.median(losses))
    for step in range(STEPS):
        order = np.argsort(losses)[:KEPT]
        cube, losses = cube[order], losses[order]
        radius = 0.3 * 0.9**step
        moved = np.repeat(cube, 100, axis=0)
        mask = rng.random(moved.shape) < 0.4
        moved = np.clip(moved + mask * radius * rng.standard_normal(moved.shape), 0.0, 1.0)
        cube = np.vstack([cube, moved])
        losses = np.concatenate([losses, _losses(problem, moved)])
    best = int(np.argmin(losses))
    return _told(problem, _points(problem, cube[best : best + 1])[0], float(losses[best]), typical)


def _points(problem: Problem, cube: np.ndarray) -> list[dict[str, float | str]]:
    names_ = [axis.name for axis in problem.axes]
    columns = [
        [axis.value(place) for place in cube[:, column]] for column, axis in enumerate(problem.axes)
    ]
    return [dict(zip(names_, row, strict=True)) for row in zip(*columns, strict=True)]


def _losses(problem: Problem, cube: np.ndarray) -> np.ndarray:
    return problem.inner(_points(problem, cube))


def _told(problem: Problem, point: Point, best: float, typical: float) -> dict[str, object]:
    optimum = {
        axis.name: value if isinstance(value := point[axis.name], str) else axis.place(value)
        for axis in problem.axes
    }
    return {"best": best, "typical": typical, "optimum": optimum}


def main() -> None:
    """Measure every problem of the split."""
    path = HERE / "scales.json"
    found = json.loads(path.read_text()) if path.exists() else {}
    for name in names():
        if name not in found:
            found[name] = measure(load(name))
            print(name, found[name]["best"], found[name]["typical"], flush=True)
            path.write_text(json.dumps(found, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
