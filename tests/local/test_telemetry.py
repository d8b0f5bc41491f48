"""Lines and values on their way to CloudWatch: in order, in bounds, and never in anybody's way."""

import logging
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sagemaker_local.server import LocalServer
from sagemaker_local.telemetry import CloudWatch, Series, Stream
from sagemaker_local.telemetry import backlog as kept
from sagemaker_local.telemetry.backlog import Lines, Sample, Samples, batches, data
from tests.local.service.conftest import client, until
from tests.local.service.fakes import IMAGE

STREAM = Stream.of_job("job", 0.0)
SCRIPT = """
import sys
print("epoch\\t0")
for value in (0.5, 0.75):
    print(f"accuracy={value};")
print()
sys.stdout.buffer.write(b"\\xff\\xfe\\x00 garbage\\n")
"""


def test_batches_keep_to_the_limits_and_to_the_order() -> None:
    many = [(at, "x") for at in range(25_000)]
    parts = list(batches(many[::-1]))
    assert [len(part) for part in parts] == [10_000, 10_000, 5_000]
    assert [event["timestamp"] for part in parts for event in part] == list(range(25_000))
    large = list(batches([(0, "é" * 200_000), (0, "y" * 300_000), (1, "z" * 262_000)] * 3))
    for part in large:
        sizes = [len(event["message"].encode()) for event in part]
        assert all(0 < size <= 256 * 1024 - 26 for size in sizes)
        assert sum(sizes) + 26 * len(part) <= 1_048_576
    assert sum(map(len, large)) == 9


def test_a_stream_has_an_allowance_and_says_when_it_is_spent() -> None:
    lines = Lines()
    for number in range(kept.STREAM_LINES + 500):
        lines.add(STREAM, f"line {number}", number)
    other = Stream.of_job("other", 0.0)
    lines.add(other, "still heard", 1.0)
    lines.add(other, "", 2.0)
    taken = lines.taken()
    assert len(taken[STREAM]) == kept.STREAM_LINES + 1
    assert "its file has all" in taken[STREAM][-1][1]
    assert taken[other] == [(1000, "still heard")]
    assert lines.taken() == {}


def test_what_waits_is_bounded() -> None:
    lines = Lines()
    for number in range(200):
        lines.add(Stream.of_job(f"job{number}", 0.0), "x" * 200_000, 0.0)
    assert lines.size <= kept.WAITING_BYTES + 200 * 120
    for number in range(3 * kept.STREAMS_KNOWN):
        lines.add(Stream.of_job(f"job{number}", 0.0), "x", 0.0)
    assert len(lines._spent) <= kept.STREAMS_KNOWN
    samples = Samples()
    for second in range(kept.WAITING_SAMPLES + 7):
        samples.add(Series.of_job("job", "loss"), 1.0, second)
    assert len(samples.waiting) == kept.WAITING_SAMPLES
    assert samples.dropped == 7


def test_values_of_a_second_go_together() -> None:
    samples = Samples()
    series = Series.of_job("job", "loss")
    for value in range(4):
        samples.add(series, float(value), 10.2)
    samples.add(series, 9.0, 11.0)
    ((namespace, sent),) = data(samples.taken())
    assert namespace == "/aws/sagemaker/TrainingJobs"
    assert [one["Timestamp"] for one in sent] == [10, 11]
    assert (sent[0]["Values"], sent[0]["Counts"]) == ([0.0, 1.0, 2.0, 3.0], [1.0] * 4)
    assert sent[1]["Value"] == 9.0
    flood = Sample()
    for value in range(10_000):
        flood.add(float(value))
    assert len(flood.values) == kept.DATUM_VALUES
    assert flood.members()["StatisticValues"] == {
        "SampleCount": 10_000.0,
        "Sum": 49_995_000.0,
        "Minimum": 0.0,
        "Maximum": 9999.0,
    }


def test_nobody_answers_and_nobody_minds(caplog: pytest.LogCaptureFixture) -> None:
    nowhere = CloudWatch("http://127.0.0.1:1", region="us-east-1", access_key="a", secret_key="b")
    began = time.monotonic()
    for _ in range(1000):
        nowhere.line(STREAM, "text", 1.0)
        nowhere.value(Series.of_job("job", "loss"), 1.0, 1.0)
    assert time.monotonic() - began < 5  # it is not held up by connections; no measure of speed
    with caplog.at_level(logging.WARNING):
        nowhere.close()
    assert "did not take" in caplog.text
    nowhere.line(STREAM, "late", 1.0)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[LocalServer]:
    (tmp_path / "train.py").write_text(SCRIPT)
    own = {IMAGE: (sys.executable, str(tmp_path / "train.py"))}
    with LocalServer(tmp_path / "state", cpus=1, images=own) as running:
        s3 = client("s3", running.url)
        s3.create_bucket(Bucket="data")
        s3.close()
        yield running


