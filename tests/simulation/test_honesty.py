"""The fake AWS of the simulation against the embedded AWS and the local SageMaker: one contract.

Each step is a call of the product's and what comes of it, as far as the product goes by it: the
kind of error, or the members that it reads.
"""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore import xform_name
from botocore.config import Config
from botocore.exceptions import ClientError

from sagemaker_local.server import LocalServer
from tests.local.service.fakes import Fakes
from tests.simulation.dynamodb import Table
from tests.simulation.world import World
from tests.support.build import plan, profile, spec
from tunewright.adapters.dynamodb import table_definition
from tunewright.adapters.sagemaker import _is_missing, _is_taken
from tunewright.domain.request import compile_request

Ask = Callable[[str, str, dict[str, Any]], Any]
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


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalServer]:
    with LocalServer(tmp_path_factory.mktemp("aws"), parts=Fakes().parts) as made:
        yield made


@pytest.fixture(params=["simulated", "embedded"])
def ask(request: pytest.FixtureRequest) -> Iterator[Ask]:
    if request.param == "simulated":
        made = World("honesty")
        made.tables["Table"] = Table(lambda: 0.0, lambda *_: None, lambda: 0.0)
        yield made.api
        made.clock.close()
        return
    url = request.getfixturevalue("server").url
    clients = {
        name: boto3.client(
            name, endpoint_url=url, region_name="us-east-1", aws_access_key_id="test",
            aws_secret_access_key="test", config=Config(retries={"total_max_attempts": 1}),
        )
        for name in ("sagemaker", "dynamodb", "sqs", "ssm", "sns", "events", "s3")
    }  # fmt: skip
    yield lambda service, operation, given: getattr(clients[service], xform_name(operation))(
        **given
    )
    for each in clients.values():
        each.close()


def outcome(ask: Ask, service: str, operation: str, given: dict[str, Any]) -> Any:
    """What came of a call: its answer without the wire's own members, or the kind of its error."""
    try:
        answer = ask(service, operation, given)
    except ClientError as error:
        told = error.response["Error"]
        if told["Code"] == "TransactionCanceledException":
            reasons = error.response["CancellationReasons"]
            return [(each["Code"], each.get("Item")) for each in reasons]
        if told["Code"] == "ConditionalCheckFailedException":
            return ("refused", error.response.get("Item"))
        if "in-progress" in told["Message"]:
            return (told["Code"], "changing")
        kind = "taken" if _is_taken(error) else "missing" if _is_missing(error) else "other"
        return (told["Code"], kind)
    return {name: value for name, value in answer.items() if name != "ResponseMetadata"}


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
      "CreationTime"}),
    ("ListTrainingJobsForHyperParameterTuningJob", NAMED, {"TrainingJobSummaries"}),
    ("StopHyperParameterTuningJob", NAMED, set()),
    ("CreateEndpointConfig", CONFIG, ("ValidationException", "missing")),
    ("CreateModel", MODEL, {"ModelArn"}),
    ("CreateModel", MODEL, ("ValidationException", "taken")),
    ("CreateEndpointConfig", CONFIG, {"EndpointConfigArn"}),
    ("CreateEndpointConfig", CONFIG, ("ValidationException", "taken")),
    ("DescribeEndpointConfig", {"EndpointConfigName": "tw-config"}, {"CreationTime"}),
    ("DescribeModel", {"ModelName": "tw-model"}, {"CreationTime"}),
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


def queue_url(ask: Ask, request: pytest.FixtureRequest, name: str) -> str:
    if "simulated" in request.node.callspec.id:
        return f"https://sqs.us-east-1.amazonaws.com/123456789012/{name}"
    return str(ask("sqs", "CreateQueue", {"QueueName": name})["QueueUrl"])


def test_a_message_is_taken_alike(ask: Ask, request: pytest.FixtureRequest) -> None:
    url = queue_url(ask, request, "WakeQueue")
    sent = [ask("sqs", "SendMessage", {"QueueUrl": url, "MessageBody": "{}"}) for _ in range(2)]
    assert len({each["MessageId"] for each in sent}) == 2


