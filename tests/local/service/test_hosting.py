"""Models, configurations and endpoints, with a host that is healthy when the test says so."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sagemaker_local.hosting.invocation import Invocation
from tests.local.service.conftest import World, client, until
from tests.local.service.fakes import XGBOOST

MODEL = {
    "ModelName": "churn",
    "ExecutionRoleArn": "arn:aws:iam::123456789012:role/Server",
    "PrimaryContainer": {"Image": XGBOOST, "ModelDataUrl": "s3://data/out/model.tar.gz"},
}
VARIANT = {
    "VariantName": "AllTraffic",
    "ModelName": "churn",
    "InstanceType": "ml.m5.large",
    "InitialInstanceCount": 1,
    "InitialVariantWeight": 1.0,
}


def config(name: str, **further: Any) -> Any:
    return {"EndpointConfigName": name, "ProductionVariants": [{**VARIANT, **further}]}


@pytest.fixture
def hosting(world: World) -> Any:
    world.sm.create_model(**MODEL)
    world.sm.create_endpoint_config(**config("first"))
    world.sm.create_endpoint_config(**config("second"))
    world.sm.create_endpoint(EndpointName="Live", EndpointConfigName="first")
    until(lambda: "Live" in world.fakes.host.listeners)
    return world


def endpoint(world: World) -> Any:
    return world.sm.describe_endpoint(EndpointName="Live")


def tell(world: World, status: Any, reason: str | None = None) -> None:
    """Have the host say something, and wait until it is noted."""
    before = endpoint(world)["LastModifiedTime"]
    world.fakes.host.listeners["Live"](status, reason)
    until(lambda: endpoint(world)["LastModifiedTime"] != before)


def settled(world: World) -> Any:
    """The endpoint, once it is neither being updated nor rolled back."""
    until(lambda: endpoint(world)["EndpointStatus"] not in {"Updating", "RollingBack"})
    return endpoint(world)


def test_an_endpoint_comes_up_and_answers(hosting: World) -> None:
    assert endpoint(hosting)["EndpointStatus"] == "Creating"
    runtime = client("sagemaker-runtime", hosting.server.url)
    with pytest.raises(ClientError, match="not in service") as caught:
        runtime.invoke_endpoint(EndpointName="Live", Body=b"1")
    assert caught.value.response["Error"]["Code"] == "ValidationError"
    tell(hosting, "InService")
    assert endpoint(hosting)["ProductionVariants"][0]["CurrentInstanceCount"] == 1
    answer = runtime.invoke_endpoint(EndpointName="Live", Body=b"1", ContentType="text/csv")
    assert answer["Body"].read() == b"0.5"
    assert answer["ContentType"] == "text/csv"
    assert answer["InvokedProductionVariant"] == "AllTraffic"
    hosting.fakes.host.answer = Invocation.model_error(415, b"what is that?", "log")
    with pytest.raises(runtime.exceptions.ModelError) as error:
        runtime.invoke_endpoint(EndpointName="Live", Body=b"1")
    assert error.value.response["OriginalStatusCode"] == 415
    assert error.value.response["OriginalMessage"] == "what is that?"
    with pytest.raises(ClientError, match="Endpoint live of account 123456789012 not found"):
        runtime.invoke_endpoint(EndpointName="live", Body=b"1")
    runtime.close()
    until(lambda: hosting.events[-1]["detail"]["EndpointStatus"] == "IN_SERVICE")


def test_models_that_take_their_time_hold_up_nobody_else(
    hosting: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    tell(hosting, "InService")
    go_on, asked = threading.Event(), threading.Semaphore(0)

    def slow(*_: Any) -> Invocation:
        asked.release()
        go_on.wait(20)
        return hosting.fakes.host.answer

    monkeypatch.setattr(hosting.fakes.host, "invoke", slow)
    runtime = client("sagemaker-runtime", hosting.server.url)
    many = 80  # more than there are threads for all other requests
    with ThreadPoolExecutor(many) as pool:
        asking = [
            pool.submit(runtime.invoke_endpoint, EndpointName="Live", Body=b"1")
            for _ in range(many)
        ]
        assert all(asked.acquire(timeout=10) for _ in range(many))
        assert endpoint(hosting)["EndpointStatus"] == "InService"
        go_on.set()
        assert all(each.result()["Body"].read() == b"0.5" for each in asking)
    runtime.close()


def test_a_model_that_does_not_come_up_fails_its_endpoint(hosting: World) -> None:
    tell(hosting, "Failed", "The primary container did not pass the ping health check.")
    described = endpoint(hosting)
    assert described["EndpointStatus"] == "Failed"
    assert described["FailureReason"].startswith("The primary container")


def test_an_update_replaces_what_is_served(hosting: World) -> None:
    tell(hosting, "InService")
    hosting.sm.update_endpoint(EndpointName="Live", EndpointConfigName="second")
    described = endpoint(hosting)
    assert (described["EndpointStatus"], described["EndpointConfigName"]) == ("Updating", "first")
    for busy in (
        lambda: hosting.sm.update_endpoint(EndpointName="Live", EndpointConfigName="second"),
        lambda: hosting.sm.delete_endpoint(EndpointName="Live"),
    ):
        with pytest.raises(ClientError, match="Cannot update in-progress endpoint"):
            busy()
    until(lambda: hosting.fakes.host.done)
    hosting.fakes.host.listeners["Live"]("InService", None)
    described = settled(hosting)
    assert (described["EndpointStatus"], described["EndpointConfigName"]) == ("InService", "second")
    assert hosting.fakes.host.done == [
        ("prepare", "second", 1),
        ("route", 1.0),
        ("route", 1.0),
        ("route", 1.0),
        ("promote",),
    ]


def test_a_failed_update_leaves_the_old_one_serving(hosting: World) -> None:
    tell(hosting, "InService")
    hosting.sm.update_endpoint(EndpointName="Live", EndpointConfigName="second")
    until(lambda: hosting.fakes.host.done)
    hosting.fakes.host.listeners["Live"]("Failed", "no health")
    described = settled(hosting)
    assert (described["EndpointStatus"], described["EndpointConfigName"]) == ("InService", "first")
    assert described["FailureReason"] == "no health"


def test_a_deleted_endpoint_is_gone(hosting: World) -> None:
    tell(hosting, "InService")
    hosting.sm.delete_endpoint(EndpointName="Live")
    until(lambda: hosting.sm.list_endpoints()["Endpoints"] == [])
    assert hosting.fakes.host.stopped == ["Live"]
    until(lambda: hosting.events[-1]["detail"]["EndpointStatus"] == "DELETED")


def test_an_endpoint_is_served_again_after_a_restart(hosting: World) -> None:
    tell(hosting, "InService")
    hosting.restart()
    until(lambda: hosting.fakes.host.started == ["reaped", "Live", "reaped", "Live"])
    assert endpoint(hosting)["EndpointStatus"] == "InService"


def test_what_was_made_at_a_moment_is_after_it(hosting: World) -> None:
    """Of models, configurations and endpoints; a job must be later."""
    sm = hosting.sm
    made = sm.describe_model(ModelName="churn")["CreationTime"]
    at = {"CreationTimeAfter": made.timestamp()}
    assert [each["ModelName"] for each in sm.list_models(**at)["Models"]] == ["churn"]
    assert sm.list_models(CreationTimeBefore=made.timestamp())["Models"] == []


def test_an_endpoint_needs_its_model_only_once(hosting: World) -> None:
    tell(hosting, "InService")
    hosting.sm.delete_model(ModelName="churn")
    hosting.sm.delete_endpoint_config(EndpointConfigName="first")
    served = hosting.fakes.host.containers.pop("Live")
    hosting.restart()
    assert until(lambda: hosting.fakes.host.containers.get("Live")) == served
    assert endpoint(hosting)["EndpointStatus"] == "InService"
    for ask in (
        lambda: hosting.sm.update_endpoint(EndpointName="Live", EndpointConfigName="second"),
        lambda: hosting.sm.create_endpoint(EndpointName="new", EndpointConfigName="second"),
    ):
        with pytest.raises(ClientError, match="Could not find model "):
            ask()


def test_names_are_taken_and_things_are_missing_in_the_words_of_hosting(hosting: World) -> None:
    sm = hosting.sm
    for again, text in (
        (lambda: sm.create_model(**MODEL), "Cannot create already existing model "),
        (
            lambda: sm.create_endpoint_config(**config("FIRST")),
            "Cannot create already existing endpoint configuration ",
        ),
        (
            lambda: sm.create_endpoint(EndpointName="LIVE", EndpointConfigName="first"),
            "Cannot create already existing endpoint ",
        ),
        (
            lambda: sm.create_endpoint(EndpointName="other", EndpointConfigName="none"),
            "Could not find endpoint configuration ",
        ),
        (
            lambda: sm.create_endpoint_config(**config("third", ModelName="none")),
            "Could not find model ",
        ),
    ):
        with pytest.raises(ClientError) as caught:
            again()
        error = caught.value.response["Error"]
        assert error["Code"] == "ValidationException"
        assert error["Message"].startswith(text)


def test_serverless_or_instances_but_one_of_them(hosting: World) -> None:
    serverless = {"MemorySizeInMB": 2048, "MaxConcurrency": 5}
    with pytest.raises(ClientError, match="either ServerlessConfig, or"):
        hosting.sm.create_endpoint_config(**config("both", ServerlessConfig=serverless))
    variant = {"VariantName": "v", "ModelName": "churn", "ServerlessConfig": serverless}
    hosting.sm.create_endpoint_config(EndpointConfigName="s", ProductionVariants=[variant])
    described = hosting.sm.describe_endpoint_config(EndpointConfigName="s")
    assert described["ProductionVariants"][0]["ServerlessConfig"] == serverless
    source = {"S3DataType": "S3Prefix", "CompressionType": "None", "S3Uri": "s3://data/out/"}
    container = {"Image": XGBOOST, "ModelDataSource": {"S3DataSource": source}}
    for name, more in (
        ("VpcConfig", {"VpcConfig": {"SecurityGroupIds": ["sg-1"], "Subnets": ["subnet-1"]}}),
        ("EnableNetworkIsolation", {"EnableNetworkIsolation": True}),
        ("ModelDataSource", {"PrimaryContainer": container}),
    ):
        hosting.sm.create_model(**{**MODEL, "ModelName": name, **more})
        with pytest.raises(ClientError, match=f"serverless endpoint cannot have .*{name}"):
            hosting.sm.create_endpoint_config(
                EndpointConfigName=name, ProductionVariants=[{**variant, "ModelName": name}]
            )


def test_tags_can_be_added_listed_and_removed(hosting: World) -> None:
    arn = hosting.sm.describe_model(ModelName="churn")["ModelArn"]
    tags = [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}]
    assert hosting.sm.add_tags(ResourceArn=arn, Tags=tags)["Tags"] == tags
    hosting.sm.add_tags(ResourceArn=arn, Tags=[{"Key": "a", "Value": "3"}])
    hosting.sm.delete_tags(ResourceArn=arn, TagKeys=["b", "c"])
    assert hosting.sm.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "a", "Value": "3"}]
    many = [{"Key": f"k{n}", "Value": ""} for n in range(50)]
    with pytest.raises(ClientError, match="at most 50 tags"):
        hosting.sm.add_tags(ResourceArn=arn, Tags=many)
    with pytest.raises(ClientError, match="Could not find the resource"):
        hosting.sm.list_tags(ResourceArn=arn.replace("churn", "none"))
