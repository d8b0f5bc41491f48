"""What the template would deploy, made by hand on a local server, and a study for it."""

import importlib
import json
from types import ModuleType
from typing import Any

import boto3

from sagemaker_local.server import LocalServer
from tests.support.build import document, script_training
from tunewright.adapters.dynamodb import table_definition
from tunewright_local.profile import BUCKET, local_profile

TRAIN = "import sys, math\nrate = float(sys.argv[sys.argv.index('--rate') + 1])\n"
TRAIN += "print(f'score={-abs(math.log(rate / 0.01)):.6f}')\n"
STACK = "doors"


def door(name: str) -> ModuleType:
    return importlib.import_module(f"functions.{name}")


class Cloud:
    """What the template would deploy, made by hand; it carries messages as Lambda would."""

    def __init__(self, server: LocalServer) -> None:
        self.server = server
        self.clients = {
            name: boto3.client(name, endpoint_url=server.url)
            for name in ("dynamodb", "sqs", "sns", "ssm", "s3", "events")
        }
        self.clients["dynamodb"].create_table(**table_definition("doors"))
        self.wake = self._queue("wake")
        self.deploy = self._queue("deploy")
        self.heard = self._queue("heard")
        self.topic = self.clients["sns"].create_topic(Name="told")["TopicArn"]
        arn = self._arn(self.heard)
        self.clients["sns"].subscribe(TopicArn=self.topic, Protocol="sqs", Endpoint=arn)
        self.clients["events"].create_event_bus(Name="decisions")
        self.clients["ssm"].put_parameter(
            Name=f"/{STACK}/profiles/default",
            Value=local_profile("us-east-1").model_dump_json(),
            Type="String",
        )
        self.told: list[Any] = []
        self._seen = 0

    def _queue(self, name: str) -> str:
        url: str = self.clients["sqs"].create_queue(QueueName=name)["QueueUrl"]
        return url

    def _arn(self, url: str) -> str:
        answer = self.clients["sqs"].get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
        arn: str = answer["Attributes"]["QueueArn"]
        return arn

    def environment(self) -> dict[str, str]:
        return {
            "TUNEWRIGHT_STACK": STACK,
            "TUNEWRIGHT_TABLE": "doors",
            "TUNEWRIGHT_WAKE_QUEUE": self.wake,
            "TUNEWRIGHT_DEPLOY_QUEUE": self.deploy,
            "TUNEWRIGHT_TOPIC": self.topic,
            "TUNEWRIGHT_BUS": "decisions",
            "TUNEWRIGHT_API_URL": "https://api.example/prod",
        }

    def batch(self, url: str) -> dict[str, Any]:
        """Take what waits in a queue, as a batch that Lambda would get."""
        sqs = self.clients["sqs"]
        messages = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
        for each in messages:
            sqs.delete_message(QueueUrl=url, ReceiptHandle=each["ReceiptHandle"])
        return {
            "Records": [{"messageId": each["MessageId"], "body": each["Body"]} for each in messages]
        }

    def stream(self) -> dict[str, Any]:
        """Give the decisions that nobody was told of as records of the table's stream."""
        answer = self.clients["dynamodb"].query(
            TableName="doors",
            IndexName="unpublished",
            KeyConditionExpression="unpublished = :yes",
            ExpressionAttributeValues={":yes": {"S": "yes"}},
        )
        return {
            "Records": [
                {"eventName": "INSERT", "dynamodb": {"NewImage": item, "SequenceNumber": f"{n}"}}
                for n, item in enumerate(answer["Items"])
            ]
        }

    def carry(self, events: list[dict[str, Any]]) -> None:
        """Carry SageMaker's events and all messages to their doors, once."""
        fresh, self._seen = events[self._seen :], len(events)
        bodies = [json.dumps(event) for event in fresh]
        records = [{"messageId": f"e{n}", "body": body} for n, body in enumerate(bodies)]
        whole = {"Records": records}
        assert door("on_training_job").handler(whole, None) == {"batchItemFailures": []}
        assert door("on_wake").handler(whole, None) == {"batchItemFailures": []}
        assert door("on_deploy").handler(whole, None) == {"batchItemFailures": []}
        for name, url in (("on_wake", self.wake), ("on_deploy", self.deploy)):
            assert door(name).handler(self.batch(url), None) == {"batchItemFailures": []}
        assert door("on_decision").handler(self.stream(), None) == {"batchItemFailures": []}
        self.told += [json.loads(r["body"]) for r in self.batch(self.heard)["Records"]]

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        answer = door("api").handler(
            {
                "httpMethod": method,
                "path": path,
                "headers": {"Content-Type": "application/json", **headers},
                "body": None if body is None else json.dumps(body),
                "requestContext": {"requestId": "r", "identity": {"userArn": "arn:ana"}},
            },
            None,
        )
        return answer["statusCode"], json.loads(answer["body"])


def spec(**changes: Any) -> dict[str, Any]:
    base = document(
        objective={"maximize": "score"},
        training=script_training(BUCKET),
        search_space={"rate": {"range": [0.05, 0.3], "log": True, "never_beyond": [0.001, 1.0]}},
        rounds={"max": 2, "trials": 5, "parallel": 2, "strategy": "random", "sizes": "fixed"},
        refine={"when": {"gain_above": 0}},
    )
    return {**base, **changes}


def upload(made: Cloud) -> None:
    import io
    import tarfile

    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        entry = tarfile.TarInfo("train.py")
        entry.size = len(TRAIN)
        archive.addfile(entry, io.BytesIO(TRAIN.encode()))
    s3 = made.clients["s3"]
    if BUCKET not in [each["Name"] for each in s3.list_buckets()["Buckets"]]:
        s3.create_bucket(Bucket=BUCKET)
    s3.put_object(Bucket=BUCKET, Key="code/source.tar.gz", Body=packed.getvalue())
    s3.put_object(Bucket=BUCKET, Key="train/data.csv", Body=b"1\n")