def test_a_queue_hides_hands_out_again_and_gives_up_alike(tmp_path: Path) -> None:
    """What a function's event source sees, which no call of ours does."""
    made = World("honesty")
    queue = made.carriers.queues["WakeQueue"]
    queue.most, queue.poll = 2, lambda: None
    simulated = _lives_of_a_message(
        lambda: queue.send("x"),
        lambda: [each.body for _, each in queue.receive(10)],
        lambda: setattr(made.clock, "now", made.clock.now + queue.hidden),
        lambda: [each.body for each in queue.dead.messages.values()] if queue.dead else [],
    )
    made.clock.close()
    with LocalServer(tmp_path, parts=Fakes().parts) as aws:
        sqs = boto3.client("sqs", endpoint_url=aws.url, region_name="us-east-1",
                           aws_access_key_id="test", aws_secret_access_key="test")  # fmt: skip
        dead = sqs.create_queue(QueueName="dead")["QueueUrl"]
        named = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])
        policy = {"deadLetterTargetArn": named["Attributes"]["QueueArn"], "maxReceiveCount": "2"}
        url = sqs.create_queue(
            QueueName="source", Attributes={"RedrivePolicy": json.dumps(policy)}
        )["QueueUrl"]
        held: list[str] = []

        def receive(of: str = url) -> list[str]:
            found = sqs.receive_message(QueueUrl=of, MaxNumberOfMessages=10).get("Messages", [])
            held[:] = [each["ReceiptHandle"] for each in found]
            return [each["Body"] for each in found]

        def show_again() -> None:
            for each in held:
                sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=each, VisibilityTimeout=0)

        embedded = _lives_of_a_message(
            lambda: sqs.send_message(QueueUrl=url, MessageBody="x"), receive, show_again,
            lambda: receive(dead),
        )  # fmt: skip
        sqs.close()
    assert simulated == embedded == [["x"], ["x"], [], ["x"]]


def _lives_of_a_message(
    send: Callable[[], object],
    receive: Callable[[], list[str]],
    wait: Callable[[], object],
    dead: Callable[[], list[str]],
) -> list[list[str]]:
    send()
    seen = []
    for _ in range(3):
        seen.append(receive())
        wait()
    return [*seen, dead()]


def test_a_topic_takes_a_message_and_refuses_a_subject_alike(
    ask: Ask, request: pytest.FixtureRequest
) -> None:
    arn = "arn:aws:sns:us-east-1:123456789012:Topic"
    if "embedded" in request.node.callspec.id:
        arn = ask("sns", "CreateTopic", {"Name": "Topic"})["TopicArn"]
    words = json.dumps({"default": "words", "lambda": json.dumps({"id": "churn/00001"})})
    given = {
        "TopicArn": arn, "Subject": "churn - done", "Message": words, "MessageStructure": "json",
        "MessageAttributes": {"study": {"DataType": "String", "StringValue": "churn"}},
    }  # fmt: skip
    assert "MessageId" in outcome(ask, "sns", "Publish", given)


def test_a_bus_takes_an_event_alike(ask: Ask, request: pytest.FixtureRequest) -> None:
    if "embedded" in request.node.callspec.id:
        ask("events", "CreateEventBus", {"Name": "Bus"})
    entry = {
        "EventBusName": "Bus", "Source": "tunewright", "DetailType": "Tunewright Decision",
        "Detail": json.dumps({"id": "churn/00001"}),
    }  # fmt: skip
    told = outcome(ask, "events", "PutEvents", {"Entries": [entry]})
    assert told["FailedEntryCount"] == 0
    assert [each.keys() for each in told["Entries"]] == [{"EventId"}]


def test_data_is_listed_page_by_page_alike(ask: Ask, request: pytest.FixtureRequest) -> None:
    if "embedded" in request.node.callspec.id:
        ask("s3", "CreateBucket", {"Bucket": "data"})
        for number in range(2):
            key = f"validation/part-{number}.csv"
            ask("s3", "PutObject", {"Bucket": "data", "Key": key, "Body": b"x" * (10 + number)})
    found, token = [], None
    for _ in range(3):
        more = {} if token is None else {"ContinuationToken": token}
        given = {"Bucket": "data", "Prefix": "validation/", "MaxKeys": 1, **more}
        page = outcome(ask, "s3", "ListObjectsV2", given)
        found += [(each["Key"], each["Size"], each["ETag"][0]) for each in page["Contents"]]
        token = page.get("NextContinuationToken")
        assert page["IsTruncated"] == (token is not None)
        if token is None:
            break
    assert found == [(f"validation/part-{n}.csv", 10 + n, '"') for n in range(2)]


def test_a_parameter_that_is_not_there_is_refused_alike(ask: Ask) -> None:
    told = outcome(ask, "ssm", "GetParameter", {"Name": "/sim/none", "WithDecryption": True})
    assert told == ("ParameterNotFound", "other")
