"""Why a tuning job or a trial ends: stopped, a limit, no gain, failures, falling behind."""

import threading
import time
from contextlib import suppress
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sagemaker_local.training import Outcome
from tests.local.service.conftest import World, until
from tests.local.service.fakes import now, tuning_request

AUTO = {"TrainingJobEarlyStoppingType": "Auto"}


def test_stopping_passes_through_stopping_and_keeps_what_was_measured(world: World) -> None:
    world.fakes.runner.stops_at_once = False
    world.create(tuning_request(trials=5, parallel=2))
    names = world.running(2)
    world.fakes.runner.report(names[0], 0.6)
    answer = world.sm.stop_hyper_parameter_tuning_job(HyperParameterTuningJobName="search")
    assert set(answer) == {"ResponseMetadata"}
    assert world.job()["HyperParameterTuningJobStatus"] == "Stopping"
    world.sm.stop_hyper_parameter_tuning_job(HyperParameterTuningJobName="search")
    until(lambda: len(world.fakes.runner.stopped) == 2)
    assert world.training(names[0])["TrainingJobStatus"] == "Stopping"
    for name in names:
        world.fakes.runner.end(name, "Stopped")
    job = world.ended()
    assert job["HyperParameterTuningJobStatus"] == "Stopped"
    assert job["TrainingJobStatusCounters"]["Stopped"] == 2
    assert job["BestTrainingJob"]["TrainingJobName"] == names[0]
    with pytest.raises(ClientError, match="in status Stopped"):
        world.sm.stop_hyper_parameter_tuning_job(HyperParameterTuningJobName="search")


def test_the_target_ends_the_job_and_its_running_trials(world: World) -> None:
    criteria = {"TargetObjectiveMetricValue": 0.9}
    world.create(tuning_request(trials=9, parallel=2, TuningJobCompletionCriteria=criteria))
    first, second = world.running(2)
    world.fakes.runner.finish(first, 0.95)
    job = world.ended()
    assert job["HyperParameterTuningJobStatus"] == "Completed"
    assert world.training(second)["TrainingJobStatus"] == "Stopped"
    reason = until(lambda: world.events[-1]["detail"].get("TuningJobCompletionReason"))
    assert reason == "TargetObjectiveMetricValueReached"


@pytest.mark.parametrize(
    ("world", "trials"),
    [({"not_improving_gain": 0.01}, 4), ({"not_improving_gain": 0.0}, 6)],
    indirect=["world"],
)
def test_the_job_ends_when_trials_no_longer_improve(world: World, trials: Any) -> None:
    values = iter([0.5, 0.501, 0.502, 0.5, 0.5, 0.5, 0.5, 0.5])
    world.fakes.runner.score = lambda spec: next(values)
    criteria = {"BestObjectiveNotImproving": {"MaxNumberOfTrainingJobsNotImproving": 3}}
    world.create(tuning_request(trials=8, TuningJobCompletionCriteria=criteria))
    job = world.ended()
    assert job["TrainingJobStatusCounters"]["Completed"] == trials
    assert job["TuningJobCompletionDetails"]["NumberOfTrainingJobsObjectiveNotImproving"] == 3


def begin_of_two_minutes(world: World) -> str:
    """Begin a job that may take two minutes, and name the trial that runs."""
    request = tuning_request()
    limits = request["HyperParameterTuningJobConfig"]["ResourceLimits"]
    limits["MaxRuntimeInSeconds"] = 120
    world.create(request)
    (name,) = world.running(1)
    return name


def test_the_job_ends_when_its_time_is_over(world: World) -> None:
    name = begin_of_two_minutes(world)
    world.fakes.ahead = 121
    job = world.ended()
    assert job["HyperParameterTuningJobStatus"] == "Completed"
    assert job["ConsumedResources"]["RuntimeInSeconds"] >= 121
    assert world.training(name)["TrainingJobStatus"] == "Stopped"


def test_the_job_ends_when_its_time_is_over_however_much_its_trials_tell(world: World) -> None:
    name = begin_of_two_minutes(world)
    world.fakes.runner.report(name, 0.5)
    until(lambda: world.training(name)["SecondaryStatus"] == "Training")
    world.fakes.ahead = 121

    def told() -> bool:
        with suppress(KeyError):  # it has been stopped
            world.fakes.runner.report(name, 0.5)
        time.sleep(0.05)
        return world.job()["HyperParameterTuningJobStatus"] == "Completed"

    until(told)
    assert world.training(name)["TrainingJobStatus"] == "Stopped"


def test_five_failures_and_no_success_fail_the_job(world: World) -> None:
    world.fakes.runner.score = lambda spec: None
    world.create(tuning_request(trials=20))
    job = world.ended()
    assert job["HyperParameterTuningJobStatus"] == "Failed"
    assert job["FailureReason"].startswith("No training job succeeded after 5 attempts.")
    assert job["TrainingJobStatusCounters"]["NonRetryableError"] == 5


