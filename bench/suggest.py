"""Our Bayesian suggestions against Optuna's, by regret, on the development problems.

    python -m bench.suggest [--seeds 10] [--peers optuna-gp optuna-tpe] [--conditions right]

Each search has sixty trials and five workers on the simulated clock of `bench.search`; ours and a
peer's see the same trial durations. A run that was cut goes on where it was; a result is of the
code that made it, so a changed suggester is run anew. It ends with 1 where the bar is missed.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from bench.search.conditions import Condition
from bench.search.contestants import compete
from bench.search.families import available, load
from bench.search.peers import PEERS, compete_peer
from bench.search.results import RESULTS, Key, append, code_of, known, newest, read
from bench.search.run import PARALLEL, TRIALS, told
from bench.search.split import names
from bench.search.statistics import paired, ratio, show

if TYPE_CHECKING:
    from collections.abc import Sequence

OURS = "bayesian"
JUDGE = "optuna-gp"
MOST, MOST_UPPER, FEWEST_SEEDS = 1.05, 1.20, 10


def main() -> int:
    """Run what is not yet known, show the table, and judge."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=FEWEST_SEEDS)
    parser.add_argument("--peers", nargs="+", choices=PEERS, default=[JUDGE])
    parser.add_argument("--conditions", nargs="+", default=["right"])
    parser.add_argument("--problems", nargs="+", default=names("development"))
    parser.add_argument("--out", type=Path, default=RESULTS / "suggest.jsonl")
    parser.add_argument("--only-table", action="store_true", help="run nothing")
    asked = parser.parse_args()
    if not asked.only_table:
        for seed in range(asked.seeds):
            search(asked, seed)
    return table(asked.out, asked.peers, asked.conditions, asked.problems)


def search(asked: argparse.Namespace, seed: int) -> None:
    """Let everybody search every problem with one seed."""
    done, began = known(asked.out), time.monotonic()
    for name in filter(available, asked.problems):
        problem = load(name)
        for condition in asked.conditions:
            for who in (OURS, *asked.peers):
                key = Key(name, condition, who, seed, TRIALS, PARALLEL, code_of(who))
                if key not in done:
                    run = compete_peer if who in PEERS else compete
                    found = run(who, problem, Condition.named(condition), seed, TRIALS, PARALLEL)
                    append(asked.out, key, told(problem, found))
    sys.stdout.write(f"seed {seed}: {time.monotonic() - began:.0f} s\n")
    sys.stdout.flush()


def table(out: Path, peers: Sequence[str], conditions: Sequence[str], wanted: Sequence[str]) -> int:
    """Print the ratios of our regret to each peer's; return 1 if the judge's misses the bar."""
    rows = newest(read(out))
    missed = 0
    missing = [name for name in wanted if not available(name)]
    if missing:
        sys.stdout.write(f"left out, for their data is not here: {', '.join(missing)}\n")
    for peer in peers:
        pairs = paired(rows, OURS, peer, conditions, wanted)
        if not pairs:
            sys.stdout.write(f"against {peer}: no pairs yet\n")
            missed |= peer == JUDGE
            continue
        found = ratio(pairs)
        all_there = len(pairs) == len(wanted) - len(missing)
        fewest = min(map(len, pairs.values())) if all_there else 0
        sys.stdout.write(
            f"against {peer}: {show(found)}  won {found.won:.0%} lost {found.lost:.0%}  "
            f"{len(pairs)} problems, {found.runs} pairs\n"
        )
        for name, regrets in pairs.items():
            ours, theirs = regrets.mean(axis=0)
            sys.stdout.write(f"    {name:<30}{ours:8.4f}{theirs:8.4f}  {len(regrets)} seeds\n")
        if peer == JUDGE:
            upper = max(found.seeds[1], found.problems[1])
            enough = fewest >= FEWEST_SEEDS * len(conditions)
            missed |= found.value > MOST or upper > MOST_UPPER or not enough
            if not enough:
                sys.stdout.write(
                    f"    fewer than {FEWEST_SEEDS} seeds of some problem: no verdict\n"
                )
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
