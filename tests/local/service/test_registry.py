"""Model packages: versions of a group, their approval, and the models made of them."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.local.service.conftest import World, until
from tests.local.service.fakes import XGBOOST

DATA = "s3://data/out/model.tar.gz"
SPECIFICATION = {
    "Containers": [{"Image": XGBOOST, "ModelDataUrl": DATA}],
    "SupportedContentTypes": ["text/csv"],
    "SupportedResponseMIMETypes": ["text/csv"],
}


def package(world: World, **members: Any) -> str:
    request = {"InferenceSpecification": SPECIFICATION, **members}
    return world.sm.create_model_package(**request)["ModelPackageArn"]


def refusal(ask: Any, **members: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        ask(**members)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def test_packages_of_a_group_are_versions_that_wait_for_approval(world: World) -> None:
    sm = world.sm
    tags = [{"Key": "team", "Value": "a"}]
    sm.create_model_package_group(ModelPackageGroupName="churn", Tags=tags)
    arns = [package(world, ModelPackageGroupName="churn") for _ in range(2)]
    assert [arn.rpartition("/")[2] for arn in arns] == ["1", "2"]
    shown = sm.describe_model_package(ModelPackageName=arns[0])
    assert shown["ModelApprovalStatus"] == "PendingManualApproval"
    assert shown["ModelPackageStatus"] == "Completed"
    assert shown["InferenceSpecification"] == SPECIFICATION
    assert sm.list_tags(ResourceArn=arns[0])["Tags"] == tags
    sm.update_model_package(
        ModelPackageArn=arns[1], ModelApprovalStatus="Approved", ApprovalDescription="it is good"
    )
    approved = sm.list_model_packages(
        ModelPackageGroupName="churn", ModelApprovalStatus="Approved"
    )["ModelPackageSummaryList"]
    assert [each["ModelPackageVersion"] for each in approved] == [2]
    newest = sm.list_model_packages(
        ModelPackageGroupName="churn", SortBy="CreationTime", SortOrder="Descending", MaxResults=1
    )
    assert newest["ModelPackageSummaryList"][0]["ModelPackageArn"] == arns[1]
    kind = "SageMaker Model Package State Change"

    def told() -> Any:
        found = [each["detail"] for each in world.events if each["detail-type"] == kind]
        return found if len(found) == 3 else None

    assert [each["ModelApprovalStatus"] for each in until(told)] == [
        "PendingManualApproval",
        "PendingManualApproval",
        "Approved",
    ]


def test_a_version_is_not_given_twice_and_a_full_group_stays(world: World) -> None:
    sm = world.sm
    sm.create_model_package_group(ModelPackageGroupName="g", ModelPackageGroupDescription="d")
    first = package(world, ModelPackageGroupName="g")
    code, text = refusal(sm.delete_model_package_group, ModelPackageGroupName="g")
    assert (code, "not empty" in text) == ("ConflictException", True)
    sm.delete_model_package(ModelPackageName=first)
    assert package(world, ModelPackageGroupName="g").endswith("/2")
    sm.delete_model_package(ModelPackageName=f"{first[:-1]}2")
    sm.delete_model_package_group(ModelPackageGroupName="g")
    assert sm.list_model_package_groups()["ModelPackageGroupSummaryList"] == []


def test_a_package_may_have_a_name_of_its_own(world: World) -> None:
    sm = world.sm
    arn = package(world, ModelPackageName="mine", Tags=[{"Key": "a", "Value": "b"}])
    shown = sm.describe_model_package(ModelPackageName="mine")
    assert shown["ModelPackageArn"] == arn
    assert "ModelPackageVersion" not in shown
    assert "ModelApprovalStatus" not in shown
    (summary,) = sm.list_model_packages()["ModelPackageSummaryList"]
    assert summary["ModelPackageName"] == "mine"
    code, _ = refusal(lambda: package(world, ModelPackageName="mine"))
    assert code == "ConflictException"


def test_the_same_token_gives_the_same_package(world: World) -> None:
    world.sm.create_model_package_group(ModelPackageGroupName="g")
    first, second = (package(world, ModelPackageGroupName="g", ClientToken="t") for _ in range(2))
    assert first == second


def test_what_is_not_a_package_is_refused(shared: World) -> None:
    sm = shared.sm
    sm.create_model_package_group(ModelPackageGroupName="there")
    for ask, members, text in (
        (sm.create_model_package, {}, "Either ModelPackageName or"),
        (sm.create_model_package, {"ModelPackageGroupName": "not"}, "does not exist"),
        (
            sm.create_model_package,
            {"ModelPackageGroupName": "there", "Tags": [{"Key": "a", "Value": "b"}]},
            "takes the group's tags",
        ),
        (sm.describe_model_package, {"ModelPackageName": "nobody"}, "does not exist"),
        (sm.describe_model_package_group, {"ModelPackageGroupName": "nobody"}, "does not exist"),
        (sm.create_model_package_group, {"ModelPackageGroupName": "there"}, "already exists"),
    ):
        code, message = refusal(ask, **members)
        assert code == "ValidationException"
        assert text in message


def test_a_model_of_a_package_is_served_by_its_container(world: World) -> None:
    sm = world.sm
    sm.create_model_package_group(ModelPackageGroupName="g")
    arn = package(world, ModelPackageGroupName="g")
    sm.create_model(
        ModelName="m",
        Containers=[{"ModelPackageName": arn}],
        ExecutionRoleArn="arn:aws:iam::123456789012:role/Hosting",
    )
    assert sm.describe_model(ModelName="m")["Containers"] == [{"ModelPackageName": arn}]
    variant = {
        "VariantName": "AllTraffic",
        "ModelName": "m",
        "InstanceType": "ml.m5.large",
        "InitialInstanceCount": 1,
    }
    sm.create_endpoint_config(EndpointConfigName="c", ProductionVariants=[variant])
    sm.create_endpoint(EndpointName="e", EndpointConfigName="c")
    until(lambda: "e" in world.fakes.host.listeners)
    assert world.fakes.host.containers["e"]["Image"] == XGBOOST
    assert world.fakes.host.containers["e"]["ModelDataUrl"] == DATA
