"""Requests that AWS rejects, and the code and the words in which the emulator does.

Each says where its words are from: `real` were seen from the service; `model` follow from the
constraints of botocore's model, in the form of the service's own; `ours` are worded here, for AWS
documents the rule and not the words.
"""

from dataclasses import dataclass
from typing import Any, Literal

import pytest
from botocore.exceptions import ClientError

from tests.local.service.conftest import World, until
from tests.local.service.fakes import XGBOOST, changed, channel, child_of, tuning_request

CONFIG, DEFINITION = "HyperParameterTuningJobConfig", "TrainingJobDefinition"
RANGES, LIMITS = f"{CONFIG}.ParameterRanges", f"{CONFIG}.ResourceLimits"
ETA, DEPTH = f"{RANGES}.ContinuousParameterRanges.0", f"{RANGES}.IntegerParameterRanges.0"
CRITERIA, SPECIFICATION = f"{CONFIG}.TuningJobCompletionCriteria", "AlgorithmSpecification"
PARENT = "parent-of-all"
WARM = {
    "WarmStartType": "TransferLearning",
    "ParentHyperParameterTuningJobs": [{"HyperParameterTuningJobName": PARENT}],
}


@dataclass(frozen=True)
class Rejected:
    """A change that makes a good request a bad one, and the beginning or a part of the answer."""

    path: str
    value: Any
    words: str
    source: Literal["real", "model", "ours"] = "model"
    code: str = "ValidationException"


def _length(most: int) -> str:
    return f"Member must have length less than or equal to {most}"


def _least(value: int) -> str:
    return f"Member must have value greater than or equal to {value}"


def _most(value: int) -> str:
    return f"Member must have value less than or equal to {value}"


