"""Flights: whole studies as one release lived them, replayed by the code of today.

A flight is a file of lines in their order. Each line is one invocation: when it was, of which
function, with which event, what AWS answered, and the items that it wrote. Here invocations never
overlap, so that each rests on what the lines before it wrote.

`python -m tests.simulation.flights` records them anew. Do that for a new flight only: the old ones
are what shows that studies which an older release began are carried on.
"""

import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from tests.simulation import seam
from tests.simulation.dynamodb import failure
from tests.simulation.schedule import run
from tests.simulation.story import FAULT_FREE
from tests.simulation.world import World
from tunewright.domain.study import SCHEMA

FLIGHTS = Path(__file__).parents[2] / "events" / "flights"
SEEDS = {"deploy": "flight", "approval": "flight-2", "cancel": "flight", "failure": "flight"}
_KEPT = frozenset({"Api", "Approval", "OnTrainingJob", "OnWake", "OnDeploy", "OnDecision"})
_ANSWERED = frozenset({"sagemaker", "s3", "ssm"})
_NAMES = ("HyperParameterTuningJobName", "TrainingJobName", "EndpointName", "EndpointConfigName",
          "ModelName", "ResourceArn", "Prefix", "Name", "Path")  # fmt: skip
Line = dict[str, Any]


def record(path: str, seed: str) -> Iterator[Line]:
    """Let a fault-free study live, and give its header and its lines."""
    lines: list[Line] = []

    def watch(world: World) -> None:
        world.clock.one_by_one = True
        handler, effect = world.lambdas.handler, world._effect
        written = world.oracles.written

        def listen(name: str) -> Callable[[Any, Any], Any]:
            def handle(event: Any, context: Any) -> Any:
                lines.append({"at": round(world.clock.now, 3), "function": name, "event": event,
                              "answers": [], "writes": []})  # fmt: skip
                return handler(name)(event, context)

            return handle

        def answer(service: str, operation: str, request: dict[str, Any]) -> Any:
            if service not in _ANSWERED:
                return effect(service, operation, request)
            asked = [operation, _about(request)]
            try:
                told = effect(service, operation, request)
            except ClientError as error:
                lines[-1]["answers"].append([*asked, {"error": error.response["Error"]}])
                raise
            lines[-1]["answers"].append([*asked, {"told": told}])
            return told

        def write(key: tuple[str, str], old: Any, new: Any) -> None:
            if not key[0].startswith("SECRET#"):
                lines[-1]["writes"].append(new)
            written(key, old, new)

        world.lambdas.handler = listen  # type: ignore[method-assign]
        world._effect = answer  # type: ignore[method-assign]
        world.oracles.written = write  # type: ignore[method-assign]

    outcome = run(seed, FAULT_FREE[path], watch=watch, replay=False)
    if outcome.failed:
        raise RuntimeError(f"{path}: {outcome.violations}")
    yield {"flight": path, "schema": SCHEMA, "ends": outcome.phases}
    yield from (each for each in lines if each["function"] in _KEPT)


def _about(request: dict[str, Any]) -> str:
    return next((str(request[name]) for name in _NAMES if name in request), "")


def dump(line: Line) -> str:
    """Write a line; times are marked as such, for boto3 gives them as times."""
    return json.dumps(line, separators=(",", ":"), default=lambda each: {"time": each.isoformat()})


def load(text: str) -> Line:
    """Read a line."""

    def read(made: dict[str, Any]) -> Any:
        is_time = made.keys() == {"time"} and isinstance(made["time"], str)
        return datetime.fromisoformat(made["time"]) if is_time else made

    line: Line = json.loads(text, object_hook=read)
    return line


@dataclass
class Replay:
    """What the code of today made of a flight."""

    decided: list[tuple[Any, ...]] = field(default_factory=list)
    recorded: list[tuple[Any, ...]] = field(default_factory=list)
    trials: dict[str, tuple[Any, ...]] = field(default_factory=dict)
    recorded_trials: dict[str, tuple[Any, ...]] = field(default_factory=dict)
    phase: str = ""
    invocations: int = 0


