"""Training jobs as documents: how each comes to be, moves on and ends; pure, nothing runs here."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from sagemaker_local.settings import Settings
from sagemaker_local.store import Document
from sagemaker_local.training import Outcome, TrainingSpec, builtin_metric_definitions
from sagemaker_local.values import float32, millis, without_none

KIND = "training-job"
ACTIVE = frozenset({"InProgress", "Stopping"})
_ENDS = frozenset(
    {
        "Completed",
        "Failed",
        "Stopped",
        "MaxRuntimeExceeded",
        "MaxWaitTimeExceeded",
        "Interrupted",  # the end of a run, if not of the job
    }
)
_DAY = 86_400
_SECONDARY_MESSAGES = {
    "Starting": "Preparing the instances for training",
    "Downloading": "Downloading input data",
    "Training": "Training image download completed. Training in progress.",
    "Uploading": "Uploading generated training model",
    "Stopping": "Stopping the training job",
    "Stopped": "Training job stopped",
    "Completed": "Training job completed",
    "Interrupted": "The spot instance was taken away",
    "MaxWaitTimeExceeded": "Training job did not complete within MaxWaitTimeInSeconds",
    "MaxRuntimeExceeded": "Training job runtime exceeded MaxRuntimeInSeconds provided",
}
_COPIED = (
    "AlgorithmSpecification",
    "RoleArn",
    "InputDataConfig",
    "OutputDataConfig",
    "ResourceConfig",
    "VpcConfig",
    "StoppingCondition",
    "CheckpointConfig",
    "Environment",
    "RetryStrategy",
    "EnableNetworkIsolation",
    "EnableInterContainerTrafficEncryption",
    "EnableManagedSpotTraining",
    # Of no effect here, but Describe shows what was asked
    "DebugHookConfig",
    "DebugRuleConfigurations",
    "ExperimentConfig",
    "InfraCheckConfig",
    "MlflowConfig",
    "ModelPackageConfig",
    "ProfilerConfig",
    "ProfilerRuleConfigurations",
    "RemoteDebugConfig",
    "ServerlessJobConfig",
    "TensorBoardOutputConfig",
)
Metrics = Sequence[tuple[str, float, float]]
"""Name, value and moment of each metric seen, in order."""


def new(
    settings: Settings,
    name: str,
    request: Mapping[str, Any],
    *,
    hyperparameters: Mapping[str, str],
    tags: Sequence[Mapping[str, str]],
    now: float,
) -> dict[str, Any]:
    """Begin a training job from what a CreateTrainingJob or a tuning job asks."""
    document = {key: request[key] for key in _COPIED if key in request}
    specification = document["AlgorithmSpecification"]
    known = builtin_metric_definitions(specification.get("TrainingImage", ""))
    if known is not None and "MetricDefinitions" not in specification:
        metrics = [{"Name": metric, "Regex": pattern} for metric, pattern in known]
        document["AlgorithmSpecification"] = {**specification, "MetricDefinitions": metrics}
    at = millis(now)
    return {
        "EnableNetworkIsolation": False,
        "EnableInterContainerTrafficEncryption": False,
        "EnableManagedSpotTraining": False,
        **document,
        "OutputDataConfig": {"KmsKeyId": "", **document["OutputDataConfig"]},
        "TrainingJobName": name,
        "TrainingJobArn": settings.arn(KIND, name),
        "TrainingJobStatus": "InProgress",
        "SecondaryStatus": "Starting",
        "HyperParameters": dict(hyperparameters),
        "CreationTime": at,
        "LastModifiedTime": at,
        "SecondaryStatusTransitions": [_transition("Starting", "", at)],
        "_tags": list(tags),
    }


def spec_of(document: Document, now: float) -> TrainingSpec:
    """What the runner has to know of a run that begins now."""
    algorithm = document["AlgorithmSpecification"]
    resources = document.get("ResourceConfig", {})
    return TrainingSpec(
        name=document["TrainingJobName"],
        arn=document["TrainingJobArn"],
        image=algorithm.get("TrainingImage", ""),
        hyperparameters=document["HyperParameters"],
        channels=tuple(document.get("InputDataConfig", ())),
        output_path=document["OutputDataConfig"]["S3OutputPath"],
        metric_definitions=tuple(
            (entry["Name"], entry["Regex"]) for entry in algorithm.get("MetricDefinitions", ())
        ),
        environment=document.get("Environment", {}),
        instance_type=resources.get("InstanceType", "ml.m5.large"),
        instance_count=resources.get("InstanceCount", 1),
        max_runtime_seconds=_longest_run(document, now),
        checkpoint=document.get("CheckpointConfig"),
    )


def _longest_run(document: Document, now: float) -> int:
    """The seconds that a run may take: a spot job's wait goes on while it runs."""
    condition = document.get("StoppingCondition", {})
    longest: int = condition.get("MaxRuntimeInSeconds", _DAY)
    if "MaxWaitTimeInSeconds" not in condition:
        return longest
    left: float = condition["MaxWaitTimeInSeconds"] - (now - document["CreationTime"])
    return max(1, min(longest, math.ceil(left)))


