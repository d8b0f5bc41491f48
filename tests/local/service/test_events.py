"""Events in the form in which SageMaker really sends them."""

import json
from typing import Any

import pytest

from sagemaker_local.events import Dispatcher
from tests.local.service.conftest import World, client, until
from tests.local.service.fakes import tuning_request


def of(world: World, kind: str, name: str | None = None) -> Any:
    found = [e for e in world.events if e["detail-type"] == f"SageMaker {kind} State Change"]
    return [e for e in found if name is None or e["detail"].get("TrainingJobName") == name]


def test_every_change_of_a_job_and_its_trials_is_an_event(world: World) -> None:
    request = {**tuning_request(trials=1), "Tags": [{"Key": "study", "Value": "churn"}]}
    world.create(request)
    (name,) = world.running(1)
    world.fakes.runner.finish(name, 0.5)
    world.ended()
    tuning = "HyperParameter Tuning Job"  # its events come from a thread of their own
    until(lambda: [e for e in of(world, tuning) if e["detail"]["TuningJobCompletionReason"]])
    first, *_, last = of(world, "HyperParameter Tuning Job")
    assert first["source"] == "aws.sagemaker"
    assert first["resources"] == [
        "arn:aws:sagemaker:us-east-1:123456789012:hyper-parameter-tuning-job/search"
    ]
    assert first["detail"]["HyperParameterTuningJobStatus"] == "InProgress"
    assert first["detail"]["HyperParameterTuningEndTime"] is None
    assert last["detail"]["HyperParameterTuningJobStatus"] == "Completed"
    for event in (first, last):
        detail = event["detail"]
        assert detail["TrainingJobStatusCounters"] is detail["ObjectiveStatusCounters"] is None
        assert detail["Tags"] == {"study": "churn"}
        assert isinstance(detail["CreationTime"], int)
        assert detail["CreationTime"] > 10**12
    ways = [
        (e["detail"]["TrainingJobStatus"], e["detail"]["SecondaryStatus"])
        for e in of(world, "Training Job", name)
    ]
    assert ways == [
        ("InProgress", "Starting"),
        ("InProgress", "Downloading"),
        ("InProgress", "Training"),
        ("InProgress", "Uploading"),
        ("Completed", "Completed"),
    ]
    detail = of(world, "Training Job", name)[0]["detail"]
    assert detail["TuningJobArn"] == world.job()["HyperParameterTuningJobArn"]
    assert detail["TrainingEndTime"] is detail["FailureReason"] is None
    assert "FinalMetricDataList" not in detail
    json.dumps(world.events)


def test_events_reach_a_queue_through_a_rule(world: World) -> None:
    events, sqs = (client(service, world.server.url) for service in ("events", "sqs"))
    url = sqs.create_queue(QueueName="heard")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]
    pattern = {
        "source": ["aws.sagemaker"],
        "detail-type": ["SageMaker HyperParameter Tuning Job State Change"],
        "detail": {"HyperParameterTuningJobStatus": ["Completed", "Failed", "Stopped"]},
    }
    events.put_rule(Name="ended", EventPattern=json.dumps(pattern))
    events.put_targets(Rule="ended", Targets=[{"Id": "1", "Arn": arn["QueueArn"]}])
    world.fakes.runner.score = lambda spec: 0.5
    world.create(tuning_request())
    world.ended()
    (message,) = until(lambda: sqs.receive_message(QueueUrl=url, WaitTimeSeconds=1).get("Messages"))
    event = json.loads(message["Body"])
    assert event["detail"]["HyperParameterTuningJobName"] == "search"
    assert event["detail"]["HyperParameterTuningJobStatus"] == "Completed"
    assert event["detail"]["FailureReason"] is None
    events.close(), sqs.close()


@pytest.mark.filterwarnings("ignore")
def test_a_listener_that_fails_misses_nothing_else(caplog: pytest.LogCaptureFixture) -> None:
    heard = []

    def listen(event: Any) -> Any:
        heard.append(event)
        raise ValueError("deaf")

    dispatcher = Dispatcher(listen)
    dispatcher.start()
    dispatcher.send({"detail-type": "one", "resources": ["a"]})
    dispatcher.send({"detail-type": "two", "resources": ["a"]})
    dispatcher.close()
    assert [event["detail-type"] for event in heard] == ["one", "two"]
    assert "was not taken" in caplog.text
