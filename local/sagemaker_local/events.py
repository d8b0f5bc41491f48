"""EventBridge events as SageMaker really sends them, and the thread that delivers them.

Real events differ from those of the documentation: times are whole milliseconds, tags a plain map,
what is absent is an explicit null, and a tuning job's counters are null always.
"""

import heapq
import itertools
import logging
import queue
import threading
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sagemaker_local.faults import Chance, Faults
from sagemaker_local.settings import Settings
from sagemaker_local.store import Document
from sagemaker_local.values import tag_map

Event = dict[str, Any]
_LOG = logging.getLogger(__name__)
_ENDPOINT_STATUS = {
    "InService": "IN_SERVICE",
    "OutOfService": "OUT_OF_SERVICE",
    "RollingBack": "ROLLING_BACK",
    "UpdateRollbackFailed": "UPDATE_ROLLBACK_FAILED",
}


def tuning_job_event(settings: Settings, job: Document) -> Event:
    """A change of a tuning job."""
    best = job.get("BestTrainingJob")
    detail = {
        "HyperParameterTuningJobName": job["HyperParameterTuningJobName"],
        "HyperParameterTuningJobArn": job["HyperParameterTuningJobArn"],
        "HyperParameterTuningJobConfig": job["HyperParameterTuningJobConfig"],
        "TrainingJobDefinition": job.get("TrainingJobDefinition"),
        "TrainingJobDefinitions": job.get("TrainingJobDefinitions"),
        "HyperParameterTuningJobStatus": job["HyperParameterTuningJobStatus"],
        "CreationTime": _millis(job["CreationTime"]),
        "HyperParameterTuningEndTime": _millis(job.get("HyperParameterTuningEndTime")),
        "LastModifiedTime": _millis(job["LastModifiedTime"]),
        "TrainingJobStatusCounters": None,
        "ObjectiveStatusCounters": None,
        "FailureReason": job.get("FailureReason"),
        "BestTrainingJob": None if best is None else _with_millis(best),
        "TuningJobCompletionReason": job.get("_completion_reason"),
        "TuningJobCompletionDetails": None,
        "Tags": tag_map(job["_tags"]),
    }
    members = ("TrainingJobStatusCounters", "ObjectiveStatusCounters")
    return _event(
        settings,
        "HyperParameter Tuning Job",
        job["HyperParameterTuningJobArn"],
        detail,
        documented={member: job[member] for member in members},
    )


def training_job_event(settings: Settings, job: Document) -> Event:
    """A change of a training job, of its secondary status too."""
    transitions = [_with_millis(entry) for entry in job["SecondaryStatusTransitions"]]
    detail = {
        "TrainingJobName": job["TrainingJobName"],
        "TrainingJobArn": job["TrainingJobArn"],
        "TuningJobArn": job.get("TuningJobArn"),
        "TrainingJobStatus": job["TrainingJobStatus"],
        "SecondaryStatus": job["SecondaryStatus"],
        "FailureReason": job.get("FailureReason"),
        "HyperParameters": job["HyperParameters"],
        "AlgorithmSpecification": job["AlgorithmSpecification"],
        "RoleArn": job["RoleArn"],
        "InputDataConfig": job.get("InputDataConfig", []),
        "OutputDataConfig": job["OutputDataConfig"],
        "ResourceConfig": job.get("ResourceConfig"),
        "VpcConfig": job.get("VpcConfig"),
        "StoppingCondition": job.get("StoppingCondition"),
        "ModelArtifacts": job.get("ModelArtifacts"),
        "CreationTime": _millis(job["CreationTime"]),
        "TrainingStartTime": _millis(job.get("TrainingStartTime")),
        "TrainingEndTime": _millis(job.get("TrainingEndTime")),
        "LastModifiedTime": _millis(job["LastModifiedTime"]),
        "SecondaryStatusTransitions": transitions,
        "Tags": tag_map(job["_tags"]),
    }
    return _event(settings, "Training Job", job["TrainingJobArn"], detail)


def endpoint_event(settings: Settings, endpoint: Document) -> Event:
    """A change of an endpoint."""
    status = endpoint["EndpointStatus"]
    detail = {
        "EndpointName": endpoint["EndpointName"],
        "EndpointArn": endpoint["EndpointArn"],
        "EndpointConfigName": endpoint["EndpointConfigName"],
        "EndpointStatus": _ENDPOINT_STATUS.get(status, status.upper()),
        "FailureReason": endpoint.get("FailureReason"),
        "CreationTime": _millis(endpoint["CreationTime"]),
        "LastModifiedTime": _millis(endpoint["LastModifiedTime"]),
        "Tags": {} if status == "Deleted" else tag_map(endpoint["_tags"]),
    }
    wanted = ("DesiredWeight", "DesiredInstanceCount")
    variants = [{key: one[key] for key in wanted if key in one} for one in endpoint["_variants"]]
    return _event(
        settings,
        "Endpoint",
        endpoint["EndpointArn"],
        detail,
        documented={"ProductionVariants": variants},
        write=float,
    )


