import json
from pathlib import Path
from typing import Any

import pytest

from sagemaker_local.training import TrainingRunner
from tests.local.training_world import (
    OUT,
    FakeObjects,
    Remembering,
    channel,
    files_of,
    run,
    runner_below,
    script_spec,
    spec,
)


def test_a_job_passes_through_all_statuses_and_leaves_its_model(
    runner: TrainingRunner, objects: FakeObjects
) -> None:
    script = """
import os, pathlib
pathlib.Path(os.environ["SM_MODEL_DIR"], "weights").write_text("42")
pathlib.Path(os.environ["SM_OUTPUT_DATA_DIR"], "plot").write_text("x")
"""
    heard = run(runner, script_spec(objects, "plain", script))
    assert heard.statuses == [
        ("Starting", "Preparing the instances for training"),
        ("Downloading", "Downloading input data"),
        ("Training", "Training image download completed. Training in progress."),
        ("Uploading", "Uploading generated training model"),
        ("Completed", "Training job completed"),
    ]
    outcome = heard.outcomes[0]
    assert (outcome.status, outcome.secondary) == ("Completed", "Completed")
    assert outcome.model_artifacts == f"{OUT}/plain/output/model.tar.gz"
    assert outcome.started_at <= outcome.ended_at
    assert files_of(objects.content[outcome.model_artifacts]) == {"weights": b"42"}
    assert files_of(objects.content[f"{OUT}/plain/output/output.tar.gz"]) == {"plot": b"x"}


def test_the_same_model_makes_the_same_archive(
    runner: TrainingRunner, objects: FakeObjects
) -> None:
    script = "import os; open(os.environ['SM_MODEL_DIR'] + '/w', 'w').write('42')"
    first = run(runner, script_spec(objects, "first", script)).outcomes[0]
    second = run(runner, script_spec(objects, "second", script)).outcomes[0]
    assert objects.content[first.model_artifacts] == objects.content[second.model_artifacts]


def test_the_folder_is_laid_out_as_a_container_expects_it(
    runner: TrainingRunner, objects: FakeObjects
) -> None:
    objects.content |= {"s3://data/train/a/one.csv": b"1", "s3://data/train/two.csv": b"2"}
    script = """
import json, os, pathlib, sys
base = pathlib.Path(os.environ["SAGEMAKER_BASE_DIR"])
told = {path.stem: json.loads(path.read_text()) for path in (base / "input/config").iterdir()}
told["data"] = sorted(str(p.relative_to(base / "input/data")) for p in base.rglob("*.csv"))
told["environment"] = dict(os.environ)
told["arguments"] = sys.argv[1:]
pathlib.Path(os.environ["SM_MODEL_DIR"], "told.json").write_text(json.dumps(told))
"""
    job = script_spec(
        objects,
        "layout",
        script,
        {"lr": "0.1", "opt": '"sgd"', "_tuning_objective_metric": "f1", "b": "true"},
        channels=(channel("train", "s3://data/train"),),
        environment={"MINE": "yes", "SAGEMAKER_BASE_DIR": "/elsewhere"},
        instance_count=2,
        checkpoint={"S3Uri": "s3://out/checkpoints"},
    )
    outcome = run(runner, job).outcomes[0]
    told = json.loads(files_of(objects.content[outcome.model_artifacts])["told.json"])
    assert told["hyperparameters"]["lr"] == "0.1"
    assert told["resourceconfig"]["hosts"] == ["algo-1"]
    assert told["inputdataconfig"]["train"] == {
        "ContentType": "text/csv",
        "TrainingInputMode": "File",
        "S3DistributionType": "FullyReplicated",
        "RecordWrapperType": "None",
    }
    assert told["checkpointconfig"] == {"S3Uri": "s3://out/checkpoints"}
    assert told["data"] == ["train/a/one.csv", "train/two.csv"]
    assert told["arguments"] == ["-b", "True", "--lr", "0.1", "--opt", "sgd"]
    environment = told["environment"]
    assert environment["TRAINING_JOB_NAME"] == "layout"
    assert environment["MINE"] == "yes"
    assert environment["SAGEMAKER_BASE_DIR"].endswith("training/layout/ml")
    assert environment["OMP_NUM_THREADS"] == "1"
    assert environment["SM_CHANNEL_TRAIN"].endswith("input/data/train")
    assert environment["SM_HP_LR"] == "0.1"
    assert json.loads(environment["SM_HPS"]) == {"b": True, "lr": 0.1, "opt": "sgd"}
    assert json.loads(environment["SM_CHANNELS"]) == ["train"]
    assert environment["SM_USER_ENTRY_POINT"] == "train.py"


