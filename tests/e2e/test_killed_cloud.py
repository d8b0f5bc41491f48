"""The local cloud is killed at three moments of a study, and the study finishes all the same."""

import re
import time
from pathlib import Path
from typing import Any

import boto3
import pytest

from tests.support.digits import digits_study, upload_digits
from tests.support.killed import Killed
from tunewright_client.api_client import ApiError
from tunewright_local.environment import aws_environment
from tunewright_local.inbox import read_letters
from tunewright_local.process import stop

SPEC = digits_study(6, study="killed", deploy={"to": "killed", "lease": "1h", "approve": True})
TOLD = {"round done", "ranges refined", "search ended", "done"}
"""Kinds of decisions that people are told of by default."""


@pytest.mark.timeout(420)
def test_a_study_outlives_three_kills(tmp_path: Path) -> None:
    killed = Killed(tmp_path / "cloud")
    try:
        with aws_environment(killed.instance.environment):
            upload_digits()
            headers = {"Idempotency-Key": "k"}
            study = killed.api().ask("POST", "/studies", SPEC, headers=headers)["id"]
            killed.kill()
            # What was acknowledged a moment ago is there, and the same again
            assert killed.api().ask("POST", "/studies", SPEC, headers=headers)["id"] == study
            killed.until(study, lambda found: found["trials"] >= 2)
            killed.kill()
            killed.until(study, lambda found: found["rounds"] == 2)
            killed.kill()
            asked = killed.until(study, lambda found: found["phase"] == "awaiting approval")
            answer = {"answer": "approve", "plan_hash": asked["deployment"]["hash"]}
            killed.api().ask("POST", f"/studies/{study}/approval", answer)
            killed.kill()  # at once: it has been acknowledged, and the deployment begins
            found = killed.until(study, lambda found: found["phase"] == "done")
            check_jobs(killed, study, found)
            check_letters(killed, study)
    finally:
        if killed.instance.runs:
            stop(killed.instance)


def check_jobs(killed: Killed, study: str, found: Any) -> None:
    """What SageMaker has run is what the table holds, job by job."""
    sagemaker, runtime = boto3.client("sagemaker"), boto3.client("sagemaker-runtime")
    rounds = sagemaker.list_hyper_parameter_tuning_jobs(NameContains=study)
    names = [each["HyperParameterTuningJobName"] for each in rounds[f"{TUNING}Summaries"]]
    assert sorted(names) == [each["tuning_job"] for each in found["round_list"]]
    pages = sagemaker.get_paginator("list_training_jobs").paginate(NameContains=study)
    jobs = {each["TrainingJobName"] for page in pages for each in page["TrainingJobSummaries"]}
    trials = list(killed.api().pages(f"/studies/{study}/trials", "trials"))
    assert len(trials) == len(jobs) == 12
    assert {each["name"] for each in trials} == jobs
    spent = sum(float(each["cost"]) for each in trials)
    assert float(found["spent"]) == pytest.approx(spent, abs=1e-9)
    body = ",".join(["0"] * 64).encode()
    answer = runtime.invoke_endpoint(EndpointName="tw-killed", ContentType="text/csv", Body=body)
    assert 0 <= float(answer["Body"].read()) <= 1
    sagemaker.close(), runtime.close()


TUNING = "HyperParameterTuningJob"


def check_letters(killed: Killed, study: str) -> None:
    """People were told of everything that was decided, and of nothing else."""
    decisions = list(killed.api().pages(f"/studies/{study}/decisions", "decisions"))
    known = {each["id"] for each in decisions}
    wanted = {each["id"] for each in decisions if each["kind"] in TOLD}
    end = time.monotonic() + 120
    while True:
        letters = read_letters(killed.folder / "letters.jsonl")
        told = {kind: set[str]() for kind in ("mail", "slack")}
        for each in letters:
            told[each.kind] |= set(re.findall(rf"{study}/\d{{5}}", str(each.body)))
        if wanted <= told["mail"] and wanted <= told["slack"]:
            break
        assert time.monotonic() < end, {kind: wanted - ids for kind, ids in told.items()}
        time.sleep(0.5)
    assert told["mail"] | told["slack"] <= known
    with pytest.raises(ApiError):
        killed.api().ask("GET", f"/studies/{study}x")
