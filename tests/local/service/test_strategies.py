"""Hyperband, tuning jobs of several algorithms, and Autotune."""

import copy
import re
from typing import Any

import pytest

from tests.local.service.conftest import World, until
from tests.local.service.fakes import METRIC, XGBOOST, changed, channel, tuning_request

CONFIG = "HyperParameterTuningJobConfig"
RANGES = {"ContinuousParameterRanges": [{"Name": "eta", "MinValue": "0.1", "MaxValue": "0.9"}]}


def hyperband(name: str = "search", lowest: int = 1, highest: int = 9, **more: Any) -> Any:
    request = tuning_request(name, Strategy="Hyperband", **more)
    resources = {"MinResource": lowest, "MaxResource": highest}
    request[CONFIG]["StrategyConfig"] = {"HyperbandStrategyConfig": resources}
    return request


def several(name: str = "search", trials: int = 4, **config: Any) -> dict[str, Any]:
    """Two algorithms: one that maximizes its accuracy, one that minimizes its loss."""
    request = tuning_request(name, trials=trials, **config)
    only = request.pop("TrainingJobDefinition")
    del request[CONFIG]["HyperParameterTuningJobObjective"], request[CONFIG]["ParameterRanges"]
    first, second = copy.deepcopy(only), copy.deepcopy(only)
    metrics = [{"Name": "loss", "Regex": "loss=([0-9.]+)"}]
    second["AlgorithmSpecification"]["MetricDefinitions"] = metrics
    request["TrainingJobDefinitions"] = [
        {
            **first,
            "DefinitionName": "accurate",
            "TuningObjective": {"Type": "Maximize", "MetricName": METRIC},
            "HyperParameterRanges": RANGES,
        },
        {
            **second,
            "DefinitionName": "lossy",
            "TuningObjective": {"Type": "Minimize", "MetricName": "loss"},
            "HyperParameterRanges": RANGES,
        },
    ]
    return request


def test_hyperband_ends_a_trial_that_is_not_among_the_best_third_at_a_rung(world: World) -> None:
    world.create(hyperband(trials=4))
    for value in (0.5, 0.6, 0.7):
        (name,) = world.running(1)
        world.fakes.runner.finish(name, value)
        until(lambda name=name: name not in world.fakes.runner.jobs)
    (late,) = world.running(1)
    world.fakes.runner.report(late, 0.55)
    job = world.ended()
    assert job["HyperParameterTuningJobStatus"] == "Completed"
    assert job["TrainingJobStatusCounters"] == {
        "Completed": 3,
        "InProgress": 0,
        "RetryableError": 0,
        "NonRetryableError": 0,
        "Stopped": 1,
    }
    stopped = world.training(late)
    assert stopped["TrainingJobStatus"] == "Stopped"
    assert job["ObjectiveStatusCounters"]["Succeeded"] == 4  # it keeps the value that it had


def test_hyperband_lets_the_best_go_on_to_the_most_it_may_use(world: World) -> None:
    world.create(hyperband(trials=4))
    for value in (0.5, 0.6, 0.7):
        (name,) = world.running(1)
        world.fakes.runner.finish(name, value)
        until(lambda name=name: name not in world.fakes.runner.jobs)
    (late,) = world.running(1)
    world.fakes.runner.report(late, *[0.9] * 9)
    assert world.running(1) == [late]
    assert world.training(late)["TrainingJobStatus"] == "InProgress"
    world.fakes.runner.report(late, 0.9)
    assert world.ended()["TrainingJobStatusCounters"]["Stopped"] == 1


def test_hyperband_learns_the_most_from_the_epochs(world: World) -> None:
    request = tuning_request(Strategy="Hyperband", trials=1)
    world.create(request)  # its static hyperparameter epochs is 5
    (name,) = world.running(1)
    world.fakes.runner.report(name, *[0.5] * 5)
    assert world.running(1) == [name]
    world.fakes.runner.report(name, 0.5)
    assert world.ended()["TrainingJobStatusCounters"]["Stopped"] == 1


