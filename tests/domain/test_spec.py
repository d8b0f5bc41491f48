"""Both forms of a spec compile to the same study, and what is wrong is told with its path."""

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.build import document, profile
from tunewright.domain.checks import notes
from tunewright.domain.document import document_of
from tunewright.domain.errors import NotAllowedError, SpecError
from tunewright.domain.expand import expand
from tunewright.domain.expand_rules import parse_gain
from tunewright.domain.request import compile_request
from tunewright.domain.round import RoundPlan
from tunewright.domain.space import Scaling
from tunewright.domain.spec import StudySpec

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


def test_both_forms_compile_to_the_same_study() -> None:
    assert expand({"study": "churn", "tuning_job": RAW}) == expand(KEYS)


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


@pytest.mark.parametrize(
    ("path", "value", "where", "message"),
    [
        ("study", ..., "study", "give the study a short name"),
        ("objective", ..., "objective", "say what is to be made better"),
        ("objective", {}, "objective", "exactly one of maximize"),
        ("objective.maximize", "validation:rmse", "objective", "write minimize"),
        ("objective.maximize", "validation:speed", "objective", "has no metric validation:speed"),
        ("training.algorithm", "xgboost:9", "training.algorithm", "AWS lists 1.2-1"),
        ("training.algorithm", "magic:1", "training.algorithm", "xgboost is"),
        ("training.image", "x.dkr.ecr.y/z:1", "training", "exactly one of algorithm, image"),
        ("training.max_run", "1 week", "training.max_run", "such as 20m"),
        ("training.spot", {"max_wait": "5m"}, "training.spot.max_wait", "at least as long"),
        ("training.fixed.eta", 0.1, "training.fixed.eta", "is searched as well"),
        ("training.fixed.key", "AKIAABCDEFGHIJKLMNOP", "training.fixed.key", "like a secret"),
        ("training.metrics", {"a": "b=(.*)"}, "training.metrics", "AWS refuses own metrics"),
        ("search_space", {}, "search_space", "is empty"),
        ("search_space.eta", {"log": True}, "search_space.eta", "needs range"),
        (
            "search_space.eta",
            {"range": [0.1, 0.2], "log": True, "scaling": "log"},
            "search_space.eta",
            "say the same",
        ),
        (
            "search_space.eta",
            {"range": [0.1, 0.2], "never_beyond": [0.15, 0.3]},
            "search_space.eta.never_beyond",
            "must hold the range",
        ),
        (
            "search_space.eta",
            {"range": [0.9, 1.0], "scaling": "reverse_log"},
            "search_space.eta",
            "0 ≤ x < 1",
        ),
        (
            "search_space.max_depth",
            {"range": [1.5, 3.5], "type": "integer"},
            "search_space.max_depth",
            "whole numbers",
        ),
        ("search_space.max_depth", [2.0, 6.0], "search_space.max_depth", "[2, 6] would be right"),
        ("search_space.booster", {"choose": ["a"]}, "search_space.booster", "one choice only"),
        ("search_space.booster", {"choose": ["a", "a"]}, "search_space.booster", "twice"),
        ("search_space.eta", [0.1, float("inf")], "search_space.eta[1]", "finite number"),
        ("rounds.parallel", 9, "rounds.parallel", "more than 8 trials"),
        ("rounds.strategy", "grid", "rounds.strategy", "rounds.max must be 1"),
        ("rounds", {"max": 6, "trials": 100, "parallel": 2}, "rounds", "trials: 83 would do"),
        ("stop", [{"not_improving": {"trials": 30}}], "stop[0].not_improving.trials", "never has"),
        (
            "stop",
            [{"not_improving": {"min_gain": "a lot"}}],
            "stop[0].not_improving.min_gain",
            "1%",
        ),
        ("stop", [{"spend": None}], "stop[0].spend", "needs a value"),
        ("winner", {"within": "1%"}, "winner.within", "give prefer"),
        ("winner", {"within": "a bit", "prefer": {"minimize": "cost"}}, "winner.within", "knee"),
        ("winner", {"subject_to": {"cost": "2"}}, "winner.subject_to.cost", "no limit"),
        ("winner", {"subject_to": {"mem": "<= 2"}}, "winner.subject_to.mem", "there is cost"),
        ("winner", {"prefer": {"minimize": "mem"}}, "winner.prefer", "there is cost"),
        (
            "stop",
            [{"all": [{"spend": "$3"}, {"not_improving": {"trials": 30}}]}],
            "stop[0].all[1].not_improving.trials",
            "never has",
        ),
        ("stop", [{"all": [{"spend": "$3"}, {"trials": None}]}], "stop[0].all[1].trials", "value"),
        ("deploy", {"to": "Prod"}, "deploy.to", "is no endpoint name"),
        ("deploy", {"to": "p", "instance": "ml.huge"}, "deploy.instance", "no price is known"),
        ("training.instance", "ml.huge", "training.instance", "no price is known"),
        ("budget", "1 EUR", "budget", "written 40 USD"),
    ],
)
def test_what_is_wrong_is_told_with_its_path(
    path: str, value: Any, where: str, message: str
) -> None:
    told = problems(changed(path, value))
    assert where in told, told
    assert message in told[where]


