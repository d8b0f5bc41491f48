"""The fake SQS, SNS, EventBridge and S3 against the embedded AWS: one contract."""

import json
from collections.abc import Callable
from pathlib import Path

import boto3
import pytest

from sagemaker_local.server import LocalServer
from tests.local.service.fakes import Fakes
from tests.simulation.honest import Ask, outcome
from tests.simulation.world import World


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
