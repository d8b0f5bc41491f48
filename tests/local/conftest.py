"""Runners of training jobs, hosts of endpoints, data to train on, and a whole local cloud."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sklearn.datasets import load_breast_cancer

from sagemaker_local.hosting import EndpointHost
from tests.local.hosting_world import MODEL, booster, packed
from tests.local.training_world import FakeObjects, runner_below
from tests.local.xgboost_world import InProcess, Split, World, csv_of, split
from tunewright_local.cloud import LocalCloud


@pytest.fixture
def objects() -> Any:
    return FakeObjects()


@pytest.fixture
def runner(tmp_path: Path, objects: FakeObjects) -> Any:
    runner = runner_below(tmp_path, objects)
    yield runner
    runner.shutdown()


@pytest.fixture(scope="module")
def model() -> Any:
    return booster()


@pytest.fixture
def host(tmp_path: Path, objects: FakeObjects, model: Any) -> Iterator[EndpointHost]:
    objects.content[MODEL] = packed(model)
    host = EndpointHost(tmp_path, objects, region="us-east-1")
    yield host
    host.shutdown()


@pytest.fixture(scope="module")
def cancer() -> Any:
    return split(load_breast_cancer)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> InProcess:
    return InProcess(tmp_path, monkeypatch)


@pytest.fixture
def world(tmp_path: Path, cancer: Split) -> Any:
    world = World(tmp_path)
    world.put(*map(csv_of, cancer))
    yield world
    world.runner.shutdown()


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    with LocalCloud(tmp_path_factory.mktemp("cloud"), cpus=1) as made:
        yield made
