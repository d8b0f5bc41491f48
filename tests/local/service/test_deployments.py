"""Deployments by their phases: who gets which share, what alarms do, and what a restart does."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from sagemaker_local.errors import ApiError
from sagemaker_local.rollout import check, phases
from tests.local.service.conftest import World, client, until
from tests.local.service.test_hosting import MODEL, config, endpoint, settled

LONG = 3600


def blue_green(kind: str, *, wait: int = 0, end: int = 0, **sizes: Any) -> dict[str, Any]:
    routing = {"Type": kind, "WaitIntervalInSeconds": wait, **sizes}
    return {
        "BlueGreenUpdatePolicy": {
            "TrafficRoutingConfiguration": routing,
            "TerminationWaitInSeconds": end,
        }
    }


def percent(value: int) -> dict[str, Any]:
    return {"Type": "CAPACITY_PERCENT", "Value": value}


def instances(value: int) -> dict[str, Any]:
    return {"Type": "INSTANCE_COUNT", "Value": value}


@pytest.fixture
def live(world: World) -> World:
    world.sm.create_model(**MODEL)
    world.sm.create_endpoint_config(**config("first", InitialInstanceCount=4))
    world.sm.create_endpoint_config(**config("second", InitialInstanceCount=4))
    world.sm.create_endpoint(EndpointName="Live", EndpointConfigName="first")
    until(lambda: "Live" in world.fakes.host.listeners)
    world.fakes.host.listeners["Live"]("InService", None)
    until(lambda: endpoint(world)["EndpointStatus"] == "InService")
    return world


def update(world: World, deployment: Any, **further: Any) -> None:
    before = len(world.fakes.host.done)
    world.sm.update_endpoint(
        EndpointName="Live", EndpointConfigName="second", DeploymentConfig=deployment, **further
    )
    until(lambda: len(world.fakes.host.done) > before)


def healthy(world: World) -> None:
    world.fakes.host.listeners["Live"]("InService", None)


def variant_status(world: World) -> Any:
    pending = endpoint(world)["PendingDeploymentSummary"]
    return pending["ProductionVariants"][0]["VariantStatus"][0]


def test_a_canary_waits_then_all_follow(live: World) -> None:
    deployment = blue_green("CANARY", wait=LONG, end=600, CanarySize=instances(1))
    update(live, deployment)
    assert variant_status(live)["Status"] == "Creating"
    assert variant_status(live)["StatusMessage"] == "Launching 4 instance(s)."
    healthy(live)
    until(lambda: variant_status(live)["Status"] == "Baking")
    assert live.fakes.host.done[-1] == ("route", 0.25)
    shown = endpoint(live)
    assert shown["EndpointConfigName"] == "first"
    assert shown["PendingDeploymentSummary"]["EndpointConfigName"] == "second"
    assert "canary capacity of 1 instance(s)" in variant_status(live)["StatusMessage"]
    live.fakes.ahead += LONG
    # "Activating traffic" names the full capacity too, and lasts no time of its own
    until(lambda: variant_status(live)["StatusMessage"].startswith("Baking for 600 seconds"))
    assert live.fakes.host.done[-1] == ("route", 1.0)
    live.fakes.ahead += 600
    shown = settled(live)
    assert (shown["EndpointStatus"], shown["EndpointConfigName"]) == ("InService", "second")
    assert "PendingDeploymentSummary" not in shown
    assert "FailureReason" not in shown
    assert shown["LastDeploymentConfig"] == deployment
    assert live.fakes.host.done[-1] == ("promote",)


def test_each_phase_is_an_event(live: World) -> None:
    update(live, blue_green("CANARY", CanarySize=instances(1)))
    healthy(live)
    settled(live)
    until(lambda: live.events[-1]["detail"]["EndpointStatus"] == "IN_SERVICE")
    kind = "SageMaker Endpoint Deployment State Change"
    steps = [event["detail"] for event in live.events if event["detail-type"] == kind]
    shown = [
        step["PendingDeploymentSummary"]["ProductionVariants"][0]["VariantStatus"][0]["Status"]
        for step in steps
    ]
    turned = ["ActivatingTraffic", "Baking"]
    assert shown == ["Creating", *turned, *turned, "Deleting"]
    first = steps[0]
    assert first["EndpointStatus"] == "UPDATING"
    assert first["PendingDeploymentSummary"]["EndpointConfigName"] == "second"
    assert isinstance(first["PendingDeploymentSummary"]["StartTime"], int)
    variant = first["PendingDeploymentSummary"]["ProductionVariants"][0]
    assert isinstance(variant["VariantStatus"][0]["StartTime"], int)


def test_an_alarm_rolls_back(live: World, monkeypatch: pytest.MonkeyPatch) -> None:
    ringing: list[str] = []
    parts = live.server.sagemaker._parts
    monkeypatch.setitem(vars(parts), "ringing", lambda names: [n for n in names if n in ringing])
    deployment = blue_green("CANARY", wait=LONG, CanarySize=percent(25))
    alarms = [{"AlarmName": "errors"}, {"AlarmName": "latency"}]
    update(live, {**deployment, "AutoRollbackConfiguration": {"Alarms": alarms}})
    healthy(live)
    until(lambda: variant_status(live)["Status"] == "Baking")
    ringing.append("errors")
    shown = settled(live)
    assert (shown["EndpointStatus"], shown["EndpointConfigName"]) == ("InService", "first")
    assert "in ALARM are errors." in shown["FailureReason"]
    assert shown["ProductionVariants"][0]["CurrentInstanceCount"] == 4
    assert "LastDeploymentConfig" not in shown
    assert ("abandon",) in live.fakes.host.done
    assert ("promote",) not in live.fakes.host.done
    until(lambda: live.events[-1]["detail"]["EndpointStatus"] == "IN_SERVICE")
    seen = [event["detail"]["EndpointStatus"] for event in live.events]
    assert seen[-2:] == ["ROLLING_BACK", "IN_SERVICE"]


def test_real_alarms_are_read(live: World) -> None:
    from sagemaker_local.telemetry import Alarms

    metrics = client("cloudwatch", live.server.url)
    for name in ("loud", "quiet"):
        metrics.put_metric_alarm(
            AlarmName=name,
            Namespace="AWS/SageMaker",
            MetricName="Invocation5XXErrors",
            Statistic="Sum",
            Period=60,
            EvaluationPeriods=1,
            Threshold=1.0,
            ComparisonOperator="GreaterThanThreshold",
        )
    metrics.set_alarm_state(AlarmName="loud", StateValue="ALARM", StateReason="a test")
    access = {"region": "us-east-1", "access_key": "test", "secret_key": "test"}
    alarms = Alarms(live.server.url, **access)
    assert alarms.ringing(["loud", "quiet", "missing"]) == ["loud"]
    assert alarms.ringing([]) == []
    alarms.close()
    metrics.close()
    nowhere = Alarms("http://127.0.0.1:1", **access)
    assert nowhere.ringing(["loud"]) == []


def test_a_rollback_to_a_dead_fleet_fails(live: World) -> None:
    live.fakes.host.old_fleet_is_dead = True
    update(live, blue_green("ALL_AT_ONCE"))
    live.fakes.host.listeners["Live"]("Failed", "no health")
    shown = settled(live)
    assert shown["EndpointStatus"] == "UpdateRollbackFailed"
    assert shown["FailureReason"] == "no health; it is dead"
    with pytest.raises(ClientError, match="Cannot update failed endpoint"):
        live.sm.update_endpoint(EndpointName="Live", EndpointConfigName="second")
    live.sm.delete_endpoint(EndpointName="Live")


def test_a_deployment_that_takes_too_long_is_given_up(live: World) -> None:
    deployment = blue_green("ALL_AT_ONCE", end=LONG)
    deployment["BlueGreenUpdatePolicy"]["MaximumExecutionTimeoutInSeconds"] = 600
    update(live, deployment)
    healthy(live)
    until(lambda: variant_status(live)["Status"] == "Baking")
    live.fakes.ahead += 601
    shown = settled(live)
    assert shown["EndpointConfigName"] == "first"
    assert "took longer than 600 seconds" in shown["FailureReason"]


def test_a_rolling_update_goes_batch_by_batch(live: World) -> None:
    policy = {"MaximumBatchSize": percent(50), "WaitIntervalInSeconds": 0}
    update(live, {"RollingUpdatePolicy": policy})
    healthy(live)
    assert settled(live)["EndpointConfigName"] == "second"
    done = live.fakes.host.done
    assert done[0] == ("prepare", "second", 2)
    moves = [step for step in done if step[0] == "resize"]
    assert moves == [("resize", 2, "old"), ("resize", 4, "new")]
    assert [step[1] for step in done if step[0] == "route"] == sorted(
        step[1] for step in done if step[0] == "route"
    )
    assert done[-1] == ("promote",)


def test_a_restart_in_the_middle_begins_the_deployment_anew(live: World) -> None:
    update(live, blue_green("CANARY", wait=LONG, CanarySize=instances(2)))
    healthy(live)
    until(lambda: variant_status(live)["Status"] == "Baking")
    live.fakes.host.done.clear()
    live.fakes.host.started.clear()
    live.restart()
    until(lambda: live.fakes.host.done == [("prepare", "second", 4)])
    assert live.fakes.host.started == ["reaped", "Live"]  # the old fleet serves meanwhile
    assert variant_status(live)["Status"] == "Creating"
    healthy(live)
    until(lambda: variant_status(live)["Status"] == "Baking")
    live.fakes.ahead += LONG
    assert settled(live)["EndpointConfigName"] == "second"


def test_capacity_changes_in_place(live: World) -> None:
    wish = {"VariantName": "AllTraffic", "DesiredInstanceCount": 2, "DesiredWeight": 0.5}
    live.sm.update_endpoint_weights_and_capacities(
        EndpointName="Live", DesiredWeightsAndCapacities=[wish]
    )
    until(lambda: ("resize", 2, "old") in live.fakes.host.done)
    variant = settled(live)["ProductionVariants"][0]
    assert (variant["CurrentInstanceCount"], variant["DesiredInstanceCount"]) == (2, 2)
    assert (variant["CurrentWeight"], variant["DesiredWeight"]) == (0.5, 0.5)
    assert "VariantStatus" not in variant
    kind = "SageMaker Endpoint Deployment State Change"
    until(lambda: [e for e in live.events if e["detail-type"] == kind])
    (event,) = [e["detail"] for e in live.events if e["detail-type"] == kind]
    status = event["ProductionVariants"][0]["VariantStatus"][0]
    assert status["StatusMessage"] == "Scaling in desired instance count to 2."
    assert "PendingDeploymentSummary" not in event
    for wrong, text in (
        ({"VariantName": "other"}, "Could not find variant"),
        ({"VariantName": "AllTraffic", "DesiredInstanceCount": 0}, "at least 1"),
    ):
        with pytest.raises(ClientError, match=text):
            live.sm.update_endpoint_weights_and_capacities(
                EndpointName="Live", DesiredWeightsAndCapacities=[wrong]
            )


def test_what_a_variant_has_may_be_retained(live: World) -> None:
    wish = {"VariantName": "AllTraffic", "DesiredInstanceCount": 3, "DesiredWeight": 0.5}
    live.sm.update_endpoint_weights_and_capacities(
        EndpointName="Live", DesiredWeightsAndCapacities=[wish]
    )
    settled(live)
    excluded = [{"VariantPropertyType": "DesiredWeight"}]
    update(
        live,
        blue_green("ALL_AT_ONCE"),
        RetainAllVariantProperties=True,
        ExcludeRetainedVariantProperties=excluded,
    )
    assert ("prepare", "second", 3) in live.fakes.host.done
    healthy(live)
    variant = settled(live)["ProductionVariants"][0]
    assert (variant["DesiredInstanceCount"], variant["DesiredWeight"]) == (3, 1.0)
    live.sm.update_endpoint(
        EndpointName="Live", EndpointConfigName="first", RetainDeploymentConfig=True
    )
    until(lambda: ("prepare", "first", 4) in live.fakes.host.done)
    healthy(live)
    assert settled(live)["LastDeploymentConfig"] == blue_green("ALL_AT_ONCE")
    with pytest.raises(ClientError, match="needs RetainAllVariantProperties"):
        live.sm.update_endpoint(
            EndpointName="Live",
            EndpointConfigName="second",
            ExcludeRetainedVariantProperties=excluded,
        )


def test_instances_do_not_become_serverless(live: World) -> None:
    serverless = {"MemorySizeInMB": 2048, "MaxConcurrency": 5}
    variant = {"VariantName": "v", "ModelName": "churn", "ServerlessConfig": serverless}
    live.sm.create_endpoint_config(EndpointConfigName="cheap", ProductionVariants=[variant])
    with pytest.raises(ClientError, match="between instances and serverless"):
        live.sm.update_endpoint(EndpointName="Live", EndpointConfigName="cheap")
    for change, text in (
        ({"MemorySizeInMB": 1500}, "MemorySizeInMB must be one of"),
        ({"ProvisionedConcurrency": 6}, "must not be larger than MaxConcurrency"),
    ):
        wrong = {**variant, "ServerlessConfig": serverless | change}
        with pytest.raises(ClientError, match=text):
            live.sm.create_endpoint_config(EndpointConfigName="x", ProductionVariants=[wrong])


@pytest.mark.parametrize(
    ("deployment", "text"),
    [
        ({}, "either BlueGreenUpdatePolicy or RollingUpdatePolicy"),
        (
            blue_green("ALL_AT_ONCE")
            | {
                "RollingUpdatePolicy": {
                    "MaximumBatchSize": percent(10),
                    "WaitIntervalInSeconds": 0,
                }
            },
            "either BlueGreenUpdatePolicy or RollingUpdatePolicy",
        ),
        (blue_green("CANARY"), "CanarySize must be given"),
        (blue_green("LINEAR"), "LinearStepSize must be given"),
        (blue_green("ALL_AT_ONCE", CanarySize=percent(10)), "for no other"),
        (blue_green("CANARY", CanarySize=instances(3)), "at most 50 percent of the fleet"),
        (blue_green("CANARY", CanarySize=percent(51)), "between 1 and 50 percent"),
        (blue_green("LINEAR", LinearStepSize=percent(9)), "between 10 and 50 percent"),
        (
            {
                "RollingUpdatePolicy": {
                    "MaximumBatchSize": percent(4),
                    "WaitIntervalInSeconds": 0,
                }
            },
            "between 5 and 50 percent",
        ),
    ],
)
def test_a_deployment_keeps_the_rules(deployment: dict[str, Any], text: str) -> None:
    with pytest.raises(ApiError, match=text) as caught:
        check(deployment, old=4, new=4)
    assert caught.value.code == "ValidationException"


def test_linear_steps_add_up() -> None:
    shares = [
        phase.share
        for phase in phases(blue_green("LINEAR", LinearStepSize=percent(30)), old=2, new=10)
        if phase.status == "Baking"
    ]
    assert shares == pytest.approx([0.3, 0.6, 0.9, 1.0])
    one = phases(None, old=1, new=1)
    assert [phase.status for phase in one] == [
        "Creating",
        "ActivatingTraffic",
        "Baking",
        "Deleting",
    ]
