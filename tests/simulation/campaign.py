"""Many schedules: seeded ones in parallel, resumable; a fault at every call; figures of healing."""

import gc
import json
import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.simulation import seam
from tests.simulation.faults import CALL_KINDS, Fault, Plan
from tests.simulation.schedule import Outcome, as_json, run, run_random, show, shrink
from tests.simulation.story import FAULT_FREE

_CHUNK = 10
SLICES = 8
"""Parts into which a path is cut for the faults at every call, so as to be resumed."""
SOON, LATEST = 330.0, 600.0
"""Seconds within which 99 of 100 lost events must be healed, and all of them."""


@dataclass
class Tally:
    """What many schedules came to."""

    schedules: int = 0
    calls: int = 0
    faults: int = 0
    cpu: float = 0.0
    replayed: int = 0
    recovered: int = 0
    failed: list[dict[str, Any]] = field(default_factory=list)
    lags: list[float] = field(default_factory=list)

    def add(self, outcome: Outcome) -> None:
        """Count a schedule."""
        self.schedules += 1
        self.calls += outcome.calls
        self.faults += len(outcome.plan)
        self.replayed += outcome.replayed
        self.recovered += outcome.recovered
        if outcome.weather == "lossy":  # Elsewhere other faults hold up the healing, too.
            lost = outcome.dropped
            self.lags += [lag for name, lag in outcome.lags.items() if name in lost]
        if outcome.failed:
            told = {"seed": outcome.seed, "weather": outcome.weather}
            self.failed.append({**told, "violations": outcome.violations[:3]})

    def join(self, other: "Tally") -> None:
        """Count what another process counted."""
        self.schedules += other.schedules
        self.calls += other.calls
        self.faults += other.faults
        self.cpu += other.cpu
        self.replayed += other.replayed
        self.recovered += other.recovered
        self.failed += other.failed
        self.lags += other.lags


def some(first: int, last: int, *, surrogate: bool = False) -> Tally:
    """Run the schedules of some seeds in this process."""
    tally, began = Tally(), time.process_time()
    with seam.installed():
        gc.disable()
        gc.freeze()  # What is imported stays: looking through it again takes long.
        try:
            for seed in range(first, last):
                tally.add(run_random(seed, surrogate=surrogate))
                if seed % 20 == 0:
                    gc.collect()
        finally:
            gc.unfreeze()
            gc.enable()
    tally.cpu = time.process_time() - began
    return tally


def _some(span: tuple[int, int, bool]) -> Tally:
    return some(span[0], span[1], surrogate=span[2])


def many(
    first: int, last: int, workers: int = 2, *, surrogate: bool = False
) -> Iterator[tuple[int, Tally]]:
    """Run the schedules of many seeds, chunk by chunk; gives where each chunk ended."""
    spans = [(at, min(at + _CHUNK, last), surrogate) for at in range(first, last, _CHUNK)]
    with ProcessPoolExecutor(workers) as pool:
        for (_, end, _), tally in zip(spans, pool.map(_some, spans), strict=True):
            yield end, tally


def campaign(first: int, last: int, state: Path | None = None, *, surrogate: bool = False) -> Tally:
    """Run many schedules and tell how it goes; with a state it goes on where it was."""
    whole = Tally()
    if state is not None and state.exists():
        kept = json.loads(state.read_text())
        first = max(first, kept["next"])
        whole = Tally(**kept["tally"])
    began, before = time.monotonic(), whole.schedules
    for end, tally in many(first, last, surrogate=surrogate):
        whole.join(tally)
        if state is not None:
            keep(state, {"next": end, "tally": whole.__dict__})
        for each in tally.failed:
            say(f"seed {each['seed']} ({each['weather']}): {each['violations'][0]}")
        if end % 500 == 0 or end == last:
            rate = (whole.schedules - before) / (time.monotonic() - began)
            each = whole.cpu / whole.schedules
            say(f"{whole.schedules} schedules, {len(whole.failed)} failed, {rate:.1f} a second, "
                 f"{each * 1000:.0f} ms of a processor each")  # fmt: skip
    return whole


