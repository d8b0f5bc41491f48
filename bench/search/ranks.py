"""The rank of each contestant among all, other libraries included, on the common problems."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.search.split import names
from bench.search.statistics import paired, ratio, show

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bench.search.statistics import Ratio

CONDITION = "right"
CONTROL = "bayesian"
SEEDS = 5
TIE = 1e-9


@dataclass(frozen=True)
class Standing:
    """How a contestant did in the searches that all of them made.

    Attributes:
        contestant: Its name.
        rank: The mean of its ranks, 1 being the best; who ties shares the mean of the places.
        regret: The mean of its final regrets.
        against: Its regret over one Bayesian job's; none for that job, or where it is missing.
    """

    contestant: str
    rank: float
    regret: float
    against: Ratio | None


def standings(
    rows: Mapping[tuple[str, str, str, int], Mapping[str, Any]], contestants: Mapping[str, str]
) -> tuple[list[Standing], int, dict[str, int]]:
    """Rank the contestants that are through with the common problems.

    Returns:
        The standings, best first; the searches that each rank is a mean of; and how many searches
        those have made who are not through (five seeds of each common problem).
    """
    wanted = {(problem, seed) for problem in names("common") for seed in range(SEEDS)}
    made: dict[str, dict[tuple[str, int], float]] = {}
    for (problem, condition, contestant, seed), row in rows.items():
        if condition == CONDITION and contestant in contestants and (problem, seed) in wanted:
            made.setdefault(contestant, {})[problem, seed] = row["regret"][-1]
    through = [name for name in contestants if len(made.get(name, ())) == len(wanted)]
    others = {name: len(runs) for name, runs in made.items() if name not in through}
    if len(through) < 2:
        return [], 0, others
    order = sorted(wanted)
    regrets = np.array([[made[name][run] for run in order] for name in through])
    apart = regrets[:, None, :] - regrets[None, :, :]
    ranks = 0.5 + (apart > TIE).sum(axis=1) + 0.5 * (abs(apart) <= TIE).sum(axis=1)
    shared = {key: row for key, row in rows.items() if (key[0], key[3]) in wanted}
    found = []
    for name, rank, regret in zip(through, ranks.mean(axis=1), regrets.mean(axis=1), strict=True):
        pairs = paired(shared, name, CONTROL, [CONDITION], names("common"))
        against = ratio(pairs) if pairs and name != CONTROL else None
        found.append(Standing(name, float(rank), float(regret), against))
    return sorted(found, key=lambda each: each.rank), len(order), others


def section(
    rows: Mapping[tuple[str, str, str, int], Mapping[str, Any]], titles: Mapping[str, str]
) -> list[str]:
    """Write the page's section on other libraries, if there is anything to compare."""
    found, searches, others = standings(rows, titles)
    if not found:
        return []
    problems = len(names("common"))
    lines = [
        "## Against other libraries\n",
        f"{problems} of the reporting problems over right ranges, without noise and failures, with "
        f"{SEEDS} seeds each. The mean\nrank is among the {len(found)} of this table; who ties "
        "shares the mean of the places. A library searches with its own\nsettings, five trials at "
        "a time. Ratios and won / lost are against one Bayesian job.\n",
        "| search | mean rank | mean regret | regret / one job's | won / lost | searches |",
        "|---|---|---|---|---|---|",
    ]
    for each in found:
        told = each.against
        ours = f"{show(told)} | {told.won:.0%} / {told.lost:.0%}" if told else "1 | -"
        lines.append(
            f"| {titles[each.contestant]} | {each.rank:.2f} | {each.regret:.4f} | {ours} | "
            f"{searches} |"
        )
    if others:
        partly = ", ".join(f"{titles[name]} ({count})" for name, count in others.items())
        lines += ["", f"Not through, and left out: {partly} of {searches} searches."]
    return [*lines, ""]
