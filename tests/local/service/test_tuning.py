"""Tuning jobs that run, with trials that end as the test says."""

import struct
from typing import Any

import pytest

from sagemaker_local.training import TrainingSpec
from tests.local.service.conftest import World
from tests.local.service.fakes import METRIC, XGBOOST, changed, child_of, tuning_request


def by_depth(spec: TrainingSpec) -> Any:
    return int(spec.hyperparameters["depth"]) / 100


def test_a_job_is_in_progress_at_once_and_complete_after_its_trials(world: World) -> None:
    world.create(tuning_request())
    first = world.job()
    assert first["HyperParameterTuningJobStatus"] == "InProgress"
    assert "BestTrainingJob" not in first
    assert first["TrainingJobDefinition"]["StaticHyperParameters"] == {
        "epochs": "5",
        "_tuning_objective_metric": METRIC,
    }
    assert first["HyperParameterTuningJobConfig"]["TrainingJobEarlyStoppingType"] == "Off"
    for value in (0.3, 0.7, 0.5):
        world.fakes.runner.finish(world.running(1)[0], value)
    job = world.ended()
    assert job["HyperParameterTuningJobStatus"] == "Completed"
    assert job["TrainingJobStatusCounters"] == {
        "Completed": 3,
        "InProgress": 0,
        "RetryableError": 0,
        "NonRetryableError": 0,
        "Stopped": 0,
    }
    assert job["ObjectiveStatusCounters"] == {"Succeeded": 3, "Pending": 0, "Failed": 0}
    best = job["BestTrainingJob"]
    assert best["TrainingJobName"].startswith("search-002-")
    assert "TuningJobName" not in best
    value = best["FinalHyperParameterTuningJobObjectiveMetric"]["Value"]
    assert value == struct.unpack("f", struct.pack("f", 0.7))[0] != 0.7
    assert job["HyperParameterTuningEndTime"] == job["LastModifiedTime"]


def test_no_more_trials_run_than_are_allowed_and_a_free_slot_is_filled(world: World) -> None:
    world.create(tuning_request(trials=5, parallel=2))
    names = world.running(2)
    assert len(world.trials()) == 2
    world.fakes.runner.finish(names[0], 0.1)
    assert names[1] in world.running(2)
    assert len(world.trials()) == 3
    world.fakes.runner.score = by_depth
    for name in world.running(2):
        world.fakes.runner.finish(name, 0.1)
    assert world.ended()["TrainingJobStatusCounters"]["Completed"] == 5
    assert world.fakes.runner.most_at_once == 2


def test_a_trial_has_its_name_its_tags_and_all_hyperparameters_as_text(world: World) -> None:
    request = {**tuning_request(), "Tags": [{"Key": "study", "Value": "churn"}]}
    world.create(request)
    (name,) = world.running(1)
    assert name.startswith("search-001-")
    assert len(name) == len("search-001-") + 8
    trial = world.training(name)
    assert trial["TuningJobArn"].endswith(":hyper-parameter-tuning-job/search")
    assert trial["OutputDataConfig"]["KmsKeyId"] == ""
    tags = world.sm.list_tags(ResourceArn=trial["TrainingJobArn"])["Tags"]
    assert tags == [{"Key": "study", "Value": "churn"}]
    spec = world.fakes.runner.reports[0]
    assert spec.hyperparameters.keys() == {"epochs", "eta", "depth", "_tuning_objective_metric"}
    assert all(isinstance(value, str) for value in spec.hyperparameters.values())
    assert spec.hyperparameters["depth"].isdigit()


def test_each_trial_has_its_own_checkpoints(world: World) -> None:
    world.fakes.runner.score = by_depth
    checkpoint = {"S3Uri": "s3://data/kept/", "LocalPath": "/opt/ml/checkpoints"}
    world.create(changed(tuning_request(), "TrainingJobDefinition.CheckpointConfig", checkpoint))
    job = world.ended()
    assert job["TrainingJobDefinition"]["CheckpointConfig"] == checkpoint
    for trial, spec in zip(world.trials(), world.fakes.runner.reports, strict=True):
        own = {**checkpoint, "S3Uri": f"s3://data/kept/{trial['TrainingJobName']}"}
        assert spec.checkpoint == own
        assert world.training(trial["TrainingJobName"])["CheckpointConfig"] == own


