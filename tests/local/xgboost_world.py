"""Data for the built-in XGBoost, and two ways to train on them: as a job, and here and now."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sagemaker_local.images import xgboost_train
from sagemaker_local.training import builtin_metric_definitions
from sagemaker_local.training.folder import JobFolder
from tests.local.training_world import (
    XGBOOST_IMAGE,
    FakeObjects,
    Remembering,
    channel,
    files_of,
    runner_below,
    spec,
)

Split = tuple[Any, Any]
TOLD = {"num_round": "8", "objective": "binary:logistic", "max_depth": "2", "eta": "0.3"}


def csv_of(table: Any) -> Any:
    buffer = io.StringIO()
    np.savetxt(buffer, table, delimiter=",", fmt="%.9g")
    return buffer.getvalue().encode()


def split(loader: Any, *, seed: int = 0) -> Any:
    """Label first, then the features; a third is for validation."""
    features, labels = loader(return_X_y=True)
    table = np.column_stack((labels, features))
    order = np.random.default_rng(seed).permutation(len(table))
    edge = len(table) * 2 // 3
    return table[order[:edge]], table[order[edge:]]


class World:
    def __init__(self, root: Path) -> None:
        self.objects = FakeObjects()
        self.runner = runner_below(root, self.objects)
        self.count = 0

    def put(
        self, train: bytes, validation: bytes | None = None, kind: str | None = "text/csv"
    ) -> None:
        self.channels = [channel("train", "s3://data/train/", kind)]
        self.objects.content["s3://data/train/part.csv"] = train
        if validation is not None:
            self.objects.content["s3://data/validation/part.csv"] = validation
            self.channels.append(channel("validation", "s3://data/validation/", kind))

    def train(self, hyperparameters: dict[str, str], channels: Any = None, **changed: Any) -> Any:
        self.count += 1
        heard = Remembering()
        job = spec(
            f"trial-{self.count}",
            hyperparameters,
            channels=tuple(self.channels if channels is None else channels),
            metric_definitions=builtin_metric_definitions(XGBOOST_IMAGE),
            **changed,
        )
        self.runner.start(job, heard)
        heard.wait(60)
        return heard

    @property
    def log(self) -> Any:
        return (self.runner._root / f"trial-{self.count}" / "log").read_text()

    def model(self, heard: Remembering) -> Any:
        files = files_of(self.objects.content[heard.outcomes[0].model_artifacts])
        return load(files["xgboost-model"])


def load(content: bytes) -> Any:
    import xgboost

    booster = xgboost.Booster()
    booster.load_model(bytearray(content))
    return booster


def predict(model: Any, table: Any) -> Any:
    import xgboost

    return model.predict(xgboost.DMatrix(table[:, 1:]))


class InProcess:
    """The entry point called here and now, which saves the start of a process."""

    def __init__(self, base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = JobFolder(base)
        monkeypatch.setenv("SAGEMAKER_BASE_DIR", str(self.folder.base))

    def train(self, told: dict[str, str], kind: str | None, **data: bytes) -> str:
        channels = tuple(channel(name, "s3://not/asked", kind) for name in data)
        self.folder.prepare(spec("here", told, channels=channels))
        for name, content in data.items():
            self.folder.channel(name).mkdir()
            (self.folder.channel(name) / "part.csv").write_bytes(content)
        code = xgboost_train.main()
        reason = self.folder.failure.read_text() if code else ""
        assert bool(code) is bool(reason)
        return reason

    @property
    def model(self) -> Any:
        return load((self.folder.model / "xgboost-model").read_bytes())
