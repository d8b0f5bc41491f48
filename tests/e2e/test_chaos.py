"""On a bad day a real study ends, and what is recorded is what SageMaker has."""

from collections import Counter
from pathlib import Path
from typing import Any

import boto3
import pytest

from tests.support.digits import digits_study, upload_digits
from tests.support.killed import Killed
from tunewright_local.environment import aws_environment
from tunewright_local.process import stop

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

TRIALS = 8


def everything(cloud: Killed, name: str, what: str) -> list[Any]:
    """All of a study's trials or decisions."""
    found: list[Any] = cloud.patiently(lambda api: list(api.pages(f"/studies/{name}/{what}", what)))
    return found


@pytest.mark.parametrize("seed", [1, 2])
def test_a_study_ends_as_it_should_on_a_bad_day(tmp_path: Path, seed: int) -> None:
    cloud = Killed(tmp_path, chaos=seed)
    try:
        with aws_environment(cloud.instance.environment):
            upload_digits()
            spec = digits_study(TRIALS, study="chaos", deploy={"to": "chaos", "lease": "1h"})
            headers = {"Idempotency-Key": "k"}
            name = cloud.patiently(lambda api: api.ask("POST", "/studies", spec, headers=headers))[
                "id"
            ]
            found = cloud.until(name, lambda seen: seen["phase"] == "done", seconds=1500)
            sagemaker = boto3.client("sagemaker")
            pages = sagemaker.get_paginator("list_training_jobs").paginate(NameContains=name)
            jobs = {
                each["TrainingJobName"]: each["TrainingJobStatus"]
                for page in pages
                for each in page["TrainingJobSummaries"]
            }
            endpoints = sagemaker.list_endpoints()["Endpoints"]
            configs = sagemaker.list_endpoint_configs()["EndpointConfigs"]
            models = sagemaker.list_models()["Models"]
            sagemaker.close()
            rows = everything(cloud, name, "trials")
            decisions = everything(cloud, name, "decisions")
    finally:
        stop(cloud.instance)
    assert {row["name"]: row["status"] for row in rows} == jobs
    assert len(jobs) == found["trials"] == 2 * TRIALS
    assert float(found["spent"]) == pytest.approx(sum(float(row["cost"]) for row in rows))
    assert found["best"] == max(row["objective"] for row in rows if row["status"] == "Completed")
    assert [each["EndpointName"] for each in endpoints] == ["tw-chaos"]
    assert len(models) == len(configs) == 1
    kinds = Counter(each["kind"] for each in decisions)
    assert (kinds["round done"], kinds["search ended"], kinds["done"]) == (2, 1, 1)
    assert (tmp_path / "log").read_text().count("chaos: killed") > 0
