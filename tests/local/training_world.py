"""A world for one training job: objects in a dict, a listener that remembers, scripts as text."""

import hashlib
import io
import tarfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sagemaker_local.objects import (
    ObjectStoreError,
    S3Address,
    StoredObject,
    inside,
    relative_key,
)
from sagemaker_local.training import Outcome, TrainingRunner, TrainingSpec

XGBOOST_IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1"
PYTORCH_IMAGE = "763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-training:2.0-gpu-py310"
OUT = "s3://out/jobs"


class FakeObjects:
    """S3 in a dict, with the methods of ObjectStore."""

    def __init__(self) -> None:
        self.environment = {"AWS_ENDPOINT_URL": "http://127.0.0.1:1"}
        self.content: dict[str, bytes] = {}
        self.downloads: list[str] = []

    def __contains__(self, uri: str) -> bool:
        return uri in self.content

    def listing(self, uri: str) -> Iterator[StoredObject]:
        for found in sorted(self.content):
            if found.startswith(uri):
                content = self.content[found]
                etag = hashlib.md5(content, usedforsecurity=False).hexdigest()
                yield StoredObject(S3Address.parse(found), etag, len(content))

    def any_under(self, uri: str) -> bool:
        return any(True for _ in self.listing(uri))

    def exists(self, uri: str) -> bool:
        return uri in self.content

    def get(self, uri: str) -> bytes:
        if uri not in self.content:
            raise ObjectStoreError(f"cannot read {uri}: NoSuchKey")
        return self.content[uri]

    def download(self, uri: str, path: Path) -> None:
        self.downloads.append(uri)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(self.get(uri))

    def download_prefix(self, uri: str, folder: Path) -> int:
        found = list(self.listing(uri))
        for item in found:
            relative = relative_key(S3Address.parse(uri).key, item.address.key)
            self.download(str(item.address), inside(folder, relative))
        return len(found)

    def upload_file(self, path: Path, uri: str) -> None:
        self.content[uri] = path.read_bytes()


class Remembering:
    """A listener that remembers, and can be waited for."""

    def __init__(self) -> None:
        self.statuses: list[tuple[str, str]] = []
        self.metrics: list[tuple[str, float]] = []
        self.outcomes: list[Outcome] = []
        self.over = threading.Event()

    def status(self, secondary: str, message: str, at: Any) -> None:
        self.statuses.append((secondary, message))

    def metric(self, name: str, value: float, at: Any) -> None:
        self.metrics.append((name, value))

    def ended(self, outcome: Outcome) -> None:
        self.outcomes.append(outcome)
        self.over.set()

    def wait(self, seconds: float = 30.0) -> Outcome:
        assert self.over.wait(seconds), f"not over; {self.statuses}"
        return self.outcomes[-1]

    def wait_for(self, secondary: str, seconds: float = 20.0) -> None:
        until(lambda: any(status == secondary for status, _ in self.statuses), seconds)

    @property
    def secondaries(self) -> list[str]:
        return [status for status, _ in self.statuses]

    def series(self, name: str) -> list[float]:
        return [value for metric, value in self.metrics if metric == name]


def until(condition: Any, seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)


def runner_below(root: Path, objects: FakeObjects, **changed: Any) -> TrainingRunner:
    given = {
        "region": "us-east-1",
        "account": "123456789012",
        "stop_grace_seconds": 5.0,
        "threads": 1,
    }
    return TrainingRunner(root, objects, **(given | changed))


def archive(files: dict[str, str | bytes]) -> bytes:
    """A tar.gz with these files."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, text in files.items():
            content = text.encode() if isinstance(text, str) else text
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def files_of(packed: bytes) -> dict[str, bytes]:
    """What a tar.gz holds."""
    with tarfile.open(fileobj=io.BytesIO(packed)) as tar:
        return {
            member.name: file.read()
            for member in tar.getmembers()
            if (file := tar.extractfile(member)) is not None
        }


def channel(name: str, uri: str, content_type: str | None = "text/csv") -> dict[str, Any]:
    source = {"S3DataType": "S3Prefix", "S3Uri": uri, "S3DataDistributionType": "FullyReplicated"}
    given = {"ChannelName": name, "DataSource": {"S3DataSource": source}}
    return given | ({"ContentType": content_type} if content_type else {})


def spec(name: str, hyperparameters: dict[str, str], **changed: Any) -> TrainingSpec:
    given: dict[str, Any] = {
        "arn": f"arn:aws:sagemaker:us-east-1:123456789012:training-job/{name}",
        "image": XGBOOST_IMAGE,
        "channels": (),
        "output_path": OUT,
        "metric_definitions": (),
    }
    return TrainingSpec(name=name, hyperparameters=hyperparameters, **(given | changed))


def script_spec(
    objects: FakeObjects, name: str, script: str, hyperparameters: Any = None, **changed: Any
) -> TrainingSpec:
    """A script-mode job whose source is this text."""
    uri = f"s3://code/{name}/sourcedir.tar.gz"
    objects.content[uri] = archive({"train.py": script})
    told = {"sagemaker_program": "train.py", "sagemaker_submit_directory": uri}
    given = {"image": PYTORCH_IMAGE} | changed
    return spec(name, told | (hyperparameters or {}), **given)


def run(runner: TrainingRunner, spec: TrainingSpec, seconds: float = 30.0) -> Any:
    heard = Remembering()
    runner.start(spec, heard)
    heard.wait(seconds)
    until(lambda: spec.name not in runner.running())
    return heard
