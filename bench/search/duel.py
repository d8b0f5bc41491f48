"""One job against Tunewright over the same strategy, for benches that keep rows of their own."""

from __future__ import annotations

import hashlib
import sys
import time
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.search.results import Key, append, code_of, known
from bench.search.run import PARALLEL, TRIALS
from bench.search.statistics import Ratio, paired, ratio

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from bench.search.problem import Problem

    Rows = Mapping[tuple[str, str, str, int], Mapping[str, Any]]

CONTESTANTS = {
    "random": "one random job",
    "tunewright-random": "Tunewright over random",
    "bayesian": "one Bayesian job",
    "tunewright": "Tunewright over Bayesian",
}
AGAINST = {"tunewright-random": "random", "tunewright": "bayesian"}


def code_with(module: Path, contestant: str) -> str:
    """Return a short hash of what a contestant runs, with the bench that runs it."""
    text = code_of(contestant).encode() + module.read_bytes()
    return hashlib.sha256(text).hexdigest()[:10]


def search(
    out: Path,
    problems: Mapping[str, Problem],
    condition: str,
    seeds: int,
    *,
    code: Callable[[str], str],
    run: Callable[[Problem, str, int], dict[str, Any]],
) -> None:
    """Let everybody search every problem with each seed, where it is not yet known."""
    done, began = known(out), time.monotonic()
    for seed in range(seeds):
        for name, problem in problems.items():
            for who in CONTESTANTS:
                key = Key(name, condition, who, seed, TRIALS, PARALLEL, code(who))
                if key not in done:
                    append(out, key, run(problem, who, seed))
        sys.stdout.write(f"seed {seed}: {time.monotonic() - began:.0f} s\n")
        sys.stdout.flush()


def duels(rows: Rows, condition: str) -> Iterator[tuple[str, Ratio, float, int]]:
    """Yield who is compared, how its regret does, its wall-clock over the job's, and problems."""
    problems = sorted({key[0] for key in rows})
    for who, control in AGAINST.items():
        pairs = paired(rows, who, control, [condition], problems)
        if not pairs:
            continue
        walls = [
            row["makespan"] / rows[p, c, control, s]["makespan"]
            for (p, c, n, s), row in rows.items()
            if n == who and (p, c, control, s) in rows
        ]
        yield who, ratio(pairs), float(np.mean(walls)), len(pairs)