def test_the_servers_own_environment_stays_outside(
    runner: TrainingRunner, objects: FakeObjects, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "a real one")
    monkeypatch.setenv("SLACK_TOKEN", "another")
    script = "import os; print('seen', sorted(os.environ.values()))"
    run(runner, script_spec(objects, "clean", script))
    log = (runner._root / "clean" / "log").read_text()
    assert "seen" in log
    assert "a real one" not in log
    assert "another" not in log


def test_trials_of_one_job_fetch_their_data_once(
    runner: TrainingRunner, objects: FakeObjects
) -> None:
    objects.content["s3://data/train/a.csv"] = b"1"
    data = (channel("train", "s3://data/train"),)
    for number in range(3):
        run(runner, script_spec(objects, f"trial-{number}", "", channels=data))
    assert objects.downloads.count("s3://data/train/a.csv") == 1
    objects.content["s3://data/train/a.csv"] = b"2"
    run(runner, script_spec(objects, "trial-after-change", "", channels=data))
    assert objects.downloads.count("s3://data/train/a.csv") == 2


def test_a_job_that_writes_into_its_input_does_not_spoil_it_for_the_next(
    runner: TrainingRunner, objects: FakeObjects
) -> None:
    objects.content["s3://data/train/a.csv"] = b"1"
    data = (channel("train", "s3://data/train"),)
    spoil = "import os; open(os.environ['SM_CHANNEL_TRAIN'] + '/a.csv', 'w').write('spoiled')"
    run(runner, script_spec(objects, "spoiler", spoil, channels=data))
    read = "import os; print('got', open(os.environ['SM_CHANNEL_TRAIN'] + '/a.csv').read())"
    run(runner, script_spec(objects, "reader", read, channels=data))
    assert "got 1" in (runner._root / "reader" / "log").read_text()


def test_a_manifest_names_its_objects(runner: TrainingRunner, objects: FakeObjects) -> None:
    objects.content |= {"s3://data/x/1.csv": b"1", "s3://data/x/2.csv": b"2"}
    objects.content["s3://data/list"] = json.dumps([{"prefix": "s3://data/x/"}, "2.csv"]).encode()
    data = channel("train", "s3://data/list")
    data["DataSource"]["S3DataSource"]["S3DataType"] = "ManifestFile"
    script = "import os; print('files', os.listdir(os.environ['SM_CHANNEL_TRAIN']))"
    run(runner, script_spec(objects, "manifest", script, channels=(data,)))
    assert "files ['2.csv']" in (runner._root / "manifest" / "log").read_text()


def test_metrics_are_matched_line_by_line_with_tabs_as_in_cloudwatch(
    runner: TrainingRunner, objects: FakeObjects
) -> None:
    script = r"""
print("loss: 0.5\tf1: 0.25")
print("loss: nan")
print("loss: 1e-3")
print("loss: many")
"""
    definitions = (
        ("loss", r"loss: ([0-9.e+-]+|nan|many)"),
        ("f1", "#011f1: ([0-9.]+)"),
        ("tab", "\tf1: ([0-9.]+)"),
        ("groupless", "loss"),
    )
    job = script_spec(objects, "metrics", script, metric_definitions=definitions)
    heard = run(runner, job)
    assert heard.metrics == [("loss", 0.5), ("f1", 0.25), ("loss", 0.001)]
    log = (runner._root / "metrics" / "log").read_text()
    assert "loss: 0.5#011f1: 0.25" in log
    assert "is not finite" in log
    assert "is not a number" in log
    assert "has no group" in log


def test_a_pattern_that_is_none_is_the_callers_error(
    runner: TrainingRunner, objects: FakeObjects
) -> None:
    job = script_spec(objects, "broken-regex", "", metric_definitions=(("f1", "("),))
    outcome = run(runner, job).outcomes[0]
    assert outcome.failure_reason.startswith("ClientError: the Regex of metric definition 'f1'")


