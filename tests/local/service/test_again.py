"""Training jobs that are run again: spot instances taken away, and the service's own errors."""

from typing import Any

import pytest

from sagemaker_local.faults import Faults
from sagemaker_local.training import Outcome
from tests.local.service.conftest import World, until
from tests.local.service.fakes import now, tuning_request

INTERRUPTED = Faults(spot_interrupted=1.0)


def spot(name: str = "search", *, wait: int = 3600, **more: Any) -> dict[str, Any]:
    request = tuning_request(name, trials=1)
    request["TrainingJobDefinition"] |= {
        "EnableManagedSpotTraining": True,
        "StoppingCondition": {"MaxRuntimeInSeconds": 600, "MaxWaitTimeInSeconds": wait},
        **more,
    }
    return request


def report(world: World, name: str, *values: float) -> None:
    for value in values:
        if name in world.fakes.runner.jobs:
            world.fakes.runner.report(name, value)


def interrupt(world: World) -> str:
    """Report until the instance is taken away and another found."""
    (name,) = world.running(1)
    report(world, name, 0.1, 0.2, 0.3, 0.4, 0.5)
    until(lambda: world.fakes.runner.interrupted == [name])
    return name


@pytest.mark.parametrize("world", [{"faults": INTERRUPTED}], indirect=True)
def test_a_spot_job_loses_its_instance_once_and_goes_on(world: World) -> None:
    world.create(spot())
    name = interrupt(world)
    world.running(1)
    report(world, name, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6)
    world.fakes.runner.finish(name, 0.7)
    job = world.ended()
    assert job["TrainingJobStatusCounters"]["Completed"] == 1
    trial = world.training(name)
    assert [each["Status"] for each in trial["SecondaryStatusTransitions"]] == [
        "Starting",
        "Training",
        "Interrupted",
        "Starting",
        "Training",
        "Downloading",  # the fake runner tells its statuses in this order
        "Training",
        "Uploading",
        "Completed",
    ]
    assert len(world.fakes.runner.interrupted) == 1
    assert trial["BillableTimeInSeconds"] <= trial["TrainingTimeInSeconds"]


@pytest.mark.parametrize("world", [{"faults": INTERRUPTED}], indirect=True)
def test_without_checkpoints_what_was_measured_before_does_not_count(world: World) -> None:
    world.create(spot())
    name = interrupt(world)
    world.running(1)
    world.fakes.runner.end(name, "Completed")
    assert world.ended()["ObjectiveStatusCounters"]["Failed"] == 1


@pytest.mark.parametrize("world", [{"faults": INTERRUPTED}], indirect=True)
def test_with_checkpoints_what_was_measured_before_counts(world: World) -> None:
    world.create(spot(CheckpointConfig={"S3Uri": "s3://data/checkpoints"}))
    name = interrupt(world)
    world.running(1)
    world.fakes.runner.end(name, "Completed")
    assert world.ended()["ObjectiveStatusCounters"]["Succeeded"] == 1


@pytest.mark.parametrize("world", [{"faults": INTERRUPTED}], indirect=True)
def test_a_job_on_demand_keeps_its_instance(world: World) -> None:
    world.create(tuning_request(trials=1))
    (name,) = world.running(1)
    report(world, name, *[0.5] * 9)
    world.fakes.runner.finish(name, 0.7)
    world.ended()
    assert world.fakes.runner.interrupted == []
    trial = world.training(name)
    assert trial["BillableTimeInSeconds"] == trial["TrainingTimeInSeconds"]


@pytest.mark.parametrize("world", [{"faults": INTERRUPTED}], indirect=True)
def test_the_wait_of_a_spot_job_goes_on_while_it_runs(world: World) -> None:
    world.create(spot(wait=700))
    world.running(1)
    world.fakes.ahead = 500
    name = interrupt(world)
    world.running(1)
    first, second = world.fakes.runner.reports
    assert first.max_runtime_seconds == 600
    assert 190 < second.max_runtime_seconds <= 200
    world.fakes.ahead = 701
    _, listener = world.fakes.runner.jobs.pop(name)
    listener.ended(Outcome("Stopped", "MaxRuntimeExceeded", None, None, now(), now()))
    world.ended()
    assert world.training(name)["SecondaryStatus"] == "MaxWaitTimeExceeded"


@pytest.mark.parametrize(
    "world", [{"faults": Faults(spot_interrupted=1.0, spot_wait_seconds=0.2)}], indirect=True
)
def test_a_spot_job_that_waits_too_long_is_stopped(world: World) -> None:
    world.create(spot(wait=600))
    (name,) = world.running(1)
    report(world, name, 0.1, 0.2, 0.3, 0.4)
    world.fakes.ahead = 700
    report(world, name, 0.5)
    job = world.ended()
    assert job["TrainingJobStatusCounters"]["Stopped"] == 1
    trial = world.training(name)
    assert trial["SecondaryStatus"] == "MaxWaitTimeExceeded"
    assert trial["TrainingJobStatus"] == "Stopped"


@pytest.mark.parametrize(
    "world", [{"faults": Faults(spot_interrupted=1.0, spot_wait_seconds=3600)}], indirect=True
)
def test_a_spot_job_is_stopped_while_it_waits_for_an_instance(world: World) -> None:
    world.create(spot())
    name = interrupt(world)
    until(lambda: world.training(name)["SecondaryStatus"] == "Starting")
    world.sm.stop_hyper_parameter_tuning_job(HyperParameterTuningJobName="search")
    assert world.ended()["HyperParameterTuningJobStatus"] == "Stopped"
    assert world.training(name)["SecondaryStatus"] == "Stopped"


@pytest.mark.parametrize(
    "world", [{"faults": Faults(spot_interrupted=1.0, spot_wait_seconds=3600)}], indirect=True
)
def test_a_spot_job_alone_is_stopped_while_it_waits_for_an_instance(world: World) -> None:
    definition = spot()["TrainingJobDefinition"]
    definition["HyperParameters"] = definition.pop("StaticHyperParameters")
    world.sm.create_training_job(TrainingJobName="alone", **definition)
    assert interrupt(world) == "alone"
    until(lambda: world.training("alone")["SecondaryStatus"] == "Starting")
    world.sm.stop_training_job(TrainingJobName="alone")
    until(lambda: world.training("alone")["TrainingJobStatus"] == "Stopped")


@pytest.mark.parametrize("world", [{"faults": Faults(internal_errors=1.0)}], indirect=True)
def test_the_services_own_errors_are_tried_again_as_often_as_asked(world: World) -> None:
    request = tuning_request(trials=1)
    request["TrainingJobDefinition"]["RetryStrategy"] = {"MaximumRetryAttempts": 2}
    world.create(request)
    world.ended()
    (trial,) = world.trials()
    shown = world.training(trial["TrainingJobName"])
    assert shown["TrainingJobStatus"] == "Failed"
    assert shown["FailureReason"].startswith("InternalServerError")
    ways = [each["Status"] for each in shown["SecondaryStatusTransitions"]]
    assert ways == ["Starting"] * 3 + ["Failed"]
    counters = world.job()["TrainingJobStatusCounters"]
    assert (counters["RetryableError"], counters["NonRetryableError"]) == (1, 0)


def test_an_error_of_the_users_code_is_not_tried_again(world: World) -> None:
    request = tuning_request(trials=1)
    request["TrainingJobDefinition"]["RetryStrategy"] = {"MaximumRetryAttempts": 2}
    world.fakes.runner.score = lambda _: None
    world.create(request)
    world.ended()
    assert len(world.fakes.runner.reports) == 1
