"""Everything that there is an event of happens once, in both forms in which AWS's events are known.

That each event has its shape is held by `every_event_has_its_shape`, for every test.
"""

import copy
from typing import Any

import pytest

from sagemaker_local.faults import Faults
from sagemaker_local.training import Outcome
from tests.local.service import event_shapes
from tests.local.service.conftest import World, until
from tests.local.service.fakes import now, tuning_request
from tests.local.service.test_again import interrupt, spot
from tests.local.service.test_hosting import MODEL, config, endpoint, settled
from tests.local.service.test_registry import package

TAGS = [{"Key": "study", "Value": "churn"}]
FLAVOURS = ("real", "documented")


def tune(world: World) -> None:
    """Jobs that complete, fail, are stopped, and run or wait too long."""
    runner = world.fakes.runner
    world.create({**tuning_request("good", trials=1), "Tags": TAGS})
    (name,) = world.running(1)
    runner.finish(name, 0.5)
    assert world.ended("good")["HyperParameterTuningJobStatus"] == "Completed"

    world.create(tuning_request("bad", trials=5))
    for number in range(1, 6):
        until(lambda number=number: any(f"-{number:03d}-" in name for name in runner.jobs))
        runner.finish(world.running(1)[0], None)
    assert world.ended("bad")["HyperParameterTuningJobStatus"] == "Failed"

    world.create(tuning_request("stopped", trials=1))
    world.running(1)
    world.sm.stop_hyper_parameter_tuning_job(HyperParameterTuningJobName="stopped")
    assert world.ended("stopped")["HyperParameterTuningJobStatus"] == "Stopped"

    world.create(tuning_request("long", trials=1))
    (name,) = world.running(1)
    _, listener = runner.jobs.pop(name)
    listener.ended(Outcome("Stopped", "MaxRuntimeExceeded", None, None, now(), now()))
    world.ended("long")

    world.create(spot("spot", wait=600))
    interrupt(world)
    world.fakes.ahead = 700
    world.ended("spot")
    world.fakes.ahead = 0


def serve(world: World) -> None:
    """Endpoints that come up, are replaced, roll back in vain, never come up, and are deleted."""
    sm, host = world.sm, world.fakes.host
    sm.create_model(**MODEL)
    for name in ("first", "second"):
        sm.create_endpoint_config(**config(name))

    def told(name: str, status: Any, reason: str | None = None) -> None:
        until(lambda: name in host.listeners)
        host.listeners.pop(name)(status, reason)

    sm.create_endpoint(EndpointName="Live", EndpointConfigName="first", Tags=TAGS)
    told("Live", "InService")
    until(lambda: endpoint(world)["EndpointStatus"] == "InService")
    sm.update_endpoint_weights_and_capacities(
        EndpointName="Live",
        DesiredWeightsAndCapacities=[{"VariantName": "AllTraffic", "DesiredInstanceCount": 2}],
    )
    settled(world)
    host.listeners.clear()
    for host.old_fleet_is_dead in (False, True):
        sm.update_endpoint(EndpointName="Live", EndpointConfigName="second")
        told("Live", "Failed", "no health")
        settled(world)
    assert endpoint(world)["EndpointStatus"] == "UpdateRollbackFailed"
    sm.delete_endpoint(EndpointName="Live")
    sm.create_endpoint(EndpointName="Dead", EndpointConfigName="first")
    told("Dead", "Failed", "no health")
    until(lambda: host.stopped == ["Live"])


def register(world: World) -> None:
    """A package in a group, approved, and one with a name of its own."""
    world.sm.create_model_package_group(ModelPackageGroupName="churn")
    arn = package(world, ModelPackageGroupName="churn", CustomerMetadataProperties={"a": "b"})
    world.sm.update_model_package(
        ModelPackageArn=arn, ModelApprovalStatus="Approved", ApprovalDescription="good"
    )
    package(world, ModelPackageName="mine")


@pytest.mark.parametrize(
    "world",
    [
        pytest.param(
            {"faults": Faults(events_as=form, spot_interrupted=1.0, spot_wait_seconds=0.5)}, id=form
        )
        for form in FLAVOURS
    ],
    indirect=True,
)
def test_every_kind_of_event_with_every_status_has_aws_shape(
    world: World, every_event_has_its_shape: set[Any]
) -> None:
    tune(world)
    serve(world)
    register(world)
    every = {
        (kind, status)
        for kind, (_, _, _, statuses) in event_shapes.KINDS.items()
        for status in statuses
    }
    until(lambda: every_event_has_its_shape >= every, 5)
    assert every_event_has_its_shape == every
    heard = {(event["detail-type"], event_shapes.status_of(event)) for event in world.events}
    assert heard <= every


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_an_event_of_another_shape_would_be_seen(world: World, flavour: Any) -> None:
    """The check itself: a change of any member of a good event is a fault."""
    package(world, ModelPackageName="mine")
    until(lambda: world.events)
    (good,) = world.events
    assert event_shapes.faults_of(good, flavour) == []
    for change in (
        lambda event: event["detail"].update(CreationTime=1700000000000),
        lambda event: event["detail"].pop("ModelPackageArn"),
        lambda event: event["detail"].update(Tags={}),
        lambda event: event["detail"].update(ModelPackageStatus="Running"),
        lambda event: event.update(source="mine"),
        lambda event: event.update(resources=["arn:aws:sagemaker:us-east-1:1:endpoint/x"]),
        lambda event: event.update({"detail-type": "SageMaker Model State Change"}),
        lambda event: event.pop("region"),
    ):
        bad = copy.deepcopy(good)
        change(bad)
        assert len(event_shapes.faults_of(bad, flavour)) == 1
