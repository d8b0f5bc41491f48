"""A training job as SageMaker describes it, in the core's words."""

import math
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from tunewright.domain import names
from tunewright.domain.seen import TrainingJobSeen
from tunewright.domain.trial import TrialStatus


def training_job_seen(told: Mapping[str, Any]) -> TrainingJobSeen:
    """Read the answer of DescribeTrainingJob."""
    tuning_job = told.get("TuningJobArn")
    return TrainingJobSeen(
        name=told["TrainingJobName"],
        tuning_job=names.name_in_arn(tuning_job) if tuning_job else None,
        status=_status(told["TrainingJobStatus"]),
        hyperparameters=dict(told.get("HyperParameters") or {}),
        metrics={
            each["MetricName"]: float(each["Value"])
            for each in told.get("FinalMetricDataList") or ()
            if math.isfinite(each["Value"])
        },
        created=told["CreationTime"],
        started=told.get("TrainingStartTime"),
        ended=told.get("TrainingEndTime") or _ended(told),
        billable_seconds=told.get("BillableTimeInSeconds"),
        failure_reason=told.get("FailureReason"),
        model=(told.get("ModelArtifacts") or {}).get("S3ModelArtifacts"),
    )


def _status(status: str) -> TrialStatus:
    try:
        return TrialStatus(status)
    except ValueError:  # A status that AWS adds one day is not an end that we know.
        return TrialStatus.IN_PROGRESS


def _ended(told: Mapping[str, Any]) -> datetime | None:
    """A job that never started has no end of training; it ended when it was last changed."""
    over = told["TrainingJobStatus"] in {"Completed", "Failed", "Stopped"}
    return told.get("LastModifiedTime") if over else None
