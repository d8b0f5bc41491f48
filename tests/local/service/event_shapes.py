"""What AWS's events look like, as data: each detail-type, its statuses, and its members' forms.

Two forms for each member: as AWS was seen to send it, and as AWS documents it. Where only one of
them is known of a kind (deployments, model packages: documented alone), both are that one.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

ABSENT = "absent"
FORMS: dict[str, Any] = {
    ABSENT: lambda _: False,
    "null": lambda value: value is None,
    "text": lambda value: isinstance(value, str) and value != "",
    "number": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "flag": lambda value: isinstance(value, bool),
    "object": lambda value: isinstance(value, dict),
    "list": lambda value: isinstance(value, list),
    "tags": lambda value: (
        isinstance(value, dict)
        and all(isinstance(part, str) for pair in value.items() for part in pair)
    ),
    "texts": lambda value: (
        isinstance(value, dict)
        and all(isinstance(part, str) for pair in value.items() for part in pair)
    ),
    "counters": lambda value: (
        isinstance(value, dict)
        and value != {}
        and all(type(count) is int for count in value.values())
    ),
    "millis": lambda value: type(value) is int and 10**12 < value < 10**13,
    "millis as text": lambda value: (
        isinstance(value, str) and re.fullmatch(r"1\d{12}", value) is not None
    ),
    "millis as float": lambda value: type(value) is float and 10**12 < value < 10**13,
    "iso": lambda value: (
        isinstance(value, str)
        and re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", value) is not None
    ),
}
"""A form by its name; a member may have one of several, separated by bars."""

ENVELOPE = {
    "version": "text",
    "id": "text",
    "detail-type": "text",
    "source": "text",
    "account": "text",
    "time": "iso",
    "region": "text",
    "resources": "list",
    "detail": "object",
}

Forms = Mapping[str, tuple[str, str]]
_TIME = ("millis", "millis as text")
_TIME_SOME_DAY = ("millis|null", "millis as text|absent")
_OPTIONAL = ("object|null", "object|absent")
_LISTED = ("list|null", "list|absent")
_WORDS = ("text|null", "text|absent")
_SAME = {name: (name, name) for name in ("text", "number", "flag", "object", "list", "tags")}
_MAYBE = {name: (f"{name}|absent", f"{name}|absent") for name in ("text", "number", "object")}

TUNING: Forms = {
    "HyperParameterTuningJobName": _SAME["text"],
    "HyperParameterTuningJobArn": _SAME["text"],
    "HyperParameterTuningJobConfig": _SAME["object"],
    "TrainingJobDefinition": _OPTIONAL,
    "TrainingJobDefinitions": _LISTED,
    "HyperParameterTuningJobStatus": _SAME["text"],
    "CreationTime": _TIME,
    "HyperParameterTuningEndTime": _TIME_SOME_DAY,
    "LastModifiedTime": _TIME,
    "TrainingJobStatusCounters": ("null", "counters"),
    "ObjectiveStatusCounters": ("null", "counters"),
    "FailureReason": _WORDS,
    "BestTrainingJob": _OPTIONAL,
    "TuningJobCompletionReason": ("text|null", ABSENT),
    "TuningJobCompletionDetails": ("null", ABSENT),
    "Tags": _SAME["tags"],
}
TRAINING: Forms = {
    "TrainingJobName": _SAME["text"],
    "TrainingJobArn": _SAME["text"],
    "TuningJobArn": ("text|null", ABSENT),
    "TrainingJobStatus": _SAME["text"],
    "SecondaryStatus": _SAME["text"],
    "FailureReason": _WORDS,
    "HyperParameters": ("texts", "texts"),
    "AlgorithmSpecification": _SAME["object"],
    "RoleArn": _SAME["text"],
    "InputDataConfig": _SAME["list"],
    "OutputDataConfig": _SAME["object"],
    "ResourceConfig": _OPTIONAL,
    "VpcConfig": _OPTIONAL,
    "StoppingCondition": _OPTIONAL,
    "ModelArtifacts": _OPTIONAL,
    "CreationTime": _TIME,
    "TrainingStartTime": _TIME_SOME_DAY,
    "TrainingEndTime": _TIME_SOME_DAY,
    "LastModifiedTime": _TIME,
    "SecondaryStatusTransitions": _SAME["list"],
    "Tags": _SAME["tags"],
}
ENDPOINT: Forms = {
    "EndpointName": _SAME["text"],
    "EndpointArn": _SAME["text"],
    "EndpointConfigName": _SAME["text"],
    "ProductionVariants": (ABSENT, "list"),
    "EndpointStatus": _SAME["text"],
    "FailureReason": _WORDS,
    "CreationTime": ("millis", "millis as float"),
    "LastModifiedTime": ("millis", "millis as float"),
    "Tags": _SAME["tags"],
}
DEPLOYMENT: Forms = {
    "EndpointName": _SAME["text"],
    "EndpointArn": _SAME["text"],
    "EndpointConfigName": _SAME["text"],
    "ProductionVariants": _SAME["list"],
    "EndpointStatus": _SAME["text"],
    "CreationTime": ("millis", "millis"),
    "LastModifiedTime": ("millis", "millis"),
    "Tags": _SAME["tags"],
    "PendingDeploymentSummary": _MAYBE["object"],
}
PACKAGE: Forms = {
    "ModelPackageName": _MAYBE["text"],
    "ModelPackageGroupName": _MAYBE["text"],
    "ModelPackageVersion": _MAYBE["number"],
    "ModelPackageArn": _SAME["text"],
    "ModelPackageDescription": _MAYBE["text"],
    "CreationTime": ("iso", "iso"),
    "LastModifiedTime": ("iso", "iso"),
    "InferenceSpecification": _MAYBE["object"],
    "ModelPackageStatus": _SAME["text"],
    "ModelPackageStatusDetails": _SAME["object"],
    "CertifyForMarketplace": ("flag|absent", "flag|absent"),
    "ModelApprovalStatus": _MAYBE["text"],
    "ApprovalDescription": _MAYBE["text"],
    "MetadataProperties": _MAYBE["object"],
    "ModelMetrics": _MAYBE["object"],
    "CustomerMetadataProperties": _MAYBE["object"],
    "ModelLifeCycle": _MAYBE["object"],
}

_TRAINING_WAYS = {
    "InProgress": ("Starting", "Downloading", "Training", "Interrupted", "Uploading"),
    "Stopping": ("Stopping",),
    "Completed": ("Completed",),
    "Failed": ("Failed",),
    "Stopped": ("Stopped", "MaxRuntimeExceeded", "MaxWaitTimeExceeded"),
}
KINDS: dict[str, tuple[Forms, tuple[str, ...], str, frozenset[tuple[str, ...]]]] = {
    "SageMaker HyperParameter Tuning Job State Change": (
        TUNING,
        ("HyperParameterTuningJobStatus",),
        "hyper-parameter-tuning-job/",
        frozenset({("InProgress",), ("Completed",), ("Failed",), ("Stopping",), ("Stopped",)}),
    ),
    "SageMaker Training Job State Change": (
        TRAINING,
        ("TrainingJobStatus", "SecondaryStatus"),
        "training-job/",
        frozenset((status, each) for status, way in _TRAINING_WAYS.items() for each in way),
    ),
    "SageMaker Endpoint State Change": (
        ENDPOINT,
        ("EndpointStatus",),
        "endpoint/",
        frozenset(
            {
                ("CREATING",),
                ("UPDATING",),
                ("ROLLING_BACK",),
                ("IN_SERVICE",),
                ("UPDATE_ROLLBACK_FAILED",),
                ("FAILED",),
                ("DELETING",),
                ("DELETED",),
            }
        ),
    ),
    "SageMaker Endpoint Deployment State Change": (
        DEPLOYMENT,
        ("EndpointStatus",),
        "endpoint/",
        frozenset({("UPDATING",)}),
    ),
    "SageMaker Model Package State Change": (
        PACKAGE,
        ("ModelPackageStatus",),
        "model-package/",
        frozenset({("Completed",)}),
    ),
}
"""By detail-type: the members' forms, those that tell the status, what the resource is, and all
statuses that may be told."""


def status_of(event: Mapping[str, Any]) -> tuple[str, ...]:
    """The status that an event tells, as `KINDS` lists them."""
    _, members, _, _ = KINDS[event["detail-type"]]
    return tuple(event["detail"][member] for member in members)


def faults_of(event: Mapping[str, Any], flavour: str) -> list[str]:
    """What of an event is not as AWS has it."""
    known = KINDS.get(event["detail-type"])
    if known is None:
        return [f"AWS has no {event['detail-type']}"]
    forms, _, resource, statuses = known
    json.dumps(event, allow_nan=False)
    column = 0 if flavour == "real" else 1
    detail = event["detail"]
    wanted = {name: pair[column] for name, pair in forms.items()}
    wrong = _wrong("", event, ENVELOPE) + _wrong("detail.", detail, wanted)
    if event["source"] != "aws.sagemaker":
        wrong.append(f"source is {event['source']}")
    if len(event["resources"]) != 1 or f":{resource}" not in event["resources"][0]:
        wrong.append(f"resources are {event['resources']}")
    if not wrong and status_of(event) not in statuses:
        wrong.append(f"the status is {status_of(event)}")
    if detail.get("EndpointStatus") == "DELETED" and detail["Tags"] != {}:
        wrong.append("a deleted endpoint has tags")
    return wrong


def _wrong(place: str, shown: Mapping[str, Any], wanted: Mapping[str, str]) -> list[str]:
    found = [f"{place}{name} is not a member" for name in shown.keys() - wanted.keys()]
    for name, forms in wanted.items():
        allowed = forms.split("|")
        if name not in shown:
            if ABSENT not in allowed:
                found.append(f"{place}{name} is missing")
        elif not any(FORMS[form](shown[name]) for form in allowed):
            found.append(f"{place}{name} is {shown[name]!r}, not {forms}")
    return found