ENUM, PATTERN = "Member must satisfy enum value set", "Member must satisfy regular expression"
KNN = "382416733822.dkr.ecr.us-east-1.amazonaws.com/knn:1"
LONG = "a" + "-" * 31 + "a"  # it breaks one rule only: the pattern allows it
REJECTED = [
    Rejected(
        "HyperParameterTuningJobName",
        LONG,
        f"1 validation error detected: Value '{LONG}' at 'hyperParameterTuningJobName' failed to "
        f"satisfy constraint: {_length(32)}",
        "real",
    ),
    Rejected("HyperParameterTuningJobName", "-a", PATTERN),
    Rejected("HyperParameterTuningJobName", "a_b", PATTERN),
    Rejected("HyperParameterTuningJobName", "", "length greater than or equal to 1"),
    Rejected(f"{CONFIG}.Strategy", "Guess", ENUM),
    Rejected(f"{CONFIG}.HyperParameterTuningJobObjective.Type", "Best", ENUM),
    Rejected(f"{CONFIG}.HyperParameterTuningJobObjective.MetricName", "m" * 256, _length(255)),
    Rejected(f"{LIMITS}.MaxParallelTrainingJobs", 0, _least(1)),
    Rejected(f"{LIMITS}.MaxNumberOfTrainingJobs", 0, _least(1)),
    Rejected(f"{LIMITS}.MaxRuntimeInSeconds", 119, _least(120)),
    Rejected(f"{LIMITS}.MaxRuntimeInSeconds", 15_768_001, _most(15_768_000)),
    Rejected(f"{ETA}.ScalingType", "Cubic", ENUM),
    Rejected(f"{ETA}.MinValue", None, "Member must not be null"),
    Rejected(
        f"{RANGES}.CategoricalParameterRanges",
        [{"Name": "c", "Values": [str(n) for n in range(31)]}],
        _length(30),
    ),
    Rejected(
        f"{RANGES}.CategoricalParameterRanges", [{"Name": "c", "Values": ["v" * 257]}], _length(256)
    ),
    Rejected(
        f"{RANGES}.ContinuousParameterRanges",
        [{"Name": f"p{n}", "MinValue": "0", "MaxValue": "1"} for n in range(31)],
        _length(30),
    ),
    Rejected(f"{CONFIG}.RandomSeed", -1, _least(0)),
    Rejected(f"{CONFIG}.TrainingJobEarlyStoppingType", "Maybe", ENUM),
    Rejected(
        CRITERIA,
        {"BestObjectiveNotImproving": {"MaxNumberOfTrainingJobsNotImproving": 2}},
        _least(3),
    ),
    Rejected(CRITERIA, {"ConvergenceDetected": {"CompleteOnConvergence": "Yes"}}, ENUM),
    Rejected(f"{DEFINITION}.{SPECIFICATION}.TrainingInputMode", "Fax", ENUM),
    Rejected(f"{DEFINITION}.{SPECIFICATION}.MetricDefinitions.0.Regex", "r" * 501, _length(500)),
    Rejected(
        f"{DEFINITION}.{SPECIFICATION}.MetricDefinitions",
        [{"Name": f"m{n}", "Regex": "x"} for n in range(41)],
        _length(40),
    ),
    Rejected(f"{DEFINITION}.RoleArn", "arn:aws:iam::1:role/x", PATTERN),
    Rejected(f"{DEFINITION}.InputDataConfig.0.ChannelName", "a b", PATTERN),
    Rejected(f"{DEFINITION}.InputDataConfig", [channel(f"c{n}") for n in range(21)], _length(20)),
    Rejected(f"{DEFINITION}.InputDataConfig.0.DataSource.S3DataSource.S3DataType", "Disk", ENUM),
    Rejected(f"{DEFINITION}.OutputDataConfig.S3OutputPath", "file:out", PATTERN),
    Rejected(f"{DEFINITION}.ResourceConfig.InstanceType", "ml.toaster", ENUM),
    Rejected(f"{DEFINITION}.ResourceConfig.InstanceCount", -1, _least(0)),
    Rejected(f"{DEFINITION}.StoppingCondition.MaxRuntimeInSeconds", 0, _least(1)),
    Rejected(f"{DEFINITION}.Environment", {"1A": "b"}, PATTERN),
    Rejected(f"{DEFINITION}.Environment", {f"A{n}": "b" for n in range(49)}, _length(48)),
    Rejected("Tags", [{"Key": "k" * 129, "Value": ""}], _length(128)),
    Rejected("Tags", [{"Key": f"k{n}", "Value": ""} for n in range(51)], _length(50)),
    Rejected(f"{DEFINITION}.StaticHyperParameters.epochs", "5" * 2501, _length(2500)),
    Rejected(f"{DEFINITION}.RetryStrategy", {"MaximumRetryAttempts": 31}, _most(30)),
    Rejected("WarmStartConfig.WarmStartType", "Lukewarm", ENUM),
    Rejected(
        "WarmStartConfig.ParentHyperParameterTuningJobs",
        [{"HyperParameterTuningJobName": PARENT}] * 6,
        _length(5),
    ),
    Rejected(
        RANGES,
        {"IntegerParameterRanges": [{"Name": "depth", "MinValue": "1", "MaxValue": "3"}]},
        "You don't have enough combinations of hyperparameter ranges. The total number of "
        "hyperparameter combinations for the provided ranges [3.0] must be equal or greater than "
        "the value of MaxNumberOfJobs, [10]. Provide additional ranges.",
        "real",
    ),
    Rejected(
        f"{DEFINITION}.{SPECIFICATION}.MetricDefinitions",
        [{"Name": "other", "Regex": "x"}],
        "A metric is required for this hyperparameter tuning job objective. Provide a metric in "
        "the metric definitions.",
        "real",
    ),
    Rejected(
        f"{DEFINITION}.InputDataConfig.0",
        channel("train", "s3://data/none"),
        'No S3 objects found under S3 URL "s3://data/none" given in input data source. Please '
        "ensure that the bucket exists in the selected region (us-east-1), that objects exist "
        'under that S3 prefix, and that the role "arn:aws:iam::123456789012:role/Trainer" has',
        "real",
    ),
    Rejected(
        f"{DEFINITION}.ResourceConfig.InstanceType",
        "ml.m4.xlarge",
        "The account-level service limit 'ml.m4.xlarge for training job usage' is 0 Instances, "
        "with current utilization of 0 Instances and a request delta of 2 Instances. Please use "
        "AWS Service Quotas",
        "real",
        "ResourceLimitExceeded",
    ),
    Rejected("HyperParameterTuningJobName", PARENT, "already exists", "ours", "ResourceInUse"),
    Rejected("HyperParameterTuningJobName", PARENT.upper(), "ignore case", "ours", "ResourceInUse"),
    Rejected(f"{LIMITS}.MaxNumberOfTrainingJobs", 751, "is 750", "ours", "ResourceLimitExceeded"),
    Rejected("TrainingJobDefinitions", [], "length greater than or equal to 1"),
    Rejected(DEFINITION, None, "Either TrainingJobDefinition or", "ours"),
    Rejected(f"{DEFINITION}.ResourceConfig", None, "Either ResourceConfig or", "ours"),
    Rejected(
        f"{DEFINITION}.{SPECIFICATION}.TrainingImage", None, "Either TrainingImage or", "ours"
    ),
    Rejected(f"{DEFINITION}.{SPECIFICATION}.AlgorithmName", "mine", "not both", "ours"),
    Rejected(
        f"{DEFINITION}.HyperParameterTuningResourceConfig",
        {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
        "not both",
        "ours",
    ),
    Rejected(f"{CONFIG}.Strategy", "Grid", "only supports categorical", "ours"),
    Rejected(f"{ETA}.MinValue", "0.7", "must be less than", "ours"),
    Rejected(f"{DEPTH}.ScalingType", "ReverseLogarithmic", "only continuous", "ours"),
    Rejected(
        ETA,
        {"Name": "eta", "MinValue": "0", "MaxValue": "1", "ScalingType": "Logarithmic"},
        "greater than 0",
        "ours",
    ),
    Rejected(
        ETA,
        {"Name": "eta", "MinValue": "0", "MaxValue": "1", "ScalingType": "ReverseLogarithmic"},
        "within 0 <= x < 1",
        "ours",
    ),
    Rejected(f"{DEFINITION}.EnableManagedSpotTraining", True, "MaxWaitTimeInSeconds", "ours"),
    Rejected(
        f"{CONFIG}.StrategyConfig",
        {"HyperbandStrategyConfig": {"MaxResource": 9}},
        "only be provided with the strategy Hyperband",
        "ours",
    ),
    Rejected(
        f"{RANGES}.AutoParameters", [{"Name": "a", "ValueHint": "1"}], "Autotune is enabled", "ours"
    ),
    Rejected(
        f"{DEFINITION}.{SPECIFICATION}.TrainingImage",
        XGBOOST,
        "You can't override the metric definitions for Amazon SageMaker algorithms.",
        "ours",
    ),
    Rejected(f"{DEFINITION}.InputDataConfig.1", channel("train"), "more than once", "ours"),
    Rejected(f"{DEPTH}.Name", "epochs", "both tunable and static", "ours"),
    Rejected(f"{DEPTH}.MinValue", "1.5", "is not an integer", "ours"),
]
NEEDS_PARENT = [
    Rejected(
        f"{DEFINITION}.StaticHyperParameters.extra",
        "1",
        "The set of tunable plus static HyperParameter names is not the same across current and "
        "parent tuning jobs. Please ensure this set is constant when warm starting. Note that "
        "previously static HyperParameters can be tuned in warm start jobs and vice versa.",
        "real",
    ),
    Rejected(
        f"{DEFINITION}.Environment",
        {"A": "b"},
        "Only the following fields in TrainingJobDefinition are allowed to change: "
        "[algorithmSpecification, inputDataConfig, outputDataConfig, staticHyperParameters, "
        "roleArn, resourceConfig, stoppingCondition, vpcConfig, enableManagedSpotTraining, "
        "checkpointConfig]",
        "real",
    ),
    Rejected(
        f"{CONFIG}.HyperParameterTuningJobObjective.Type", "Minimize", "must be the same", "ours"
    ),
    Rejected(
        DEPTH, {"Name": "eta", "MinValue": "1", "MaxValue": "2"}, "more than one range", "ours"
    ),
    Rejected(f"{LIMITS}.MaxNumberOfTrainingJobs", 499, "must not be more than 500", "ours"),
    Rejected(
        "WarmStartConfig.ParentHyperParameterTuningJobs.0.HyperParameterTuningJobName",
        "nobody",
        "could not be found",
        "ours",
    ),
]


@pytest.fixture(scope="module")
def full(shared: World) -> World:
    """A world with a parent that has ended, and no data under one address."""
    shared.fakes.objects.missing.add("s3://data/none")
    shared.fakes.runner.score = lambda _: 0.5
    shared.create(tuning_request(PARENT, trials=2))
    shared.ended(PARENT)
    shared.fakes.runner.score = None
    object.__setattr__(shared.server.settings, "instance_quotas", {"ml.m4.xlarge": 0})
    return shared


def rejected(world: World, request: dict[str, Any]) -> tuple[str, str]:
    """Send a request without botocore's own checks, which would keep some from the wire."""
    import json

    import urllib3

    with urllib3.PoolManager() as pool:
        answer = pool.request(
            "POST",
            world.server.url,
            body=json.dumps(request),
            headers={
                "X-Amz-Target": "SageMaker.CreateHyperParameterTuningJob",
                "Content-Type": "application/x-amz-json-1.1",
            },
        )
    assert answer.status == 400, answer.data
    return answer.json()["__type"], answer.json()["message"]


@pytest.mark.parametrize("case", REJECTED, ids=lambda case: f"{case.source}-{case.path}")
def test_what_aws_rejects_is_rejected_with_its_code(full: World, case: Rejected) -> None:
    request = {**tuning_request("bad", trials=10, parallel=2), "WarmStartConfig": WARM}
    if not case.path.startswith("WarmStartConfig"):
        del request["WarmStartConfig"]
    code, text = rejected(full, changed(request, case.path, case.value))
    assert code == case.code
    assert case.words in text


@pytest.mark.parametrize("case", NEEDS_PARENT, ids=lambda case: f"{case.source}-{case.path}")
def test_what_a_child_may_not_be_is_rejected_with_aws_code(full: World, case: Rejected) -> None:
    request = child_of(tuning_request(PARENT, trials=2), name="bad-child")
    code, text = rejected(full, changed(request, case.path, case.value))
    assert code == case.code
    assert case.words in text


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("AlgorithmSpecification", None, "AlgorithmSpecification, ResourceConfig, "),
        ("ResourceConfig", None, "AlgorithmSpecification, ResourceConfig, "),
        ("AlgorithmSpecification.TrainingImage", None, "Either TrainingImage or AlgorithmName"),
        ("EnableManagedSpotTraining", True, "With EnableManagedSpotTraining, MaxWaitTime"),
        ("StoppingCondition.MaxWaitTimeInSeconds", 900, "MaxWaitTimeInSeconds can only be"),
        ("InputDataConfig.0", channel("train", "s3://data/none"), "No S3 objects found under"),
    ],
)
def test_a_training_job_alone_is_held_to_the_same_rules(
    full: World, path: str, value: Any, words: str
) -> None:
    definition = tuning_request()[DEFINITION]
    del definition["StaticHyperParameters"]
    with pytest.raises(ClientError) as caught:
        full.sm.create_training_job(TrainingJobName="bad", **changed(definition, path, value))
    error = caught.value.response["Error"]
    assert error["Code"] == "ValidationException"
    assert error["Message"].startswith(words)


