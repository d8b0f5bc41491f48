"""Fake SQS, SNS, EventBridge and SSM: what carries messages, loses them, and brings them twice."""

import json
from collections.abc import Callable  # noqa: TC003 - the annotation is read with the code
from dataclasses import dataclass
from typing import Any

from tests.simulation.clockwork import Clockwork
from tests.simulation.deployed import STACK, Deployed
from tests.simulation.dynamodb import failure
from tests.simulation.faults import Faults
from tests.support.template import matches

_POLL = 0.2
_DAY = 86_400.0


@dataclass
class Message:
    """A message of a queue."""

    id: str
    body: str
    visible_at: float
    receives: int = 0


class Queue:
    """One queue, as a function's event source sees it."""

    def __init__(self, name: str, properties: dict[str, Any], clock: Clockwork) -> None:
        self.name = name
        self.messages: dict[int, Message] = {}
        self.dead: Queue | None = None
        self.most = int(properties.get("RedrivePolicy", {}).get("maxReceiveCount", 10**9))
        self.hidden = float(properties.get("VisibilityTimeout", 30))
        self.poll: Callable[[], None] = lambda: None
        self.sent = 0
        self._clock = clock

    def send(self, body: str, delay: float = 0.0, identity: str | None = None) -> str:
        """Take a message."""
        self.sent += 1
        found = identity or f"{self.name}-{self.sent}"
        self.messages[self.sent] = Message(found, body, self._clock.now + delay)
        self._clock.after(delay + _POLL, lambda: self.poll())  # noqa: PLW0108 - it is set later
        return found

    def receive(self, most: int) -> list[tuple[int, Message]]:
        """Hand out what can be seen; what came too often goes to the dead letters."""
        found: list[tuple[int, Message]] = []
        now = self._clock.now
        for number, message in list(self.messages.items()):
            if message.visible_at > now or len(found) == most:
                continue
            if message.receives >= self.most:
                del self.messages[number]
                if self.dead is not None:
                    self.dead.send(message.body)
                continue
            message.receives += 1
            message.visible_at = now + self.hidden
            self._clock.after(self.hidden + _POLL, lambda: self.poll())  # noqa: PLW0108 - it is set later
            found.append((number, message))
        return found


class Carriers:
    """Queues, topic, bus, rules and parameters of one stack."""

    def __init__(self, clock: Clockwork, faults: Faults, wiring: Deployed) -> None:
        self.queues = {name: Queue(name, each, clock) for name, each in wiring.queues.items()}
        for name, each in wiring.queues.items():
            target = each.get("RedrivePolicy", {}).get("deadLetterTargetArn")
            if target is not None:
                self.queues[name].dead = self.queues[target.rpartition(":")[2]]
        self.parameters: dict[str, str] = {}
        self.published: list[dict[str, Any]] = []
        self.bus: list[dict[str, Any]] = []
        self.archive: list[dict[str, Any]] = []
        self.dropped: dict[str, float] = {}
        self.watch_topic: Callable[[dict[str, Any]], None] = lambda _message: None
        self.watch_bus: Callable[[dict[str, Any]], None] = lambda _entry: None
        self.subscriber: Callable[[dict[str, Any]], None] = lambda _record: None
        self._clock, self._faults, self._rules = clock, faults, wiring.rules
        self._numbers = 0

    def call(self, service: str, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        """Do what a request asks."""
        match operation:
            case "SendMessage":
                return self._send(request)
            case "Publish":
                return self._publish(request)
            case "PutEvents":
                for entry in request["Entries"]:
                    self.bus.append(entry)
                    self.watch_bus(entry)
                return {"FailedEntryCount": 0, "Entries": [{"EventId": "e"}]}
            case "GetParameter":
                return self._parameter(request["Name"])
            case "GetParametersByPath":
                path = request["Path"]
                rows = [
                    {"Name": name, "Value": value}
                    for name, value in self.parameters.items()
                    if name.startswith(path)
                ]
                return {"Parameters": rows}
        raise NotImplementedError(f"{service} {operation}")

    def _send(self, request: dict[str, Any]) -> dict[str, Any]:
        queue = self.queues[request["QueueUrl"].rpartition("/")[2]]
        found = queue.send(request["MessageBody"])
        fault = self._faults.draw("message")
        if fault is not None:  # Standard queues deliver at least once.
            queue.send(request["MessageBody"], fault[1] * 60, found)
        return {"MessageId": found}

    def _publish(self, request: dict[str, Any]) -> dict[str, Any]:
        if len(request["Subject"]) >= 100 or not request["Subject"].isascii():
            raise failure("InvalidParameter", "Invalid parameter: Subject", "Publish")
        whole = json.loads(request["Message"])
        message = json.loads(whole["lambda"])
        self.published.append(message)
        self.watch_topic(message)
        attributes = {
            name: {"Type": each["DataType"], "Value": each["StringValue"]}
            for name, each in request["MessageAttributes"].items()
        }
        if "event" in attributes:  # the subscription's filter policy
            sns = {"Message": whole["lambda"], "MessageAttributes": attributes, "MessageId": "m"}
            self.subscriber({"EventSource": "aws:sns", "Sns": sns})
        return {"MessageId": f"m{len(self.published)}"}

    def _parameter(self, name: str) -> dict[str, Any]:
        if name not in self.parameters:
            raise failure("ParameterNotFound", "", "GetParameter")
        return {"Parameter": {"Name": name, "Value": self.parameters[name]}}

    def tell(self, kind: str, detail: dict[str, Any], time: str) -> None:
        """Emit an event of SageMaker's, which the rules may take, lose, delay or take twice."""
        self._numbers += 1
        event = {
            "version": "0",
            "id": f"event-{self._numbers}",
            "source": "aws.sagemaker",
            "detail-type": f"SageMaker {kind} State Change",
            "time": time,
            "account": "123456789012",
            "region": "us-east-1",
            "resources": [],
            "detail": detail,
        }
        self.archive.append(event)
        self.route(event)

    def route(self, event: dict[str, Any], *, faults: bool = True) -> None:
        """Give an event to the targets of the rules that it matches."""
        for rule in self._rules.values():
            if not matches(rule["EventPattern"], event):
                continue
            for target in rule["Targets"]:
                self._deliver(event, self.queues[target["Arn"].rpartition(":")[2]], faults=faults)

    def _deliver(self, event: dict[str, Any], queue: Queue, *, faults: bool) -> None:
        fault = self._faults.draw("event") if faults else None
        body = json.dumps(event)
        match fault:
            case None:
                queue.send(body, 0.3)
            case ("drop", _):
                detail = event["detail"]
                name = detail.get("TrainingJobName") or detail.get("HyperParameterTuningJobName")
                self.dropped[name or detail.get("EndpointName", "")] = self._clock.now
            case ("late", amount):
                queue.send(body, 1.0 + amount * 1799.0)
            case ("after_a_day", amount):
                queue.send(body, 0.3)
                queue.send(body, _DAY * (1.0 - amount * 0.2))
            case (_, amount):
                queue.send(body, 0.3)
                queue.send(body, 0.3 + amount * 120.0)

    @property
    def quiet(self) -> bool:
        """Whether nothing waits in any queue that a function reads."""
        return not any(each.messages for each in self.queues.values() if each.dead is not None)


def profile_parameter(name: str = "default") -> str:
    """Name the parameter of a profile."""
    return f"/{STACK}/profiles/{name}"
