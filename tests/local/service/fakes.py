"""Parts that keep the promises of the real ones without a process, and requests to begin with."""

import copy
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sagemaker_local.hosting.invocation import Invocation
from sagemaker_local.parts import HostListener, Parts, TrainingListener
from sagemaker_local.suggestions import suggest
from sagemaker_local.training import Outcome, TrainingSpec

METRIC = "validation:accuracy"
IMAGE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/mine:1"
XGBOOST = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1"


def now() -> datetime:
    return datetime.now(UTC)


@dataclass
class FakeRunner:
    """Jobs that do what the test says; with `score`, they end by themselves with that value."""

    score: Callable[[TrainingSpec], float | None] | None = None
    reports: list[TrainingSpec] = field(default_factory=list)
    jobs: dict[str, tuple[TrainingSpec, TrainingListener]] = field(default_factory=dict)
    most_at_once: int = 0
    reaped: int = 0
    stopped: list[str] = field(default_factory=list)
    interrupted: list[str] = field(default_factory=list)
    stops_at_once: bool = True
    lock: threading.RLock = field(default_factory=threading.RLock)

    def start(self, spec: TrainingSpec, listener: TrainingListener) -> None:
        with self.lock:
            assert spec.name not in self.jobs, f"{spec.name} was launched twice"
            self.reports.append(spec)
            self.jobs[spec.name] = (spec, listener)
            self.most_at_once = max(self.most_at_once, len(self.jobs))
        if self.score is not None:
            value = self.score(spec)
            threading.Thread(target=self.finish, args=(spec.name, value)).start()

    def stop(self, name: str) -> None:
        self.stopped.append(name)
        if self.stops_at_once and name in self.jobs:
            self.end(name, "Stopped")

    def interrupt(self, name: str) -> None:
        self.interrupted.append(name)
        with self.lock:
            _, listener = self.jobs.pop(name)
        listener.ended(Outcome("Stopped", "Interrupted", None, None, now(), now()))

    def shutdown(self) -> None:
        self.jobs.clear()

    def adopt_or_reap(self) -> None:
        self.reaped += 1

    def report(self, name: str, *values: float) -> None:
        spec, listener = self.jobs[name]
        listener.status("Training", "", now())
        metric = spec.hyperparameters.get("_tuning_objective_metric", METRIC)
        for value in values:
            listener.metric(metric, value, now())

    def finish(self, name: str, value: float | None) -> None:
        _, listener = self.jobs[name]
        listener.status("Downloading", "", now())
        if value is None:
            self.end(name, "Failed", reason="AlgorithmError: it broke")
            return
        self.report(name, value)
        listener.status("Uploading", "", now())
        listener.status("Completed", "", now())
        self.end(name, "Completed")

    def end(self, name: str, status: Any, *, reason: str | None = None) -> None:
        with self.lock:
            spec, listener = self.jobs.pop(name)
        artifacts = f"{spec.output_path}/{name}/output/model.tar.gz"
        made = artifacts if status == "Completed" else None
        listener.ended(Outcome(status, status, reason, made, now(), now()))

    @property
    def names(self) -> list[str]:
        return sorted(self.jobs)


@dataclass
class FakeHost:
    """Endpoints that are healthy when the test says so."""

    listeners: dict[str, HostListener] = field(default_factory=dict)
    containers: dict[str, Any] = field(default_factory=dict)
    started: list[str] = field(default_factory=list)
    done: list[tuple[Any, ...]] = field(default_factory=list)
    """What happened to fleets: prepare, route, resize, promote and abandon."""
    stopped: list[str] = field(default_factory=list)
    old_fleet_is_dead: bool = False
    answer: Invocation = field(
        default_factory=lambda: Invocation(200, b"0.5", {"Content-Type": "text/csv"})
    )

    def start(
        self,
        endpoint: str,
        variant: str,
        container: Any,
        count: int,
        listener: HostListener,
        *,
        generation: str = "",
        config: str = "",
        concurrency: int | None = None,
    ) -> None:
        self.started.append(endpoint)
        self.containers[endpoint] = container
        self.listeners[endpoint] = listener

    def prepare(
        self,
        endpoint: str,
        variant: str,
        container: Any,
        count: int,
        listener: HostListener,
        *,
        generation: str = "",
        config: str = "",
        concurrency: int | None = None,
    ) -> None:
        self.listeners[endpoint] = listener
        self.done.append(("prepare", config, count))

    def route(self, endpoint: str, share: float) -> None:
        self.done.append(("route", round(share, 3)))

    def promote(self, endpoint: str) -> None:
        self.done.append(("promote",))

    def abandon(self, endpoint: str, listener: HostListener) -> None:
        self.done.append(("abandon",))
        if self.old_fleet_is_dead:
            listener("Failed", "it is dead")
        else:
            listener("InService", None)

    def resize(
        self, endpoint: str, count: int, listener: HostListener, *, beside: bool = False
    ) -> None:
        self.done.append(("resize", count, "new" if beside else "old"))
        listener("InService", None)

    def stop(self, endpoint: str) -> None:
        self.stopped.append(endpoint)

    def adopt_or_reap(self) -> None:
        self.started.append("reaped")

    def invoke(
        self, endpoint: str, body: bytes, content_type: str, accept: str | None
    ) -> Invocation:
        return self.answer

    def shutdown(self) -> None:
        self.listeners.clear()


