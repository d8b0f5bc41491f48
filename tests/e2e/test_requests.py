"""What a finished trial costs in requests, counted at the wire: the same early as late.

A study of 500 trials of a script that does nothing, by the deployed template in the local cloud.
"""

import io
import json
import tarfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest
from ministack.services import lambda_svc

from embedded_aws import EmbeddedAws
from tests.support.build import script_training
from tunewright_client.api_client import ApiClient
from tunewright_local.cloud import LocalCloud
from tunewright_local.environment import aws_environment
from tunewright_local.profile import BUCKET

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

TRIALS = 500
WINDOW = 40
"""Trials over which the requests are averaged, at the beginning and at the end."""
TRAIN = b"print('score=0.5')\n"
SPEC: dict[str, Any] = {
    "study": "many",
    "objective": {"maximize": "score"},
    "training": script_training(BUCKET),
    "search_space": {"rate": [0.05, 0.3]},
    "rounds": {
        "max": 1,
        "trials": TRIALS,
        "parallel": 2,
        "strategy": "random",
        "sizes": "fixed",
        "early_stopping": False,
    },
    "stop": [],
}
WRITES = {"PutItem", "UpdateItem", "DeleteItem"}
READS = {"DescribeTrainingJob", "ListTrainingJobsForHyperParameterTuningJob"}


class Wire:
    """Counts the requests of the deployed functions, by what they ask."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()

    def of_aws(self, scope: Any) -> None:
        if scope["type"] != "http":
            return
        headers = dict(scope["headers"])
        target = headers.get(b"x-amz-target", b"").decode()
        if target.startswith("DynamoDB"):
            self.counts[target.rpartition(".")[2]] += 1

    def of_functions(self) -> Any:
        execute = lambda_svc._execute_function

        def counted(func: dict[str, Any], event: dict[str, Any]) -> Any:
            self.counts["invocations"] += any(
                name in func["config"]["FunctionName"] for name in ("OnTrainingJob", "OnWake")
            )
            return execute(func, event)

        return counted


def upload() -> None:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        entry = tarfile.TarInfo("train.py")
        entry.size = len(TRAIN)
        archive.addfile(entry, io.BytesIO(TRAIN))
    s3 = boto3.client("s3")
    s3.put_object(Bucket=BUCKET, Key="code/source.tar.gz", Body=packed.getvalue())
    s3.put_object(Bucket=BUCKET, Key="train/data.csv", Body=b"1\n")
    s3.close()


@pytest.mark.timeout(1500)
def test_a_trial_costs_the_same_at_the_beginning_and_at_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wire = Wire()
    call = EmbeddedAws.__call__

    async def counted(self: EmbeddedAws, scope: Any, receive: Any, send: Any) -> None:
        wire.of_aws(scope)
        await call(self, scope, receive, send)

    monkeypatch.setattr(EmbeddedAws, "__call__", counted)
    monkeypatch.setattr("sagemaker_local.service._REMEMBERED", 100_000)
    monkeypatch.setattr(lambda_svc, "_execute_function", wire.of_functions())
    cloud = LocalCloud(tmp_path / "cloud", cpus=1)
    with cloud, aws_environment(cloud.instance.environment):
        upload()
        api = ApiClient(cloud.instance.environment["TUNEWRIGHT_API"], "us-east-1")
        cloud.server.sagemaker.requests.clear()
        study = api.ask("POST", "/studies", SPEC, headers={"Idempotency-Key": "k"})["id"]

        def counts() -> Counter[str]:
            seen = Counter(each.operation for each in cloud.server.sagemaker.requests)
            return wire.counts + seen

        begin = measure(api, study, 10, counts)
        end = measure(api, study, TRIALS - WINDOW - 10, counts)
    print(json.dumps({"from the 10th": begin, f"from the {TRIALS - WINDOW - 10}th": end}))  # noqa: T201
    for each in (begin, end):
        # Trials that end together share a wake; the window's edges are off by a trial or two.
        assert each["reads"] == pytest.approx(1.0, abs=0.15)
        assert each["writes"] == pytest.approx(1.0, abs=0.15)
        assert each["transactions"] <= 1.15
        assert each["invocations"] <= 2.1
        assert each["queries"] <= 4.3


def measure(
    api: ApiClient, study: str, start: int, counts: Callable[[], Counter[str]]
) -> dict[str, float]:
    """Requests per trial, over a window of trials from this one on."""
    first, before = reach(api, study, start, counts)
    last, after = reach(api, study, start + WINDOW, counts)
    spent = after - before
    trials = last - first
    return {
        "trials": trials,
        "reads": sum(spent[name] for name in READS) / trials,
        "writes": sum(spent[name] for name in WRITES) / trials,
        "transactions": spent["TransactWriteItems"] / trials,
        "queries": spent["Query"] / trials,
        "invocations": spent["invocations"] / trials,
    }


def reach(
    api: ApiClient, study: str, count: int, counts: Callable[[], Counter[str]]
) -> tuple[int, Counter[str]]:
    deadline = time.monotonic() + 1200
    while True:
        found = api.ask("GET", f"/studies/{study}")
        if found["trials"] >= count:
            return int(found["trials"]), counts()
        assert time.monotonic() < deadline, found
        assert found["phase"] == "searching", found
        time.sleep(0.5)
