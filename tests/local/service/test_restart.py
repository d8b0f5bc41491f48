"""What was acknowledged survives, and nothing is launched twice."""

import sqlite3
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from sagemaker_local.server import LocalServer, RunsAlreadyError
from sagemaker_local.store import AlreadyThere, Store
from tests.local.service.conftest import World, client, kill, launch, until
from tests.local.service.fakes import Fakes, tuning_request

SERVER = Path(__file__).with_name("killed_server.py")


def test_a_job_goes_on_after_a_restart_with_the_same_trials(world: World) -> None:
    world.create(tuning_request(trials=4, parallel=2))
    first, second = world.running(2)
    world.fakes.runner.finish(first, 0.4)
    third = next(name for name in world.running(2) if name != second)
    before = {t["TrainingJobName"]: t["TunedHyperParameters"] for t in world.trials()}
    world.restart()
    assert world.running(2) == sorted([second, third])
    assert world.fakes.runner.reaped == 2
    after = {t["TrainingJobName"]: t["TunedHyperParameters"] for t in world.trials()}
    assert after == before
    for _ in range(3):
        names = world.running(min(2, len(world.fakes.runner.jobs)))
        world.fakes.runner.finish(names[0], 0.5)
        until(lambda name=names[0]: name not in world.fakes.runner.jobs)
        until(lambda: len(world.fakes.runner.jobs) == 2 or len(world.trials()) == 4)
    job = world.ended()
    assert job["TrainingJobStatusCounters"]["Completed"] == 4
    way = [s["Status"] for s in world.training(second)["SecondaryStatusTransitions"]]
    assert way.count("Starting") == 2


def test_what_was_stopping_is_stopped_after_a_restart(world: World) -> None:
    world.fakes.runner.stops_at_once = False
    world.create(tuning_request())
    (name,) = world.running(1)
    world.fakes.runner.report(name, 0.25)
    world.sm.stop_hyper_parameter_tuning_job(HyperParameterTuningJobName="search")
    until(lambda: world.fakes.runner.stopped == [name])
    world.restart()
    job = world.ended()
    assert job["HyperParameterTuningJobStatus"] == "Stopped"
    trial = world.trials()[0]
    assert trial["TrainingJobStatus"] == "Stopped"
    assert trial["FinalHyperParameterTuningJobObjectiveMetric"]["Value"] == 0.25


def test_what_a_stopping_trial_still_tells_survives_a_restart(world: World) -> None:
    """The request to stop may be seen before the metric that was told just before it."""
    world.fakes.runner.stops_at_once = False
    world.create(tuning_request())
    (name,) = world.running(1)
    world.sm.stop_hyper_parameter_tuning_job(HyperParameterTuningJobName="search")
    until(lambda: world.fakes.runner.stopped == [name])
    world.fakes.runner.report(name, 0.5, 0.25)
    stored = world.server.sagemaker._store
    until(lambda: len((stored.get("training-job", name) or {}).get("_metrics", ())) == 2)
    world.restart()
    world.ended()
    assert world.trials()[0]["FinalHyperParameterTuningJobObjectiveMetric"]["Value"] == 0.25
    assert "_metrics" not in world.server.sagemaker._store.get("training-job", name)


def test_what_a_trial_told_before_it_was_stopped_alone_survives_a_restart(world: World) -> None:
    world.fakes.runner.stops_at_once = False
    world.create(tuning_request(trials=1))
    (name,) = world.running(1)
    world.fakes.runner.report(name, 0.5, 0.25)
    world.sm.stop_training_job(TrainingJobName=name)
    until(lambda: world.fakes.runner.stopped == [name])
    world.restart()
    world.ended()
    assert world.trials()[0]["FinalHyperParameterTuningJobObjectiveMetric"]["Value"] == 0.25


def test_what_a_trial_told_before_its_checkpoint_survives_a_restart(world: World) -> None:
    """It goes on from there, and may have nothing more to tell."""
    request = tuning_request(trials=1)
    request["TrainingJobDefinition"]["CheckpointConfig"] = {"S3Uri": "s3://data/checkpoints"}
    world.create(request)
    (name,) = world.running(1)
    world.fakes.runner.report(name, 0.5, 0.25)
    stored = world.server.sagemaker._store
    until(lambda: len((stored.get("training-job", name) or {}).get("_metrics", ())) == 2)
    world.restart()
    world.running(1)
    world.fakes.runner.end(name, "Completed")
    world.ended()
    assert world.trials()[0]["FinalHyperParameterTuningJobObjectiveMetric"]["Value"] == 0.25


def test_objects_survive_a_restart(world: World) -> None:
    s3 = client("s3", world.server.url)
    s3.create_bucket(Bucket="data")
    s3.put_object(Bucket="data", Key="train/a.csv", Body=b"1,2\n")
    s3.close()
    world.restart()
    s3 = client("s3", world.server.url)
    assert s3.get_object(Bucket="data", Key="train/a.csv")["Body"].read() == b"1,2\n"
    s3.close()


