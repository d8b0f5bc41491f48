"""One study in both forms of a spec, with one key changed, and what is told of a wrong one."""

import copy
from typing import Any

import pytest

from tests.support.build import document
from tunewright.domain.errors import SpecError
from tunewright.domain.expand import expand

RAW: dict[str, Any] = {
    "HyperParameterTuningJobName": "xgb-hpo-search",
    "HyperParameterTuningJobConfig": {
        "Strategy": "Bayesian",
        "HyperParameterTuningJobObjective": {"Type": "Maximize", "MetricName": "validation:auc"},
        "ResourceLimits": {"MaxNumberOfTrainingJobs": 50, "MaxParallelTrainingJobs": 5},
        "TrainingJobEarlyStoppingType": "Auto",
        "ParameterRanges": {
            "ContinuousParameterRanges": [
                {
                    "Name": "eta",
                    "MinValue": "0.01",
                    "MaxValue": "0.3",
                    "ScalingType": "Logarithmic",
                },
                {"Name": "gamma", "MinValue": "0", "MaxValue": "5", "ScalingType": "Auto"},
            ],
            "IntegerParameterRanges": [
                {"Name": "max_depth", "MinValue": "3", "MaxValue": "12", "ScalingType": "Auto"}
            ],
            "CategoricalParameterRanges": [{"Name": "booster", "Values": ["gbtree", "dart"]}],
        },
    },
    "TrainingJobDefinition": {
        "AlgorithmSpecification": {
            "TrainingImage": "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1",
            "TrainingInputMode": "File",
        },
        "HyperParameterTuningResourceConfig": {
            "InstanceType": "ml.m5.xlarge",
            "InstanceCount": 1,
            "VolumeSizeInGB": 30,
        },
        "InputDataConfig": [
            {
                "ChannelName": name,
                "ContentType": "text/csv",
                "DataSource": {
                    "S3DataSource": {
                        "S3DataDistributionType": "FullyReplicated",
                        "S3DataType": "S3Prefix",
                        "S3Uri": f"s3://data/{name}",
                    }
                },
            }
            for name in ("train", "validation")
        ],
        "OutputDataConfig": {"S3OutputPath": "s3://data/output"},
        "RoleArn": "arn:aws:iam::123456789012:role/training",
        "StaticHyperParameters": {"objective": "binary:logistic", "num_round": "300"},
        "StoppingCondition": {"MaxRuntimeInSeconds": 3600},
    },
}
KEYS: dict[str, Any] = {
    "study": "churn",
    "objective": {"maximize": "validation:auc"},
    "training": {
        "algorithm": "xgboost:1.7-1",
        "inputs": {"train": "s3://data/train", "validation": "s3://data/validation"},
        "fixed": {"objective": "binary:logistic", "num_round": 300},
        "max_run": "1h",
        "definition": {"RoleArn": "arn:aws:iam::123456789012:role/training"},
    },
    "search_space": {
        "eta": {"range": [0.01, 0.3], "log": True},
        "gamma": [0.0, 5.0],
        "max_depth": [3, 12],
        "booster": {"choose": ["gbtree", "dart"]},
    },
    "rounds": {"trials": 50, "parallel": 5},
}


def problems(spec: Any) -> dict[str, str]:
    with pytest.raises(SpecError) as caught:
        expand(spec)
    return {each.where: each.message for each in caught.value.problems}


def changed(path: str, value: Any) -> dict[str, Any]:
    """The valid document with one key set, or removed when the value is `...`."""
    spec = copy.deepcopy(document())
    *parents, last = path.split(".")
    holder = spec
    for key in parents:
        holder = holder.setdefault(key, {})
    if value is ...:
        del holder[last]
    else:
        holder[last] = value
    return spec


def assert_told(path: str, value: Any, where: str, message: str) -> None:
    """Assert that the valid document with one key set is refused there, with these words."""
    told = problems(changed(path, value))
    assert where in told, told
    assert message in told[where]
