"""What a tuning job may inherit: every rule of warm start, kept and broken."""

import re
from collections.abc import Mapping
from typing import Any

import pytest

from sagemaker_local import warm_start
from sagemaker_local.errors import ApiError
from tests.local.service.conftest import World, until
from tests.local.service.fakes import IMAGE, changed, channel, child_of, tuning_request

CONFIG = "HyperParameterTuningJobConfig"
RANGES = f"{CONFIG}.ParameterRanges"
DEFINITION = "TrainingJobDefinition"
STATIC = f"{DEFINITION}.StaticHyperParameters"
IDENTICAL = "IdenticalDataAndAlgorithm"
NEW_IMAGE = f"{DEFINITION}.AlgorithmSpecification.TrainingImage"

ACCEPTED = {
    "narrower": (f"{RANGES}.ContinuousParameterRanges.0.MaxValue", "0.2"),
    "wider": (f"{RANGES}.ContinuousParameterRanges.0.MaxValue", "0.9"),
    "more-trials": (f"{CONFIG}.ResourceLimits.MaxNumberOfTrainingJobs", 9),
    "other-instance": (f"{DEFINITION}.ResourceConfig.InstanceType", "ml.c5.xlarge"),
    "other-value": (f"{STATIC}.epochs", "6"),
    "other-scaling": (f"{RANGES}.ContinuousParameterRanges.0.ScalingType", "Logarithmic"),
    "said-false": (f"{DEFINITION}.EnableNetworkIsolation", False),
    "other-image": (NEW_IMAGE, IMAGE.replace(":1", ":2")),
    "other-data": (f"{DEFINITION}.InputDataConfig.0", channel("train", "s3://data/newer")),
}
REFUSED = {
    "objective": (
        f"{CONFIG}.HyperParameterTuningJobObjective.Type",
        "Minimize",
        "must be the same",
    ),
    "added": (f"{STATIC}.extra", "1", "The set of tunable plus static HyperParameter names is not"),
    "dropped": (f"{STATIC}.epochs", None, "Please ensure this set is constant when warm starting"),
    "environment": (
        f"{DEFINITION}.Environment",
        {"A": "b"},
        r"Only the following fields in TrainingJobDefinition are allowed to change: "
        r"\[algorithmSpecification, inputDataConfig, outputDataConfig, staticHyperParameters, "
        r"roleArn, resourceConfig, stoppingCondition, vpcConfig, enableManagedSpotTraining, "
        r"checkpointConfig\]",
    ),
    "isolation": (f"{DEFINITION}.EnableNetworkIsolation", True, "allowed to change"),
    "retry": (f"{DEFINITION}.RetryStrategy", {"MaximumRetryAttempts": 2}, "allowed to change"),
    "cap": (f"{CONFIG}.ResourceLimits.MaxNumberOfTrainingJobs", 498, r"\[501\].*more than 500"),
    "grid": (f"{CONFIG}.Strategy", "Grid", None),
    "unknown": (
        "WarmStartConfig.ParentHyperParameterTuningJobs.0.HyperParameterTuningJobName",
        "nobody",
        r"\[nobody\] could not be found",
    ),
    "six": (
        "WarmStartConfig.ParentHyperParameterTuningJobs",
        [{"HyperParameterTuningJobName": "search"}] * 6,
        "Member must have length less than or equal to 5",
    ),
    "type": (
        "WarmStartConfig.WarmStartType",
        "Sideways",
        "Member must satisfy enum value set",
    ),
}


@pytest.fixture(scope="module")
def family(shared: World) -> Any:
    """A server on which a parent has ended."""
    shared.fakes.runner.score = lambda spec: 0.5
    shared.create(tuning_request())
    shared.ended()
    return shared


@pytest.mark.parametrize("name", ACCEPTED)
def test_what_may_change_under_transfer_learning(family: World, name: str) -> None:
    path, value = ACCEPTED[name]
    family.create(changed(child_of(tuning_request(), name=name), path, value))
    assert family.job(name)["WarmStartConfig"]


@pytest.mark.parametrize("name", REFUSED)
def test_what_may_not_change(family: World, name: str) -> None:
    path, value, text = REFUSED[name]
    request = child_of(tuning_request(), name=name)
    if name == "grid":
        ranges = {
            "CategoricalParameterRanges": [
                {"Name": "eta", "Values": ["1"]},
                {"Name": "depth", "Values": ["1", "2", "3"]},
            ]
        }
        request = changed(request, RANGES, ranges)
        text = "not supported with the strategy Grid"
    code, message = family.refusal(changed(request, path, value))
    assert code == "ValidationException"
    assert re.search(text, message), message


