"""One server with fake parts for each test, and boto3 clients that can reach nothing else."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from sagemaker_local import events, protocol
from sagemaker_local.api_model import operation_model
from sagemaker_local.errors import ApiError
from sagemaker_local.server import LocalServer
from sagemaker_local.settings import Settings
from sagemaker_local.validation import checked
from tests.local.service import event_shapes
from tests.local.service.fakes import Fakes

NO_MODEL = {"S3ModelArtifacts": "s3://nowhere"}
"""The model demands artifacts of every job; the emulator shows none of a job that has none."""
_LAUNCHED: list[subprocess.Popen[str]] = []


def client(service: str, url: str) -> Any:
    return boto3.client(
        service,
        endpoint_url=url,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(retries={"total_max_attempts": 1}),
    )


def until(found: Callable[[], Any], seconds: float = 20) -> Any:
    """Wait for something to become true."""
    end = time.monotonic() + seconds
    while True:
        value = found()
        if value:
            return value
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.005)


def launch(*arguments: str) -> subprocess.Popen[str]:
    """Run Python beside the test; `no_process_is_left` ends it, whatever the test does."""
    process = subprocess.Popen(
        [sys.executable, *arguments],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )
    _LAUNCHED.append(process)
    return process


def kill(process: subprocess.Popen[str]) -> None:
    """End a process without a chance to tidy up."""
    process.kill()
    process.wait()
    if process.stdout is not None:
        process.stdout.close()


@pytest.fixture(autouse=True)
def no_process_is_left() -> Iterator[None]:
    yield
    while _LAUNCHED:
        kill(_LAUNCHED.pop())


@pytest.fixture(autouse=True)
def every_answer_has_its_shape(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, int]]:
    """Hold each answer of each test to the shape that botocore's model gives it.

    The operations that have answered are counted, for the test that wants to see all of them.
    """
    answered: dict[str, int] = {}
    wrong: list[str] = []

    def watched(operation: str, answer: Any) -> protocol.Response:
        response = protocol.success(operation, answer)
        answered[operation] = answered.get(operation, 0) + 1
        shape = operation_model(operation).output_shape  # type: ignore[union-attr]
        if shape is None:
            if response.body:
                wrong.append(f"{operation} answers {response.body!r}, and should have no answer")
            return response
        shown = json.loads(response.body)
        if operation == "DescribeTrainingJob":
            shown.setdefault("ModelArtifacts", NO_MODEL)
        try:
            checked(shape, shown)
        except ApiError as error:
            wrong.append(f"{operation}: {error.message}")
        return response

    monkeypatch.setattr("sagemaker_local.service.success", watched)
    yield answered
    assert not wrong


@pytest.fixture(autouse=True)
def every_event_has_its_shape(monkeypatch: pytest.MonkeyPatch) -> Iterator[set[Any]]:
    """Hold each event of each test to what is known of AWS's; the kinds and statuses are noted."""
    told: set[Any] = set()
    wrong: list[str] = []

    def watched(make: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
        def made(settings: Settings, *rest: Any) -> dict[str, Any]:
            event = make(settings, *rest)
            faults = event_shapes.faults_of(event, settings.faults.events_as)
            wrong.extend(f"{event['detail-type']}: {fault}" for fault in faults)
            told.add((event["detail-type"], event_shapes.status_of(event)))
            return event

        return made

    for name, make in list(vars(events).items()):
        if name.endswith("_event") and not name.startswith("_"):
            monkeypatch.setattr(events, name, watched(make))
    yield told
    assert not wrong


@dataclass
class World:
    """A running server, its fakes, and what is asked of it most."""

    root: Path
    fakes: Fakes
    stack: ExitStack
    settings: dict[str, Any] = field(default_factory=dict)
    events: list[dict[str, Any]] = field(default_factory=list)

    def start(self) -> "World":
        self.server = self.stack.enter_context(
            LocalServer(
                self.root, on_event=self.events.append, parts=self.fakes.parts, **self.settings
            )
        )
        self.sm = client("sagemaker", self.server.url)
        return self

    def restart(self) -> None:
        self.stop()
        self.start()

    def stop(self) -> None:
        self.sm.close()
        self.stack.pop_all().close()

    def create(self, request: dict[str, Any]) -> str:
        self.sm.create_hyper_parameter_tuning_job(**request)
        return request["HyperParameterTuningJobName"]

    def refusal(self, request: dict[str, Any]) -> tuple[str, str]:
        """Code and text of the error that a tuning job gets."""
        with pytest.raises(ClientError) as caught:
            self.create(request)
        error = caught.value.response["Error"]
        return error["Code"], error["Message"]

    def job(self, name: str = "search") -> dict[str, Any]:
        return self.sm.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName=name)

    def trials(self, name: str = "search", **how: Any) -> list[dict[str, Any]]:
        answer = self.sm.list_training_jobs_for_hyper_parameter_tuning_job(
            HyperParameterTuningJobName=name, **{"MaxResults": 100, **how}
        )
        return answer["TrainingJobSummaries"]

    def training(self, name: str) -> dict[str, Any]:
        return self.sm.describe_training_job(TrainingJobName=name)

    def ended(self, name: str = "search") -> dict[str, Any]:
        over = {"Completed", "Failed", "Stopped"}

        def look() -> Any:
            job = self.job(name)
            return job if job["HyperParameterTuningJobStatus"] in over else None

        return until(look)

    def running(self, count: int) -> list[str]:
        """The names of the trials that run, once they are so many."""
        until(lambda: len(self.fakes.runner.jobs) == count)
        return self.fakes.runner.names


@pytest.fixture
def world(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[World]:
    """Settings may be given by `@pytest.mark.parametrize("world", [{...}], indirect=True)`."""
    with ExitStack() as outer:
        settings = getattr(request, "param", {})
        made = World(tmp_path / "state", Fakes(), ExitStack(), settings)
        outer.callback(made.stack.close)
        yield made.start()
        made.sm.close()


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """One server for all tests of a module, which then must use different names."""
    made = World(tmp_path_factory.mktemp("shared") / "state", Fakes(), ExitStack())
    yield made.start()
    made.stop()
