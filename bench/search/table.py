"""Prints how contestants did against another: `python -m bench.search.table --part development`."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from bench.search.results import RESULTS, newest, read
from bench.search.split import names
from bench.search.statistics import paired, ratio, show

AGAINST = {
    "random-wide": "random",
    "random-rounds": "random",
    "random-box": "random",
    "tunewright-random": "random",
    "bayesian-wide": "bayesian",
    "bayesian-rounds": "bayesian",
    "bayesian-box": "bayesian",
    "tunewright": "bayesian",
}


def main() -> None:
    """Print the ratios to one job, by condition, and by family."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--part", default="development")
    parser.add_argument("--out", type=Path, nargs="*", default=[RESULTS / "search.jsonl"])
    parser.add_argument("--each", action="store_true", help="by problem too")
    asked = parser.parse_args()
    rows = newest(row for path in asked.out for row in read(path))
    problems = names(asked.part)
    for condition in sorted({key[1] for key in rows}):
        for name, control in AGAINST.items():
            pairs = paired(rows, name, control, [condition], problems)
            if not pairs:
                continue
            found = ratio(pairs)
            walls = [
                rows[p, c, n, s]["makespan"] / rows[p, c, control, s]["makespan"]
                for p, c, n, s in rows
                if (n, c) == (name, condition) and p in pairs and (p, c, control, s) in rows
            ]
            print(
                f"{condition:<10} {name:<18} {show(found)}  won {found.won:.0%} lost "
                f"{found.lost:.0%}  wall {np.mean(walls):.2f}  n {found.runs}"
            )
            if asked.each:
                for problem, table in pairs.items():
                    ours, theirs = table.mean(axis=0)
                    better = f"{np.mean(table[:, 0] < table[:, 1]):.0%}"
                    print(f"      {problem:<28}{ours:8.4f}{theirs:8.4f}  won {better}")


if __name__ == "__main__":
    main()
