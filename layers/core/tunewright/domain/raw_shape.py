"""Checks that a raw request has AWS's shape where we read it; what the members say is `raw`'s."""

from collections.abc import Iterator, Mapping
from typing import Any

from tunewright.domain.errors import Problem

Path = tuple[str | int, ...]

_RANGE = {"ScalingType": str}
_RESOURCES = {"InstanceType": str, "InstanceCount": int, "VolumeSizeInGB": int}
_SHAPE: dict[str, Any] = {
    "HyperParameterTuningJobConfig": {
        "Strategy": str,
        "TrainingJobEarlyStoppingType": str,
        "RandomSeed": int,
        "ParameterRanges": {
            "ContinuousParameterRanges": [_RANGE],
            "IntegerParameterRanges": [_RANGE],
            "CategoricalParameterRanges": [{"Values": [str]}],
        },
    },
    "TrainingJobDefinition": {
        "AlgorithmSpecification": {"MetricDefinitions": [{}]},
        "StaticHyperParameters": {},
        "Environment": {},
        "CheckpointConfig": {"S3Uri": str},
        "VpcConfig": {"Subnets": [str], "SecurityGroupIds": [str]},
        "RoleArn": str,
        "InputDataConfig": [{"ContentType": str, "DataSource": {"S3DataSource": {}}}],
        "ResourceConfig": _RESOURCES,
        "HyperParameterTuningResourceConfig": _RESOURCES,
        "StoppingCondition": {"MaxWaitTimeInSeconds": int},
    },
}
_WORDS = {str: "a text", int: "a whole number"}


def misshapen(raw: Mapping[str, Any], path: Path) -> Iterator[Problem]:
    """Name every member that is of another kind than AWS takes; absent ones are no matter here."""
    yield from _misshapen(raw, _SHAPE, path)


def _misshapen(value: Any, shape: Any, path: Path) -> Iterator[Problem]:  # noqa: ANN401
    if value is None:
        return
    if isinstance(shape, dict):
        if not isinstance(value, Mapping):
            yield Problem(path, "must be a mapping: AWS takes it as members with values")
            return
        for key in shape.keys() & value.keys():
            yield from _misshapen(value[key], shape[key], (*path, key))
    elif isinstance(shape, list):
        if not isinstance(value, list | tuple):
            yield Problem(path, "must be a list")
            return
        for index, each in enumerate(value):
            where = (*path, index)
            if each is None:
                yield Problem(where, "is empty")
            yield from _misshapen(each, shape[0], where)
    elif not isinstance(value, shape) or isinstance(value, bool):
        yield Problem(path, f"{value!r} is not {_WORDS[shape]}")