def test_an_unknown_image_names_what_would_be_right(runner: TrainingRunner) -> None:
    outcome = run(runner, spec("unknown", {}, image="mine:1")).outcomes[0]
    assert outcome.failure_reason.startswith("ClientError: ")
    assert "Settings.images" in outcome.failure_reason
    assert "sagemaker_program" in outcome.failure_reason


def test_a_command_that_does_not_exist_fails_its_job(tmp_path: Path, objects: FakeObjects) -> None:
    runner = runner_below(tmp_path, objects, images={"own": ("/no/such/command",)})
    outcome = run(runner, spec("no-command", {}, image="own")).outcomes[0]
    assert outcome.failure_reason.startswith("ClientError: the container cannot be started")


def test_missing_data_fail_the_job(runner: TrainingRunner, objects: FakeObjects) -> None:
    data = (channel("train", "s3://data/nothing"),)
    heard = run(runner, script_spec(objects, "no-data", "", channels=data))
    assert heard.outcomes[0].failure_reason == (
        "ClientError: Data download failed: no objects under s3://data/nothing for channel train"
    )
    assert heard.secondaries == ["Starting", "Downloading", "Failed"]


def test_a_key_that_would_leave_its_folder_fails_the_job(
    runner: TrainingRunner, objects: FakeObjects, tmp_path: Path
) -> None:
    objects.content["s3://data/train/../../../../escaped.csv"] = b"1"
    data = (channel("train", "s3://data/train"),)
    outcome = run(runner, script_spec(objects, "escape", "", channels=data)).outcomes[0]
    assert "would leave its folder" in outcome.failure_reason
    assert not list(tmp_path.rglob("escaped.csv"))


@pytest.mark.parametrize("change", [{"InputMode": "Pipe"}, {"DataSource": {}}])
def test_what_is_not_emulated_is_said(
    runner: TrainingRunner, objects: FakeObjects, change: dict[str, Any]
) -> None:
    objects.content["s3://data/train/a.csv"] = b"1"
    data = channel("train", "s3://data/train") | change
    outcome = run(runner, script_spec(objects, "not-emulated", "", channels=(data,))).outcomes[0]
    assert outcome.failure_reason.startswith("ClientError: channel train: ")


def test_start_of_a_running_name_does_nothing(runner: TrainingRunner, objects: FakeObjects) -> None:
    heard, other = Remembering(), Remembering()
    job = script_spec(objects, "once", "import time; time.sleep(60)")
    runner.start(job, heard)
    heard.wait_for("Training")
    runner.start(job, other)
    assert runner.running() == {"once"}
    runner.stop("once")
    runner.stop("nobody")
    assert heard.wait().status == "Stopped"
    assert other.statuses == []
    with pytest.raises(ValueError, match="cannot be the name"):
        runner.start(script_spec(objects, "../out", ""), other)


def test_a_listener_that_raises_does_not_stop_the_job(
    runner: TrainingRunner, objects: FakeObjects, caplog: pytest.LogCaptureFixture
) -> None:
    class Raising(Remembering):
        def status(self, *told: Any) -> None:
            raise RuntimeError("no")

    heard = Raising()
    runner.start(script_spec(objects, "heedless", ""), heard)
    assert heard.wait().status == "Completed"


def test_checkpoints_come_back(runner: TrainingRunner, objects: FakeObjects) -> None:
    script = """
import os, pathlib
folder = pathlib.Path(os.environ["SAGEMAKER_BASE_DIR"], "checkpoints")
print("found", sorted(p.name for p in folder.iterdir()))
(folder / "step-2").write_text("2")
"""
    objects.content["s3://out/checkpoints/step-1"] = b"1"
    checkpoint = {"S3Uri": "s3://out/checkpoints"}
    run(runner, script_spec(objects, "resumed", script, checkpoint=checkpoint))
    assert "found ['step-1']" in (runner._root / "resumed" / "log").read_text()
    assert objects.content["s3://out/checkpoints/step-2"] == b"2"


def test_a_source_outside_s3_is_refused(runner: TrainingRunner, objects: FakeObjects) -> None:
    told = {"sagemaker_program": "t.py", "sagemaker_submit_directory": '"file:///etc/t.tar.gz"'}
    outcome = run(runner, spec("local-file", told)).outcomes[0]
    assert outcome.failure_reason.startswith("ClientError: sagemaker_submit_directory is")
