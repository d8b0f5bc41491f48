"""Lambda as it behaves: batches, partial failures, retries, timeouts that leave zombies, bisection.

A handler that has not returned when its time is over has failed for Lambda; if it wakes up later
it goes on all the same, which is worse than what AWS allows.
"""

import importlib
import json
from collections.abc import Callable
from typing import Any

from tests.simulation.carriers import Carriers, Queue
from tests.simulation.clockwork import Clockwork, Task
from tests.simulation.deployed import Deployed
from tests.simulation.faults import Faults
from tests.support.template import matches

Done = Callable[[Any, BaseException | None], None]
_SCHEDULES = {"OnSchedule": 300.0, "OnHour": 3600.0}
_RETRY_AFTER = 60.0


class TimedOutError(Exception):
    """Lambda has given up on an invocation."""


class Lambdas:
    """Invokes the functions, and feeds them from their sources."""

    def __init__(
        self,
        clock: Clockwork,
        faults: Faults,
        wiring: Deployed,
        carriers: Carriers,
        make_stack: Callable[[str], Any],
    ) -> None:
        self.invocations = 0
        self.failed: dict[str, int] = {}
        self.stopped: set[str] = set()
        self._clock, self._faults, self._wiring = clock, faults, wiring
        self._carriers, self._make_stack = carriers, make_stack
        self._running: dict[str, int] = dict.fromkeys(wiring.functions, 0)
        self._containers: dict[str, list[Any]] = {name: [] for name in wiring.functions}
        self.stream = Stream(self)
        for name, each in wiring.mappings.items():
            source = each["EventSourceArn"]
            if ":sqs:" in source:
                queue = carriers.queues[source.rpartition(":")[2]]
                queue.poll = lambda name=name, queue=queue: self._poll(name, queue)
        carriers.subscriber = lambda record: self.invoke_later("OnAlert", {"Records": [record]})

    def new_containers(self) -> None:
        """Forget every warm container, as a new configuration does."""
        self._containers = {name: [] for name in self._wiring.functions}

    def handler(self, name: str) -> Callable[[Any, Any], Any]:
        """Return a function's handler, as the template names it."""
        module = importlib.import_module(f"functions.{self._wiring.functions[name].module}")
        found: Callable[[Any, Any], Any] = module.handler
        return found

    def invoke(self, name: str, event: Any, done: Done) -> Task:
        """Run a function once; `done` hears of its end, or of its timeout, whichever is first."""
        self.invocations += 1
        self._running[name] += 1
        settled, containers = False, self._containers[name]

        def settle(result: Any, error: BaseException | None) -> None:
            nonlocal settled
            if settled:
                return
            settled = True
            self._running[name] -= 1
            if error is not None:
                self.failed[name] = self.failed.get(name, 0) + 1
            else:
                containers.append(task.stack)
            done(result, error)

        fault = self._faults.draw("invoke")
        skew = 0.0 if fault is None else (fault[1] - 0.5) * 600.0
        handle = self.handler(name)
        task = self._clock.spawn(name, lambda: handle(event, None), settle, skew=skew)
        free = self._containers[name]
        task.stack = free.pop() if free else self._make_stack(name)
        timeout = self._wiring.functions[name].timeout
        self._clock.after(timeout, lambda: settle(None, TimedOutError(name)))
        return task

    def has_room(self, name: str) -> bool:
        """Whether another invocation may run now."""
        most = self._wiring.functions[name].concurrency
        return name not in self.stopped and self._running[name] < most

    def _poll(self, name: str, queue: Queue) -> None:
        if not self.has_room(name):
            if queue.messages:
                self._clock.after(2.0, queue.poll)
            return
        batch = queue.receive(self._wiring.mappings[name]["BatchSize"])
        if not batch:
            return
        records = [
            {"messageId": each.id, "body": each.body, "eventSource": "aws:sqs"} for _, each in batch
        ]

        def done(result: Any, error: BaseException | None) -> None:
            failed = {
                each["itemIdentifier"] for each in (result or {}).get("batchItemFailures", ())
            }
            for number, message in batch:
                if error is None and message.id not in failed:
                    queue.messages.pop(number, None)

        self.invoke(name, {"Records": records}, done)

    def invoke_later(self, name: str, event: Any, attempt: int = 0) -> None:
        """Invoke a function asynchronously: Lambda tries again, then writes a dead letter."""
        config = self._wiring.invokes[name]

        def done(_result: Any, error: BaseException | None) -> None:
            if error is None:
                return
            if attempt < config["MaximumRetryAttempts"]:
                again = attempt + 1
                self._clock.after(_RETRY_AFTER, lambda: self.invoke_later(name, event, again))
                return
            target = config["DestinationConfig"]["OnFailure"]["Destination"].rpartition(":")[2]
            self._carriers.queues[target].send(json.dumps(event, default=str))

        if not self.has_room(name):
            self._clock.after(5.0, lambda: self.invoke_later(name, event, attempt))
            return
        self.invoke(name, event, done)

    def begin_sweeps(self) -> None:
        """Wake what is woken by the clock: the sweep and the hour, from now on."""
        for name, every in _SCHEDULES.items():
            self._clock.after(every, lambda name=name, every=every: self._fire(name, every))

    def _fire(self, name: str, every: float) -> None:
        if name not in self.stopped:
            self.invoke_later(name, {"source": "aws.scheduler"})
        self._clock.after(every, lambda: self._fire(name, every))

    def ask(self, name: str, event: Any) -> Any:
        """Invoke a function and wait, as a gateway does for who asks; None for no answer."""
        box: list[tuple[Any, BaseException | None]] = []
        if name in self.stopped:
            return None
        self.invoke(name, event, lambda result, error: box.append((result, error)))
        waited = 0.0
        while not box and waited < 30.0:
            self._clock.sleep(0.3)
            waited += 0.3
        return box[0][0] if box and box[0][1] is None else None