class Past(World):
    """A world that answers as SageMaker did once; the table and the queues are the fake ones."""

    def __init__(self) -> None:
        super().__init__("past")
        self.line: Line = {}
        self._known: dict[tuple[str, str], Any] = {}
        self._coming: list[tuple[tuple[str, str], Any]] = []

    def enter(self, line: Line) -> None:
        """Go on to the next line."""
        self.line = line
        self._coming = [  # A path means the same with a slash at its end, as it was asked for once.
            ((operation, name.rstrip("/")), told) for operation, name, told in line["answers"]
        ]

    def time_of_task(self) -> datetime:
        return self.moment(self.line["at"])

    def container(self) -> Any:
        return self._make_stack(self.line["function"])

    def api(self, service: str, operation: str, request: dict[str, Any]) -> Any:
        if service == "dynamodb":
            return self._effect(service, operation, request)
        if service not in _ANSWERED:
            return self.carriers.call(service, operation, request)
        asked = operation, _about(request).rstrip("/")
        for place, (key, told) in enumerate(self._coming):
            if key == asked:
                self._known[key] = told
                del self._coming[place]
                break
        if operation == "GetParameter" and asked not in self._known:
            return self.carriers.call(service, operation, request)  # It was nobody's question then.
        found = self._known[asked]  # Asked more often than it was then, it is as it was last.
        if "error" in found:
            raise failure(found["error"]["Code"], found["error"]["Message"], operation)
        return found["told"]


def replay(lines: list[Line], *, theirs: int) -> Replay:
    """Run each invocation of a flight by the code of today.

    Args:
        lines: The flight without its header.
        theirs: As many lines go on from what was written then; those after them from what the code
            of today has written: the release is changed between the two.
    """
    made, world = Replay(), Past()
    with seam.living_in(world):
        for number, line in enumerate(lines):
            world.enter(line)
            before = _decisions(world)
            world.lambdas.handler(line["function"])(line["event"], None)
            made.invocations += 1
            made.decided += sorted(_decisions(world) - before)
            told = {_decision(each) for each in line["writes"] if _is(each, "DECISION")}
            made.recorded += sorted(told - before)
            for item in line["writes"]:
                if _is(item, "TRIAL"):
                    made.recorded_trials[item["sk"]["S"]] = _facts(item)
                if number < theirs:
                    world.table.items.setdefault(item["pk"]["S"], {})[item["sk"]["S"]] = item
        for partition, items in world.table.items.items():
            if partition.startswith("TRIAL#"):
                made.trials |= {name: _facts(each) for name, each in items.items()}
            if partition.startswith("STUDY#"):
                made.phase = items["-"]["phase"]["S"]
        world.clock.close()
    return made


def _is(item: dict[str, Any], kind: str) -> bool:
    return str(item["pk"]["S"]).startswith(f"{kind}#")


def _decisions(world: World) -> set[tuple[Any, ...]]:
    return {
        _decision(each)
        for partition, items in world.table.items.items()
        if partition.startswith("DECISION#")
        for each in items.values()
    }


def _decision(item: dict[str, Any]) -> tuple[Any, ...]:
    """What was decided, why, and on which numbers; not when, for that is the line's.

    To nine digits: of a surrogate's numbers another processor computes the last ones otherwise.
    """
    numbers = json.loads(item["numbers"]["S"], parse_float=lambda told: f"{float(told):.9g}")
    kept = (item[each]["S"] for each in ("kind", "reason"))
    return (item["sk"]["S"], int(item["round_number"]["N"]), *kept, json.dumps(numbers))


def _facts(item: dict[str, Any]) -> tuple[Any, ...]:
    kept = ("status", "objective", "cost", "model", "failure_reason")
    return tuple(str(item[name]) for name in kept if name in item)


def main() -> int:
    """Record the flights that are named, or all."""
    FLIGHTS.mkdir(parents=True, exist_ok=True)
    with seam.installed():
        for path in sys.argv[1:] or SEEDS:
            told = [dump(each) for each in record(path, SEEDS[path])]
            (FLIGHTS / f"{path}.jsonl").write_text("\n".join(told) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