def test_the_same_seed_gives_the_same_trials(world: World) -> None:
    world.fakes.runner.score = by_depth
    world.create(tuning_request("one", RandomSeed=7))
    world.create(tuning_request("two", RandomSeed=7))
    world.ended("one"), world.ended("two")
    tuned = [[t["TunedHyperParameters"] for t in world.trials(job)] for job in ("one", "two")]
    assert tuned[0] == tuned[1]


def test_a_training_job_tells_its_way_and_its_last_metrics(world: World) -> None:
    world.create(tuning_request(trials=1))
    (name,) = world.running(1)
    world.fakes.runner.report(name, 0.9, 0.8)
    world.fakes.runner.end(name, "Completed")
    world.ended()
    trial = world.training(name)
    way = [step["Status"] for step in trial["SecondaryStatusTransitions"]]
    assert way == ["Starting", "Training", "Completed"]
    starting = trial["SecondaryStatusTransitions"][0]
    assert starting["StatusMessage"] == "Preparing the instances for training"
    assert starting["EndTime"] == trial["TrainingStartTime"]
    assert [m["Value"] for m in trial["FinalMetricDataList"]] == [pytest.approx(0.8)]
    assert trial["TrainingTimeInSeconds"] == trial["BillableTimeInSeconds"] == 1
    assert trial["ModelArtifacts"]["S3ModelArtifacts"].endswith(f"{name}/output/model.tar.gz")


def test_trials_are_listed_in_every_order_and_page_by_page(world: World) -> None:
    world.fakes.runner.score = lambda spec: None if len(world.fakes.runner.reports) == 2 else 0.5
    world.create(tuning_request(trials=5))
    world.ended()
    names = [trial["TrainingJobName"] for trial in world.trials()]
    assert names == sorted(names)
    assert [t["TrainingJobName"] for t in world.trials(SortOrder="Descending")] == names[::-1]
    valued = world.trials(SortBy="FinalObjectiveMetricValue")
    assert len(valued) == 4
    assert {t["TrainingJobStatus"] for t in world.trials(SortBy="Status")} == {
        "Completed",
        "Failed",
    }
    (failed,) = world.trials(StatusEquals="Failed")
    assert failed["ObjectiveStatus"] == "Failed"
    assert failed["FailureReason"] == "AlgorithmError: it broke"
    paginator = world.sm.get_paginator("list_training_jobs_for_hyper_parameter_tuning_job")
    pages = list(
        paginator.paginate(HyperParameterTuningJobName="search", PaginationConfig={"PageSize": 2})
    )
    paged = [t["TrainingJobName"] for page in pages for t in page["TrainingJobSummaries"]]
    assert (len(pages), paged) == (3, names)


@pytest.mark.parametrize("world", [{"per_second": {}}], indirect=True)
def test_pages_of_training_jobs_are_cut_before_their_status_is_looked_at(world: World) -> None:
    values = iter([0.5, 0.5, None])
    world.fakes.runner.score = lambda _: next(values)
    world.create(tuning_request())
    world.ended()
    ask = world.sm.list_training_jobs
    (failed,) = ask(StatusEquals="Failed")["TrainingJobSummaries"]
    first = ask(StatusEquals="Failed", MaxResults=2)
    assert first["TrainingJobSummaries"] == []
    rest = ask(StatusEquals="Failed", MaxResults=2, NextToken=first["NextToken"])
    assert rest["TrainingJobSummaries"] == [failed]
    assert "NextToken" not in rest


def test_tuning_jobs_are_listed_and_chosen(world: World) -> None:
    world.fakes.runner.score = by_depth
    for name in ("alpha", "beta", "alphabet"):
        world.create(tuning_request(name, trials=1))
        world.ended(name)

    def names(**how: Any) -> Any:
        answer = world.sm.list_hyper_parameter_tuning_jobs(**how)
        return [
            j["HyperParameterTuningJobName"] for j in answer["HyperParameterTuningJobSummaries"]
        ]

    assert names() == ["alpha", "alphabet", "beta"]
    assert names(NameContains="bet", SortBy="CreationTime") == ["beta", "alphabet"]
    assert names(StatusEquals="InProgress") == []
    assert names(CreationTimeAfter=world.job("alpha")["CreationTime"]) == ["alphabet", "beta"]


