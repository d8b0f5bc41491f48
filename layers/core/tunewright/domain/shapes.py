"""Knows of which kind the members of AWS's requests are that the core reads; not which are right.

Members that a person gives in AWS's own words are kept as they are; what the core itself looks
into must be of the kind that it expects, or nothing could be said about it.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from tunewright.domain.errors import Problem

_TEXT, _WHOLE, _MAPPING = "a text", "a whole number of at least 0", "a mapping"

_RANGE = {"Name": _TEXT, "ScalingType": _TEXT}
CONFIG: dict[str, Any] = {
    "HyperParameterTuningJobObjective": {"MetricName": _TEXT, "Type": _TEXT},
    "ParameterRanges": {
        "ContinuousParameterRanges": [_RANGE],
        "IntegerParameterRanges": [_RANGE],
        "CategoricalParameterRanges": [{"Name": _TEXT, "Values": [_TEXT]}],
    },
    "RandomSeed": _WHOLE,
    "ResourceLimits": {"MaxRuntimeInSeconds": _WHOLE},
    "Strategy": _TEXT,
    "TrainingJobEarlyStoppingType": _TEXT,
}
DEFINITION: dict[str, Any] = {
    "AlgorithmSpecification": {
        "TrainingImage": _TEXT,
        "TrainingInputMode": _TEXT,
        "MetricDefinitions": [{"Name": _TEXT, "Regex": _TEXT}],
    },
    "CheckpointConfig": {"S3Uri": _TEXT},
    "Environment": _MAPPING,
    "HyperParameterTuningResourceConfig": {
        "InstanceType": _TEXT,
        "InstanceCount": _WHOLE,
        "VolumeSizeInGB": _WHOLE,
    },
    "InputDataConfig": [
        {
            "ChannelName": _TEXT,
            "ContentType": _TEXT,
            "DataSource": {"S3DataSource": {"S3Uri": _TEXT}},
        }
    ],
    "OutputDataConfig": _MAPPING,
    "ResourceConfig": {
        "InstanceType": _TEXT,
        "InstanceCount": _WHOLE,
        "VolumeSizeInGB": _WHOLE,
    },
    "RoleArn": _TEXT,
    "StaticHyperParameters": _MAPPING,
    "StoppingCondition": {"MaxRuntimeInSeconds": _WHOLE, "MaxWaitTimeInSeconds": _WHOLE},
    "VpcConfig": {"Subnets": [_TEXT], "SecurityGroupIds": [_TEXT]},
}


def misshapen(value: object, shape: Any, path: tuple[str | int, ...]) -> Iterator[Problem]:  # noqa: ANN401 - a tree of kinds
    """Tell of every member that is of another kind than AWS's; what is missing is no matter."""
    if isinstance(shape, Mapping):
        if not isinstance(value, Mapping):
            yield Problem(path, f"{_short(value)} is not {_MAPPING} of AWS's members to values")
            return
        for member, inner in shape.items():
            if value.get(member) is not None:
                yield from misshapen(value[member], inner, (*path, member))
    elif isinstance(shape, list):
        if not isinstance(value, list | tuple):
            yield Problem(path, f"{_short(value)} is not a list")
            return
        for index, each in enumerate(value):
            yield from misshapen(each, shape[0], (*path, index))
    elif not _is(value, shape):
        yield Problem(path, f"{_short(value)} is not {shape}")


def _is(value: object, kind: str) -> bool:
    if kind == _MAPPING:
        return isinstance(value, Mapping)
    if kind == _TEXT:
        return isinstance(value, str)
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**31


def _short(value: object) -> str:
    text = repr(value) if not isinstance(value, int) or abs(value) < 10**20 else "the number"
    return text if len(text) <= 40 else f"{text[:37]}…"