def explain(seed: int, plan: Plan | None = None) -> str:
    """Run one seed, shrink its faults if it fails, and show what is left."""
    with seam.installed():
        outcome = run_random(seed, plan, keep=True)
        if not outcome.failed:
            return f"seed {seed}: no violation in {outcome.calls} calls; digest {outcome.digest}"
        least = shrink(lambda less: run_random(seed, less), outcome)
        shown = show(run_random(seed, least.plan, keep=True))
    again = json.dumps(as_json(least.plan))
    return f"{shown}\nagain: python -m tests.simulation seed {seed} --plan '{again}'"


def exhaust(part: str) -> tuple[int, list[tuple[str, int, str]]]:
    """Try every kind of fault at every call of a slice of a fault-free path.

    The path is run once; at each call the process forks, once for each kind, and the child goes on
    with that fault. Gives how many children there were, and which of them saw a violation.

    Args:
        part: The path and the number of the slice: `deploy/3` has every eighth call.
    """
    path, _, slice_ = part.partition("/")
    runs, failed, is_child = 0, [], False

    def branch(call: int) -> Fault | None:
        nonlocal runs, is_child
        if is_child or call % SLICES != int(slice_):
            return None
        for kind in CALL_KINDS:
            child = os.fork()
            if child == 0:
                is_child = True
                return kind, 0.5
            runs += 1
            _, status = os.waitpid(child, 0)
            if status:
                failed.append((path, call, kind))
        return None

    with seam.installed():
        outcome = run(
            f"path-{path}",
            FAULT_FREE[path],
            watch=lambda world: setattr(world, "branch", branch),
            replay=False,
        )
        if is_child:
            os._exit(int(outcome.failed))
    if outcome.failed:
        failed.append((path, -1, "none"))
    return runs, failed


def exhaustion(state: Path | None = None) -> tuple[int, list[Any]]:
    """Try every fault at every call of every path and tell how it goes; resumed with a state."""
    kept: dict[str, Any] = {}
    if state is not None and state.exists():
        kept = json.loads(state.read_text())
    parts = [f"{path}/{number}" for path in FAULT_FREE for number in range(SLICES)]
    for part, told in in_parallel(exhaust, [each for each in parts if each not in kept]):
        kept[part] = told
        if state is not None:
            keep(state, kept)
        path = part.partition("/")[0]
        mine = [kept[each] for each in parts if each.startswith(f"{path}/") and each in kept]
        if len(mine) == SLICES:
            bad = [each for _, failed in mine for each in failed]
            say(f"{path}: {sum(runs for runs, _ in mine)} runs, {len(bad)} violations")
            for each in bad[:5]:
                say(f"  {each}")
    failed = [each for _, found in kept.values() for each in found]
    return sum(runs for runs, _ in kept.values()), failed


def keep(state: Path, kept: Any) -> None:
    """Write how far it came, whole or not at all."""
    draft = state.with_suffix(".new")
    draft.write_text(json.dumps(kept))
    draft.replace(state)


def one_fault(path: str, call: int, kind: str, **kept: Any) -> Outcome:
    """Run a fault-free path with one fault."""
    plan: Plan = {("call", call): (kind, 0.5)}
    return run(f"path-{path}", FAULT_FREE[path], plan=plan, replay=False, **kept)


def percentile(values: list[float], share: float) -> float:
    """Return the value below which a share of all lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def heals(lags: list[float]) -> bool:
    """Whether lost events are healed as soon as they have to be."""
    return percentile(lags, 0.99) <= SOON and max(lags) <= LATEST


def healing(lags: list[float]) -> str:
    """Say how long lost events took to be healed."""
    p50, p99 = percentile(lags, 0.5), percentile(lags, 0.99)
    return (
        f"{len(lags)} lost events healed: p50 {p50:.0f} s, p99 {p99:.0f} s, max {max(lags):.0f} s"
    )


def in_parallel(
    act: Callable[[Any], Any], given: list[Any], workers: int = 2
) -> Iterator[tuple[Any, Any]]:
    """Do something to each of many in other processes; gives each with what came of it."""
    with ProcessPoolExecutor(workers) as pool:
        yield from zip(given, pool.map(act, given), strict=True)


def say(text: str) -> None:
    """Tell who waits how it goes."""
    print(text, flush=True)  # noqa: T201 - this is what a person waits for


os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
