"""What a tuning job may not ask, and the words in which it is refused."""

from typing import Any

import pytest

from tests.local.service.conftest import World
from tests.local.service.fakes import XGBOOST, changed, tuning_request

CONFIG = "HyperParameterTuningJobConfig"
RANGES = f"{CONFIG}.ParameterRanges"
ETA = f"{RANGES}.ContinuousParameterRanges.0"
DEPTH = f"{RANGES}.IntegerParameterRanges.0"
DEFINITION = "TrainingJobDefinition"
LIMITS = f"{CONFIG}.ResourceLimits"
BUILT_IN = {"TrainingImage": XGBOOST, "TrainingInputMode": "File"}

REFUSED = [
    (f"{ETA}.MinValue", "0.5", "must be less than its MaxValue"),
    (f"{ETA}.MinValue", "0.6", "must be less than its MaxValue"),
    (f"{ETA}.MinValue", "a", r"The MinValue \[a\].*is not a number"),
    (f"{ETA}.MaxValue", "inf", "is not a number"),
    (f"{DEPTH}.MinValue", "1.5", "is not an integer"),
    (
        f"{ETA}",
        {"Name": "eta", "MinValue": "0", "MaxValue": "1", "ScalingType": "Logarithmic"},
        "greater than 0",
    ),
    (f"{ETA}.ScalingType", "ReverseLogarithmic", None),
    (
        f"{ETA}",
        {"Name": "eta", "MinValue": "0", "MaxValue": "1", "ScalingType": "ReverseLogarithmic"},
        "within 0 <= x < 1",
    ),
    (f"{DEPTH}.ScalingType", "ReverseLogarithmic", "only continuous"),
    (f"{DEPTH}.Name", "eta", "more than one range"),
    (f"{DEPTH}.Name", "epochs", "both tunable and static"),
    (RANGES, {}, "At least one hyperparameter range"),
    (
        RANGES,
        {"IntegerParameterRanges": [{"Name": "depth", "MinValue": "1", "MaxValue": "2"}]},
        r"You don't have enough combinations of hyperparameter ranges. The total number of "
        r"hyperparameter combinations for the provided ranges \[2.0\] must be equal or greater "
        r"than the value of MaxNumberOfJobs, \[3\]. Provide additional ranges.",
    ),
    (
        RANGES,
        {"CategoricalParameterRanges": [{"Name": "c", "Values": ["a", "b", "c", "a"]}]},
        "not distinct",
    ),
    (
        f"{RANGES}.CategoricalParameterRanges",
        [{"Name": f"c{n}", "Values": ["a"]} for n in range(29)],
        "more than the 30",
    ),
    (f"{DEFINITION}.StaticHyperParameters", {f"s{n}": "1" for n in range(98)}, "more than 100"),
    (
        f"{CONFIG}.HyperParameterTuningJobObjective.MetricName",
        "loss",
        "A metric is required for this hyperparameter tuning job objective. Provide a metric in ",
    ),
    (f"{DEFINITION}.AlgorithmSpecification.TrainingImage", XGBOOST, "override the metric"),
    (
        f"{DEFINITION}.HyperParameterTuningResourceConfig",
        {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
        "not both",
    ),
    (f"{DEFINITION}.ResourceConfig", None, "Either ResourceConfig or"),
    (f"{DEFINITION}.TuningObjective", {"Type": "Maximize", "MetricName": "m"}, "only be provided"),
    (f"{DEFINITION}.EnableManagedSpotTraining", True, "MaxWaitTimeInSeconds must be provided"),
    (f"{DEFINITION}.StoppingCondition.MaxWaitTimeInSeconds", 900, "can only be provided when"),
    (DEFINITION, None, "Either TrainingJobDefinition or"),
    (f"{CONFIG}.HyperParameterTuningJobObjective", None, "must be provided"),
    (RANGES, None, "ParameterRanges must be provided"),
    (f"{CONFIG}.Strategy", "Grid", "only supports categorical"),
    (
        f"{RANGES}.AutoParameters",
        [{"Name": "gamma", "ValueHint": "4"}],
        "AutoParameters can only be provided when Autotune is enabled",
    ),
    (
        f"{CONFIG}.StrategyConfig",
        {"HyperbandStrategyConfig": {"MaxResource": 9}},
        "only be provided with the strategy Hyperband",
    ),
]


@pytest.mark.parametrize(("path", "value", "text"), REFUSED)
def test_a_request_that_breaks_a_rule_is_refused_with_its_reason(
    shared: World, path: str, value: Any, text: str | None
) -> None:
    import re

    request = changed(tuning_request(f"job-{REFUSED.index((path, value, text))}"), path, value)
    if text is None:
        shared.create(request)
        return
    code, message = shared.refusal(request)
    assert code == "ValidationException"
    assert re.search(text, message), message


def test_a_built_in_algorithm_has_its_own_metrics(shared: World) -> None:
    request = changed(tuning_request("own"), f"{DEFINITION}.AlgorithmSpecification", BUILT_IN)
    objective = f"{CONFIG}.HyperParameterTuningJobObjective.MetricName"
    _, message = shared.refusal(changed(request, objective, "validation:luck"))
    assert "[validation:luck] is not one of this algorithm's metrics" in message


def test_limits_of_the_account_are_another_error(shared: World) -> None:
    request = changed(tuning_request("huge"), f"{LIMITS}.MaxNumberOfTrainingJobs", 751)
    assert shared.refusal(request)[0] == "ResourceLimitExceeded"
    grid = changed(tuning_request("grid", Strategy="Grid"), RANGES, {})
    grid = changed(grid, f"{LIMITS}.MaxNumberOfTrainingJobs", None)
    categories = [{"Name": name, "Values": list("0123456789")} for name in "abc"]
    grid = changed(grid, f"{RANGES}.CategoricalParameterRanges", categories)
    assert shared.refusal(grid)[0] == "ResourceLimitExceeded"
    request = changed(tuning_request("wide"), f"{LIMITS}.MaxParallelTrainingJobs", 101)
    assert shared.refusal(request)[0] == "ResourceLimitExceeded"


def test_a_name_is_taken_in_any_case(shared: World) -> None:
    shared.create(tuning_request("Taken"))
    code, message = shared.refusal(tuning_request("tAKEN"))
    assert code == "ResourceInUse"
    assert "already exists" in message


def test_data_must_be_there(shared: World) -> None:
    shared.fakes.objects.missing.add("s3://data/nothing")
    uri = f"{DEFINITION}.InputDataConfig.0.DataSource.S3DataSource.S3Uri"
    code, message = shared.refusal(changed(tuning_request("no-data"), uri, "s3://data/nothing"))
    assert code == "ValidationException"
    assert message.startswith(
        'No S3 objects found under S3 URL "s3://data/nothing" given in input data source. Please '
        "ensure that the bucket exists in the selected region (us-east-1), that objects exist "
        'under that S3 prefix, and that the role "arn:aws:iam::123456789012:role/Trainer" has'
    )


def test_resources_of_the_older_sdk_are_taken_and_shown_in_both_ways(shared: World) -> None:
    asked = {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 30}
    request = changed(tuning_request("older"), f"{DEFINITION}.ResourceConfig", None)
    shared.create(changed(request, f"{DEFINITION}.HyperParameterTuningResourceConfig", asked))
    definition = shared.job("older")["TrainingJobDefinition"]
    assert definition["ResourceConfig"] == asked
    assert definition["HyperParameterTuningResourceConfig"] == asked
