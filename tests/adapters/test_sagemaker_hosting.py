"""SageMaker's models and endpoints: made under one name, deleted whole, never another's."""

import hashlib
from typing import Any

import pytest

from tests.support.build import (
    STUDY_ID,
    deployment,
    profile,
)
from tests.support.recorded_client import (
    ARN,
    INVALID,
    OFFLINE,
    QUOTA,
    TAGS,
    Client,
    error,
    tags,
)
from tunewright.adapters.sagemaker import SageMakerHosting
from tunewright.domain.errors import (
    CapacityError,
    RefusedError,
    SageMakerError,
    UnknownOutcomeError,
)
from tunewright.domain.seen import HostedSeen
from tunewright.domain.spec import Deploy

HOSTED = {
    "EndpointArn": f"{ARN}:endpoint/tw-churn-prod",
    "EndpointConfigName": "tw-churn-aaaaaa-v1",
    "EndpointStatus": "InService",
}


@pytest.mark.parametrize(("stack", "ours"), [("tunewright", True), ("another", False)])
def test_an_endpoint_is_ours_by_its_tag(stack: str, ours: bool) -> None:
    client = Client(describe_endpoint=[HOSTED, HOSTED], list_tags=[tags(TAGS)])
    assert SageMakerHosting(client, None).look("tw-churn-prod", stack) == HostedSeen(
        config="tw-churn-aaaaaa-v1", status="InService", ours=ours, words=None
    )


def test_an_endpoint_that_is_deleted_between_two_calls_is_gone_and_not_anothers() -> None:
    missing = error(INVALID, 'Could not find endpoint "tw-churn-prod".')
    client = Client(describe_endpoint=[HOSTED, missing], list_tags=[tags({})])
    assert SageMakerHosting(client, None).look("tw-churn-prod", "tunewright") is None


def hosting(*answers: Any) -> tuple[Client, SageMakerHosting]:
    first, second = (*answers, {}, {})[:2]
    client = Client(
        create_model=[first],
        create_endpoint_config=[second],
        create_endpoint=[first],
        update_endpoint=[first],
        delete_endpoint=[first],
        delete_endpoint_config=[first],
        delete_model=[second],
        describe_endpoint=[{}],
        describe_endpoint_config=[{}],
        describe_model=[{}],
    )
    return client, SageMakerHosting(client, None)


def make(made: SageMakerHosting, **changes: Any) -> bool:
    return made.make_model(deployment(), Deploy(to="churn-prod", count=2), profile(**changes), TAGS)


def test_a_model_and_its_config_are_made_under_one_name() -> None:
    client, made = hosting()
    assert make(made)
    (_, model), (_, config) = client.calls
    assert model["ModelName"] == config["EndpointConfigName"] == f"tw-{STUDY_ID}-v1"
    assert model["PrimaryContainer"]["ModelDataUrl"] == "s3://output/model.tar.gz"
    assert model["ExecutionRoleArn"] == profile().hosting_role
    assert config["ProductionVariants"][0]["InitialInstanceCount"] == 2
    assert model["Tags"] == config["Tags"] == tags(TAGS)["Tags"]
    assert "VpcConfig" not in model
    assert "KmsKeyId" not in config


def test_the_profiles_network_and_key_are_used() -> None:
    client, made = hosting()
    make(made, subnets=("s",), security_groups=("g",), kms_key="k")
    (_, model), (_, config) = client.calls
    assert model["VpcConfig"] == {"Subnets": ["s"], "SecurityGroupIds": ["g"]}
    assert config["KmsKeyId"] == "k"


def test_a_config_that_is_there_already_is_not_new() -> None:
    there = error(INVALID, 'Cannot create already existing endpoint configuration "x"')
    assert make(hosting(there, {})[1])
    assert not make(hosting(there, there)[1])


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (error(INVALID, "the artifact is no tar.gz"), RefusedError),
        (error("ResourceLimitExceeded", QUOTA), CapacityError),
        (OFFLINE, UnknownOutcomeError),
    ],
)
def test_what_cannot_be_made_raises_why(told: Exception, expected: type[SageMakerError]) -> None:
    with pytest.raises(expected):
        make(hosting(told)[1])


@pytest.mark.parametrize(
    ("update", "operation"), [(False, "create_endpoint"), (True, "update_endpoint")]
)
def test_an_endpoint_is_made_once_and_then_moved(update: bool, operation: str) -> None:
    client, made = hosting()
    made.go_live(deployment(), TAGS, update=update)
    ((called, request),) = client.calls
    assert called == operation
    assert request["EndpointName"] == "tw-churn-prod"
    assert request["EndpointConfigName"] == f"tw-{STUDY_ID}-v1"
    assert ("Tags" in request) is not update


def test_an_endpoint_that_is_there_already_is_left_to_the_next_look() -> None:
    client, made = hosting(error(INVALID, 'Cannot create already existing endpoint "x"'))
    made.go_live(deployment(), TAGS, update=False)
    assert client.operations() == ["create_endpoint"]


def test_an_endpoint_is_deleted_and_then_its_config_and_its_model() -> None:
    client, made = hosting()
    made.delete("tw-churn-prod")
    made.delete_model("tw-churn-v1")
    assert [each for each in client.calls if each[0].startswith("delete")] == [
        ("delete_endpoint", {"EndpointName": "tw-churn-prod"}),
        ("delete_endpoint_config", {"EndpointConfigName": "tw-churn-v1"}),
        ("delete_model", {"ModelName": "tw-churn-v1"}),
    ]


def test_what_is_gone_already_is_not_asked_for_since_iam_would_refuse_what_has_no_tag() -> None:
    gone = error(INVALID, 'Could not find endpoint configuration "x".')
    client = Client(
        describe_endpoint=[gone], describe_endpoint_config=[gone], describe_model=[gone]
    )
    made = SageMakerHosting(client, None)
    made.delete("tw-churn-prod")
    made.delete_model("tw-churn-v1")
    assert len(client.calls) == 3
    assert not any(name.startswith("delete") for name in client.operations())


def test_what_goes_between_the_look_and_the_deletion_is_deleted() -> None:
    client, made = hosting(error(INVALID, 'Could not find endpoint "x".'))
    made.delete("tw-churn-prod")
    assert "delete_endpoint" in client.operations()


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (error(INVALID, 'Cannot update in-progress endpoint "x".'), UnknownOutcomeError),
        (error("AccessDeniedException", "no"), RefusedError),
        (OFFLINE, UnknownOutcomeError),
    ],
)
def test_what_cannot_be_deleted_raises_why(told: Exception, expected: type[SageMakerError]) -> None:
    with pytest.raises(expected):
        hosting(told)[1].delete("tw-churn-prod")


def test_data_is_named_by_its_keys_sizes_and_etags_over_all_pages() -> None:
    def entry(key: str, etag: str = "e") -> dict[str, Any]:
        return {"Key": key, "Size": 1, "ETag": etag}

    def fingerprint(*pages: list[dict[str, Any]]) -> str:
        s3 = Client(list_objects_v2=[{"Contents": page} for page in pages] or [{}])
        found = SageMakerHosting(None, s3).fingerprint("s3://data/train/x")
        assert s3.calls[0][1] == {"Bucket": "data", "Prefix": "train/x"}
        return found

    whole = fingerprint([entry("a"), entry("b")])
    assert fingerprint([entry("a")], [entry("b")]) == whole
    assert len({whole, fingerprint([entry("a"), entry("b", "f")]), fingerprint([entry("a")])}) == 3
    assert fingerprint() == hashlib.sha256().hexdigest()[:16]
