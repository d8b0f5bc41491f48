"""The fake AWS of the simulation against the embedded AWS and the local SageMaker: one contract.

Each step is a call of the product's and what comes of it, as far as the product goes by it: the
kind of error, or the members that it reads.
"""

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.simulation.honest import Ask, outcome
from tests.support.build import plan, profile, spec
from tunewright.adapters.dynamodb import table_definition
from tunewright.domain.request import compile_request

TAGS = {"tunewright:stack": "sim", "tunewright:study": "churn-aaaaaa"}
REQUEST = compile_request(spec(), profile(), plan(), TAGS)
JOB = REQUEST["HyperParameterTuningJobName"]
VARIANT = {
    "VariantName": "AllTraffic", "ModelName": "tw-model", "InitialInstanceCount": 1,
    "InstanceType": "ml.m5.large", "InitialVariantWeight": 1.0,
}  # fmt: skip
MODEL = {
    "ModelName": "tw-model",
    "ExecutionRoleArn": "arn:aws:iam::123456789012:role/hosting",
    "PrimaryContainer": {
        "Image": REQUEST["TrainingJobDefinition"]["AlgorithmSpecification"]["TrainingImage"],
        "ModelDataUrl": "s3://output/model.tar.gz",
    },
}
CONFIG = {"EndpointConfigName": "tw-config", "ProductionVariants": [VARIANT]}
ENDPOINT = {"EndpointName": "tw-prod", "EndpointConfigName": "tw-config", "Tags": []}
NAMED = {"HyperParameterTuningJobName": JOB}


SAGEMAKER: tuple[tuple[str, dict[str, Any], Any], ...] = (
    ("DescribeHyperParameterTuningJob", NAMED, ("ResourceNotFound", "missing")),
    ("StopHyperParameterTuningJob", NAMED, ("ResourceNotFound", "missing")),
    ("ListTrainingJobsForHyperParameterTuningJob", NAMED, ("ResourceNotFound", "missing")),
    ("DescribeTrainingJob", {"TrainingJobName": "tw-x"}, ("ValidationException", "missing")),
    ("CreateHyperParameterTuningJob", REQUEST, {"HyperParameterTuningJobArn"}),
    ("CreateHyperParameterTuningJob", REQUEST, ("ResourceInUse", "taken")),
    ("CreateHyperParameterTuningJob", {**REQUEST, "HyperParameterTuningJobName": JOB.upper()},
     ("ResourceInUse", "taken")),
    ("DescribeHyperParameterTuningJob", NAMED,
     {"HyperParameterTuningJobArn", "HyperParameterTuningJobStatus", "TrainingJobStatusCounters",
      "CreationTime", "HyperParameterTuningJobConfig", "TrainingJobDefinition"}),
    ("ListTrainingJobsForHyperParameterTuningJob", NAMED, {"TrainingJobSummaries"}),
    ("StopHyperParameterTuningJob", NAMED, set()),
    ("CreateEndpointConfig", CONFIG, ("ValidationException", "missing")),
    ("CreateModel", MODEL, {"ModelArn"}),
    ("CreateModel", MODEL, ("ValidationException", "taken")),
    ("CreateEndpointConfig", CONFIG, {"EndpointConfigArn"}),
    ("CreateEndpointConfig", CONFIG, ("ValidationException", "taken")),
    ("DescribeEndpointConfig", {"EndpointConfigName": "tw-config"},
     {"CreationTime", "EndpointConfigArn", "ProductionVariants"}),
    ("DescribeModel", {"ModelName": "tw-model"}, {"CreationTime", "ModelArn"}),
    ("DescribeEndpoint", {"EndpointName": "tw-prod"}, ("ValidationException", "missing")),
    ("CreateEndpoint", {**ENDPOINT, "EndpointConfigName": "tw-no"},
     ("ValidationException", "missing")),
    ("UpdateEndpoint", {k: v for k, v in ENDPOINT.items() if k != "Tags"},
     ("ValidationException", "missing")),
    ("CreateEndpoint", ENDPOINT, {"EndpointArn"}),
    ("CreateEndpoint", ENDPOINT, ("ValidationException", "taken")),
    ("DescribeEndpoint", {"EndpointName": "tw-prod"},
     {"EndpointArn", "EndpointConfigName", "EndpointStatus", "CreationTime"}),
    ("UpdateEndpoint", {k: v for k, v in ENDPOINT.items() if k != "Tags"},
     ("ValidationException", "changing")),
    ("DeleteEndpoint", {"EndpointName": "tw-prod"}, ("ValidationException", "changing")),
    ("DeleteEndpoint", {"EndpointName": "tw-no"}, ("ValidationException", "missing")),
    ("DeleteEndpointConfig", {"EndpointConfigName": "tw-no"}, ("ValidationException", "missing")),
    ("DeleteModel", {"ModelName": "tw-no"}, ("ValidationException", "missing")),
    ("DescribeEndpointConfig", {"EndpointConfigName": "tw-no"}, ("ValidationException", "missing")),
    ("DescribeModel", {"ModelName": "tw-no"}, ("ValidationException", "missing")),
    ("DeleteEndpointConfig", {"EndpointConfigName": "tw-config"}, set()),
    ("DeleteModel", {"ModelName": "tw-model"}, set()),
)  # fmt: skip


