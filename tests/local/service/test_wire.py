"""The protocol: what is refused before it is understood, and what the real SDKs send."""

import json
from pathlib import Path
from typing import Any

import pytest
import urllib3
from botocore.exceptions import ClientError

from sagemaker_local.api_model import service_model
from sagemaker_local.operations import OPERATIONS
from sagemaker_local.validation import _compiled, checked
from tests.local.service.conftest import World, client
from tests.local.service.fakes import tuning_request

CAPTURED = sorted((Path(__file__).parent / "captured").glob("*.json"))


def post(world: World, operation: str, body: Any, target: Any = "SageMaker.") -> Any:
    with urllib3.PoolManager() as pool:
        return pool.request(
            "POST",
            world.server.url,
            body=body if isinstance(body, bytes) else json.dumps(body),
            headers={
                "X-Amz-Target": f"{target}{operation}",
                "Content-Type": "application/x-amz-json-1.1",
            },
        )


def refused(world: World, operation: str, body: Any) -> Any:
    answer = post(world, operation, body)
    assert answer.status == 400
    assert answer.headers["x-amzn-RequestId"]
    assert answer.headers["content-type"] == "application/x-amz-json-1.1"
    error = answer.json()
    return error["__type"], error["message"]


def test_a_long_name_is_refused_as_aws_refuses_it(shared: World) -> None:
    name = "x" * 40
    code, message = refused(
        shared, "DescribeHyperParameterTuningJob", {"HyperParameterTuningJobName": name}
    )
    assert code == "ValidationException"
    assert (
        f"detected: Value '{name}' at 'hyperParameterTuningJobName' failed to satisfy constraint: "
        "Member must have length less than or equal to 32; "
    ) in message


def test_all_faults_are_told_at_once_with_their_places(shared: World) -> None:
    request = tuning_request("a--")
    config = request["HyperParameterTuningJobConfig"]
    config["Strategy"] = "Guess"
    config["ResourceLimits"]["MaxParallelTrainingJobs"] = 0
    config["ParameterRanges"]["IntegerParameterRanges"][0]["Name"] = "n" * 257
    del request["TrainingJobDefinition"]["RoleArn"]
    request["Tags"] = [{"Key": "", "Value": "v"}]
    code, message = refused(shared, "CreateHyperParameterTuningJob", request)
    assert code == "ValidationException"
    assert message.startswith("6 validation errors detected: ")
    for part in (
        "Value 'a--' at 'hyperParameterTuningJobName' failed to satisfy constraint: Member must "
        "satisfy regular expression pattern: ",
        "Value 'Guess' at 'hyperParameterTuningJobConfig.strategy' failed to satisfy constraint: "
        "Member must satisfy enum value set: [",
        "Value '0' at 'hyperParameterTuningJobConfig.resourceLimits.maxParallelTrainingJobs' failed"
        " to satisfy constraint: Member must have value greater than or equal to 1",
        "parameterRanges.integerParameterRanges.1.member.name' failed",
        "Value null at 'trainingJobDefinition.roleArn' failed to satisfy constraint: Member must "
        "not be null",
        "Value '' at 'tags.1.member.key' failed to satisfy constraint: Member must have length "
        "greater than or equal to 1",
    ):
        assert part in message


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({"HyperParameterTuningJobName": 7}, "NUMBER_VALUE can not be converted to a String"),
        ({"HyperParameterTuningJobName": ["x"]}, "LIST_VALUE can not be converted to a String"),
        (b"{", "no JSON"),
        ([], "converted to a Structure"),
        ({"HyperParameterTuningJobName": float("nan")}, "NaN is not a number of JSON"),
    ],
)
def test_what_has_the_wrong_type_cannot_be_read(shared: World, body: Any, text: str) -> None:
    code, message = refused(shared, "DescribeHyperParameterTuningJob", body)
    assert code == "SerializationException"
    assert text in message


@pytest.mark.parametrize("moment", [1e20, [1], "yesterday"])
def test_what_is_no_moment_cannot_be_read(shared: World, moment: Any) -> None:
    code, message = refused(shared, "ListModels", {"CreationTimeAfter": moment})
    assert (code, message) == ("SerializationException", f"{moment} is not a timestamp")


def test_unknown_members_are_ignored(shared: World) -> None:
    answer = post(shared, "ListHyperParameterTuningJobs", {"Colour": "blue"})
    assert answer.status == 200


@pytest.mark.parametrize("operation", ["CreateProcessingJob", "InventTrainingJob"])
def test_an_operation_that_is_not_run_is_named(shared: World, operation: str) -> None:
    code, message = refused(shared, operation, {"ProcessingJobName": "!"})
    assert code == "UnknownOperationException"
    assert operation in message


