import io
import json
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sagemaker_local.images import script_defaults
from sagemaker_local.images.serving import RequestError, accepted
from sagemaker_local.images.tabular import TabularError, read_csv, read_libsvm
from sagemaker_local.training import TrainingRunner
from tests.local.training_world import (
    PYTORCH_IMAGE,
    XGBOOST_IMAGE,
    FakeObjects,
    Remembering,
    archive,
    runner_below,
    script_spec,
    spec,
)

SOURCE = "s3://bucket/job/source/sourcedir.tar.gz"
PRINTS = "import sys; print('arguments', sys.argv[1:])"


@pytest.fixture
def objects() -> FakeObjects:
    return FakeObjects()


@pytest.fixture
def runner(tmp_path: Path, objects: FakeObjects) -> Iterator[TrainingRunner]:
    runner = runner_below(tmp_path, objects)
    yield runner
    runner.shutdown()


def trained(
    runner: TrainingRunner,
    objects: FakeObjects,
    told: dict[str, str],
    files: dict[str, Any],
    **changed: Any,
) -> tuple[str, str]:
    """The failure reason, or nothing, and the log."""
    objects.content[SOURCE] = archive(files)
    heard = Remembering()
    job = spec("job", told, **({"image": PYTORCH_IMAGE} | changed))
    runner.start(job, heard)
    reason = heard.wait().failure_reason or ""
    return reason, (runner._root / "job" / "log").read_text()


SDK_2 = {
    "sagemaker_program": '"train.py"',
    "sagemaker_submit_directory": f'"{SOURCE}"',
    "sagemaker_container_log_level": "20",
    "sagemaker_job_name": '"job"',
    "sagemaker_region": '"us-east-1"',
    "batch-size": '"16"',
    "learning-rate": "0.001",
    "_tuning_objective_metric": "validation:f1",
}
SDK_3 = {
    "sagemaker_program": "train.py",
    "sagemaker_submit_directory": SOURCE,
    "batch-size": "16",
    "learning-rate": "0.001",
    "_tuning_objective_metric": "validation:f1",
}


@pytest.mark.parametrize("told", [SDK_2, SDK_3])
def test_both_versions_of_the_sdk_start_the_same_script(
    runner: TrainingRunner, objects: FakeObjects, told: dict[str, str]
) -> None:
    reason, log = trained(runner, objects, told, {"train.py": PRINTS})
    assert reason == ""
    assert "arguments ['--batch-size', '16', '--learning-rate', '0.001']" in log


def test_the_xgboost_image_runs_scripts_too(runner: TrainingRunner, objects: FakeObjects) -> None:
    files = {"train.py": PRINTS}
    reason, log = trained(runner, objects, SDK_3, files, image=XGBOOST_IMAGE)
    assert reason == ""
    assert "arguments" in log


def test_a_script_imports_its_neighbours_and_knows_its_requirements(
    runner: TrainingRunner, objects: FakeObjects
) -> None:
    files = {"train.py": "import helper", "helper.py": "print('helped')"}
    reason, log = trained(runner, objects, SDK_3, files | {"requirements.txt": "torch"})
    assert reason == ""
    assert "helped" in log
    assert "requirements.txt is not installed here" in log


def test_a_shell_script_is_a_script(runner: TrainingRunner, objects: FakeObjects) -> None:
    told = SDK_3 | {"sagemaker_program": "run.sh"}
    reason, log = trained(runner, objects, told, {"run.sh": 'echo "given $1 $SM_NUM_CPUS"'})
    assert reason == ""
    assert "given --batch-size 1" in log


def test_the_environment_is_told_as_a_whole_too(
    runner: TrainingRunner, objects: FakeObjects
) -> None:
    script = "import os; print('told', os.environ['SM_TRAINING_ENV'])"
    _, log = trained(runner, objects, SDK_2, {"train.py": script})
    told = json.loads(log.split("told ")[1].splitlines()[0])
    assert told["hyperparameters"] == {"batch-size": "16", "learning-rate": 0.001}
    assert told["hosts"] == ["algo-1"]
    assert told["job_name"] == "job"
    assert told["num_gpus"] == 0


