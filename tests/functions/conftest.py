"""A cloud made by hand, with its doors, and the events of its SageMaker."""

from collections.abc import Iterator
from typing import Any

import pytest

from sagemaker_local.server import LocalServer
from tests.functions.hand_made import Cloud
from tunewright import cloud
from tunewright_local.environment import aws_environment


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Cloud, list[Any]]]:
    events: list[Any] = []
    root = tmp_path_factory.mktemp("cloud")
    with (
        LocalServer(root, on_event=events.append, cpus=1) as server,
        aws_environment(server.environment),
        pytest.MonkeyPatch.context() as patched,
    ):
        made = Cloud(server)
        for name, value in made.environment().items():
            patched.setenv(name, value)
        cloud.stack.cache_clear()
        yield made, events
        cloud.stack.cache_clear()
        for client in made.clients.values():
            client.close()