def test_an_operation_of_the_runtime_that_is_not_run_is_named(shared: World) -> None:
    runtime = client("sagemaker-runtime", shared.server.url)
    for name, ask in (
        (
            "InvokeEndpointAsync",
            lambda: runtime.invoke_endpoint_async(EndpointName="e", InputLocation="s3://data/in"),
        ),
        (
            "InvokeEndpointWithResponseStream",
            lambda: runtime.invoke_endpoint_with_response_stream(EndpointName="e", Body=b"1"),
        ),
    ):
        with pytest.raises(ClientError, match=f"does not run the operation '{name}'") as caught:
            ask()
        assert caught.value.response["Error"]["Code"] == "UnknownOperationException"
    runtime.close()


def test_every_operation_is_one_of_the_model() -> None:
    assert set(OPERATIONS) <= set(service_model().operation_names)


def test_patterns_of_java_are_applied() -> None:
    tag = service_model().shape_for("TagKey")
    assert _compiled(tag.metadata["pattern"]).fullmatch("Größe")
    assert not _compiled(tag.metadata["pattern"]).fullmatch("a!")
    unreadable = service_model().shape_for("TableName").metadata["pattern"]
    assert _compiled(unreadable) is None
    assert checked(
        service_model().shape_for("AddTagsInput"),
        {"ResourceArn": "arn:aws:sagemaker:us-east-1:123456789012:model/m", "Tags": []},
    )


def test_there_are_three_ways_not_to_be_found(shared: World) -> None:
    sm = shared.sm
    with pytest.raises(sm.exceptions.ResourceNotFound) as caught:
        shared.job("nobody")
    text = caught.value.response["Error"]["Message"]
    assert text.startswith("Amazon SageMaker can't find a tuning job")
    for ask, text in (
        (lambda: shared.training("nobody"), "Requested resource not found."),
        (lambda: sm.describe_model(ModelName="m"), "Could not find model "),
        (lambda: sm.describe_endpoint(EndpointName="e"), "Could not find endpoint "),
        (
            lambda: sm.delete_endpoint_config(EndpointConfigName="c"),
            "Could not find endpoint configuration ",
        ),
    ):
        with pytest.raises(ClientError) as caught:
            ask()
        error = caught.value.response["Error"]
        assert error["Code"] == "ValidationException"
        assert error["Message"].startswith(text)


def test_an_error_of_the_model_has_its_text_under_the_models_name(shared: World) -> None:
    request = {"HyperParameterTuningJobName": "nobody"}
    error = post(shared, "DescribeHyperParameterTuningJob", request).json()
    assert error["__type"] == "ResourceNotFound"
    assert error["Message"] == error["message"]
    with pytest.raises(shared.sm.exceptions.ResourceNotFound) as caught:
        shared.job("nobody")
    assert caught.value.response["Message"] == error["Message"]


@pytest.mark.parametrize("path", CAPTURED, ids=[path.stem for path in CAPTURED])
def test_what_the_sdks_send_is_taken(shared: World, path: Path) -> None:
    request = json.loads(path.read_text())
    request["HyperParameterTuningJobName"] = path.stem.replace("guide", "g")[:32].strip("-")
    request.pop("WarmStartConfig", None)
    answer = post(shared, "CreateHyperParameterTuningJob", request)
    assert answer.status == 200, answer.json()


def test_a_token_is_of_one_list_in_one_order(shared: World) -> None:
    for number in range(2):
        shared.create(tuning_request(f"token-{number}"))
    page = {"NameContains": "token-", "MaxResults": 1}
    _, message = refused(
        shared, "ListHyperParameterTuningJobs", {**page, "NextToken": "bm9uc2Vuc2U="}
    )
    assert message == "The NextToken is not valid."
    first = post(shared, "ListHyperParameterTuningJobs", {**page, "SortBy": "CreationTime"}).json()
    told = {**page, "NextToken": first["NextToken"]}
    assert refused(shared, "ListHyperParameterTuningJobs", told) == (
        "ValidationException",
        "The NextToken is not valid.",
    )


def test_requests_are_remembered_as_they_came(shared: World) -> None:
    shared.server.sagemaker.requests.clear()
    post(shared, "ListHyperParameterTuningJobs", {"Colour": "blue"})
    refused(shared, "DescribeTrainingJob", {"TrainingJobName": "nobody"})
    seen = [(r.operation, r.body, r.outcome) for r in shared.server.sagemaker.requests]
    assert seen == [
        ("ListHyperParameterTuningJobs", {"Colour": "blue"}, "OK"),
        ("DescribeTrainingJob", {"TrainingJobName": "nobody"}, "ValidationException"),
    ]