@pytest.mark.parametrize(
    "told",
    [
        "Extraneous hyperparameter found: depth, exit code: 1",
        "Missing required hyperparameter: num_round, exit code: 1",
        "Hyperparameter eta: 1.5 is not in [0, 1], exit code: 1",
    ],
)
def test_hyperparameters_that_no_trial_can_take_fail_the_job_in_other_words(
    world: World, told: str
) -> None:
    world.create(tuning_request(trials=20))
    for count in range(1, 6):
        (name,) = world.running(1)
        world.fakes.runner.end(name, "Failed", reason=f"ClientError: {told}")
        until(lambda name=name: name not in world.fakes.runner.jobs)
        if count < 5:
            world.running(1)
    job = world.ended()
    assert job["HyperParameterTuningJobStatus"] == "Failed"
    assert job["FailureReason"] == (
        "One or more training jobs failed with ValidationError. For additional details, please "
        "take a look at the training job failures by listing training jobs for the hyperparameter "
        "tuning job."
    )


def test_five_trials_without_a_metric_fail_the_job(world: World) -> None:
    world.create(tuning_request(trials=20))
    for count in range(1, 6):
        world.fakes.runner.end(world.running(1)[0], "Completed")
        if count < 5:
            world.running(1)
    job = world.ended()
    assert job["FailureReason"].startswith("No objective metrics found after running 5")
    assert job["ObjectiveStatusCounters"]["Failed"] == 5


@pytest.mark.parametrize(
    "world", [{"early_stop_min_jobs": 2, "early_stop_grace_steps": 2}], indirect=True
)
def test_a_trial_worse_than_the_median_is_stopped_early_with_its_objective(world: World) -> None:
    world.create(tuning_request(trials=3, **AUTO))
    for _ in range(2):
        (name,) = world.running(1)
        world.fakes.runner.report(name, 0.5, 0.6, 0.7, 0.8)
        world.fakes.runner.end(name, "Completed")
        until(lambda name=name: name not in world.fakes.runner.jobs)
    (late,) = world.running(1)
    world.fakes.runner.report(late, 0.1, 0.1, 0.1, 0.1)
    job = world.ended()
    assert job["HyperParameterTuningJobStatus"] == "Completed"
    trial = world.trials()[2]
    assert trial["TrainingJobStatus"] == "Stopped"
    assert trial["ObjectiveStatus"] == "Succeeded"
    assert trial["FinalHyperParameterTuningJobObjectiveMetric"]["Value"] == pytest.approx(0.1)


def test_a_trial_whose_time_is_over_stops_as_others_do(world: World) -> None:
    world.create(tuning_request(trials=1))
    (name,) = world.running(1)
    world.fakes.runner.report(name, 0.5)
    _, listener = world.fakes.runner.jobs.pop(name)
    listener.status("Stopping", "", now())
    until(lambda: world.training(name)["SecondaryStatus"] == "Stopping")
    assert world.training(name)["TrainingJobStatus"] == "Stopping"
    listener.ended(Outcome("Stopped", "MaxRuntimeExceeded", None, None, now(), now()))
    assert world.ended()["ObjectiveStatusCounters"]["Succeeded"] == 1
    trial = world.training(name)
    assert (trial["TrainingJobStatus"], trial["SecondaryStatus"]) == (
        "Stopped",
        "MaxRuntimeExceeded",
    )


@pytest.mark.parametrize("stopping", [False, True])
def test_a_flood_of_metrics_holds_up_nobody(world: World, stopping: Any) -> None:
    """As many as a job may tell freely; each of them is cheap, whatever was told before."""
    world.fakes.runner.stops_at_once = False
    world.create(tuning_request(trials=7, **AUTO))
    for number in range(6):
        (name,) = world.running(1)
        world.fakes.runner.report(name, *([0.5 + number] * 3000))
        world.fakes.runner.end(name, "Completed")
        until(lambda name=name: name not in world.fakes.runner.jobs)
    (name,) = world.running(1)
    if stopping:
        world.sm.stop_training_job(TrainingJobName=name)
        until(lambda: world.fakes.runner.stopped == [name])
    world.fakes.runner.report(name, *([9.0] * 10_000))
    world.fakes.runner.end(name, "Stopped")
    until(lambda: world.training(name)["TrainingJobStatus"] == "Stopped", 10)
    assert world.ended()["ObjectiveStatusCounters"]["Succeeded"] == 7


def test_one_trial_can_be_stopped_alone(world: World) -> None:
    world.create(tuning_request(trials=2))
    (name,) = world.running(1)
    world.sm.stop_training_job(TrainingJobName=name)
    until(lambda: name not in world.fakes.runner.names)
    (other,) = world.running(1)
    assert world.training(name)["TrainingJobStatus"] == "Stopped"
    world.fakes.runner.finish(other, 0.3)
    assert world.ended()["TrainingJobStatusCounters"]["Stopped"] == 1
    with pytest.raises(ClientError, match="rejected because the training job is in status Stopped"):
        world.sm.stop_training_job(TrainingJobName=name)


def test_a_job_that_is_stopped_before_it_was_started_ends(world: World) -> None:
    """The engine may be busy with another job while one is created, and stopped again."""
    engine, go_on = world.server.sagemaker._engine, threading.Event()
    definition = tuning_request()["TrainingJobDefinition"]
    del definition["StaticHyperParameters"]
    engine.submit(lambda: go_on.wait(20))
    world.sm.create_training_job(TrainingJobName="hasty", **definition)
    world.sm.stop_training_job(TrainingJobName="hasty")
    assert world.training("hasty")["TrainingJobStatus"] == "Stopping"
    go_on.set()
    until(lambda: world.training("hasty")["TrainingJobStatus"] == "Stopped")
    assert world.fakes.runner.reports == []
