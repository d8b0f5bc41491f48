"""A whole stack in one deterministic process: the fake AWS, the functions, and what goes wrong."""

import contextlib
import io
import random
import urllib.error
from collections import deque
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from email.message import Message as Headers
from typing import Any

from botocore.exceptions import ClientError, ReadTimeoutError

from tests.simulation import seam
from tests.simulation.carriers import Carriers, profile_parameter
from tests.simulation.clockwork import Clockwork, Crash
from tests.simulation.deployed import HOSTING_ROLE, STACK, TRAINING_ROLE, Deployed, deployed
from tests.simulation.dynamodb import Table, failure
from tests.simulation.faults import CALM, Fault, Faults, Plan, Weather
from tests.simulation.hosting import Hosting, list_objects, listed
from tests.simulation.lambdas import Lambdas
from tests.simulation.oracles import Oracles
from tests.simulation.tuning import Luck, Tuning
from tunewright.cloud import CloudStack
from tunewright.domain.profile import Profile
from tunewright.settings import Settings

START = datetime(2026, 3, 1, tzinfo=UTC)
PRICE_PER_HOUR = "0.36"
SIGNING_SECRET = "signing"
_HOSTED = ("Endpoint", "Model")
_MUTATING = ("Create", "Update", "Delete", "Put", "Stop", "Send", "Publish", "Transact")
_UNFENCED = frozenset({"UpdateEndpoint", "DeleteEndpoint"})
_STALL, _SENT = 399.5, 59.5
"""How long a process may stall, dead for Lambda long before; and a request that is on its way.
Those two have no name or condition that would tell SageMaker that they are late."""
_TRACE = 4000
_BUDGET = "TUNEWRIGHT_MONTHLY_BUDGET"
_STORM = 15_000
"""More API calls than any schedule needs: something asks again and again."""


