"""All parts together and for real: XGBoost trials, a warm start, and a model that answers."""

import io
import json
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer

from sagemaker_local.server import LocalServer
from tests.local.service.conftest import client, kill, launch, until
from tests.local.service.fakes import XGBOOST, changed, child_of, tuning_request
from tests.local.training_world import archive

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
    on_two = {**on_instance, "InitialInstanceCount": 2}
    for name, one in (("one", on_instance), ("two", on_two), ("none", serverless)):
        sm.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[one])
    sm.create_endpoint(EndpointName="live", EndpointConfigName="one")

    def config_in_service(name: str = "live") -> str | None:
        endpoint = sm.describe_endpoint(EndpointName=name)
        assert "FailureReason" not in endpoint
        return endpoint["EndpointStatus"] == "InService" and endpoint["EndpointConfigName"]

    for name in ("one", "two"):
        if name == "two":
            sm.update_endpoint(EndpointName="live", EndpointConfigName="two", **canary())
        assert until(config_in_service, 60) == name
        row = ",".join(map(str, FEATURES[1]))
        answer = runtime.invoke_endpoint(EndpointName="live", ContentType="text/csv", Body=row)
        assert round(float(answer["Body"].read())) == LABELS[1]
    sm.create_endpoint(EndpointName="cheap", EndpointConfigName="none")
    assert until(lambda: config_in_service("cheap"), 60) == "none"
    answer = runtime.invoke_endpoint(EndpointName="cheap", ContentType="text/csv", Body=row)
    assert round(float(answer["Body"].read())) == LABELS[1]
    with pytest.raises(runtime.exceptions.ModelError):
        runtime.invoke_endpoint(EndpointName="live", ContentType="text/nonsense", Body=b"1")
    seen_in_cloudwatch(server.url)
    sm.close(), runtime.close()


def canary() -> dict[str, Any]:
    size = {"Type": "CAPACITY_PERCENT", "Value": 50}
    routing = {"Type": "CANARY", "WaitIntervalInSeconds": 1, "CanarySize": size}
    policy = {"TrafficRoutingConfiguration": routing, "TerminationWaitInSeconds": 0}
    return {"DeploymentConfig": {"BlueGreenUpdatePolicy": policy}}


def seen_in_cloudwatch(url: str) -> None:
    logs, metrics = client("logs", url), client("cloudwatch", url)
    group = "/aws/sagemaker/Endpoints/live"

    def streams() -> list[str]:
        found = logs.describe_log_streams(logGroupName=group)["logStreams"]
        return [one["logStreamName"] for one in found]

    until(lambda: len(streams()) >= 3, 20)
    assert all(name.startswith("AllTraffic/i-") for name in streams())
    events = logs.get_log_events(logGroupName=group, logStreamName=streams()[0])["events"]
    assert any("serving on port" in event["message"] for event in events)

    def total(name: str, **dimensions: str) -> float:
        named = [{"Name": key, "Value": value} for key, value in dimensions.items()]
        points = metrics.get_metric_statistics(
            Namespace="AWS/SageMaker",
            MetricName=name,
            Dimensions=named,
            StartTime=time.time() - 600,
            EndTime=time.time() + 60,
            Period=3600,
            Statistics=["Sum"],
        )["Datapoints"]
        return sum(point["Sum"] for point in points)

    variant = {"EndpointName": "live", "VariantName": "AllTraffic"}
    until(lambda: total("Invocations", **variant) == 3, 20)
    assert total("Invocation4XXErrors", **variant) == 1
    assert total("Invocation5XXErrors", **variant) == 0
    assert total("ModelLatency", **variant) > total("OverheadLatency", **variant) >= 0
    assert total("Invocations", **variant, EndpointConfigName="two") == 2
    logs.close(), metrics.close()


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


def test_a_deployment_of_a_killed_server_is_ended_by_the_next(tmp_path: Path) -> None:
    process, url = serve(tmp_path / "state")
    fill(url)
    sm = client("sagemaker", url)
    s3 = client("s3", url)
    s3.put_object(Bucket="data", Key="model.tar.gz", Body=script_model())
    s3.close()
    sm.create_model(
        ModelName="one",
        ExecutionRoleArn="arn:aws:iam::123456789012:role/Server",
        PrimaryContainer={"Image": XGBOOST, "ModelDataUrl": "s3://data/model.tar.gz"},
    )
    variant = {"VariantName": "v", "ModelName": "one", "InstanceType": "ml.m5.large"}
    for name in ("one", "two"):
        sm.create_endpoint_config(
            EndpointConfigName=name, ProductionVariants=[{**variant, "InitialInstanceCount": 2}]
        )
    sm.create_endpoint(EndpointName="live", EndpointConfigName="one")

    def shown() -> dict[str, Any]:
        found: dict[str, Any] = sm.describe_endpoint(EndpointName="live")
        return found

    until(lambda: shown()["EndpointStatus"] == "InService", 60)
    deployment = canary()
    policy = deployment["DeploymentConfig"]["BlueGreenUpdatePolicy"]
    policy["TrafficRoutingConfiguration"]["WaitIntervalInSeconds"] = 5
    sm.update_endpoint(EndpointName="live", EndpointConfigName="two", **deployment)

    def baking() -> bool:
        coming = shown()["PendingDeploymentSummary"]["ProductionVariants"][0]
        return bool(coming["VariantStatus"][0]["Status"] == "Baking")

    until(baking, 60)
    kill(process)
    sm.close()
    process, url = serve(tmp_path / "state")
    sm, runtime = client("sagemaker", url), client("sagemaker-runtime", url)

    def refused() -> str:
        try:
            runtime.invoke_endpoint(EndpointName="live", ContentType="text/csv", Body=b"1,2")
        except runtime.exceptions.ClientError as error:
            return str(error)
        return ""

    until(lambda: not refused(), 60)
    first = shown()
    assert (first["EndpointStatus"], first["EndpointConfigName"]) == ("Updating", "one")
    while shown()["EndpointStatus"] == "Updating":
        assert refused() == ""
        time.sleep(0.1)
    assert (shown()["EndpointStatus"], shown()["EndpointConfigName"]) == ("InService", "two")
    assert refused() == ""
    sm.close(), runtime.close()
    kill(process)


def script_model() -> bytes:
    """A model that answers with what a script says."""
    code = "def model_fn(folder): return len\ndef predict_fn(data, model): return [model(data)]\n"
    return archive({"code/inference.py": code})
