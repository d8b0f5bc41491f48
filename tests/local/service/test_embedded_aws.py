"""The pinned ministack keeps the promises that the adapter rests on."""

from contextlib import ExitStack
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from sagemaker_local.server import LOOPBACK
from tests.local.service.conftest import World, client
from tests.local.service.fakes import Fakes


def test_only_loopback_is_bound(world: World) -> None:
    assert world.server.url.startswith(f"http://{LOOPBACK}:")
    listening = world.server._socket
    assert listening.fileno() == -1 or listening.getsockname()[0] == LOOPBACK


def test_an_aws_source_is_refused_from_a_client(world: World) -> None:
    events = client("events", world.server.url)
    entry = {"Source": "aws.sagemaker", "DetailType": "x", "Detail": "{}"}
    answer = events.put_events(Entries=[entry])
    assert answer["Entries"][0]["ErrorCode"] == "NotAuthorizedForSourceException"
    events.close()


def test_the_account_is_the_one_of_the_settings(world: World) -> None:
    sts = client("sts", world.server.url)
    assert sts.get_caller_identity()["Account"] == "123456789012"
    sts.close()


def test_tables_and_queues_survive_a_clean_end(world: World) -> None:
    sqs = client("sqs", world.server.url)
    sqs.create_queue(QueueName="kept")
    sqs.close()
    world.restart()
    sqs = client("sqs", world.server.url)
    assert sqs.list_queues()["QueueUrls"][0].endswith("/kept")
    sqs.close()


def test_another_folder_is_another_aws(world: World, tmp_path: Path) -> None:
    s3 = client("s3", world.server.url)
    s3.create_bucket(Bucket="mine")
    s3.close()
    world.stop()
    other = World(tmp_path / "other", Fakes(), ExitStack()).start()
    s3 = client("s3", other.server.url)
    with pytest.raises(ClientError):
        s3.head_bucket(Bucket="mine")
    s3.close()
    other.stop()
    world.start()


def test_a_reset_forgets_everything(world: World) -> None:
    s3 = client("s3", world.server.url)
    s3.create_bucket(Bucket="mine")
    world.server.aws.reset()
    assert s3.list_buckets()["Buckets"] == []
    s3.close()
