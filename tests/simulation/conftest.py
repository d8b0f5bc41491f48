"""The seam is in while a test asks for it; a contract is asked of the fakes and of the real."""

from collections.abc import Iterator

import boto3
import pytest
from botocore import xform_name
from botocore.config import Config

from sagemaker_local.server import LocalServer
from tests.local.service.fakes import Fakes
from tests.simulation import seam
from tests.simulation.dynamodb import Table
from tests.simulation.honest import Ask
from tests.simulation.world import World


@pytest.fixture
def simulated() -> Iterator[None]:
    with seam.installed():
        yield


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