class Stream:
    """The table's stream, one shard: in order, held up by what fails, bisected, then given up."""

    def __init__(self, lambdas: Lambdas) -> None:
        self._lambdas = lambdas
        self._clock = lambdas._clock
        self._fresh: list[dict[str, Any]] = []
        self._chunks: list[tuple[list[dict[str, Any]], int]] = []
        self._busy = False
        self._numbers = 0
        self._config = lambdas._wiring.mappings["OnDecision"]
        pattern = self._config["FilterCriteria"]["Filters"][0]["Pattern"]
        self._pattern = json.loads(pattern)
        unpublished = self._pattern["dynamodb"]["NewImage"].pop("unpublished")
        if unpublished != {"S": [{"exists": True}]}:
            raise NotImplementedError("the simulator knows the filter `unpublished exists` only")

    def change(self, old: Any, new: dict[str, Any] | None) -> None:
        """Hear of a change of an item; what is removed interests nobody here."""
        if new is None:
            return
        self._numbers += 1
        record = {
            "eventName": "MODIFY" if old is not None else "INSERT",
            "dynamodb": {"NewImage": new, "SequenceNumber": str(self._numbers), "Keys": new["pk"]},
        }
        if "unpublished" in new and matches(self._pattern, record):
            if self._lambdas._faults.draw("stream") is not None:
                return  # It stayed longer than the stream keeps anything.
            self._fresh.append(record)
            self._clock.after(0.4, self._pump)

    @property
    def quiet(self) -> bool:
        """Whether everything was handed over."""
        return not (self._fresh or self._chunks or self._busy)

    def _pump(self) -> None:
        if self._busy or "OnDecision" in self._lambdas.stopped:
            return
        if not self._chunks and self._fresh:
            size = self._config["BatchSize"]
            self._chunks.append((self._fresh[:size], 0))
            del self._fresh[:size]
        if not self._chunks:
            return
        records, attempts = self._chunks.pop(0)
        self._busy = True

        def done(result: Any, error: BaseException | None) -> None:
            self._busy = False
            failed = (result or {}).get("batchItemFailures", ())
            if error is not None and len(records) > 1:  # Halves do not count as another try.
                half = len(records) // 2
                self._chunks[:0] = [(records[:half], attempts), (records[half:], attempts)]
            elif error is not None:
                self._again(records, attempts)
            elif failed:
                first = failed[0]["itemIdentifier"]
                numbers = [each["dynamodb"]["SequenceNumber"] for each in records]
                self._again(records[numbers.index(first) :], attempts)
            self._clock.after(0.5 if error is None and not failed else 3.0, self._pump)

        self._lambdas.invoke("OnDecision", {"Records": records}, done)

    def _again(self, records: list[dict[str, Any]], attempts: int) -> None:
        if attempts < self._config["MaximumRetryAttempts"]:
            self._chunks.insert(0, (records, attempts + 1))
            return
        target = self._config["DestinationConfig"]["OnFailure"]["Destination"].rpartition(":")[2]
        self._lambdas._carriers.queues[target].send(json.dumps({"records": len(records)}))
