"""EventBridge events as SageMaker really sends them, and the thread that delivers them.

Real events differ from those of the documentation: times are whole milliseconds, tags a plain map,
what is absent is an explicit null, and a tuning job's counters are null always.
"""

import logging
import queue
import threading
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from sagemaker_local.settings import Settings
from sagemaker_local.store import Document
from sagemaker_local.values import tag_map

Event = dict[str, Any]
_LOG = logging.getLogger(__name__)
_ENDPOINT_STATUS = {
    "InService": "IN_SERVICE",
    "OutOfService": "OUT_OF_SERVICE",
    "RollingBack": "ROLLING_BACK",
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
    arn = job["HyperParameterTuningJobArn"]
    return _event(settings, "HyperParameter Tuning Job", arn, detail)


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
    return _event(settings, "Endpoint", endpoint["EndpointArn"], detail)


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


def _event(settings: Settings, what: str, arn: str, detail: Mapping[str, Any]) -> Event:
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": f"SageMaker {what} State Change",
        "source": "aws.sagemaker",
        "account": settings.account,
        "time": _iso(detail["LastModifiedTime"] / 1000),
        "region": settings.region,
        "resources": [arn],
        "detail": dict(detail),
    }


def _iso(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _millis(moment: float | None) -> int | None:
    return None if moment is None else round(moment * 1000)


def _with_millis(members: Mapping[str, Any]) -> dict[str, Any]:
    return {k: _millis(v) if k.endswith("Time") else v for k, v in members.items()}


class Dispatcher:
    """Delivers events in order from a thread of its own, so that nobody waits for a listener."""

    def __init__(self, deliver: Callable[[Event], None] | None) -> None:
        self._deliver = deliver
        self._queue: queue.SimpleQueue[Event | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="sagemaker-events", daemon=True)

    def start(self) -> None:
        """Begin to deliver."""
        self._thread.start()

    def close(self) -> None:
        """Deliver what was sent before, then end."""
        self._queue.put(None)
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join()

    def send(self, event: Event) -> None:
        """Deliver soon."""
        if self._deliver is not None:
            self._queue.put(event)

    def _run(self) -> None:
        while (event := self._queue.get()) is not None:
            try:
                if self._deliver is not None:
                    self._deliver(event)
            except Exception:  # noqa: BLE001 - a listener's fault must not end the rest
                _LOG.exception("the event %s was not taken", event["detail-type"])
