"""Runs and their results: JSON lines, each with its key, so that a run that was cut goes on."""

from __future__ import annotations

import functools
import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "bench/results"
_SIMULATION = (
    "bench/search/problem.py",
    "bench/search/families.py",
    "bench/search/scales.json",
    "bench/search/conditions.py",
    "bench/search/simulator.py",
)
_ENGINE = ("local/sagemaker_local/suggest/*.py",)
_MODEL = ("layers/numeric/gp_surrogate/*.py",)
_RULES = tuple(
    f"layers/core/tunewright/domain/{name}.py"
    for name in (
        "refinement",
        "changes",
        "lessons",
        "penalty",
        "limits",
        "forecast",
        "spans",
        "space",
        "warm_start",
        "steps/plan",
    )
)


@dataclass(frozen=True)
class Key:
    """What a result is the result of; `code` tells the modules that the contestant runs."""

    problem: str
    condition: str
    contestant: str
    seed: int
    trials: int
    parallel: int
    code: str


@functools.cache
def code_of(contestant: str) -> str:
    """Return a short hash of the modules that a contestant runs."""
    patterns = [*_SIMULATION]
    if contestant.startswith("random"):
        patterns += [
            "local/sagemaker_local/suggest/random_search.py",
            "local/sagemaker_local/suggest/space.py",
        ]
    elif contestant in {"tunewright-random", "tunewright"}:
        patterns += [*_ENGINE, *_MODEL, *_RULES]
    elif contestant.startswith("bayesian"):
        patterns += [
            *_ENGINE,
            *(
                f"layers/numeric/gp_surrogate/{name}.py"
                for name in (
                    "gp",
                    "evidence",
                    "kernel",
                    "optimise",
                    "acquisition",
                    "candidates",
                    "encoding",
                )
            ),
        ]
    else:
        library = contestant.partition("-")[0]  # its version is where it is pinned
        patterns += [f"bench/peers/{library}_peer.py", f"bench/requirements-{library}.in"]
    digest = hashlib.sha256()
    for pattern in patterns:
        for path in sorted(ROOT.glob(pattern)):
            digest.update(path.read_bytes())
    return digest.hexdigest()[:10]


def read(path: Path) -> Iterator[dict[str, Any]]:
    """Read all results of a file; a last line that was cut is left out."""
    if not path.exists():
        return
    for line in path.read_text().splitlines():
        try:
            yield json.loads(line)
        except json.JSONDecodeError:
            continue


def known(path: Path) -> set[Key]:
    """Return the keys of all results of a file."""
    return {key_of(row) for row in read(path)}


def key_of(row: dict[str, Any]) -> Key:
    """Return the key of a result."""
    return Key(**{name: row[name] for name in Key.__dataclass_fields__})


def append(path: Path, key: Key, found: dict[str, Any]) -> None:
    """Write a result, whole or not at all but for the machine's own death."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = path.read_bytes() if path.exists() else b""
    gap = "" if not text or text.endswith(b"\n") else "\n"
    with path.open("a") as file:
        file.write(gap + json.dumps({**asdict(key), **found}) + "\n")


def newest(
    rows: Iterable[dict[str, Any]], code: Callable[[str], str] = code_of
) -> dict[tuple[str, str, str, int], dict[str, Any]]:
    """Return the result of the code as it is now, by problem, condition, contestant and seed."""
    return {
        (row["problem"], row["condition"], row["contestant"], row["seed"]): row
        for row in rows
        if row["code"] == code(row["contestant"])
    }