def moved(document: Document, secondary: str, message: str, at: float) -> Document:
    """Reach a new secondary status; the same one again is no change, and ends come by `ended`."""
    if secondary in _ENDS:
        return document
    if document["SecondaryStatus"] == secondary or document["TrainingJobStatus"] not in ACTIVE:
        return document
    if document["TrainingJobStatus"] == "Stopping" and secondary != "Stopping":
        return document  # what a stopping job still does is not shown
    started = document.get("TrainingStartTime")
    if started is None and secondary != "Stopping":
        started = millis(at)
    # A job that stops by itself, its time being over, is seen to stop like any other
    status = "Stopping" if secondary == "Stopping" else document["TrainingJobStatus"]
    return without_none(
        {
            **document,
            "TrainingJobStatus": status,
            "SecondaryStatus": secondary,
            "TrainingStartTime": started,
            "LastModifiedTime": millis(at),
            "SecondaryStatusTransitions": _extended(document, secondary, message, at),
        }
    )


def stopping(document: Document, at: float, *, by_tuner: bool = False) -> Document:
    """Begin to stop."""
    if document["TrainingJobStatus"] != "InProgress":
        return document
    moving = moved(document, "Stopping", "", at)
    return {**moving, "TrainingJobStatus": "Stopping", "_early_stopped": by_tuner}


def again(document: Document, at: float) -> Document:
    """Begin anew after the server died; what the killed run reached does not count."""
    return without_none(
        {
            **document,
            "SecondaryStatus": "Starting",
            "TrainingStartTime": None,
            "LastModifiedTime": millis(at),
            "SecondaryStatusTransitions": _extended(document, "Starting", "", at),
        }
    )


def interrupted(document: Document, at: float) -> Document:
    """Lose the instance; the time so far counts."""
    return {
        **document,
        "SecondaryStatus": "Interrupted",
        "LastModifiedTime": millis(at),
        "SecondaryStatusTransitions": _extended(document, "Interrupted", "", at),
        "_interrupted": document.get("_interrupted", 0) + 1,
    }


def waiting(document: Document, at: float) -> Document:
    """Wait for another instance."""
    return {
        **document,
        "SecondaryStatus": "Starting",
        "LastModifiedTime": millis(at),
        "SecondaryStatusTransitions": _extended(document, "Starting", "", at),
    }


def may_retry(document: Document, reason: str) -> bool:
    """Whether a failure is one of the service's own, and the job may be tried again."""
    allowed = document.get("RetryStrategy", {}).get("MaximumRetryAttempts", 0)
    own = reason.startswith("InternalServerError")
    return own and document.get("_retries", 0) < allowed


def waits_too_long(document: Document, now: float) -> bool:
    """Whether a spot job has no time left, neither to wait for an instance nor to run."""
    longest = document.get("StoppingCondition", {}).get("MaxWaitTimeInSeconds")
    return longest is not None and now - document["CreationTime"] >= longest


def ended(
    document: Document, outcome: Outcome, metrics: Metrics, *, spot_price: float = 1.0
) -> Document:
    """End, with the metrics that were seen; a second on spot costs a part of another."""
    end = millis(max(outcome.ended_at.timestamp(), document["CreationTime"]))
    started = document.get("TrainingStartTime")
    if started is None and outcome.started_at is not None:
        started = millis(outcome.started_at.timestamp())
    seconds = None if started is None else max(1, math.ceil(end - started))
    price = spot_price if document["EnableManagedSpotTraining"] else 1.0
    billed = None if seconds is None else max(1, math.ceil(seconds * price))
    message = outcome.failure_reason or ""
    artifacts = outcome.model_artifacts
    return without_none(
        {
            **document,
            "TrainingJobStatus": outcome.status,
            "SecondaryStatus": outcome.secondary,
            "FailureReason": outcome.failure_reason,
            "ModelArtifacts": {"S3ModelArtifacts": artifacts} if artifacts else None,
            "TrainingStartTime": started,
            "TrainingEndTime": end,
            "LastModifiedTime": end,
            "TrainingTimeInSeconds": seconds,
            "BillableTimeInSeconds": billed,
            "FinalMetricDataList": final_metrics(metrics),
            "SecondaryStatusTransitions": _closed(
                _extended(document, outcome.secondary, message, end), end
            ),
            "_metrics": None,  # what was kept while it stopped is in the curve now
            **_objective(document, outcome, metrics),
        }
    )


def final_metrics(metrics: Metrics) -> list[dict[str, Any]]:
    """The last value of each metric, as SageMaker shows it."""
    last = {name: (value, at) for name, value, at in metrics}
    return [
        {"MetricName": name, "Value": float32(value), "Timestamp": float(int(at))}
        for name, (value, at) in last.items()
    ]


def _objective(document: Document, outcome: Outcome, metrics: Metrics) -> dict[str, Any]:
    """The objective of a trial is the last value that its metric had, not the best one."""
    name = document.get("_objective_metric")
    if name is None:
        return {}
    curve = [float32(value) for metric, value, _ in metrics if metric == name]
    usable = bool(curve) and math.isfinite(curve[-1]) and outcome.status != "Failed"
    return {"_curve": curve, "_value": curve[-1] if usable else None}


def _transition(status: str, message: str, at: float) -> dict[str, Any]:
    text = message or _SECONDARY_MESSAGES.get(status, status)
    return {"Status": status, "StartTime": millis(at), "StatusMessage": text}


def _extended(document: Document, status: str, message: str, at: float) -> list[dict[str, Any]]:
    return [
        *_closed(document["SecondaryStatusTransitions"], at),
        _transition(status, message, at),
    ]


def _closed(transitions: Sequence[Mapping[str, Any]], at: float) -> list[dict[str, Any]]:
    if not transitions:
        return []
    *before, last = transitions
    return [*(dict(entry) for entry in before), {"EndTime": millis(at), **last}]