class World:
    """One simulated stack."""

    def __init__(
        self,
        seed: str,
        *,
        weather: Weather = CALM,
        plan: Plan | None = None,
        luck: Luck | None = None,
        wiring: Deployed | None = None,
    ) -> None:
        self.seed = seed
        self.calls = 0
        self.mutations = 0
        self.audit: Callable[[str, str, str, Any, dict[str, str]], None] | None = None
        self.trace: deque[tuple[float, int, str, str, Any, str]] = deque(maxlen=_TRACE)
        self.luck = random.Random(f"{seed}/luck")  # noqa: S311 - a simulation's luck
        self.wiring = wiring or deployed()
        self.clock = Clockwork(seed)
        self.faults = Faults(seed, weather, plan)
        self.outage: tuple[float, float] | None = None
        self.branch: Callable[[int], Fault | None] | None = None
        self.posted: list[Any] = []
        self.oracles = Oracles(self)
        self.carriers = Carriers(self.clock, self.faults, self.wiring)
        self.lambdas = Lambdas(
            self.clock, self.faults, self.wiring, self.carriers, self._make_stack
        )
        self.table_name = "Table"
        self.monthly_budget = Decimal(self.wiring.functions["OnWake"].environment[_BUDGET])
        self.tables = {"Table": self.make_table("Table")}
        self.tuning = Tuning(
            self.clock, seed, tell=self._tell, moment=self.moment, luck=luck or Luck()
        )
        self.hosting = Hosting(self.clock, tell=self._tell, moment=self.moment)
        self.tuning.stale = lambda: self.faults.draw("stale") is not None
        self.tuning.watch_create = self.oracles.job_made
        self.tuning.watch_stop = self.oracles.job_stopped
        self.hosting.watch = self.oracles.endpoint_changed
        self.hosting.watch_drop = self.oracles.dropped
        self.carriers.watch_topic = self.oracles.told
        self.carriers.watch_bus = self.oracles.announced
        profile = Profile(
            region="us-east-1",
            training_role=TRAINING_ROLE,
            hosting_role=HOSTING_ROLE,
            output="s3://output/tunewright",
            prices={"ml.m5.xlarge": PRICE_PER_HOUR, "ml.m5.large": PRICE_PER_HOUR},
        )
        self.carriers.parameters = {
            profile_parameter(): profile.model_dump_json(),
            "/sim/slack": "https://hooks.slack.com/services/T/B/x",
            "/sim/signing": SIGNING_SECRET,
        }

    # Time and place

    def moment(self, seconds: float) -> datetime:
        """Return a virtual time as a time of day."""
        return START + timedelta(seconds=seconds)

    def time_of_task(self) -> datetime:
        """Return the time as the clock of whoever asks shows it, which may be wrong."""
        task = self.clock.current
        return self.moment(self.clock.now + (task.skew if task else 0.0))

    def make_table(self, name: str) -> Table:
        """Make an empty table; only that which is current feeds the stream and the oracles."""

        def watch(key: tuple[str, str], old: Any, new: Any) -> None:
            if name == self.table_name:
                self.oracles.written(key, old, new)
                self.lambdas.stream.change(old, new)

        def late() -> float:
            fault = self.faults.draw("index")
            return 0.0 if fault is None else fault[1] * 3.0

        page = 3 if self.faults.weather.name != "calm" else 1000
        return Table(lambda: self.clock.now, watch, late, page)

    @property
    def table(self) -> Table:
        """The table that is current."""
        return self.tables[self.table_name]

    def _make_stack(self, function: str) -> CloudStack:
        environment = {**self.wiring.functions[function].environment, "AWS_REGION": "us-east-1"}
        environment["TUNEWRIGHT_TABLE"] = self.table_name
        if _BUDGET in environment:
            environment[_BUDGET] = str(self.monthly_budget)
        return CloudStack(Settings.read(environment))

    def container(self) -> CloudStack:
        """Return the stack of the container in which whoever asks runs."""
        task = self.clock.current
        if task is None:
            raise RuntimeError("only an invocation has a stack")
        found: CloudStack = task.stack
        return found

    def _tell(self, kind: str, detail: dict[str, Any], _what: str) -> None:
        self.carriers.tell(kind, detail, self.moment(self.clock.now).isoformat())

    # The wire

    def validates(self) -> bool:
        """Say whether boto3's own validation is to look at this call: at one in a hundred."""
        return self.calls % 100 == 7

    def api(self, service: str, operation: str, request: dict[str, Any]) -> Any:
        """Answer an API call, with whatever goes wrong about it."""
        task = self.clock.current
        if task is None:
            return self._effect(service, operation, request)
        self.calls += 1
        if self.calls > _STORM:
            self.oracles.violate("storm", f"{self.calls} calls, of which {operation} is the last")
        if self.audit is not None:
            self.audit(task.function, service, operation, request, self._held(request))
        self.clock.pause()
        fault = self.faults.draw("call")
        if self.branch is not None:
            fault = self.branch(self.calls - 1)
        note = "" if fault is None else fault[0]
        self.trace.append((self.clock.now, task.id, task.function, operation, request, note))
        if fault is not None and fault[0] == "stall":
            self.clock.sleep(0.5 + fault[1] * (_SENT if operation in _UNFENCED else _STALL))
            fault = None
        if service == "sagemaker" and self._is_out():
            raise ReadTimeoutError(endpoint_url=service)
        if fault is not None:
            self._before(fault, service, operation)
        mutating = operation.startswith(_MUTATING)
        if mutating and fault is not None and fault[0] == "twice":
            self._first_of_two(service, operation, request)
        with self._telling(sent_again=mutating and note == "twice"):
            answer = self._effect(service, operation, request)
        self.clock.pause()
        if fault is not None:
            self._after(fault, service, operation)
        return answer

    def _is_out(self) -> bool:
        return self.outage is not None and self.outage[0] <= self.clock.now < self.outage[1]

    def _first_of_two(self, service: str, operation: str, request: dict[str, Any]) -> None:
        """Do what boto3 did before it lost the answer and sent the request again."""
        with contextlib.suppress(Exception):  # Nobody heard of it.
            self._effect(service, operation, request)
        self.clock.pause()

    @staticmethod
    @contextlib.contextmanager
    def _telling(*, sent_again: bool) -> Iterator[None]:
        """Say in an error, as boto3 does, that the request was sent before."""
        try:
            yield
        except ClientError as error:
            error.response["ResponseMetadata"] = {"RetryAttempts": int(sent_again)}
            raise

    @staticmethod
    def _before(fault: Fault, service: str, operation: str) -> None:
        match fault[0]:
            case "crash_before":
                raise Crash(operation)
            case "conflict" if operation == "TransactWriteItems":
                reasons = [{"Code": "TransactionConflict"}]
                code = "TransactionCanceledException"
                raise failure(code, "conflict", operation, CancellationReasons=reasons)
            case "conflict" if operation in {"PutItem", "UpdateItem"}:
                raise failure("TransactionConflictException", "conflict", operation)
            case "throttle" | "conflict":
                raise failure("ThrottlingException", "Rate exceeded", operation)
            case "trouble":
                raise failure("InternalServerError", "try again", operation, 500)
            case "timeout_before":
                raise ReadTimeoutError(endpoint_url=service)

    @staticmethod
    def _after(fault: Fault, service: str, operation: str) -> None:
        match fault[0]:
            case "crash_after":
                raise Crash(operation)
            case "timeout_after":
                raise ReadTimeoutError(endpoint_url=service)
            case "trouble_after":
                raise failure("InternalServerError", "try again", operation, 500)

    def _effect(self, service: str, operation: str, request: dict[str, Any]) -> Any:
        if operation.startswith(_MUTATING) and service in {"sagemaker", "sns", "events"}:
            self.mutations += 1
        if service == "dynamodb":
            name = request.get("TableName")
            if name is None:
                ((first, *_),) = (request["TransactItems"],)
                ((_, write),) = first.items()
                name = write["TableName"]
            return self.tables[name].call(operation, request)
        if service == "s3":
            return list_objects(request)
        if service != "sagemaker":
            return self.carriers.call(service, operation, request)
        if operation == "ListTags":
            return self._tags(request["ResourceArn"])
        if any(each in operation for each in _HOSTED):
            task = self.clock.current
            return self.hosting.call(operation, request, task.function if task else "nobody")
        if operation == "CreateHyperParameterTuningJob":
            self._mood(operation)
        if operation == "ListHyperParameterTuningJobs":
            jobs = self.tuning.jobs.items()
            rows = {
                name: (each.created, {"HyperParameterTuningJobStatus": each.status})
                for name, each in jobs
            }
            word, page = "HyperParameterTuningJob", self.hosting.page
            return listed(word, rows, request, page, self.moment)
        return self.tuning.call(operation, request)

    def _mood(self, operation: str) -> None:
        """Have no room for a while, or refuse a job; AWS may look at names only after that."""
        match self.faults.draw("sagemaker"):
            case ("full", amount):
                self.tuning.full_until = self.clock.now + 60 + amount * 3600
            case ("refuse", _):
                raise failure("ValidationException", "a parameter is not valid", operation)

    def _tags(self, resource: str) -> dict[str, Any]:
        kind, _, name = resource.rpartition(":")[2].partition("/")
        held: dict[str, str] = {}
        if kind == "endpoint" and name in self.hosting.endpoints:
            held = self.hosting.endpoints[name].tags
        elif kind == "model":
            held = self.hosting.models.get(name, {})
        elif kind == "endpoint-config":
            held = self.hosting.configs.get(name, {})
        elif name in self.tuning.jobs:
            held = self.tuning.jobs[name].tags
        return {"Tags": [{"Key": key, "Value": value} for key, value in held.items()]}

    def _held(self, request: dict[str, Any]) -> dict[str, str]:
        """Return the tags of what a request to SageMaker names."""
        endpoint = self.hosting.endpoints.get(request.get("EndpointName", ""))
        job = self.tuning.jobs.get(request.get("HyperParameterTuningJobName", ""))
        if endpoint is not None:
            return endpoint.tags
        if job is not None:
            return job.tags
        model = self.hosting.models.get(request.get("ModelName", ""))
        return model or self.hosting.configs.get(request.get("EndpointConfigName", "")) or {}

    def slack(self, request: Any, *_: Any, **__: Any) -> Any:
        """Answer a post to Slack's webhook."""
        self.clock.pause()
        fault = self.faults.draw("slack")
        if fault is not None and fault[0] == "timeout":
            raise TimeoutError
        if fault is not None:
            headers = Headers()
            headers["Retry-After"] = "30"
            code = int(fault[0])
            raise urllib.error.HTTPError(request.full_url, code, "no", headers, io.BytesIO())
        self.posted.append(request.data)
        return io.BytesIO(b"ok")

    # A run

    def run(self, until: float, *, stop: Callable[[], bool] | None = None) -> None:
        """Go on until a time, or until a condition holds, or an oracle has seen a violation."""
        while not self.oracles.violations and self.clock.step(until):
            if stop is not None and self.clock.idle and stop():
                return

    @property
    def quiet(self) -> bool:
        """Whether nothing is under way or waits to be handed over."""
        return self.clock.idle and self.carriers.quiet and self.lambdas.stream.quiet


__all__ = ["STACK", "START", "World", "seam"]
