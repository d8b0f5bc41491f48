"""A raw request as a spec: nothing of it is lost, and what is wrong is told by its members."""

import copy
from typing import Any

import pytest

from tests.domain.specs import RAW, problems
from tests.support.build import profile
from tunewright.domain.expand import expand
from tunewright.domain.request import compile_request
from tunewright.domain.round import RoundPlan
from tunewright.domain.spec import StudySpec


def test_a_raw_request_keeps_every_feature_that_has_no_key_of_its_own() -> None:
    raw = copy.deepcopy(RAW)
    raw["HyperParameterTuningJobConfig"]["RandomSeed"] = 7
    raw["HyperParameterTuningJobConfig"]["TuningJobCompletionCriteria"] = {
        "BestObjectiveNotImproving": {"MaxNumberOfTrainingJobsNotImproving": 10}
    }
    raw["HyperParameterTuningJobConfig"]["ResourceLimits"]["MaxRuntimeInSeconds"] = 7200
    raw["TrainingJobDefinition"]["RetryStrategy"] = {"MaximumRetryAttempts": 2}
    raw["TrainingJobDefinition"]["Environment"] = {"A": "1"}
    spec = expand({"study": "churn", "tuning_job": raw})
    request = compile_request(spec, profile(), plan_of(spec), {"a": "b"})
    config, definition = request["HyperParameterTuningJobConfig"], request["TrainingJobDefinition"]
    assert config["RandomSeed"] == 7
    assert config["TuningJobCompletionCriteria"]["BestObjectiveNotImproving"]
    assert config["ResourceLimits"] == {
        "MaxNumberOfTrainingJobs": 4,
        "MaxParallelTrainingJobs": 2,
        "MaxRuntimeInSeconds": 7200,
    }
    assert definition["RetryStrategy"] == {"MaximumRetryAttempts": 2}
    assert definition["Environment"] == {"A": "1"}
    assert definition["RoleArn"] == profile().training_role
    assert definition["OutputDataConfig"]["S3OutputPath"].startswith(profile().output)
    assert request["Tags"] == [{"Key": "a", "Value": "b"}]


def plan_of(spec: StudySpec) -> RoundPlan:
    from decimal import Decimal

    return RoundPlan(
        number=1,
        job="tw-churn-aaaaaa-r01",
        space=spec.search_space,
        trials=4,
        parallel=2,
        reserved=Decimal(1),
        seed=spec.rounds.seed or 1,
    )


def test_hard_limits_of_a_raw_range_may_be_given_beside_it() -> None:
    spec = expand(
        {
            "study": "churn",
            "tuning_job": RAW,
            "search_space": {"eta": {"never_beyond": [0.005, 0.4]}},
            "rounds": {"max": 2},
        }
    )
    eta = spec.search_space["eta"]
    assert eta.kind == "continuous"
    assert (eta.hard_low, eta.hard_high) == (0.005, 0.4)
    assert spec.rounds.max == 2
    told = problems({"study": "churn", "tuning_job": RAW, "search_space": {"eta": [0.1, 0.2]}})
    assert "only never_beyond" in told["search_space.eta"]
    told = problems({"study": "churn", "tuning_job": RAW, "objective": {"maximize": "a"}})
    assert "comes from tuning_job" in told["objective"]


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("WarmStartConfig",), {"WarmStartType": "TransferLearning"}, "rounds.parents"),
        (("TrainingJobDefinitions",), [{}], "several definitions cannot be warm-started"),
        (("Autotune",), {"Mode": "Enabled"}, "Autotune chooses ranges by itself"),
        (("Nonsense",), 1, "has no such member"),
        (("TrainingJobDefinition",), 3, "must be a mapping"),
        (("HyperParameterTuningJobConfig", "Strategy"), "Guess", "is none of Bayesian"),
        (
            ("HyperParameterTuningJobConfig", "HyperParameterTuningJobObjective", "Type"),
            "Up",
            "neither Maximize nor Minimize",
        ),
        (
            ("HyperParameterTuningJobConfig", "ResourceLimits", "MaxParallelTrainingJobs"),
            "5",
            "is not a whole number",
        ),
        (
            (
                "HyperParameterTuningJobConfig",
                "ParameterRanges",
                "IntegerParameterRanges",
            ),
            [{"Name": "max_depth", "MinValue": "3"}],
            "lacks the member MaxValue",
        ),
        (
            (
                "HyperParameterTuningJobConfig",
                "ParameterRanges",
                "ContinuousParameterRanges",
            ),
            [{"Name": "eta", "MinValue": "low", "MaxValue": "1"}],
            "is no continuous range",
        ),
        (
            (
                "HyperParameterTuningJobConfig",
                "ParameterRanges",
                "ContinuousParameterRanges",
            ),
            [{"Name": "eta", "MinValue": "0.1", "MaxValue": "1", "ScalingType": "Square"}],
            "is none of Auto",
        ),
    ],
)
def test_a_wrong_raw_request_is_told_by_its_members(
    path: tuple[str, ...], value: Any, message: str
) -> None:
    raw = copy.deepcopy(RAW)
    holder = raw
    for key in path[:-1]:
        holder = holder[key]
    holder[path[-1]] = value
    told = problems({"study": "churn", "tuning_job": raw})
    where, text = next((w, t) for w, t in told.items() if path[-1] in w)
    assert where.startswith("tuning_job")
    assert message in text
