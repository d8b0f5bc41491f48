"""What the tests of hosting share: a model, its container, and who listens to an endpoint."""

import json
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np

from sagemaker_local.hosting import EndpointHost
from sagemaker_local.images.lean_xgboost import xgboost
from tests.local.training_world import XGBOOST_IMAGE, FakeObjects, archive

MODEL = "s3://out/model.tar.gz"
OWN_IMAGE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/own:1"


class Heard:
    """What an endpoint's listener hears."""

    def __init__(self) -> None:
        self.said: list[tuple[str, str | None]] = []
        self.event = threading.Event()

    def __call__(self, status: str, reason: str | None) -> None:
        self.said.append((status, reason))
        self.event.set()

    def wait(self, seconds: float = 30.0) -> tuple[str, str | None]:
        assert self.event.wait(seconds)
        return self.said[-1]


def booster(objective: str = "binary:logistic", **parameters: Any) -> Any:
    random = np.random.default_rng(0)
    features = random.normal(size=(200, 3)).astype(np.float32)
    labels = (features[:, 0] > 0).astype(int) + (features[:, 1] > 1) * parameters.get("more", 0)
    parameters.pop("more", None)
    data = xgboost.DMatrix(features, label=labels)
    return xgboost.train({"objective": objective, "nthread": 1, **parameters}, data, 5)


def packed(model: Any) -> bytes:
    return archive({"xgboost-model": bytes(model.save_raw(raw_format="ubj"))})


def container(**environment: str) -> dict[str, Any]:
    return {"Image": XGBOOST_IMAGE, "ModelDataUrl": MODEL, "Environment": environment}


def up(host: EndpointHost, given: dict[str, Any], count: int = 1, name: str = "e") -> Any:
    heard = Heard()
    host.start(name, "AllTraffic", given, count, heard)
    return heard.wait()


def expected(model: Any, rows: list[list[float]]) -> Any:
    return model.predict(xgboost.DMatrix(np.array(rows, dtype=np.float32)))


def pids(tmp_path: Path) -> list[int]:
    files = sorted(tmp_path.glob("endpoints/*/generation-*/pid-*"))
    return [json.loads(file.read_text())["pid"] for file in files]


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def slow_host(tmp_path: Path, objects: FakeObjects, code: str, **changed: Any) -> EndpointHost:
    images = {"own": (sys.executable, "-c", code)}
    return EndpointHost(tmp_path, objects, region="us-east-1", images=images, **changed)
