"""Faults done on purpose: throttling, quotas, late lists, and events as nobody wants them."""

import time
from typing import Any

import pytest
from botocore.exceptions import ClientError

from sagemaker_local.events import Dispatcher
from sagemaker_local.faults import Chance, Faults, Gate, parsed, rates
from sagemaker_local.store import Store
from tests.local.service.conftest import World, until
from tests.local.service.fakes import changed, tuning_request

TUNING = "SageMaker HyperParameter Tuning Job State Change"


def event(number: int) -> dict[str, Any]:
    return {"resources": [f"arn:{number}"], "detail-type": "t", "number": number}


def delivered(faults: Faults, count: int, *, after: float = 0.0) -> list[int]:
    heard: list[int] = []
    dispatcher = Dispatcher(lambda each: heard.append(each["number"]), faults)
    dispatcher.start()
    for number in range(count):
        dispatcher.send(event(number))
    if after:
        time.sleep(after)
        dispatcher.send(event(count))
    dispatcher.close()
    return heard


def test_without_faults_each_event_comes_once_and_in_order() -> None:
    assert delivered(Faults(), 50) == list(range(50))


def test_events_are_lost_doubled_and_late_as_asked() -> None:
    assert delivered(Faults(events_lost=1.0), 20) == []
    assert delivered(Faults(events_doubled=1.0), 3) == [0, 0, 1, 1, 2, 2]
    some = delivered(Faults(events_lost=0.5, seed=3), 200)
    assert 60 < len(some) < 140
    assert some == delivered(Faults(events_lost=0.5, seed=3), 200)  # the same seed, the same loss
    assert some != delivered(Faults(events_lost=0.5, seed=4), 200)
    late = delivered(Faults(events_late=0.5, late_seconds=0.05, seed=1), 40, after=0.3)
    assert sorted(late) == list(range(41))
    assert late != sorted(late)  # the late ones were overtaken


def test_what_is_late_comes_before_the_end() -> None:
    assert delivered(Faults(events_late=1.0, late_seconds=3600), 3) == [0, 1, 2]


def test_a_chance_does_not_depend_on_who_asks_first() -> None:
    one, two = Chance(7), Chance(7)
    a, b = one.draw("a"), one.draw("b")
    assert (two.draw("b"), two.draw("a")) == (b, a)
    assert one.draw("a") != a
    assert not Chance(0).happens(0.0, "never")


def test_a_gate_holds_a_rate_and_lets_it_recover() -> None:
    now = [0.0]
    gate = Gate(Faults(), {"ListTrainingJobs": 2.0}, lambda: now[0])
    for _ in range(2):
        gate.check("ListTrainingJobs")
    with pytest.raises(Exception, match="Rate exceeded"):
        gate.check("ListTrainingJobs")
    gate.check("DescribeTrainingJob")  # has no known rate
    now[0] = 0.5
    gate.check("ListTrainingJobs")
    with pytest.raises(Exception, match="Rate exceeded"):
        gate.check("ListTrainingJobs")


@pytest.mark.parametrize("world", [{"faults": Faults(throttled=1.0)}], indirect=True)
def test_a_throttled_request_has_the_code_that_clients_know(world: World) -> None:
    with pytest.raises(ClientError) as caught:
        world.job("nobody")
    error = caught.value.response["Error"]
    assert (error["Code"], error["Message"]) == ("ThrottlingException", "Rate exceeded")


def test_listing_training_jobs_is_held_to_two_a_second(world: World) -> None:
    codes = []
    for _ in range(6):
        try:
            world.sm.list_training_jobs()
        except ClientError as error:
            codes.append(error.response["Error"]["Code"])
    assert codes
    assert set(codes) == {"ThrottlingException"}


@pytest.mark.parametrize("world", [{"instance_quotas": {"ml.m5.large": 4}}], indirect=True)
def test_a_quota_counts_what_live_jobs_may_run_at_once(world: World) -> None:
    world.create(tuning_request("one", trials=3, parallel=3))
    world.running(3)
    code, text = world.refusal(tuning_request("two", trials=2, parallel=2))
    assert code == "ResourceLimitExceeded"
    assert text.startswith(
        "The account-level service limit 'ml.m5.large for training job usage' is 4 Instances, with "
        "current utilization of 3 Instances and a request delta of 2 Instances."
    )
    world.create(tuning_request("three", trials=1, parallel=1))
    world.sm.stop_hyper_parameter_tuning_job(HyperParameterTuningJobName="one")
    world.ended("one")
    world.create(tuning_request("two", trials=2, parallel=2))
    other = changed(
        tuning_request("other", trials=9, parallel=9),
        "TrainingJobDefinition.ResourceConfig.InstanceType",
        "ml.c5.xlarge",
    )
    world.create(other)  # a type without a quota


