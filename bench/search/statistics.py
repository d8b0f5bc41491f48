"""Ratios of regret with two bootstraps: over seeds, and over problems and seeds (clustered)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

DRAWS = 2000
Rows = "Mapping[tuple[str, str, str, int], Mapping[str, Any]]"


@dataclass(frozen=True)
class Ratio:
    """A mean regret over another's, with 95 % intervals.

    Attributes:
        value: The ratio of the mean regrets over all problems and seeds.
        seeds: Its interval when seeds are drawn anew within each problem.
        problems: Its interval when problems are drawn anew as well.
        won: The share of the paired runs with the smaller regret.
        lost: The share with the greater.
        runs: How many pairs there are.
    """

    value: float
    seeds: tuple[float, float]
    problems: tuple[float, float]
    won: float
    lost: float
    runs: int


def paired(
    rows: Mapping[tuple[str, str, str, int], Mapping[str, Any]],
    challenger: str,
    control: str,
    conditions: Sequence[str],
    problems: Sequence[str],
) -> dict[str, np.ndarray]:
    """Return for each problem the final regrets of both, where both ran (pairs, 2)."""
    found: dict[str, list[tuple[float, float]]] = {}
    for (problem, condition, contestant, seed), row in rows.items():
        if contestant != challenger or condition not in conditions or problem not in problems:
            continue
        other = rows.get((problem, condition, control, seed))
        if other is not None:
            found.setdefault(problem, []).append((row["regret"][-1], other["regret"][-1]))
    return {problem: np.array(pairs) for problem, pairs in sorted(found.items())}


def trials_to_equal(
    rows: Mapping[tuple[str, str, str, int], Mapping[str, Any]],
    challenger: str,
    control: str,
    condition: str,
    problems: Sequence[str],
) -> str:
    """Write after how many trials the challenger has what the control ends with, by the median.

    Raises:
        ValueError: There are no pairs.
    """
    counts, most = [], 0
    for (problem, where, contestant, seed), row in rows.items():
        other = rows.get((problem, condition, control, seed))
        if (where, contestant) == (condition, challenger) and problem in problems and other:
            most = len(row["regret"])
            there = np.array(row["regret"]) <= other["regret"][-1] + 1e-9
            counts.append(int(np.argmax(there)) + 1 if there.any() else most + 1)
    if not counts:
        raise ValueError("no pairs to compare")
    middle = float(np.median(counts))
    return f"over {most}" if middle > most else f"{middle:.0f}"


def ratio(pairs: Mapping[str, np.ndarray]) -> Ratio:
    """Return the ratio of mean regrets; each problem weighs the same.

    Raises:
        ValueError: There are no pairs.
    """
    tables = list(pairs.values())
    if not tables:
        raise ValueError("no pairs to compare")
    rng = np.random.default_rng(4)
    means = np.array([table.mean(axis=0) for table in tables])
    drawn = np.array(
        [
            [table[rng.integers(len(table), size=len(table))].mean(axis=0) for table in tables]
            for _ in range(DRAWS)
        ]
    )
    over_seeds = drawn[:, :, 0].sum(axis=1) / drawn[:, :, 1].sum(axis=1)
    chosen = rng.integers(len(tables), size=(DRAWS, len(tables)))
    clustered = np.take_along_axis(drawn, chosen[:, :, None], axis=1)
    over_both = clustered[:, :, 0].sum(axis=1) / clustered[:, :, 1].sum(axis=1)
    everything = np.vstack(tables)
    return Ratio(
        float(means[:, 0].sum() / means[:, 1].sum()),
        _interval(over_seeds),
        _interval(over_both),
        float(np.mean(everything[:, 0] < everything[:, 1] - 1e-9)),
        float(np.mean(everything[:, 0] > everything[:, 1] + 1e-9)),
        len(everything),
    )


def _interval(values: np.ndarray) -> tuple[float, float]:
    low, high = np.quantile(values, [0.025, 0.975])
    return float(low), float(high)


def show(found: Ratio) -> str:
    """Write a ratio as the tables show it: over seeds, then over problems."""
    (a, b), (c, d) = found.seeds, found.problems
    return f"{found.value:.2f} [{a:.2f}–{b:.2f} / {c:.2f}–{d:.2f}]"