def test_the_built_in_algorithm_gets_its_metrics(world: World) -> None:
    request = changed(
        tuning_request(trials=1),
        "TrainingJobDefinition.AlgorithmSpecification",
        {"TrainingImage": XGBOOST, "TrainingInputMode": "File"},
    )
    objective = {"Type": "Minimize", "MetricName": "validation:rmse"}
    path = "HyperParameterTuningJobConfig.HyperParameterTuningJobObjective"
    world.create(changed(request, path, objective))
    definition = world.job()["TrainingJobDefinition"]
    metrics = {
        m["Name"]: m["Regex"] for m in definition["AlgorithmSpecification"]["MetricDefinitions"]
    }
    assert metrics["ObjectiveMetric"] == metrics["validation:rmse"]
    (name,) = world.running(1)
    assert ("ObjectiveMetric", metrics["ObjectiveMetric"]) in world.fakes.runner.reports[
        0
    ].metric_definitions
    assert world.training(name)["HyperParameters"]["_tuning_objective_metric"] == "validation:rmse"


def test_a_grid_is_walked_once(world: World) -> None:
    world.fakes.runner.score = lambda spec: 0.5
    request = tuning_request(Strategy="Grid")
    config = request["HyperParameterTuningJobConfig"]
    config["ParameterRanges"] = {
        "CategoricalParameterRanges": [
            {"Name": "a", "Values": ["x", "y"]},
            {"Name": "b", "Values": ["1", "2", "3"]},
        ]
    }
    assert "must equal the number of combinations" in world.refusal(request)[1]
    del config["ResourceLimits"]["MaxNumberOfTrainingJobs"]
    world.create(request)
    world.ended()
    points = {tuple(t["TunedHyperParameters"].values()) for t in world.trials()}
    assert len(points) == len(world.trials()) == 6


def test_a_child_knows_what_its_parents_saw_and_the_best_of_all(world: World) -> None:
    world.fakes.runner.score = lambda spec: 0.9
    parent = tuning_request(Strategy="Bayesian")
    world.create(parent)
    world.ended()
    world.fakes.runner.score = lambda spec: 0.4
    world.create(child_of(parent, kind="IdenticalDataAndAlgorithm"))
    job = world.ended("child")
    assert len(world.fakes.questions[-1].parents) == 3
    assert len(world.fakes.questions[-1].own) == 2
    assert job["BestTrainingJob"]["TrainingJobName"].startswith("child-")
    assert job["OverallBestTrainingJob"]["TuningJobName"] == "search"
    world.create(child_of(parent, name="other"))
    assert "OverallBestTrainingJob" not in world.ended("other")


def test_a_deleted_job_is_gone_and_its_trials_stay(world: World) -> None:
    world.fakes.runner.score = by_depth
    world.create(tuning_request())
    name = {"HyperParameterTuningJobName": "search"}
    world.ended()
    trials = world.trials()
    world.sm.delete_hyper_parameter_tuning_job(**name)
    with pytest.raises(world.sm.exceptions.ResourceNotFound, match="can't find a tuning job"):
        world.job()
    assert world.training(trials[0]["TrainingJobName"])["TrainingJobStatus"] == "Completed"
    world.create(tuning_request())
    world.ended()
    fresh = {trial["TrainingJobName"] for trial in world.trials()}
    assert len(fresh) == 3
    assert fresh.isdisjoint(trial["TrainingJobName"] for trial in trials)


def test_a_fault_of_the_search_fails_the_job_with_its_reason(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(question: Any) -> Any:
        raise ArithmeticError("no such number")

    monkeypatch.setattr("tests.local.service.fakes.suggest", broken)
    world.create(tuning_request())
    assert world.ended()["FailureReason"] == "InternalServerError: no such number"
