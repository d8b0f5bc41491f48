"""The folder of one training job, laid out as a container expects it; it runs nothing."""

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sagemaker_local.objects import inside
from sagemaker_local.training.spec import TrainingSpec

HOST = "algo-1"
CHECKPOINTS = "/opt/ml/checkpoints"


@dataclass(frozen=True)
class JobFolder:
    """Where the things of one job are; ``base`` stands for ``/opt/ml``."""

    root: Path

    @property
    def base(self) -> Path:
        """What the container sees as ``/opt/ml``."""
        return self.root / "ml"

    @property
    def log(self) -> Path:
        """Every line the job has printed."""
        return self.root / "log"

    @property
    def pid(self) -> Path:
        """Which process runs the job, as long as it runs."""
        return self.root / "pid"

    @property
    def model(self) -> Path:
        """What becomes ``model.tar.gz``."""
        return self.base / "model"

    @property
    def output_data(self) -> Path:
        """What becomes ``output.tar.gz``."""
        return self.base / "output" / "data"

    @property
    def failure(self) -> Path:
        """Where a container tells why it failed."""
        return self.base / "output" / "failure"

    @property
    def source(self) -> Path:
        """The user's source archive as it was downloaded."""
        return self.base / "input" / "source" / "sourcedir.tar.gz"

    def channel(self, name: str) -> Path:
        """Where the data of one channel are."""
        return inside(self.base / "input" / "data", name)

    def checkpoints(self, checkpoint: Mapping[str, Any]) -> Path:
        """Where the container keeps its checkpoints."""
        local = str(checkpoint.get("LocalPath") or CHECKPOINTS)
        inside = local.removeprefix("/opt/ml").strip("/")
        path = (self.base / inside).resolve() if local.startswith("/opt/ml/") else None
        usual = self.base / "checkpoints"
        return path if path is not None and path.is_relative_to(self.base.resolve()) else usual

    def prepare(self, spec: TrainingSpec) -> None:
        """Lay out the folder anew and write the configuration files."""
        shutil.rmtree(self.base, ignore_errors=True)
        for path in (self.model, self.output_data, self.base / "input" / "config"):
            path.mkdir(parents=True)
        (self.base / "input" / "data").mkdir()
        self._config("hyperparameters", dict(spec.hyperparameters))
        self._config("resourceconfig", _resources(spec))
        inputs = {channel["ChannelName"]: _input(channel) for channel in spec.channels}
        self._config("inputdataconfig", inputs)
        if spec.checkpoint:
            self._config("checkpointconfig", dict(spec.checkpoint))
            self.checkpoints(spec.checkpoint).mkdir(parents=True, exist_ok=True)

    def sweep(self, *, keep_base: bool) -> None:
        """Give the disk back: the data are in S3, only a failure is worth a second look."""
        shutil.rmtree(self.base / "input" / "data", ignore_errors=True)
        if not keep_base:
            shutil.rmtree(self.base, ignore_errors=True)

    def _config(self, name: str, content: Mapping[str, Any]) -> None:
        path = self.base / "input" / "config" / f"{name}.json"
        path.write_text(json.dumps(content), encoding="utf-8")


def _resources(spec: TrainingSpec) -> dict[str, Any]:
    group = "homogeneousCluster"
    return {
        "current_host": HOST,
        "current_instance_type": spec.instance_type,
        "current_group_name": group,
        "hosts": [HOST],
        "instance_groups": [
            {
                "instance_group_name": group,
                "instance_type": spec.instance_type,
                "hosts": [HOST],
            },
        ],
        "network_interface_name": "lo",
    }


def _input(channel: Mapping[str, Any]) -> dict[str, str]:
    source = channel.get("DataSource", {}).get("S3DataSource", {})
    told = {
        "TrainingInputMode": channel.get("InputMode") or "File",
        "S3DistributionType": source.get("S3DataDistributionType") or "FullyReplicated",
        "RecordWrapperType": channel.get("RecordWrapperType") or "None",
    }
    if channel.get("ContentType"):
        told["ContentType"] = channel["ContentType"]
    return told