def deployment_event(
    settings: Settings, endpoint: Document, pending: Mapping[str, Any] | None
) -> Event:
    """A step of a deployment, or of a change of capacity, which has no pending summary."""
    status = endpoint["EndpointStatus"]
    detail = {
        "EndpointName": endpoint["EndpointName"],
        "EndpointArn": endpoint["EndpointArn"],
        "EndpointConfigName": endpoint["EndpointConfigName"],
        "ProductionVariants": _variants(endpoint["_variants"]),
        "EndpointStatus": _ENDPOINT_STATUS.get(status, status.upper()),
        "CreationTime": _millis(endpoint["CreationTime"]),
        "LastModifiedTime": _millis(endpoint["LastModifiedTime"]),
        "Tags": tag_map(endpoint["_tags"]),
    }
    if pending is not None:
        detail["PendingDeploymentSummary"] = {
            "EndpointConfigName": pending["EndpointConfigName"],
            "StartTime": _millis(pending["StartTime"]),
            "ProductionVariants": _variants(pending["ProductionVariants"]),
        }
    return _event(settings, "Endpoint Deployment", endpoint["EndpointArn"], detail, write=int)


def _variants(shown: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [
        {**one, "VariantStatus": [_with_millis(entry) for entry in one["VariantStatus"]]}
        if "VariantStatus" in one
        else dict(one)
        for one in shown
    ]


def model_package_event(settings: Settings, package: Document) -> Event:
    """A change of a model package; alone among the events it has times in ISO 8601."""
    changed = package.get("LastModifiedTime", package["CreationTime"])
    shown = (
        "ModelPackageName",
        "ModelPackageGroupName",
        "ModelPackageVersion",
        "ModelPackageArn",
        "ModelPackageDescription",
        "InferenceSpecification",
        "ModelPackageStatus",
        "ModelPackageStatusDetails",
        "CertifyForMarketplace",
        "ModelApprovalStatus",
        "ApprovalDescription",
        "MetadataProperties",
        "ModelMetrics",
        "CustomerMetadataProperties",
        "ModelLifeCycle",
    )
    detail = {key: package[key] for key in shown if key in package}
    event = _event(
        settings,
        "Model Package",
        package["ModelPackageArn"],
        {**detail, "LastModifiedTime": _millis(changed)},
    )
    event["detail"]["CreationTime"] = _iso(package["CreationTime"])
    event["detail"]["LastModifiedTime"] = _iso(changed)
    return event


def _event(
    settings: Settings,
    what: str,
    arn: str,
    detail: Mapping[str, Any],
    documented: Mapping[str, Any] | None = None,
    write: Callable[[int], str | float] = str,
) -> Event:
    """Put an event together.

    `documented` has members that only the documentation shows, `write` writes a time as it does.
    """
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": f"SageMaker {what} State Change",
        "source": "aws.sagemaker",
        "account": settings.account,
        "time": _iso(detail["LastModifiedTime"] / 1000),
        "region": settings.region,
        "resources": [arn],
        "detail": _documented({**detail, **(documented or {})}, write)
        if settings.faults.events_as == "documented"
        else dict(detail),
    }


def _documented(detail: Mapping[str, Any], write: Callable[[int], str | float]) -> dict[str, Any]:
    """A detail as AWS's documentation shows it: times in the form of each kind, and no nulls.

    The documentation knows nothing of a training job's tuning job, nor of why a job was complete.
    """
    unknown = ("TuningJobArn", "TuningJobCompletionReason")
    return {
        key: write(value) if key.endswith("Time") else value
        for key, value in detail.items()
        if value is not None and key not in unknown
    }


def _iso(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _millis(moment: float | None) -> int | None:
    return None if moment is None else round(moment * 1000)


def _with_millis(members: Mapping[str, Any]) -> dict[str, Any]:
    return {k: _millis(v) if k.endswith("Time") else v for k, v in members.items()}


class Dispatcher:
    """Delivers events from a thread of its own, so that nobody waits for a listener.

    Without faults each event comes once, in order. AWS promises neither, nor that it comes at all.
    """

    def __init__(
        self, deliver: Callable[[Event], None] | None, faults: Faults | None = None
    ) -> None:
        self._deliver, self._faults = deliver, faults or Faults()
        self._chance = Chance(self._faults.seed)
        self._queue: queue.SimpleQueue[Event | None] = queue.SimpleQueue()
        self._late: list[tuple[float, int, Event]] = []
        self._numbers = itertools.count()
        self._thread = threading.Thread(target=self._run, name="sagemaker-events", daemon=True)

    def start(self) -> None:
        """Begin to deliver."""
        self._thread.start()

    def close(self) -> None:
        """Deliver what was sent before, then end; what is late comes now."""
        self._queue.put(None)
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join()

    def send(self, event: Event) -> None:
        """Deliver soon."""
        if self._deliver is None:
            return
        what = f"event {event['resources'][0]}"
        if self._chance.happens(self._faults.events_lost, f"{what} lost"):
            return
        self._queue.put(event)
        if self._chance.happens(self._faults.events_doubled, f"{what} doubled"):
            self._queue.put(event)

    def _run(self) -> None:
        while True:
            try:
                event = self._queue.get(timeout=self._wait())
            except queue.Empty:
                self._pass_on(heapq.heappop(self._late)[2])
                continue
            if event is None:
                break
            if self._chance.happens(self._faults.events_late, f"{event['resources'][0]} late"):
                due = time.monotonic() + self._faults.late_seconds
                heapq.heappush(self._late, (due, next(self._numbers), event))
            else:
                self._pass_on(event)
        for _, _, event in sorted(self._late):
            self._pass_on(event)

    def _wait(self) -> float | None:
        return max(0.0, self._late[0][0] - time.monotonic()) if self._late else None

    def _pass_on(self, event: Event) -> None:
        try:
            if self._deliver is not None:
                self._deliver(event)
        except Exception:  # noqa: BLE001 - a listener's fault must not end the rest
            _LOG.exception("the event %s was not taken", event["detail-type"])