@pytest.mark.parametrize(
    ("program", "files", "reason"),
    [
        ("other.py", {"train.py": ""}, "ClientError: there is no other.py in the source"),
        ("../x.py", {"train.py": ""}, "ClientError: sagemaker_program is '../x.py'"),
        ("/bin/sh", {"train.py": ""}, "ClientError: sagemaker_program is '/bin/sh'"),
        ("train.R", {"train.R": ""}, "ClientError: train.R is neither a .py nor a .sh"),
        (
            "train.py",
            {"train.py": "exit(5)"},
            "AlgorithmError: ExecuteUserScriptError:\nExitCode",
        ),
        ("train.py", {"train.py": "import os; os.kill(os.getpid(), 11)"}, "ExitCode -11"),
    ],
)
def test_a_script_that_cannot_run_says_why(
    runner: TrainingRunner,
    objects: FakeObjects,
    program: str,
    files: dict[str, str],
    reason: str,
) -> None:
    told = SDK_3 | {"sagemaker_program": program}
    assert reason in trained(runner, objects, told, files)[0]


def test_a_source_that_leaves_its_folder_is_refused(
    runner: TrainingRunner, objects: FakeObjects, tmp_path: Path
) -> None:
    heard = Remembering()
    job = script_spec(objects, "evil", "")
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        tar.addfile(tarfile.TarInfo("../../escaped.py"))
    objects.content["s3://code/evil/sourcedir.tar.gz"] = buffer.getvalue()
    runner.start(job, heard)
    assert "ClientError: sourcedir.tar.gz cannot be extracted" in (
        heard.wait().failure_reason or ""
    )
    assert not list(tmp_path.rglob("escaped.py"))


def test_a_source_that_is_missing_is_said(runner: TrainingRunner) -> None:
    heard = Remembering()
    runner.start(spec("missing", SDK_3, image=PYTORCH_IMAGE), heard)
    assert heard.wait().failure_reason == (
        f"ClientError: Data download failed: there is no object {SOURCE}"
    )


def test_libsvm_carries_labels_weights_and_groups() -> None:
    rows = read_libsvm(b"1:0.5 qid:3 0:1 2:4 # remark\n\n0:2 qid:4 1:1\n", labelled=True)
    assert rows.features.toarray().tolist() == [[1, 0, 4], [0, 1, 0]]
    assert rows.labels is not None
    assert rows.labels.tolist() == [1, 0]
    assert rows.weights is not None
    assert rows.weights.tolist() == [0.5, 2]
    assert rows.groups is not None
    assert rows.groups.tolist() == [3, 4]


def test_libsvm_may_come_without_labels() -> None:
    rows = read_libsvm(b"0:1 1:2\n1:3\n2:4\n", labelled=False)
    assert rows.features.toarray().tolist() == [[1, 2, 0], [0, 3, 0], [0, 0, 4]]
    assert rows.labels is None
    rows = read_libsvm(b"1:0.5 0:1 1:2\n1 1:3", labelled=False)
    assert rows.labels is not None
    assert rows.labels.tolist() == [1, 1]


@pytest.mark.parametrize(
    "content", [b"1 a:1", b"1 1", b"1 -1:2", b"x 1:2", b"1 0:1\n0:1 1:2", b"1 qid:1 0:1\n1 0:1"]
)
def test_what_is_not_libsvm_is_said(content: bytes) -> None:
    with pytest.raises(TabularError, match="libsvm"):
        read_libsvm(content, labelled=False)


def test_csv_is_numbers_with_gaps() -> None:
    table = read_csv(b"1,,3\r\n4,5,nan\r\n\r\n")
    assert np.isnan(table[0, 1])
    assert np.isnan(table[1, 2])
    assert table[1, 0] == 4
    assert read_csv(b"\n").size == 0


def test_a_wish_for_a_form_is_understood() -> None:
    known = ("text/csv", "application/json")
    assert accepted("", known, "text/csv") == "text/csv"
    assert accepted("image/png, application/json", known, "text/csv") == "application/json"
    assert accepted("text/*", known, "text/csv") == "text/csv"
    with pytest.raises(RequestError):
        accepted("image/png", known, "text/csv")


def test_the_defaults_of_serving_scripts_read_and_write_arrays() -> None:
    array = np.array([[1.0, 2.0]])
    for kind in ("application/json", "text/csv", "application/x-npy"):
        body, told = script_defaults.output_fn(array, kind)
        assert told == kind
        assert script_defaults.input_fn(body, kind).tolist() == array.tolist()
    buffer = io.BytesIO()
    np.save(buffer, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(RequestError):
        script_defaults.input_fn(buffer.getvalue(), "application/x-npy")
    with pytest.raises(RequestError, match="no predict"):
        script_defaults.predict_fn(array, object())
    assert script_defaults.predict_fn(array, lambda data: data) is array