@pytest.mark.parametrize("wait", [3600, 3601])
def test_an_algorithm_without_checkpoints_waits_an_hour_at_most(shared: World, wait: int) -> None:
    definition = {
        **tuning_request()[DEFINITION],
        "AlgorithmSpecification": {"TrainingImage": KNN, "TrainingInputMode": "File"},
        "EnableManagedSpotTraining": True,
        "StoppingCondition": {"MaxRuntimeInSeconds": 600, "MaxWaitTimeInSeconds": wait},
    }
    request = changed(tuning_request(f"knn-{wait}"), DEFINITION, definition)
    metric = f"{CONFIG}.HyperParameterTuningJobObjective.MetricName"
    request = changed(request, metric, "test:accuracy")
    if wait == 3600:
        shared.create(request)
        return
    code, text = shared.refusal(request)
    assert code == "ValidationException"
    assert text.startswith("MaxWaitTimeInSeconds above 3600 is not supported")


def test_what_is_asked_of_things_that_are_not_there_or_not_ready(world: World) -> None:
    sm = world.sm
    world.create(tuning_request(trials=1))
    (name,) = world.running(1)
    world.fakes.runner.finish(name, 0.5)
    world.ended()
    sm.create_model(
        ModelName="m",
        PrimaryContainer={"Image": XGBOOST, "ModelDataUrl": "s3://data/m.tar.gz"},
        ExecutionRoleArn="arn:aws:iam::123456789012:role/Hosting",
    )
    variant = {
        "VariantName": "AllTraffic",
        "ModelName": "m",
        "InstanceType": "ml.m5.large",
        "InitialInstanceCount": 1,
    }
    sm.create_endpoint_config(EndpointConfigName="c", ProductionVariants=[variant])
    sm.create_endpoint(EndpointName="e", EndpointConfigName="c")
    until(lambda: "e" in world.fakes.host.listeners)
    job = "HyperParameterTuningJobName"
    for ask, code, words in (
        (
            lambda: sm.describe_hyper_parameter_tuning_job(**{job: "no"}),
            "ResourceNotFound",
            "Amazon SageMaker can't find a tuning job",
        ),
        (
            lambda: sm.stop_hyper_parameter_tuning_job(**{job: "no"}),
            "ResourceNotFound",
            "Amazon SageMaker can't find a tuning job",
        ),
        (
            lambda: sm.describe_training_job(TrainingJobName="no"),
            "ValidationException",
            "Requested resource not found.",
        ),
        (
            lambda: sm.stop_training_job(TrainingJobName=name),
            "ValidationException",
            "The request was rejected because the training job is in status Completed.",
        ),
        (
            lambda: sm.describe_endpoint(EndpointName="no"),
            "ValidationException",
            "Could not find endpoint ",
        ),
        (
            lambda: sm.describe_endpoint_config(EndpointConfigName="no"),
            "ValidationException",
            "Could not find endpoint configuration ",
        ),
        (
            lambda: sm.describe_model(ModelName="no"),
            "ValidationException",
            "Could not find model ",
        ),
        (
            lambda: sm.delete_endpoint(EndpointName="e"),
            "ValidationException",
            "Cannot update in-progress endpoint ",
        ),
    ):
        with pytest.raises(ClientError) as caught:
            ask()
        error = caught.value.response["Error"]
        assert error["Code"] == code
        assert error["Message"].startswith(words)  # each of these words was seen from AWS


def test_there_are_enough_of_them() -> None:
    cases = [*REJECTED, *NEEDS_PARENT]
    assert len({(case.path, str(case.value)) for case in cases}) >= 60
    assert sum(case.source == "real" for case in cases) >= 7
