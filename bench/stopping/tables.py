"""What the tables of stopping share: the traces that they are made of, and where they are kept."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from bench.search.families import available
from bench.search.results import code_of
from bench.search.split import names
from bench.stopping.traces import TRACES, read

if TYPE_CHECKING:
    from collections.abc import Callable

    from _typeshed import DataclassInstance

Line = TypeVar("Line", bound="DataclassInstance")


def table(words: str, kept: Path, make: Callable[[list[dict[str, Any]]], list[Line]]) -> list[Line]:
    """Make the table of the part that the command line names, and keep it as JSON by its part."""
    parser = argparse.ArgumentParser(description=words)
    parser.add_argument("--part", default="reporting")
    parser.add_argument("--traces", type=Path, default=TRACES)
    parser.add_argument("--out", type=Path, default=kept)
    asked = parser.parse_args()
    wanted = {name for name in names(asked.part) if available(name)}
    traces = [
        trace
        for trace in read(asked.traces)
        if trace["problem"] in wanted and trace["code"] == code_of(trace["engine"])
    ]
    lines = make(traces)
    known = json.loads(asked.out.read_text()) if asked.out.exists() else {}
    known[asked.part] = [asdict(line) for line in lines]
    asked.out.write_text(json.dumps(known, indent=1) + "\n")
    return lines