def test_sagemaker_answers_and_refuses_alike(ask: Ask) -> None:
    for operation, given, expected in SAGEMAKER:
        told = outcome(ask, "sagemaker", operation, given)
        if isinstance(expected, set):
            assert isinstance(told, dict), (operation, told)
            assert expected <= told.keys(), (operation, told)
        else:
            assert told == expected, operation
    arn = f"arn:aws:sagemaker:us-east-1:{_account(ask)}:hyper-parameter-tuning-job/{JOB}"
    tags = ask("sagemaker", "ListTags", {"ResourceArn": arn})["Tags"]
    assert {each["Key"]: each["Value"] for each in tags} == TAGS


LISTS = (
    ("ListModels", "Models", "ModelName", "tw-lists-{}", {}),
    ("ListEndpoints", "Endpoints", "EndpointName", "tw-lists-{}", {}),
    ("ListHyperParameterTuningJobs", "HyperParameterTuningJobSummaries",
     "HyperParameterTuningJobName", "tw-lists-{}", {"StatusEquals": "InProgress"}),
)  # fmt: skip


def test_lists_are_filtered_ordered_and_cut_into_pages_alike(ask: Ask) -> None:
    for name in ("tw-lists-a", "tw-lists-b", "tw-lists-c"):
        ask("sagemaker", "CreateModel", {**MODEL, "ModelName": name})
        config = {
            "EndpointConfigName": name,
            "ProductionVariants": [{**VARIANT, "ModelName": name}],
        }
        ask("sagemaker", "CreateEndpointConfig", config)
        given = {"EndpointName": name, "EndpointConfigName": name, "Tags": []}
        ask("sagemaker", "CreateEndpoint", given)
        request = {**REQUEST, "HyperParameterTuningJobName": name}
        ask("sagemaker", "CreateHyperParameterTuningJob", request)
    stop = {"HyperParameterTuningJobName": "tw-lists-b"}
    ask("sagemaker", "StopHyperParameterTuningJob", stop)
    for operation, member, name, pattern, more in LISTS:
        wanted = [pattern.format(each) for each in ("ac" if more else "abc")]
        given = {
            "NameContains": "w-lists", "SortBy": "CreationTime", "SortOrder": "Ascending",
            "CreationTimeBefore": datetime(2100, 1, 1, tzinfo=UTC), "MaxResults": 1, **more,
        }  # fmt: skip
        found, token = [], {}
        while token is not None:
            page = ask("sagemaker", operation, {**given, **token})
            assert len(page[member]) == 1
            found += [each[name] for each in page[member]]
            token = {"NextToken": page["NextToken"]} if "NextToken" in page else None
        assert found == wanted, operation
        early = {**given, "CreationTimeBefore": datetime(2000, 1, 1, tzinfo=UTC)}
        assert ask("sagemaker", operation, early)[member] == []


