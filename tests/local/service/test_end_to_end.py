"""All parts together and for real: XGBoost trials, a warm start, and a model that answers."""

import io
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer

from sagemaker_local.server import LocalServer
from tests.local.service.conftest import client, kill, launch, until
from tests.local.service.fakes import XGBOOST, changed, child_of, tuning_request

FEATURES, LABELS = load_breast_cancer(return_X_y=True)
OVER = {"Completed", "Failed", "Stopped"}


def fill(url: str) -> None:
    s3 = client("s3", url)
    s3.create_bucket(Bucket="data")
    table = np.column_stack([LABELS, FEATURES])
    for name, rows in (("train", table[::2]), ("validation", table[1::2])):
        text = io.StringIO()
        np.savetxt(text, rows, delimiter=",", fmt="%g")
        s3.put_object(Bucket="data", Key=f"{name}/rows.csv", Body=text.getvalue().encode())
    s3.close()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[LocalServer]:
    with LocalServer(tmp_path / "state", cpus=1) as running:
        fill(running.url)
        yield running


def request() -> dict[str, Any]:
    asked = tuning_request(Strategy="Bayesian", trials=6, parallel=2)
    asked["HyperParameterTuningJobConfig"] |= {
        "HyperParameterTuningJobObjective": {"Type": "Maximize", "MetricName": "validation:auc"},
        "ParameterRanges": {
            "ContinuousParameterRanges": [
                {
                    "Name": "eta",
                    "MinValue": "0.01",
                    "MaxValue": "0.4",
                    "ScalingType": "Logarithmic",
                }
            ],
            "IntegerParameterRanges": [{"Name": "max_depth", "MinValue": "2", "MaxValue": "6"}],
        },
    }
    asked["TrainingJobDefinition"] |= {
        "AlgorithmSpecification": {"TrainingImage": XGBOOST, "TrainingInputMode": "File"},
        "StaticHyperParameters": {"num_round": "10", "objective": "binary:logistic"},
    }
    return asked


def ended(sm: Any, name: str) -> dict[str, Any]:
    def look() -> dict[str, Any] | None:
        job = sm.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName=name)
        return job if job["HyperParameterTuningJobStatus"] in OVER else None

    job: dict[str, Any] = until(look, 90)
    assert job["HyperParameterTuningJobStatus"] == "Completed", job
    return job


def test_tune_refine_deploy_and_ask(server: LocalServer) -> None:
    sm, runtime = client("sagemaker", server.url), client("sagemaker-runtime", server.url)
    parent = request()
    sm.create_hyper_parameter_tuning_job(**parent)
    first = ended(sm, "search")
    assert first["TrainingJobStatusCounters"]["Completed"] == 6
    narrow = "HyperParameterTuningJobConfig.ParameterRanges.ContinuousParameterRanges.0.MinValue"
    child = changed(child_of(parent, kind="IdenticalDataAndAlgorithm"), narrow, "0.1")
    sm.create_hyper_parameter_tuning_job(**child)
    best = ended(sm, "child")["OverallBestTrainingJob"]
    assert best["FinalHyperParameterTuningJobObjectiveMetric"]["Value"] > 0.95
    trial = sm.describe_training_job(TrainingJobName=best["TrainingJobName"])
    sm.create_model(
        ModelName="best",
        ExecutionRoleArn="arn:aws:iam::123456789012:role/Server",
        PrimaryContainer={
            "Image": XGBOOST,
            "ModelDataUrl": trial["ModelArtifacts"]["S3ModelArtifacts"],
        },
    )
    variant = {"VariantName": "AllTraffic", "ModelName": "best"}
    on_instance = {**variant, "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
    serverless = {**variant, "ServerlessConfig": {"MemorySizeInMB": 2048, "MaxConcurrency": 1}}
    sm.create_endpoint_config(EndpointConfigName="one", ProductionVariants=[on_instance])
    sm.create_endpoint_config(EndpointConfigName="two", ProductionVariants=[serverless])
    sm.create_endpoint(EndpointName="live", EndpointConfigName="one")

    def config_in_service() -> str | None:
        endpoint = sm.describe_endpoint(EndpointName="live")
        assert "FailureReason" not in endpoint
        return endpoint["EndpointStatus"] == "InService" and endpoint["EndpointConfigName"]

    for name in ("one", "two"):
        if name == "two":
            sm.update_endpoint(EndpointName="live", EndpointConfigName="two")
        assert until(config_in_service, 60) == name
        row = ",".join(map(str, FEATURES[1]))
        answer = runtime.invoke_endpoint(EndpointName="live", ContentType="text/csv", Body=row)
        assert round(float(answer["Body"].read())) == LABELS[1]
    with pytest.raises(runtime.exceptions.ModelError):
        runtime.invoke_endpoint(EndpointName="live", ContentType="text/nonsense", Body=b"1")
    sm.close(), runtime.close()


def serve(root: Path) -> tuple[subprocess.Popen[str], str]:
    """Start the server as a person would, and read from what it says how to reach it."""
    process = launch("-m", "sagemaker_local", "--port=0", "--cpus=1", f"--dir={root}")
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("export AWS_ENDPOINT_URL="):
            return process, line.strip().partition("=")[2]
    raise AssertionError("the server did not start")


def test_a_trial_of_a_killed_server_is_reaped_and_run_again(tmp_path: Path) -> None:
    process, url = serve(tmp_path / "state")
    fill(url)
    sm = client("sagemaker", url)
    asked = request()
    limits = {"MaxNumberOfTrainingJobs": 2, "MaxParallelTrainingJobs": 1}
    asked["HyperParameterTuningJobConfig"]["ResourceLimits"] = limits
    asked["TrainingJobDefinition"]["StaticHyperParameters"]["num_round"] = "50"
    sm.create_hyper_parameter_tuning_job(**asked)
    (pid_file,) = until(lambda: list((tmp_path / "state").glob("training/*/pid")))
    until(pid_file.read_text)
    trial = json.loads(pid_file.read_text())["pid"]
    assert cmdline(trial)
    kill(process)
    sm.close()
    process, url = serve(tmp_path / "state")
    sm = client("sagemaker", url)
    until(lambda: not cmdline(trial))
    job = ended(sm, "search")
    assert job["TrainingJobStatusCounters"]["Completed"] == 2
    listed = sm.list_training_jobs_for_hyper_parameter_tuning_job(
        HyperParameterTuningJobName="search"
    )
    first = listed["TrainingJobSummaries"][0]["TrainingJobName"]
    assert first == pid_file.parent.name
    way = sm.describe_training_job(TrainingJobName=first)["SecondaryStatusTransitions"]
    assert [step["Status"] for step in way].count("Starting") == 2
    sm.close()
    kill(process)


def cmdline(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""