def test_a_bucket_and_its_tags_survive_a_kill_at_once(tmp_path: Path) -> None:
    root = tmp_path / "state"
    process, url = serve(root)
    s3 = client("s3", url)
    tags = {"TagSet": [{"Key": "a", "Value": "b"}]}
    s3.create_bucket(Bucket="empty")
    s3.put_bucket_tagging(Bucket="empty", Tagging=tags)
    s3.create_bucket(Bucket="gone")
    s3.delete_bucket(Bucket="gone")
    kill(process), s3.close()
    process, url = serve(root)
    s3 = client("s3", url)
    assert [each["Name"] for each in s3.list_buckets()["Buckets"]] == ["empty"]
    assert s3.get_bucket_tagging(Bucket="empty")["TagSet"] == tags["TagSet"]
    kill(process), s3.close()


def serve(root: Path) -> tuple[subprocess.Popen[str], str]:
    process = launch(str(SERVER), str(root))
    assert process.stdout is not None
    return process, process.stdout.readline().strip()


def test_a_killed_server_loses_nothing_it_acknowledged(tmp_path: Path) -> None:
    root = tmp_path / "state"
    launches = root / "launches"
    process, url = serve(root)
    sm = client("sagemaker", url)
    for number in range(5):
        sm.create_hyper_parameter_tuning_job(**tuning_request(f"job-{number}", trials=2))
    kill(process)  # at once: what follows the acknowledgement is cut off
    sm.close()

    process, url = serve(root)
    sm = client("sagemaker", url)
    listed = sm.list_hyper_parameter_tuning_jobs(MaxResults=100)["HyperParameterTuningJobSummaries"]
    assert len(listed) == 5
    until(lambda: len(set(launches.read_text().splitlines())) == 5)
    kill(process)
    sm.close()

    process, url = serve(root)
    sm = client("sagemaker", url)
    (root / "go").touch()
    for number in range(5):
        name = {"HyperParameterTuningJobName": f"job-{number}"}

        def completed(name: str = name) -> Any:
            job = sm.describe_hyper_parameter_tuning_job(**name)
            return job["HyperParameterTuningJobStatus"] == "Completed"

        until(completed)
        trials = sm.list_training_jobs_for_hyper_parameter_tuning_job(**name)
        assert len(trials["TrainingJobSummaries"]) == 2
    kill(process)
    sm.close()
    assert len(set(launches.read_text().splitlines())) == 10


def test_a_folder_has_one_server_at_a_time(world: World) -> None:
    """Two would run every job twice, and each overwrite what the other has written."""
    world.create(tuning_request(trials=1))
    with pytest.raises(RunsAlreadyError, match="another server has the state in"):
        LocalServer(world.root, parts=Fakes().parts).start()
    world.fakes.runner.finish(world.running(1)[0], 0.5)
    world.ended()


class FullDisk:
    """A connection whose transactions fail as long as the disk is full."""

    def __init__(self, store: Store) -> None:
        self.inner, self.full = store._connection, True
        store._connection = self  # type: ignore[assignment]

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    def execute(self, statement: str, *values: Any) -> Any:
        if statement == "COMMIT" and self.full:
            self.inner.execute("ROLLBACK")
            raise sqlite3.OperationalError("database or disk is full")
        return self.inner.execute(statement, *values)


def test_what_could_not_be_written_is_not_seen(tmp_path: Path) -> None:
    store = Store(tmp_path / "s.sqlite")
    store.insert("job", "old", {"a": 1})
    disk = FullDisk(store)
    for change in (
        lambda: store.insert("job", "new", {"a": 2}),
        lambda: store.update("job", "old", lambda d: {**d, "a": 3}),
        lambda: store.delete("job", "old"),
    ):
        with pytest.raises(sqlite3.OperationalError):
            change()
    assert store.all("job") == ({"a": 1},)
    disk.full = False
    store.insert("job", "new", {"a": 4})
    again = Store(tmp_path / "s.sqlite")
    assert {each["a"] for each in again.all("job")} == {1, 4}
    store.close(), again.close()


def test_a_job_goes_on_when_a_full_disk_has_room_again(world: World) -> None:
    world.create(tuning_request(trials=2))
    (name,) = world.running(1)
    disk = FullDisk(world.server.sagemaker._store)
    world.fakes.runner.finish(name, 0.5)
    time.sleep(0.2)  # the engine has heard of it
    assert world.training(name)["TrainingJobStatus"] == "InProgress"
    disk.full = False
    until(lambda: world.training(name)["TrainingJobStatus"] == "Completed")
    world.fakes.runner.finish(world.running(1)[0], 0.6)
    job = world.ended()
    assert job["ObjectiveStatusCounters"] == {"Succeeded": 2, "Pending": 0, "Failed": 0}


def test_the_store_keeps_what_it_wrote_and_tells_names_apart_by_more_than_case(
    tmp_path: Path,
) -> None:
    store = Store(tmp_path / "s.sqlite")
    store.insert("job", "Name", {"a": 1})
    with pytest.raises(AlreadyThere):
        store.insert("job", "nAME", {"a": 2})
    store.update("job", "name", lambda d: {**d, "b": 2})
    with store.transaction():
        store.insert("job", "other", {})
        store.delete("job", "other")
    assert store.update("job", "none", lambda d: d) is None
    again = Store(tmp_path / "s.sqlite")
    assert again.all("job") == ({"a": 1, "b": 2},)
    store.close(), again.close()
