"""A fake SageMaker for models, endpoint configs and endpoints, with tags, and S3 to list data."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tests.simulation.clockwork import Clockwork
from tests.simulation.dynamodb import failure
from tests.simulation.tuning import arn

_CHANGING = frozenset({"Creating", "Updating", "Deleting", "RollingBack"})
_WORDS = {"model": "model", "endpoint-config": "endpoint configuration"}
_MEMBERS = {"model": "Model", "endpoint-config": "EndpointConfig"}
_EVENT_WORDS = {"InService": "IN_SERVICE", "Failed": "FAILED", "Deleting": "DELETING"}


@dataclass
class Endpoint:
    """An endpoint."""

    name: str
    config: str
    tags: dict[str, str]
    created: float
    status: str = "Creating"
    reason: str | None = None
    told: list[str] = field(default_factory=list)


@dataclass
class Change:
    """An endpoint was made, moved to another config, or deleted."""

    at: float
    endpoint: str
    what: str
    config: str
    by: str


class Hosting:
    """Models, endpoint configs and endpoints."""

    def __init__(
        self,
        clock: Clockwork,
        *,
        tell: Callable[[str, dict[str, Any], str], None],
        moment: Callable[[float], datetime],
    ) -> None:
        self.models: dict[str, dict[str, str]] = {}
        self.configs: dict[str, dict[str, str]] = {}
        self.endpoints: dict[str, Endpoint] = {}
        self.made: dict[tuple[str, str], tuple[float, dict[str, Any]]] = {}
        self.served: set[str] = set()
        self.page = 100
        self.changes: list[Change] = []
        self.watch: Callable[[Change], None] = lambda _change: None
        self.watch_drop: Callable[[str, str, dict[str, str]], None] = lambda *_: None
        self.fate: Callable[[str], str] = lambda _endpoint: "InService"
        self._clock, self._tell, self._moment = clock, tell, moment

    def call(self, operation: str, request: dict[str, Any], by: str) -> dict[str, Any]:  # noqa: C901, PLR0911 - a table
        """Do what a request asks."""
        match operation:
            case "CreateModel":
                return self.make("model", request["ModelName"], request)
            case "CreateEndpointConfig":
                return self.make("endpoint-config", request["EndpointConfigName"], request)
            case "DeleteModel":
                return self._drop("model", request["ModelName"], operation)
            case "DeleteEndpointConfig":
                return self._drop("endpoint-config", request["EndpointConfigName"], operation)
            case "DescribeModel":
                return self._show("model", request["ModelName"], operation)
            case "DescribeEndpointConfig":
                return self._show("endpoint-config", request["EndpointConfigName"], operation)
            case "CreateEndpoint":
                return self._create(request, by)
            case "UpdateEndpoint":
                return self._update(request, by)
            case "DeleteEndpoint":
                return self._delete(request["EndpointName"], by)
            case "DescribeEndpoint":
                return self._describe(request["EndpointName"])
            case "ListEndpoints":
                rows = {
                    name: (each.created, {"EndpointStatus": each.status})
                    for name, each in self.endpoints.items()
                }
                return listed("Endpoint", rows, request, self.page, self._moment)
            case "ListModels":
                rows = {name: (self.made["model", name][0], {}) for name in self.models}
                return listed("Model", rows, request, self.page, self._moment)
        raise NotImplementedError(operation)

    def _kept(self, kind: str) -> dict[str, dict[str, str]]:
        return self.models if kind == "model" else self.configs

    def make(self, kind: str, name: str, request: dict[str, Any]) -> dict[str, Any]:
        """Make a model or an endpoint config."""
        kept, word, member = self._kept(kind), _WORDS[kind], _MEMBERS[kind]
        if name in kept:
            words = f'Cannot create already existing {word} "{arn(kind, name)}".'
            raise failure("ValidationException", words, f"Create{member}")
        for variant in request.get("ProductionVariants", ()):
            if variant["ModelName"] not in self.models:
                words = f'Could not find model "{arn("model", variant["ModelName"])}".'
                raise failure("ValidationException", words, f"Create{member}")
        kept[name] = _tags(request)
        self.made[kind, name] = self._clock.now, request
        return {f"{member}Arn": arn(kind, name)}

    def _show(self, kind: str, name: str, operation: str) -> dict[str, Any]:
        if name not in self._kept(kind):
            words = f'Could not find {_WORDS[kind]} "{name}".'
            raise failure("ValidationException", words, operation)
        created, request = self.made[kind, name]
        shown = {k: v for k, v in request.items() if k != "Tags"}
        found = {f"{_MEMBERS[kind]}Arn": arn(kind, name), "CreationTime": self._moment(created)}
        return shown | found

    def _drop(self, kind: str, name: str, operation: str) -> dict[str, Any]:
        self._show(kind, name, operation)
        self.watch_drop(kind, name, self._kept(kind).pop(name))
        if kind == "model":  # What a call from long ago makes anew under its name never was live.
            self.served.discard(name)
        return {}

    def _config(self, name: str, operation: str) -> None:
        if name not in self.configs:
            words = f'Could not find endpoint configuration "{arn("endpoint-config", name)}".'
            raise failure("ValidationException", words, operation)

    def _create(self, request: dict[str, Any], by: str) -> dict[str, Any]:
        name, config = request["EndpointName"], request["EndpointConfigName"]
        if name in self.endpoints:
            words = f'Cannot create already existing endpoint "{arn("endpoint", name)}".'
            raise failure("ValidationException", words, "CreateEndpoint")
        self._config(config, "CreateEndpoint")
        endpoint = Endpoint(name, config, _tags(request), self._clock.now)
        self.endpoints[name] = endpoint
        self._note(name, "create", config, by)
        self._clock.after(90.0, lambda: self._settle(endpoint, config, None))
        return {"EndpointArn": arn("endpoint", name)}

    def _update(self, request: dict[str, Any], by: str) -> dict[str, Any]:
        name, config = request["EndpointName"], request["EndpointConfigName"]
        endpoint = self._find(name, "UpdateEndpoint")
        self._config(config, "UpdateEndpoint")
        if endpoint.status in _CHANGING:
            words = f'Cannot update in-progress endpoint "{arn("endpoint", name)}".'
            raise failure("ValidationException", words, "UpdateEndpoint")
        before, endpoint.config, endpoint.status = endpoint.config, config, "Updating"
        self._note(name, "update", config, by)
        self._clock.after(90.0, lambda: self._settle(endpoint, config, before))
        return {"EndpointArn": arn("endpoint", name)}

    def _settle(self, endpoint: Endpoint, config: str, before: str | None) -> None:
        if endpoint.status not in {"Creating", "Updating"} or endpoint.config != config:
            return
        fate = self.fate(endpoint.name)
        if fate == "stuck":
            return
        if fate == "InService":
            endpoint.status, endpoint.reason = "InService", None
            self.served.add(config)
        elif before is None:
            endpoint.status, endpoint.reason = "Failed", "the container did not answer /ping"
        else:  # A failed update rolls back, and tells why the attempt failed.
            endpoint.status, endpoint.config = "InService", before
            endpoint.reason = "the container did not answer /ping"
        self._say(endpoint)

    def _delete(self, name: str, by: str) -> dict[str, Any]:
        endpoint = self._find(name, "DeleteEndpoint")
        if endpoint.status in _CHANGING - {"Deleting"}:
            words = f'Cannot update in-progress endpoint "{arn("endpoint", name)}".'
            raise failure("ValidationException", words, "DeleteEndpoint")
        if endpoint.status != "Deleting":
            endpoint.status = "Deleting"
            self._note(name, "delete", endpoint.config, by)
            self._clock.after(20.0, lambda: self._gone(name))
        return {}

    def _gone(self, name: str) -> None:
        del self.endpoints[name]

    def _describe(self, name: str) -> dict[str, Any]:
        endpoint = self._find(name, "DescribeEndpoint")
        answer = {
            "EndpointName": name,
            "EndpointArn": arn("endpoint", name),
            "EndpointConfigName": endpoint.config,
            "EndpointStatus": endpoint.status,
            "CreationTime": self._moment(endpoint.created),
        }
        return {**answer, "FailureReason": endpoint.reason} if endpoint.reason else answer

    def _find(self, name: str, operation: str) -> Endpoint:
        endpoint = self.endpoints.get(name)
        if endpoint is None:
            words = f'Could not find endpoint "{arn("endpoint", name)}".'
            raise failure("ValidationException", words, operation)
        return endpoint

    def _note(self, name: str, what: str, config: str, by: str) -> None:
        change = Change(self._clock.now, name, what, config, by)
        self.changes.append(change)
        self.watch(change)

    def _say(self, endpoint: Endpoint) -> None:
        status = _EVENT_WORDS[endpoint.status]
        detail = {"EndpointName": endpoint.name, "EndpointStatus": status, "Tags": endpoint.tags}
        self._tell("Endpoint", detail, "endpoint")


def listed(
    word: str,
    rows: dict[str, tuple[float, dict[str, Any]]],
    request: dict[str, Any],
    page: int,
    moment: Callable[[float], datetime],
) -> dict[str, Any]:
    """Answer one of SageMaker's lists: a page of what the filters let through, the oldest first.

    It knows the order and the filters that the product asks for, and no others.
    """
    if (request["SortBy"], request["SortOrder"]) != ("CreationTime", "Ascending"):
        raise NotImplementedError("the simulator lists the oldest first")
    status = f"{word}Status"
    found = sorted(
        (created, name, more)
        for name, (created, more) in rows.items()
        if request["NameContains"] in name
        and moment(created) < request["CreationTimeBefore"]
        and request.get("StatusEquals", more.get(status)) == more.get(status)
    )
    start = int(request.get("NextToken", 0))
    size = min(request.get("MaxResults", 10), page)
    summaries = [
        {f"{word}Name": name, "CreationTime": moment(created), **more}
        for created, name, more in found[start : start + size]
    ]
    following = {"NextToken": str(start + size)} if start + size < len(found) else {}
    member = "HyperParameterTuningJobSummaries" if word.startswith("Hyper") else f"{word}s"
    return {member: summaries, **following}


def _tags(request: dict[str, Any]) -> dict[str, str]:
    return {each["Key"]: each["Value"] for each in request.get("Tags", ())}


def list_objects(request: dict[str, Any]) -> dict[str, Any]:
    """List the objects under a prefix; there are always two, over two pages."""
    prefix, token = request["Prefix"], request.get("ContinuationToken")
    number = 0 if token is None else int(token)
    row = {"Key": f"{prefix}part-{number}.csv", "Size": 10 + number, "ETag": f'"{number}"'}
    more = {"NextContinuationToken": "1"} if number == 0 else {}
    return {"Contents": [row], "IsTruncated": number == 0, "KeyCount": 1, **more}