@pytest.mark.parametrize("world", [{"tuning_jobs_cap": 2}], indirect=True)
def test_so_many_tuning_jobs_may_go_on_at_once(world: World) -> None:
    for name in ("one", "two"):
        world.create(tuning_request(name))
    code, message = world.refusal(tuning_request("three"))
    assert code == "ResourceLimitExceeded"
    assert "'Number of concurrent hyperparameter tuning jobs' is 2" in message
    world.sm.stop_hyper_parameter_tuning_job(HyperParameterTuningJobName="one")
    world.ended("one")
    world.create(tuning_request("three"))


@pytest.mark.parametrize("world", [{"faults": Faults(lag_seconds=0.4)}], indirect=True)
def test_lists_lag_and_descriptions_do_not(world: World) -> None:
    world.create(tuning_request(parallel=3))
    names = world.running(3)
    assert world.job()["HyperParameterTuningJobStatus"] == "InProgress"
    assert world.sm.list_hyper_parameter_tuning_jobs()["HyperParameterTuningJobSummaries"] == []
    assert world.trials() == []
    assert world.training(names[0])["TrainingJobStatus"] == "InProgress"
    until(lambda: len(world.trials()) == 3)
    world.sm.stop_hyper_parameter_tuning_job(HyperParameterTuningJobName="search")
    world.ended()
    assert {t["TrainingJobStatus"] for t in world.trials()} <= {"InProgress", "Stopping"}
    until(lambda: {t["TrainingJobStatus"] for t in world.trials()} == {"Stopped"})


def test_a_store_forgets_what_no_lag_can_ask_for(tmp_path: Any) -> None:
    now = [0.0]
    store = Store(tmp_path / "s", lag_seconds=10, clock=lambda: now[0])
    store.insert("k", "a", {"v": 1})
    now[0] = 5
    store.update("k", "a", lambda d: {**d, "v": 2})
    assert store.seen("k") == ()
    now[0] = 10
    assert store.seen("k") == ({"v": 1},)
    store.delete("k", "a")
    now[0] = 15
    assert store.seen("k") == ({"v": 2},)
    now[0] = 20
    assert store.seen("k") == ()
    store.close()


@pytest.mark.parametrize("world", [{"faults": Faults(events_as="documented")}], indirect=True)
def test_events_may_come_as_the_documentation_shows_them(world: World) -> None:
    world.fakes.runner.score = lambda _: 0.5
    world.create({**tuning_request(trials=1), "Tags": [{"Key": "a", "Value": "b"}]})
    world.ended()

    def last(kind: str) -> Any:
        found = [each["detail"] for each in world.events if each["detail-type"] == kind]
        return found[-1] if found else {}

    tuning = until(
        lambda: last(TUNING).get("HyperParameterTuningJobStatus") == "Completed" and last(TUNING)
    )
    assert tuning["TrainingJobStatusCounters"]["Completed"] == 1
    assert tuning["ObjectiveStatusCounters"]["Succeeded"] == 1
    assert tuning["CreationTime"].isdigit()
    trial = last("SageMaker Training Job State Change")
    assert trial["TrainingEndTime"].isdigit()
    assert "TuningJobArn" not in trial
    assert None not in tuning.values()
    assert None not in trial.values()
    assert trial["Tags"] == {"a": "b"}


def test_faults_are_read_by_their_names() -> None:
    assert parsed({"events_lost": "0.1", "seed": "4"}) == Faults(events_lost=0.1, seed=4)
    assert parsed({"events_as": "documented"}).events_as == "documented"
    for given, text in (
        ({"luck": "1"}, "there is no fault luck; there is events_as"),
        ({"throttled": "often"}, "throttled is a number, not often"),
        ({"events_as": "poems"}, "real or documented"),
    ):
        with pytest.raises(ValueError, match=text):
            parsed(given)


def test_rates_are_as_on_aws_but_for_those_that_are_named() -> None:
    assert rates({}) == {"ListTrainingJobs": 2.0}
    assert rates({"ListTrainingJobs": "0"}) == {}
    assert rates({"Search": "5"}) == {"ListTrainingJobs": 2.0, "Search": 5.0}
    for text in ("often", "-1", "inf", "nan"):
        with pytest.raises(ValueError, match="the rate of Search is a number"):
            rates({"Search": text})


@pytest.mark.parametrize("world", [{"per_second": rates({"ListTrainingJobs": "0"})}], indirect=True)
def test_the_rate_of_an_operation_can_be_lifted(world: World) -> None:
    for _ in range(10):
        assert world.sm.list_training_jobs()["TrainingJobSummaries"] == []
