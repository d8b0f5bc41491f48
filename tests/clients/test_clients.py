"""Unmodified clients of SageMaker run the guide against the local one; environment variables only.

Each client has a virtual environment of its own, made by `make test-clients`.
"""

import csv
import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sklearn.datasets import load_breast_cancer

from tunewright.domain.expand import expand

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
WHOLE = "the guide ran whole"

pytestmark = pytest.mark.clients


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The scripts and the data, as a reader of the guide would have them beside each other."""
    folder = tmp_path_factory.mktemp("guide")
    shutil.copytree(HERE / "scripts", folder / "scripts")
    (folder / "data").mkdir()
    rows, labels = load_breast_cancer(return_X_y=True)
    for name, part in (("train", slice(0, 400)), ("validation", slice(400, None))):
        with (folder / "data" / f"{name}.csv").open("w") as file:
            writer = csv.writer(file)
            table = zip(rows[part], labels[part], strict=True)
            writer.writerows([label, *row] for row, label in table)
    (folder / "rows.json").write_text(json.dumps(rows[:3].tolist()))
    return folder


@pytest.fixture
def environment(tmp_path: Path) -> Iterator[dict[str, str]]:
    """A server of its own for each client, and what it says that a client must export."""
    server = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "sagemaker_local",
            "--port",
            "0",
            "--dir",
            str(tmp_path),
            "--cpus",
            "1",
        ],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
    )
    assert server.stdout is not None
    told: dict[str, str] = {}
    for line in server.stdout:
        if line.startswith("export "):
            name, _, value = line.removeprefix("export ").strip().partition("=")
            told[name] = value
        if line.startswith("export PYTHONPATH"):
            break
    # Whatever else it says must not fill the pipe
    reader = threading.Thread(target=server.stdout.read, daemon=True)
    reader.start()
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    yield {
        **kept,
        **told,
        "HOME": str(tmp_path),
        "SAGEMAKER_SUPPRESS_V2_WARNING": "1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    server.terminate()
    server.wait(60)
    reader.join(60)
    server.stdout.close()


def run(environment: dict[str, str], *command: Any) -> str:
    done = subprocess.run(  # noqa: PLW1510 - its output is shown first
        [str(part) for part in command],
        capture_output=True,
        text=True,
        env=environment,
        cwd=environment["HOME"],
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]
    return done.stdout


def python(name: str) -> Path:
    found = ROOT / f".venv-{name}" / "bin" / "python"
    assert found.exists(), f"there is no {found}: `make test-clients` makes it"
    return found


@pytest.mark.parametrize("version", [2, 3])
def test_the_guide_runs_whole_with_the_sdk(
    environment: dict[str, str], work: Path, version: int
) -> None:
    script, rows = HERE / f"guide_sdk{version}.py", (work / "rows.json").read_text()
    said = run(environment, python(f"sdk{version}"), script, work / "scripts", rows)
    assert said.rstrip().endswith(WHOLE)


def test_the_guide_runs_whole_with_boto3(environment: dict[str, str], work: Path) -> None:
    rows = (work / "rows.json").read_text()
    said = run(environment, python("cli"), HERE / "guide_boto3.py", work / "scripts", rows)
    assert said.rstrip().endswith(WHOLE)


def test_the_guide_runs_whole_with_the_command_line(
    environment: dict[str, str], work: Path, tmp_path: Path
) -> None:
    captured = ROOT / "tests/local/service/captured/sdk2-guide-tuner.json"
    request = json.loads(captured.read_text())
    limits = request["HyperParameterTuningJobConfig"]["ResourceLimits"]
    limits |= {"MaxNumberOfTrainingJobs": 6, "MaxParallelTrainingJobs": 2}
    request["HyperParameterTuningJobConfig"]["TrainingJobEarlyStoppingType"] = "Off"
    text = json.dumps(request, indent=1).replace(
        "sagemaker-us-east-1-123456789012", "cli-123456789012"
    )
    (tmp_path / "request.json").write_text(text)
    data = tmp_path / "data"
    shutil.copytree(work / "data", data)
    aws = python("cli").parent / "aws"
    said = run(environment, "sh", HERE / "guide_cli.sh", aws, data, tmp_path / "request.json")
    assert said.rstrip().endswith(WHOLE)


def test_the_tuners_of_both_sdks_are_the_same_study(environment: dict[str, str]) -> None:
    shim = environment["PYTHONPATH"]
    ours = os.pathsep.join([shim, str(ROOT / "client"), str(ROOT / "layers/core")])
    studies = []
    for version in (2, 3):
        told = {**environment, "PYTHONPATH": ours}
        said = run(told, python(f"sdk{version}"), HERE / "study_of.py")
        studies.append(json.loads(said.splitlines()[-1]))  # version 2 logs to stdout before it
    assert studies[0] == studies[1]
    spec = expand(studies[0])
    assert spec.rounds.trials == 50
    assert spec.training.instance == "ml.m5.xlarge"