def _account(ask: Ask) -> str:
    told = ask("sagemaker", "DescribeHyperParameterTuningJob", NAMED)
    return str(told["HyperParameterTuningJobArn"].split(":")[4])


def item(kind: str, name: str, sort: str = "-", **fields: Any) -> dict[str, Any]:
    return {"pk": {"S": f"{kind}#{name}"}, "sk": {"S": sort}, **fields}


def put(made: dict[str, Any], condition: str | None = None, **values: Any) -> dict[str, Any]:
    request: dict[str, Any] = {"TableName": "Table", "Item": made}
    if condition is not None:
        request["ConditionExpression"] = condition
        request["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
    if values:
        request["ExpressionAttributeValues"] = {f":{name}": each for name, each in values.items()}
    return request


def query(condition: str, index: str | None, values: dict[str, str], **more: Any) -> dict[str, Any]:
    request = {
        "TableName": "Table", "KeyConditionExpression": condition,
        "ExpressionAttributeValues": {name: {"S": each} for name, each in values.items()}, **more,
    }  # fmt: skip
    return request if index is None else {**request, "IndexName": index}


ONE = item("STUDY", "a", version={"N": "1"}, standing={"S": "live"}, submitted={"S": "2026-01"})
TWO = {**ONE, "version": {"N": "2"}}
MARKED = item("TRIAL", "a", "t1", unfolded={"S": "1#t1"}, rev={"N": "1"})
NEWS = item("DECISION", "a", "000001", unpublished={"S": "yes"}, decided={"S": "2026-02"})
NEW = "attribute_not_exists(pk)"
LOST = item("ORPHAN", "known", "model/tw-x", version={"N": "1"})


def dropped(version: str) -> dict[str, Any]:
    return {
        "TableName": "Table", "Key": {"pk": LOST["pk"], "sk": LOST["sk"]},
        "ConditionExpression": "version = :v", "ExpressionAttributeValues": {":v": {"N": version}},
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }  # fmt: skip


UNMARK = {
    "TableName": "Table", "Key": {"pk": {"S": "TRIAL#a"}, "sk": {"S": "t1"}},
    "UpdateExpression": "REMOVE unfolded",
    "ConditionExpression": "rev = :rev AND attribute_exists(unfolded)",
    "ExpressionAttributeValues": {":rev": {"N": "1"}},
    "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
}  # fmt: skip
LIVE = query("standing = :s AND submitted <= :t", "standing", {":s": "live", ":t": "2026-02"})
REQUESTS: tuple[tuple[str, dict[str, Any], Any], ...] = (
    ("GetItem", {"TableName": "Table", "Key": item("STUDY", "a")}, {}),
    ("PutItem", put(ONE, NEW), {}),
    ("PutItem", put(ONE, NEW), ("refused", ONE)),
    ("PutItem", put(TWO, "version = :v", v={"N": "7"}), ("refused", ONE)),
    ("PutItem", put(item("STUDY", "b"), "version = :v", v={"N": "1"}), ("refused", None)),
    ("TransactWriteItems", {"TransactItems": [{"Put": put(TWO, "version = :v", v={"N": "1"})},
                                              {"Put": put(MARKED)}, {"Put": put(NEWS)}]}, {}),
    ("TransactWriteItems", {"TransactItems": [{"Put": put(ONE, "version = :v", v={"N": "1"})},
                                              {"Update": UNMARK}, {"Put": put(NEWS)}]},
     [("ConditionalCheckFailed", TWO), ("None", None), ("None", None)]),
    ("Query", query("pk = :p", "unfolded", {":p": "TRIAL#a"}, ConsistentRead=True), [MARKED]),
    ("TransactWriteItems", {"TransactItems": [{"Update": UNMARK}, {"Update": UNMARK}]},
     ("ValidationException", "other")),
    ("TransactWriteItems", {"TransactItems": [{"Update": UNMARK}]}, {}),
    ("TransactWriteItems", {"TransactItems": [{"Update": UNMARK}]},
     [("ConditionalCheckFailed", {k: v for k, v in MARKED.items() if k != "unfolded"})]),
    ("Query", query("pk = :p", "unfolded", {":p": "TRIAL#a"}, ConsistentRead=True), []),
    ("Query", query("pk = :p", None, {":p": "TRIAL#a"}),
     [{k: v for k, v in MARKED.items() if k != "unfolded"}]),
    ("Query", LIVE, [{k: TWO[k] for k in ("pk", "sk", "standing", "submitted")}]),
    ("Query", {**LIVE, "ConsistentRead": True}, ("ValidationException", "other")),
    ("Query", query("unpublished = :y AND decided < :t", "unpublished",
                    {":y": "yes", ":t": "2026-03"}), [NEWS]),
    ("Query", query("unpublished = :y AND decided < :t", "unpublished",
                    {":y": "yes", ":t": "2026-02"}), []),
    ("UpdateItem", {"TableName": "Table", "Key": item("DECISION", "a", "000001"),
                    "UpdateExpression": "REMOVE unpublished",
                    "ConditionExpression": "attribute_exists(unpublished)"}, {}),
    ("UpdateItem", {"TableName": "Table", "Key": item("DECISION", "a", "000001"),
                    "UpdateExpression": "REMOVE unpublished",
                    "ConditionExpression": "attribute_exists(unpublished)"}, ("refused", None)),
    ("Query", query("unpublished = :y", "unpublished", {":y": "yes"}), []),
    ("PutItem", put(LOST, NEW), {}),
    ("Query", query("pk = :p", None, {":p": "ORPHAN#known"}), [LOST]),
    ("DeleteItem", dropped("7"), ("refused", LOST)),
    ("DeleteItem", dropped("1"), {}),
    ("DeleteItem", dropped("1"), ("refused", None)),
    ("Query", query("pk = :p", None, {":p": "ORPHAN#known"}), []),
)  # fmt: skip


def test_a_table_keeps_and_refuses_alike(ask: Ask, request: pytest.FixtureRequest) -> None:
    if "embedded" in request.node.callspec.id:
        ask("dynamodb", "CreateTable", table_definition("Table"))
    for number, (operation, given, expected) in enumerate(REQUESTS):
        told = outcome(ask, "dynamodb", operation, given)
        if operation == "Query" and isinstance(told, dict):
            told = told["Items"]
        assert told == expected, (number, operation)


def test_a_table_is_read_page_by_page_in_both_directions(
    ask: Ask, request: pytest.FixtureRequest
) -> None:
    if "embedded" in request.node.callspec.id:
        ask("dynamodb", "CreateTable", {**table_definition("Table"), "TableName": "Pages"})
    table = "Table" if "simulated" in request.node.callspec.id else "Pages"
    for number in range(5):
        made = item("TRIAL", "p", f"t{number}", unfolded={"S": f"{9 - number}"})
        ask("dynamodb", "PutItem", {**put(made), "TableName": table})
    for index, forward in ((None, True), (None, False), ("unfolded", True), ("unfolded", False)):
        given = query("pk = :p", index, {":p": "TRIAL#p"}, Limit=2, ScanIndexForward=forward)
        found, key = [], None
        for _ in range(4):
            more = {} if key is None else {"ExclusiveStartKey": key}
            page = ask("dynamodb", "Query", {**given, "TableName": table, **more})
            found += [each["sk"]["S"] for each in page["Items"]]
            key = page.get("LastEvaluatedKey")
            if key is None:
                break
        rising = forward if index is None else not forward
        assert found == sorted(found, reverse=not rising)
        assert len(found) == 5


def test_a_parameter_that_is_not_there_is_refused_alike(ask: Ask) -> None:
    told = outcome(ask, "ssm", "GetParameter", {"Name": "/sim/none", "WithDecryption": True})
    assert told == ("ParameterNotFound", "other")