def test_all_problems_are_told_at_once() -> None:
    spec = changed("search_space.max_depth", [6, 2])
    spec["study"] = "No Name"
    spec["objective"]["maximize"] = "validation:rmse"
    assert {"study", "objective", "search_space.max_depth"} <= problems(spec).keys()


@pytest.mark.parametrize("metrics", [{"f1": "f1=[0-9.]+"}, {"f1": "f1=("}, {"f1": r"a\tf1=(.*)"}])
def test_a_pattern_that_finds_nothing_is_told(metrics: dict[str, str]) -> None:
    spec = changed("training.metrics", metrics)
    del spec["training"]["algorithm"]
    spec["training"]["image"] = "mine"
    spec["objective"] = {"maximize": "f1"}
    assert "training.metrics.f1" in problems(spec)


def test_what_may_not_be_meant_is_noted() -> None:
    spec = expand(changed("search_space.subsample", [0, 1]))
    told = {note.where: note.message for note in notes(spec)}
    assert "[0.0, 1.0] would search the values between" in told["search_space.subsample"]
    assert "no budget is given" in notes(expand(changed("budget", ...)))[-1].message


def test_the_algorithms_limits_are_taken_where_a_person_gives_none() -> None:
    spec = expand(document())
    eta, depth = spec.search_space["eta"], spec.search_space["max_depth"]
    assert eta.kind == "continuous"
    assert depth.kind == "integer"
    assert (eta.hard_low, eta.hard_high) == (0.001, 0.5)
    assert (depth.hard_low, depth.hard_high) == (1, 15)
    assert depth.auto_scaling
    log = expand(changed("search_space.eta", [0.001, 0.5])).search_space["eta"]
    assert log.kind == "continuous"
    assert log.scaling is Scaling.LOGARITHMIC


def test_a_strategy_that_cannot_be_warm_started_gets_one_round() -> None:
    spec = changed(
        "rounds", {"trials": 4, "parallel": 2, "strategy": "grid", "early_stopping": False}
    )
    spec["search_space"] = {"a": {"choose": [1, 2]}, "b": {"choose": [True, False]}}
    assert expand(spec).rounds.max == 1


def test_gains_are_read_in_three_ways() -> None:
    kinds = [parse_gain(text) for text in (0.001, "0.002", "1%", "2% of spread")]
    assert [(each.kind, each.amount) for each in kinds] == [
        ("absolute", 0.001),
        ("absolute", 0.002),
        ("relative", 0.01),
        ("spread", 0.02),
    ]
    for wrong in ("some", "1% of all", -1, True, float("nan")):
        with pytest.raises(ValueError, match="a gain is"):
            parse_gain(wrong)


@given(
    st.sampled_from([None, 0.001, "1%", "3% of spread"]),
    st.sampled_from(["auto", "fixed"]),
    st.booleans(),
    st.sampled_from([None, {"to": "prod", "lease": "36h", "when": {"better_than_live_by": 0.1}}]),
)
def test_an_explicit_document_is_the_same_study(
    gain: Any, sizes: str, early: bool, deploy: Any
) -> None:
    rounds = {"max": 2, "trials": 9, "parallel": 3, "sizes": sizes, "early_stopping": early}
    stop = [{"not_improving": {"trials": 5, **({"min_gain": gain} if gain else {})}}]
    stop += [{"spend": 3}, {"wall_clock": "90s"}, {"target": 0.9}, {"no_metric": {}}]
    spec = expand({**document(rounds=rounds, stop=stop), **({"deploy": deploy} if deploy else {})})
    written = document_of(spec)
    assert expand(written) == spec
    assert expand(json.loads(json.dumps(written))) == spec


def test_a_profile_refuses_by_name_what_it_does_not_allow() -> None:
    strict = profile(
        data=("s3://data/*",),
        instances=("ml.m5.*",),
        max_budget="5",
        subnets=("subnet-1",),
        security_groups=("sg-1",),
    )
    spec = changed("training.instance", "ml.p3.2xlarge")
    spec["training"]["inputs"]["train"] = "s3://elsewhere/train/"
    spec["training"]["definition"] = {
        "RoleArn": "arn:aws:iam::123456789012:role/admin",
        "VpcConfig": {"Subnets": ["subnet-2"], "SecurityGroupIds": ["sg-1"]},
        "CheckpointConfig": {"S3Uri": "s3://elsewhere/checkpoints/"},
    }
    with pytest.raises(NotAllowedError) as caught:
        strict.check(expand(spec))
    told = str(caught.value)
    for name in (
        "ml.p3.2xlarge",
        "s3://elsewhere/train/",
        "role/admin",
        "subnets",
        "s3://elsewhere/checkpoints/",
        "$20.00",
    ):
        assert name in told
    strict.check(expand(document(budget="5 USD")))


def test_a_profile_refuses_foreign_images_and_unknown_regions() -> None:
    spec = changed("training.metrics", {"f1": "f1=(.*)"})
    del spec["training"]["algorithm"]
    spec["training"]["image"] = "123.dkr.ecr.us-east-1.amazonaws.com/mine:1"
    spec["objective"] = {"maximize": "f1"}
    with pytest.raises(NotAllowedError, match="does not allow the image"):
        profile().check(expand(spec))
    profile(images=("123.dkr.*/mine:*",)).check(expand(spec))
    with pytest.raises(NotAllowedError, match=r"give training\.image itself"):
        profile(region="mars-1").check(expand(document()))
