"""Every store in memory, and in a fresh table of the embedded AWS."""

from collections.abc import Iterator
from itertools import count
from typing import Any

import boto3
import pytest
from botocore.config import Config

from sagemaker_local.server import LocalServer
from tests.contract.stores import Stores, in_memory, in_table
from tunewright.adapters.dynamodb import table_definition

_NUMBERS = count()


@pytest.fixture(scope="module")
def dynamodb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A client of one embedded AWS for each module: a process has one at a time, and others too."""
    with LocalServer(tmp_path_factory.mktemp("aws")) as server:
        client = boto3.client(
            "dynamodb",
            endpoint_url=server.url,
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(max_pool_connections=20, retries={"total_max_attempts": 1}),
        )
        yield client
        client.close()


@pytest.fixture
def table(dynamodb: Any) -> Iterator[str]:
    name = f"tunewright-{next(_NUMBERS)}"
    dynamodb.create_table(**table_definition(name))
    yield name
    dynamodb.delete_table(TableName=name)


@pytest.fixture(params=["memory", "dynamodb"])
def stores(request: pytest.FixtureRequest) -> Stores:
    if request.param == "memory":
        return in_memory()
    return in_table(request.getfixturevalue("dynamodb"), request.getfixturevalue("table"))