def train(server: LocalServer, name: str) -> None:
    sm = client("sagemaker", server.url)
    sm.create_training_job(
        TrainingJobName=name,
        AlgorithmSpecification={
            "TrainingImage": IMAGE,
            "TrainingInputMode": "File",
            "MetricDefinitions": [{"Name": "accuracy", "Regex": "accuracy=([0-9.]+);"}],
        },
        RoleArn="arn:aws:iam::123456789012:role/Trainer",
        OutputDataConfig={"S3OutputPath": "s3://data/out"},
        ResourceConfig={"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
        StoppingCondition={"MaxRuntimeInSeconds": 60},
    )

    def status() -> Any:
        return sm.describe_training_job(TrainingJobName=name)["TrainingJobStatus"] == "Completed"

    until(status, 30)
    sm.close()


def lines_of(server: LocalServer, name: str) -> list[str]:
    logs = client("logs", server.url)
    group = "/aws/sagemaker/TrainingJobs"

    def stream() -> Any:
        try:
            found = logs.describe_log_streams(
                logGroupName=group, logStreamNamePrefix=f"{name}/", limit=1
            )
        except logs.exceptions.ResourceNotFoundException:
            return None
        return [one["logStreamName"] for one in found["logStreams"]]

    (only,) = until(stream, 20)
    assert only.startswith(f"{name}/algo-1-")
    assert abs(int(only.rpartition("-")[2]) - time.time()) < 60
    events = until(
        lambda: logs.get_log_events(logGroupName=group, logStreamName=only)["events"], 20
    )
    logs.close()
    times = [event["timestamp"] for event in events]
    assert times == sorted(times)
    assert abs(times[0] / 1000 - time.time()) < 60
    return [event["message"] for event in events]


def test_a_job_is_found_under_the_names_that_clients_look_for(server: LocalServer) -> None:
    train(server, "told")
    lines = lines_of(server, "told")
    assert lines[:3] == ["epoch#0110", "accuracy=0.5;", "accuracy=0.75;"]
    assert lines[3].endswith(" garbage")
    metrics = client("cloudwatch", server.url)

    def points() -> Any:
        answer = metrics.get_metric_statistics(
            Namespace="/aws/sagemaker/TrainingJobs",
            MetricName="accuracy",
            Dimensions=[{"Name": "TrainingJobName", "Value": "told"}],
            StartTime=time.time() - 600,
            EndTime=time.time() + 60,
            Period=3600,
            Statistics=["Average", "SampleCount"],
        )
        return answer["Datapoints"]

    found = until(points, 20)
    assert sum(point["SampleCount"] for point in found) == 2
    assert sum(point["Average"] * point["SampleCount"] for point in found) == pytest.approx(1.25)
    metrics.close()


def test_the_oldest_logs_are_forgotten(
    server: LocalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    train(server, "older")
    assert lines_of(server, "older")
    monkeypatch.setattr("sagemaker_local.telemetry.cloudwatch.LINES_KEPT", 5)
    train(server, "newer")
    assert lines_of(server, "newer")
    logs = client("logs", server.url)

    def streams() -> list[str]:
        found = logs.describe_log_streams(logGroupName="/aws/sagemaker/TrainingJobs")
        return [one["logStreamName"].partition("/")[0] for one in found["logStreams"]]

    until(lambda: streams() == ["newer"], 20)
    logs.close()


def test_a_log_that_somebody_deletes_comes_again(server: LocalServer) -> None:
    settings = server.settings
    watch = CloudWatch(
        server.url,
        region=settings.region,
        access_key=settings.access_key,
        secret_key=settings.secret_key,
    )
    logs = client("logs", server.url)
    names = {"logGroupName": STREAM.group, "logStreamName": STREAM.name}

    def seen() -> list[str]:
        try:
            return [event["message"] for event in logs.get_log_events(**names)["events"]]
        except logs.exceptions.ResourceNotFoundException:
            return []

    watch.line(STREAM, "first", time.time())
    watch.hurry()
    until(lambda: seen() == ["first"], 20)
    logs.delete_log_group(logGroupName=STREAM.group)
    watch.line(STREAM, "second", time.time())
    watch.close()
    assert seen() == ["second"]
    logs.close()
