"""A server killed while clients write: what was acknowledged is there, once and whole."""

import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from tests.local.service.conftest import client, kill, until

ROOT = Path(__file__).parents[2]
TABLE = {
    "TableName": "written",
    "BillingMode": "PAY_PER_REQUEST",
    "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
    "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
}
KILLS = 4


class Writer:
    """Writes until the server is gone, and remembers what it was told is done."""

    def __init__(self) -> None:
        self.number = 0
        self.put: set[str] = set()
        self.added = 0
        self.paired: set[str] = set()
        self.sent: set[str] = set()
        self.deleted: set[str] = set()
        self.tried_to_delete: set[str] = set()
        self.tries = 0

    def write(self, url: str, queue: str) -> None:
        dynamodb, sqs = client("dynamodb", url), client("sqs", url)
        try:
            while True:
                self.number += 1
                self._write_once(dynamodb, sqs, queue, str(self.number))
        except (BotoCoreError, ClientError):
            return
        finally:
            dynamodb.close()
            sqs.close()

    def _write_once(self, dynamodb: Any, sqs: Any, queue: str, key: str) -> None:
        dynamodb.put_item(
            TableName="written",
            Item={"pk": {"S": key}},
            ConditionExpression="attribute_not_exists(pk)",
        )
        self.put.add(key)
        self.tries += 1
        dynamodb.update_item(
            TableName="written",
            Key={"pk": {"S": "counter"}},
            UpdateExpression="ADD n :one",
            ExpressionAttributeValues={":one": {"N": "1"}},
        )
        self.added += 1
        pair = [{"pk": {"S": f"{side}{key}"}} for side in ("left", "right")]
        writes = [{"Put": {"TableName": "written", "Item": item}} for item in pair]
        dynamodb.transact_write_items(TransactItems=writes)
        self.paired.add(key)
        sqs.send_message(QueueUrl=queue, MessageBody=key)
        self.sent.add(key)
        if self.number % 2:
            for each in sqs.receive_message(QueueUrl=queue).get("Messages", ()):
                self.tried_to_delete.add(each["Body"])
                sqs.delete_message(QueueUrl=queue, ReceiptHandle=each["ReceiptHandle"])
                self.deleted.add(each["Body"])


@contextmanager
def serving(root: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    command = [sys.executable, "-m", "sagemaker_local", "--port", "0", "--dir", str(root)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert process.stdout is not None
    line = process.stdout.readline()
    try:
        yield process, line.split(" at ")[1].partition(",")[0]
    finally:
        kill(process)


def test_what_was_acknowledged_survives_being_killed_at_any_moment(tmp_path: Path) -> None:
    writer, moments = Writer(), random.Random(7)  # noqa: S311
    with serving(tmp_path) as (_, url):
        dynamodb, sqs = client("dynamodb", url), client("sqs", url)
        dynamodb.create_table(**TABLE)
        queue = sqs.create_queue(QueueName="q")["QueueUrl"]
        dynamodb.close()
        sqs.close()
    for _ in range(KILLS):
        with serving(tmp_path) as (process, url):
            writing = threading.Thread(target=writer.write, args=(url, queue))
            before = writer.tries
            writing.start()
            until(lambda before=before: writer.tries > before)  # a busy machine is slow to answer
            time.sleep(moments.uniform(0.0, 0.7))
            kill(process)
            writing.join()
    assert writer.paired
    with serving(tmp_path) as (_, url):
        dynamodb, sqs = client("dynamodb", url), client("sqs", url)
        pages = dynamodb.get_paginator("scan").paginate(TableName="written")
        items = {each["pk"]["S"]: each for page in pages for each in page["Items"]}
        bodies = drained(sqs, queue)
        dynamodb.close()
        sqs.close()
    assert writer.put <= items.keys()
    counted = int(items["counter"]["n"]["N"])
    # An update that nobody was told of may have been made, once for each kill
    assert writer.added <= counted <= writer.tries
    lefts = {name.removeprefix("left") for name in items if name.startswith("left")}
    rights = {name.removeprefix("right") for name in items if name.startswith("right")}
    assert lefts == rights
    assert writer.paired <= lefts
    assert len(bodies) == len(set(bodies))
    assert writer.sent - writer.tried_to_delete <= set(bodies)
    assert not writer.deleted & set(bodies)


def drained(sqs: Any, queue: str) -> list[str]:
    """Take all messages; those in flight at the kill are visible again."""
    found: list[str] = []
    while True:
        answer = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, VisibilityTimeout=60)
        if not answer.get("Messages"):
            return found
        found += [each["Body"] for each in answer["Messages"]]


def test_what_is_neither_item_nor_message_is_saved_before_it_is_answered(tmp_path: Path) -> None:
    with serving(tmp_path) as (_, url):
        ssm, iam = client("ssm", url), client("iam", url)
        ssm.put_parameter(Name="/a", Value="b", Type="String")
        key = iam.create_access_key(UserName=iam.create_user(UserName="u")["User"]["UserName"])
        ssm.close()
        iam.close()
    with serving(tmp_path) as (_, url):
        ssm, iam = client("ssm", url), client("iam", url)
        assert ssm.get_parameter(Name="/a")["Parameter"]["Value"] == "b"
        kept = iam.list_access_keys(UserName="u")["AccessKeyMetadata"][0]["AccessKeyId"]
        ssm.close()
        iam.close()
    assert kept == key["AccessKey"]["AccessKeyId"]
