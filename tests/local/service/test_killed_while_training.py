"""`kill -9` of the server at any moments of one tuning job: its results are complete, and agree."""

import random
import signal
import struct
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.local.service.conftest import client, kill, launch, until
from tests.local.service.killed_trainer import IMAGE

SERVER = Path(__file__).with_name("killed_trainer.py")
TRIALS = 16
NAME = {"HyperParameterTuningJobName": "search"}
REQUEST: dict[str, Any] = {
    **NAME,
    "HyperParameterTuningJobConfig": {
        "Strategy": "Bayesian",
        "HyperParameterTuningJobObjective": {"Type": "Maximize", "MetricName": "score"},
        "ResourceLimits": {"MaxNumberOfTrainingJobs": TRIALS, "MaxParallelTrainingJobs": 2},
        "ParameterRanges": {
            "ContinuousParameterRanges": [{"Name": "x", "MinValue": "0", "MaxValue": "1"}]
        },
        "RandomSeed": 1,
    },
    "TrainingJobDefinition": {
        "AlgorithmSpecification": {
            "TrainingImage": IMAGE,
            "TrainingInputMode": "File",
            "MetricDefinitions": [{"Name": "score", "Regex": "score=([0-9.]+);"}],
        },
        "RoleArn": "arn:aws:iam::123456789012:role/Trainer",
        "OutputDataConfig": {"S3OutputPath": "s3://killed/out"},
        "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
        "StoppingCondition": {"MaxRuntimeInSeconds": 600},
    },
}


def single(number: float) -> float:
    """A number as AWS shows it."""
    return float(struct.unpack("f", struct.pack("f", number))[0])


def living_below(root: Path) -> list[str]:
    """The processes that were started with this folder."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            command = (entry / "cmdline").read_bytes().decode(errors="replace")
            dead = (entry / "stat").read_text().rpartition(")")[2].split()[0] == "Z"
        except OSError:
            continue  # it has ended meanwhile
        if str(root) in command and not dead:
            found.append(command.replace("\0", " "))
    return found


@pytest.mark.parametrize("kills", [3, pytest.param(10, marks=pytest.mark.slow)])
def test_a_job_whose_server_is_killed_again_and_again_is_complete(
    tmp_path: Path, kills: int
) -> None:
    (tmp_path / "notes").mkdir()
    luck = random.Random(f"kills {kills}")  # noqa: S311 - when to kill

    def serve() -> tuple[Any, str]:
        process = launch(str(SERVER), "serve", str(tmp_path))
        assert process.stdout is not None
        return process, process.stdout.readline().strip()

    process, url = serve()
    s3, sm = client("s3", url), client("sagemaker", url)
    s3.create_bucket(Bucket="killed")
    sm.create_hyper_parameter_tuning_job(**REQUEST)
    for _ in range(kills):
        s3.close(), sm.close()
        time.sleep(luck.uniform(0.0, 0.6))
        kill(process)
        process, url = serve()
        s3, sm = client("s3", url), client("sagemaker", url)

    def completed() -> Any:
        job = sm.describe_hyper_parameter_tuning_job(**NAME)
        return job if job["HyperParameterTuningJobStatus"] != "InProgress" else None

    job = until(completed, 120)
    assert job["HyperParameterTuningJobStatus"] == "Completed", job.get("FailureReason")
    trials = sm.list_training_jobs_for_hyper_parameter_tuning_job(**NAME, MaxResults=100)[
        "TrainingJobSummaries"
    ]
    names = [trial["TrainingJobName"] for trial in trials]
    numbers = sorted(int(name.split("-")[-2]) for name in names)
    assert numbers == list(range(1, TRIALS + 1))
    counted = Counter(trial["TrainingJobStatus"] for trial in trials)
    assert counted == {"Completed": TRIALS}
    shown = {status: n for status, n in job["TrainingJobStatusCounters"].items() if n}
    assert shown == counted
    assert job["ObjectiveStatusCounters"] == {"Succeeded": TRIALS, "Pending": 0, "Failed": 0}

    wrote: dict[str, set[tuple[str, float]]] = {}
    for line in (tmp_path / "notes/found").read_text().splitlines():
        name, x, score = line.split()
        wrote.setdefault(name, set()).add((x, float(score)))
    assert set(wrote) == set(names)
    values = {}
    for trial in trials:
        name = trial["TrainingJobName"]
        ((x, score),) = wrote[name]  # a run that was killed late had found the same
        value = trial["FinalHyperParameterTuningJobObjectiveMetric"]["Value"]
        assert (trial["TunedHyperParameters"]["x"], value) == (x, single(score))
        values[name] = value
        one = sm.describe_training_job(TrainingJobName=name)
        assert one["FinalMetricDataList"][0]["Value"] == value
        assert one["SecondaryStatus"] == "Completed"
        key = one["ModelArtifacts"]["S3ModelArtifacts"].removeprefix("s3://killed/")
        assert s3.head_object(Bucket="killed", Key=key)["ContentLength"] > 0
    best = job["BestTrainingJob"]
    assert best["FinalHyperParameterTuningJobObjectiveMetric"]["Value"] == max(values.values())
    assert values[best["TrainingJobName"]] == max(values.values())
    assert list((tmp_path / "notes").glob("*.twice")) == []

    s3.close(), sm.close()
    process.send_signal(signal.SIGINT)
    process.wait(60)
    until(lambda: not living_below(tmp_path))