@dataclass
class FakeObjects:
    missing: set[str] = field(default_factory=set)

    def any_under(self, uri: str) -> bool:
        return uri not in self.missing

    def exists(self, uri: str) -> bool:
        return uri not in self.missing


@dataclass
class Fakes:
    runner: FakeRunner = field(default_factory=FakeRunner)
    host: FakeHost = field(default_factory=FakeHost)
    objects: FakeObjects = field(default_factory=FakeObjects)
    questions: list[Any] = field(default_factory=list)
    ahead: float = 0.0
    """How far the service's clock is ahead."""

    def parts(self, settings: Any) -> Parts:
        def asked(question: Any) -> dict[str, str]:
            self.questions.append(question)
            return suggest(question)

        return Parts(
            runner=self.runner,
            host=self.host,
            objects=self.objects,
            suggest=asked,
            clock=lambda: time.time() + self.ahead,
        )


def tuning_request(name: str = "search", **config: Any) -> dict[str, Any]:
    """A custom image, one continuous and one integer parameter, random search, three trials."""
    limits = {
        "MaxNumberOfTrainingJobs": config.pop("trials", 3),
        "MaxParallelTrainingJobs": config.pop("parallel", 1),
    }
    return {
        "HyperParameterTuningJobName": name,
        "HyperParameterTuningJobConfig": {
            "Strategy": "Random",
            "HyperParameterTuningJobObjective": {"Type": "Maximize", "MetricName": METRIC},
            "ResourceLimits": limits,
            "ParameterRanges": {
                "ContinuousParameterRanges": [
                    {"Name": "eta", "MinValue": "0.01", "MaxValue": "0.5"},
                ],
                "IntegerParameterRanges": [
                    {"Name": "depth", "MinValue": "1", "MaxValue": "20", "ScalingType": "Linear"}
                ],
            },
            **config,
        },
        "TrainingJobDefinition": {
            "AlgorithmSpecification": {
                "TrainingImage": IMAGE,
                "TrainingInputMode": "File",
                "MetricDefinitions": [{"Name": METRIC, "Regex": "accuracy=([0-9.]+)"}],
            },
            "RoleArn": "arn:aws:iam::123456789012:role/Trainer",
            "StaticHyperParameters": {"epochs": "5"},
            "InputDataConfig": [channel("train"), channel("validation")],
            "OutputDataConfig": {"S3OutputPath": "s3://data/out"},
            "ResourceConfig": {
                "InstanceType": "ml.m5.large",
                "InstanceCount": 1,
                "VolumeSizeInGB": 10,
            },
            "StoppingCondition": {"MaxRuntimeInSeconds": 600},
        },
    }


def channel(name: str, uri: str | None = None) -> dict[str, Any]:
    return {
        "ChannelName": name,
        "ContentType": "text/csv",
        "DataSource": {
            "S3DataSource": {
                "S3DataType": "S3Prefix",
                "S3Uri": uri or f"s3://data/{name}",
                "S3DataDistributionType": "FullyReplicated",
            }
        },
    }


def changed(request: Mapping[str, Any], path: str, value: Any) -> dict[str, Any]:
    """A copy with one member set, or removed if the value is None; `path` has dots."""
    result = copy.deepcopy(dict(request))
    *way, last = path.split(".")
    place: Any = result
    for step in way:
        place = place[int(step)] if isinstance(place, list) else place[step]
    if value is None:
        del place[last]
    else:
        place[int(last) if isinstance(place, list) else last] = value
    return result


def child_of(
    parent: Mapping[str, Any], *names: str, name: str = "child", kind: str = "TransferLearning"
) -> dict[str, Any]:
    parents = names or (parent["HyperParameterTuningJobName"],)
    return {
        **copy.deepcopy(dict(parent)),
        "HyperParameterTuningJobName": name,
        "WarmStartConfig": {
            "ParentHyperParameterTuningJobs": [
                {"HyperParameterTuningJobName": each} for each in parents
            ],
            "WarmStartType": kind,
        },
    }