@pytest.mark.parametrize(
    ("name", "path", "value", "text"),
    [
        ("image", NEW_IMAGE, IMAGE.replace(":1", ":2"), "the training image must be the same"),
        ("data", *ACCEPTED["other-data"], "the input data must be the same"),
    ],
)
def test_identical_means_the_same_image_and_data(
    family: World, name: str, path: str, value: Any, text: str
) -> None:
    request = child_of(tuning_request(), name=f"identical-{name}", kind=IDENTICAL)
    assert text in family.refusal(changed(request, path, value))[1]


def test_tunable_may_become_static_and_static_tunable(family: World) -> None:
    request = child_of(tuning_request(), name="turned", kind=IDENTICAL)
    request = changed(request, f"{RANGES}.ContinuousParameterRanges", [])
    request = changed(request, STATIC, {"eta": "0.1"})
    ranges = request[CONFIG]["ParameterRanges"]["IntegerParameterRanges"]
    ranges.append({"Name": "epochs", "MinValue": "1", "MaxValue": "9"})
    family.create(request)
    assert family.job("turned")["WarmStartConfig"]["WarmStartType"] == IDENTICAL


def test_a_parameter_keeps_its_kind(family: World) -> None:
    request = child_of(tuning_request(), name="kind")
    ranges = {
        "ContinuousParameterRanges": [
            {"Name": "eta", "MinValue": "0.01", "MaxValue": "0.5"},
            {"Name": "depth", "MinValue": "1", "MaxValue": "20"},
        ]
    }
    message = family.refusal(changed(request, RANGES, ranges))[1]
    assert "[depth] changed from Integer" in message


def test_a_parent_must_have_ended(family: World) -> None:
    family.fakes.runner.score = None
    family.create(tuning_request("running"))
    until(lambda: any(name.startswith("running-") for name in family.fakes.runner.names))
    message = family.refusal(child_of(tuning_request(), "running", name="early"))[1]
    assert "[running] is in status [InProgress]" in message
    family.fakes.runner.stops_at_once = False
    family.sm.stop_hyper_parameter_tuning_job(HyperParameterTuningJobName="running")
    message = family.refusal(child_of(tuning_request(), "running", name="early"))[1]
    assert "[running] is in status [Stopping]" in message


def side(static: Mapping[str, str], **categories: list[str]) -> warm_start.Side:
    tunable = {n: ("Categorical", {"Name": n, "Values": v}) for n, v in categories.items()}
    return warm_start.Side("it", {}, tunable, static, {})


def test_changes_are_counted_as_in_the_example_of_aws() -> None:
    parent = side({"a": "red", "b": "1"}, c=["red", "blue"], d=["x", "y", "z"])
    assert warm_start.changes(side({"a": "red", "b": "1"}, c=["red"], d=["x"]), parent) == 0
    assert warm_start.changes(side({"a": "blue", "b": "1"}, c=["red"], d=["x"]), parent) == 2
    assert warm_start.changes(side({"a": "red", "b": "1", "c": "red"}, d=["x"]), parent) == 2
    assert warm_start.changes(side({"a": "red", "b": "1", "d": "x"}, c=["red"]), parent) == 3
    number = warm_start.Side("it", {}, {"n": ("Integer", {"Name": "n"})}, {}, {})
    assert warm_start.changes(side({"n": "3"}), number) == 1


def test_ten_changes_are_allowed_and_eleven_are_not() -> None:
    values = [str(n) for n in range(8)]
    parent = side({"a": "red"}, c=values)
    warm_start.few_changes(side({"a": "blue", "c": "1"}), parent)
    parent = side({"a": "red"}, c=[*values, "8"])
    with pytest.raises(ApiError, match=r"\[11\] against the parent"):
        warm_start.few_changes(side({"a": "blue", "c": "1"}), parent)


@pytest.mark.parametrize(
    ("world", "path", "value"),
    [
        ({"warm_start_refuses": "scaling"}, *ACCEPTED["other-scaling"]),
        ({"warm_start_refuses": "all_warm_start"}, *ACCEPTED["narrower"]),
        ({"warm_start_refuses": "everything"}, *ACCEPTED["narrower"]),
    ],
    indirect=["world"],
)
def test_a_switch_makes_the_emulator_refuse_more(world: World, path: str, value: Any) -> None:
    world.fakes.runner.score = lambda spec: 0.5
    if world.settings["warm_start_refuses"] == "everything":
        assert world.refusal(tuning_request())[0] == "ValidationException"
        return
    world.create(tuning_request())
    world.ended()
    code, _ = world.refusal(changed(child_of(tuning_request()), path, value))
    assert code == "ValidationException"
