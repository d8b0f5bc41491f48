"""Three studies at once in the local cloud: two terminals, and plain HTTP signed with boto3."""

import json
import os
import re
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest

from tests.support.digits import digits_study, upload_digits
from tunewright_client.api_client import ApiClient
from tunewright_local.environment import aws_environment
from tunewright_local.inbox import Letter, read_letters
from tunewright_local.instance import Instance
from tunewright_local.process import launch, stop

SPEC = digits_study(
    4,
    notify={"events": ["started", "new_best", "round_done", "trouble", "needs_me", "done"]},
)
TRIALS = 8


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Instance, Path]]:
    folder = tmp_path_factory.mktemp("cloud")
    instance = launch(folder, port=0, cpus=1)
    try:
        with aws_environment(instance.environment):
            upload_digits()
            yield instance, folder
    finally:
        stop(instance)


def terminal(instance: Instance, *words: str) -> "subprocess.Popen[str]":
    """Type a command in a terminal of its own."""
    return subprocess.Popen(
        [sys.executable, "-c", "from tunewright_client.cli import main; main()", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={
            **os.environ,
            **instance.environment,
            "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
        },
    )


def submitted_by_hand(instance: Instance, spec: dict[str, Any]) -> str:
    """Submit with nothing of ours: botocore's signature on a plain request."""
    url = f"{instance.environment['TUNEWRIGHT_API']}/studies"
    request = AWSRequest(
        "POST",
        url,
        data=json.dumps(spec),
        headers={"Content-Type": "application/json", "Idempotency-Key": "by-hand"},
    )
    credentials = boto3.Session().get_credentials()
    SigV4Auth(credentials, "execute-api", "us-east-1").add_auth(request)
    plain = urllib.request.Request(  # noqa: S310 - our own port
        url, data=json.dumps(spec).encode(), headers=dict(request.headers)
    )
    with urllib.request.urlopen(plain, timeout=30) as answer:  # noqa: S310
        assert answer.status == 201
        return str(json.loads(answer.read())["id"])


def items(table: str) -> list[dict[str, Any]]:
    """Every item of the table, by Scan."""
    dynamodb = boto3.resource("dynamodb")
    found: list[dict[str, Any]] = []
    last: dict[str, Any] = {}
    while True:
        page = dynamodb.Table(table).scan(**last)
        found += page["Items"]
        if "LastEvaluatedKey" not in page:
            dynamodb.meta.client.close()
            return found
        last = {"ExclusiveStartKey": page["LastEvaluatedKey"]}


@pytest.mark.timeout(300)
def test_three_studies_at_once_do_not_disturb_each_other(
    cloud: tuple[Instance, Path], tmp_path: Path
) -> None:
    instance, folder = cloud
    typed = {}
    for name in ("left", "right"):
        path = tmp_path / f"{name}.json"
        path.write_text(json.dumps({"study": name, **SPEC}))
        typed[name] = terminal(instance, "submit", str(path), "--json")
    by_hand = submitted_by_hand(instance, {"study": "byhand", **SPEC})
    said = {name: process.communicate(timeout=60) for name, process in typed.items()}
    assert all(process.returncode == 0 for process in typed.values()), said
    ids = {name: json.loads(out)["id"] for name, (out, _) in said.items()} | {"byhand": by_hand}
    watching = {name: terminal(instance, "watch", study) for name, study in ids.items()}
    for name, process in watching.items():
        out, error = process.communicate(timeout=240)
        assert process.returncode == 0, out + error
        others = set(ids.values()) - {ids[name]}
        assert not [other for other in others if other in out]  # nobody else's news
    api = ApiClient(instance.environment["TUNEWRIGHT_API"], "us-east-1")
    tables = boto3.client("dynamodb")
    (table,) = tables.list_tables()["TableNames"]
    tables.close()
    everything = items(table)
    letters = told(folder, set(ids.values()), everything)
    for study in ids.values():
        check(api, study, everything, letters)


def check(
    api: ApiClient, study: str, everything: list[dict[str, Any]], letters: list[Letter]
) -> None:
    """Hold what the study says of itself against a recount of all items and of SageMaker's jobs."""
    found = api.ask("GET", f"/studies/{study}")
    rows = [item for item in everything if item["pk"] == f"TRIAL#{study}"]
    assert found["phase"] == "done"
    assert found["trials"] == len(rows) == len({row["sk"] for row in rows}) == TRIALS
    assert float(found["spent"]) == pytest.approx(sum(float(row["cost"]) for row in rows))
    best = max(float(row["objective"]) for row in rows)
    assert found["best"] == pytest.approx(best)
    sagemaker = boto3.client("sagemaker")
    jobs = set()
    for number in (1, 2):
        listed = sagemaker.list_training_jobs_for_hyper_parameter_tuning_job(
            HyperParameterTuningJobName=f"tw-{study}-r{number:02d}", MaxResults=100
        )
        jobs |= {each["TrainingJobName"] for each in listed["TrainingJobSummaries"]}
    sagemaker.close()
    assert jobs == {row["sk"] for row in rows}
    committed = {
        decision_id(study, item): item["kind"]
        for item in everything
        if item["pk"] == f"DECISION#{study}"
    }
    heard = {kind: ids_in(letters, kind, study) for kind in ("mail", "slack")}
    for kind in ("mail", "slack"):
        assert heard[kind] <= committed.keys()  # nothing was told that was not decided
        spoken = {each for each, what in committed.items() if what in {"round done", "done"}}
        assert spoken <= heard[kind]
    # No mark is left: each of its decisions went to the topic or is of a kind that nobody asked for
    marked = [i for i in everything if i["pk"] == f"DECISION#{study}" and "unpublished" in i]
    assert marked == []


def decision_id(study: str, item: dict[str, Any]) -> str:
    return f"{study}/{int(item['sk']):05d}"


def ids_in(letters: list[Letter], kind: str, study: str) -> set[str]:
    pattern = rf"{study}/\d{{5}}"
    return {
        found.group()
        for each in letters
        if each.kind == kind
        for found in re.finditer(pattern, str(each.body))
    }


def told(folder: Path, studies: set[str], everything: list[dict[str, Any]]) -> list[Letter]:
    """Wait until each study's end has come both ways; return all letters."""
    end = time.monotonic() + 60
    while True:
        letters = read_letters(folder / "letters.jsonl")
        last = {
            study: max(
                decision_id(study, item)
                for item in everything
                if item["pk"] == f"DECISION#{study}" and item["kind"] == "done"
            )
            for study in studies
        }
        if all(
            last[study] in ids_in(letters, kind, study)
            for study in studies
            for kind in ("mail", "slack")
        ):
            return letters
        assert time.monotonic() < end, last
        time.sleep(0.25)