@pytest.mark.parametrize(
    ("path", "value", "text"),
    [
        (f"{CONFIG}.TrainingJobEarlyStoppingType", "Auto", "must be Off"),
        (f"{CONFIG}.StrategyConfig.HyperbandStrategyConfig.MaxResource", 20_001, "more than 20000"),
        (f"{CONFIG}.StrategyConfig.HyperbandStrategyConfig.MinResource", 10, "more than its Max"),
        (f"{CONFIG}.Strategy", "Random", "only be provided with the strategy Hyperband"),
    ],
)
def test_what_hyperband_does_not_take(shared: World, path: str, value: Any, text: str) -> None:
    code, message = shared.refusal(changed(hyperband(), path, value))
    assert code == "ValidationException"
    assert text in message


def test_hyperband_must_know_the_most(shared: World) -> None:
    request = tuning_request(Strategy="Hyperband")
    request["TrainingJobDefinition"]["StaticHyperParameters"] = {"num_round": "9"}
    assert "needs MaxResource" in shared.refusal(request)[1]


def test_hyperband_is_reproducible_by_its_seed(world: World) -> None:
    world.fakes.runner.score = lambda _: 0.5
    for name in ("one", "two"):
        world.create(hyperband(name, trials=3, RandomSeed=7))
        world.ended(name)
    first, second = (
        [trial["TunedHyperParameters"] for trial in world.trials(name)] for name in ("one", "two")
    )
    assert first == second


def test_several_algorithms_take_turns_and_each_has_its_own_objective(world: World) -> None:
    # A loss of 0.1 is better than an accuracy of 0.7: goodness -0.1 against 0.7 is not, so the
    # accurate one wins; AWS does not say how it compares, and a person compares like with like.
    world.fakes.runner.score = lambda spec: (
        0.7 if spec.hyperparameters["_tuning_objective_metric"] == METRIC else 0.1
    )
    world.create(several())
    job = world.ended()
    assert job["HyperParameterTuningJobStatus"] == "Completed"
    assert "TrainingJobDefinition" not in job
    names = [each["DefinitionName"] for each in job["TrainingJobDefinitions"]]
    assert names == ["accurate", "lossy"]
    shown = job["TrainingJobDefinitions"][1]["StaticHyperParameters"]
    assert shown["_tuning_objective_metric"] == "loss"
    trials = world.trials()
    assert [t["TrainingJobDefinitionName"] for t in trials] == ["accurate", "lossy"] * 2
    assert trials[1]["FinalHyperParameterTuningJobObjectiveMetric"] == {
        "Type": "Minimize",
        "MetricName": "loss",
        "Value": pytest.approx(0.1),
    }
    assert job["BestTrainingJob"]["TrainingJobDefinitionName"] == "accurate"
    mine, theirs = (
        {tuple(t["TunedHyperParameters"].items()) for t in trials if t[key] == name}
        for key, name in (
            ("TrainingJobDefinitionName", "accurate"),
            ("TrainingJobDefinitionName", "lossy"),
        )
    )
    assert not mine & theirs  # the same ranges, other points


def test_a_target_is_reached_by_the_trial_of_any_algorithm(world: World) -> None:
    world.fakes.runner.score = lambda spec: (
        0.2 if spec.hyperparameters["_tuning_objective_metric"] == METRIC else 0.1
    )
    criteria = {"TargetObjectiveMetricValue": 0.15}
    world.create(several(trials=9, TuningJobCompletionCriteria=criteria))
    job = world.ended()
    # An accuracy of 0.2 is at least 0.15 at once.
    assert job["TrainingJobStatusCounters"]["Completed"] < 9


def test_a_grid_of_several_algorithms_is_walked_once(world: World) -> None:
    world.fakes.runner.score = lambda _: 0.5
    request = several(trials=5, Strategy="Grid")
    for number, each in enumerate(request["TrainingJobDefinitions"]):
        values = ["x", "y", "z"][: number + 2]
        each["HyperParameterRanges"] = {
            "CategoricalParameterRanges": [{"Name": "a", "Values": values}]
        }
    world.create(request)
    world.ended()
    walked = [
        (t["TrainingJobDefinitionName"], t["TunedHyperParameters"]["a"]) for t in world.trials()
    ]
    assert walked == [
        ("accurate", "x"),
        ("accurate", "y"),
        ("lossy", "x"),
        ("lossy", "y"),
        ("lossy", "z"),
    ]


