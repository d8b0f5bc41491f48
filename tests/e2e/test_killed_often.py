"""Everything is killed twenty times in a study, and it ends as one that nobody disturbed."""

import random
import time
from pathlib import Path
from typing import Any

import boto3
import pytest

from tests.support.digits import digits_study, upload_digits
from tests.support.killed import Killed
from tunewright_local.environment import aws_environment
from tunewright_local.process import stop

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

KILLS = 20
LONGEST_PAUSE = 6.0
TRIALS = 12
HEADERS = {"Idempotency-Key": "the-same"}
JOB = "HyperParameterTuningJob"


def study(strategy: str) -> dict[str, Any]:
    whole = digits_study(TRIALS, study="often", deploy={"to": "often", "lease": "1h"})
    whole["rounds"]["strategy"] = strategy
    whole["stop"] = [{"wall_clock": "6h"}]  # no rule counts trials
    return whole


def run(folder: Path, strategy: str, kills: int) -> dict[str, Any]:
    """Run the study under so many kills; return what it came to, as the world has it."""
    chance = random.Random(f"{strategy} {kills}")  # noqa: S311 - no secret
    killed = Killed(folder)
    try:
        with aws_environment(killed.instance.environment):
            upload_digits()
            spec = study(strategy)
            name = killed.api().ask("POST", "/studies", spec, headers=HEADERS)["id"]
            for number in range(kills):
                time.sleep(chance.uniform(0, LONGEST_PAUSE))
                killed.kill(everything=chance.random() < 0.5)
                again = killed.api().ask("POST", "/studies", spec, headers=HEADERS)["id"]
                assert again == name, f"kill {number}"
            found = killed.until(name, lambda seen: seen["phase"] == "done", seconds=600)
            return outcome(killed, found)
    finally:
        if killed.instance.runs:
            stop(killed.instance)


def outcome(killed: Killed, found: Any) -> dict[str, Any]:
    """What a study came to, times and cost apart; held to what SageMaker has, job by job."""
    name = found["id"]
    sagemaker, runtime = boto3.client("sagemaker"), boto3.client("sagemaker-runtime")
    rows = {each["name"]: each for each in killed.api().pages(f"/studies/{name}/trials", "trials")}
    pages = sagemaker.get_paginator("list_training_jobs").paginate(NameContains=name)
    jobs = [each["TrainingJobName"] for page in pages for each in page["TrainingJobSummaries"]]
    assert sorted(jobs) == sorted(rows)
    assert len(jobs) == found["trials"] == 2 * TRIALS
    assert float(found["spent"]) == pytest.approx(sum(float(row["cost"]) for row in rows.values()))
    assert found["best"] == pytest.approx(max(row["objective"] for row in rows.values()))
    listed = sagemaker.list_hyper_parameter_tuning_jobs(NameContains=name)[f"{JOB}Summaries"]
    ranges = {}
    for each in listed:
        job = sagemaker.describe_hyper_parameter_tuning_job(**{f"{JOB}Name": each[f"{JOB}Name"]})
        counters = job["TrainingJobStatusCounters"]
        assert counters["Completed"] == TRIALS
        ranges[each[f"{JOB}Name"]] = job[f"{JOB}Config"]["ParameterRanges"]
    assert sorted(ranges) == [each["tuning_job"] for each in found["round_list"]]
    endpoints = sagemaker.list_endpoints()["Endpoints"]
    assert [each["EndpointName"] for each in endpoints] == ["tw-often"]
    models = sagemaker.list_models()["Models"]
    assert len(models) == len(sagemaker.list_endpoint_configs()["EndpointConfigs"]) == 1
    model = sagemaker.describe_model(ModelName=models[0]["ModelName"])
    body = ",".join(["0"] * 64).encode()
    answer = runtime.invoke_endpoint(EndpointName="tw-often", ContentType="text/csv", Body=body)
    told = float(answer["Body"].read())
    sagemaker.close(), runtime.close()
    return {
        "trials": {key: (row["parameters"], row["objective"]) for key, row in rows.items()},
        "ranges": ranges,
        "best": found["best"],
        "model": (model["ModelName"], model["PrimaryContainer"]["ModelDataUrl"]),
        "answer": told,
    }


def test_random_rounds_end_as_if_nobody_had_disturbed_them(tmp_path: Path) -> None:
    calm = run(tmp_path / "calm", "random", 0)
    assert run(tmp_path / "killed", "random", KILLS) == calm


def test_bayesian_rounds_lose_nothing_and_launch_nothing_twice(tmp_path: Path) -> None:
    assert len(run(tmp_path / "killed", "bayesian", KILLS)["trials"]) == 2 * TRIALS