@pytest.mark.parametrize(
    ("path", "value", "text"),
    [
        ("TrainingJobDefinitions.1.DefinitionName", "accurate", "must be unique"),
        ("TrainingJobDefinitions.0.DefinitionName", None, "DefinitionName must be provided in"),
        ("TrainingJobDefinitions.0.TuningObjective", None, "TuningObjective must be provided in"),
        (f"{CONFIG}.TrainingJobEarlyStoppingType", "Auto", "must be Off"),
        (f"{CONFIG}.ParameterRanges", RANGES, "cannot be provided with TrainingJobDefinitions"),
        ("Autotune", {"Mode": "Enabled"}, "cannot be enabled"),
        (
            "WarmStartConfig",
            {
                "ParentHyperParameterTuningJobs": [{"HyperParameterTuningJobName": "x"}],
                "WarmStartType": "TransferLearning",
            },
            "cannot be provided",
        ),
        ("TrainingJobDefinitions.0.InputDataConfig", [channel("no", "s3://data/no")], "No S3 obj"),
    ],
)
def test_what_several_algorithms_do_not_have(
    shared: World, path: str, value: Any, text: str
) -> None:
    shared.fakes.objects.missing.add("s3://data/no")
    code, message = shared.refusal(changed(several("several"), path, value))
    assert code == "ValidationException"
    assert text in message


def test_a_job_of_several_algorithms_is_no_parent(world: World) -> None:
    world.fakes.runner.score = lambda _: 0.5
    world.create(several("parent"))
    world.ended("parent")
    request = tuning_request("child")
    request["WarmStartConfig"] = {
        "ParentHyperParameterTuningJobs": [{"HyperParameterTuningJobName": "parent"}],
        "WarmStartType": "TransferLearning",
    }
    assert "one algorithm only" in world.refusal(request)[1]


def test_autotune_chooses_ranges_around_the_hints_and_says_what_it_chose(world: World) -> None:
    world.fakes.runner.score = lambda _: 0.5
    request = tuning_request(parallel=5)
    request["Autotune"] = {"Mode": "Enabled"}
    config = request[CONFIG]
    del config["ResourceLimits"]["MaxNumberOfTrainingJobs"]
    hints = {"max_depth": "4", "rate": "0.6", "kind": "tree", "shift": "-2.5", "none": "0"}
    config["ParameterRanges"] = {
        "AutoParameters": [{"Name": name, "ValueHint": hint} for name, hint in hints.items()]
    }
    world.create(request)
    job = world.ended()
    found = job[CONFIG]["ParameterRanges"]
    limits = {
        each["Name"]: (each["MinValue"], each["MaxValue"])
        for kind in ("Integer", "Continuous")
        for each in found[f"{kind}ParameterRanges"]
    }
    assert limits == {
        "max_depth": ("2", "8"),  # AWS's own example
        "none": ("0", "1"),
        "rate": ("0.3", "1.0"),
        "shift": ("-5.0", "-1.25"),
    }
    assert found["CategoricalParameterRanges"] == [{"Name": "kind", "Values": ["tree"]}]
    assert len(found["AutoParameters"]) == 5
    assert job["Autotune"] == {"Mode": "Enabled"}
    assert job[CONFIG]["TrainingJobEarlyStoppingType"] == "Auto"
    assert job["TrainingJobDefinition"]["RetryStrategy"] == {"MaximumRetryAttempts": 1}
    assert job["TrainingJobStatusCounters"]["Completed"] == 20


def test_definitions_of_built_in_algorithms_are_filled_each(shared: World) -> None:
    request = several("filled")
    specification = {"TrainingImage": XGBOOST, "TrainingInputMode": "File"}
    request["TrainingJobDefinitions"][0]["AlgorithmSpecification"] = specification
    objective = {"Type": "Maximize", "MetricName": "validation:auc"}
    request["TrainingJobDefinitions"][0]["TuningObjective"] = objective
    shared.create(request)
    shown = shared.job("filled")["TrainingJobDefinitions"]
    regexes = {
        each["Name"]: each["Regex"]
        for each in shown[0]["AlgorithmSpecification"]["MetricDefinitions"]
    }
    assert re.search("validation-auc", regexes["ObjectiveMetric"])
    assert len(shown[1]["AlgorithmSpecification"]["MetricDefinitions"]) == 1
