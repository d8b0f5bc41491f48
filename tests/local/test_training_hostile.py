"""Jobs that mean harm, or might as well: each fails with a reason, and its server lives on."""

import gzip
import io
import resource
import tarfile
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from sagemaker_local.containers.archives import ArchiveError, unpack
from sagemaker_local.training import TrainingRunner
from sagemaker_local.training.metrics import TOLD_FREELY, Pace
from tests.local.training_world import FakeObjects, Remembering, run, runner_below, script_spec


@pytest.fixture
def objects() -> Any:
    return FakeObjects()


def lives_on(runner: TrainingRunner, objects: FakeObjects) -> None:
    assert run(runner, script_spec(objects, "next", "print(1)")).outcomes[0].status == "Completed"
    runner.shutdown()


def test_children_without_end_are_ended(tmp_path: Path, objects: FakeObjects) -> None:
    runner = runner_below(tmp_path, objects, most_processes=20)
    script = """
import subprocess, sys, time
children = [
    subprocess.Popen([sys.executable, "-S", "-c", "import time; time.sleep(60)"]) for _ in range(25)
]
time.sleep(60)
"""
    outcome = run(runner, script_spec(objects, "many", script)).outcomes[0]
    assert outcome.status == "Failed"
    assert outcome.failure_reason == "AlgorithmError: the job has more than 20 processes"
    lives_on(runner, objects)


def test_cpu_without_end_ends_at_the_maximum_runtime(tmp_path: Path, objects: FakeObjects) -> None:
    runner = runner_below(tmp_path, objects, stop_grace_seconds=0.5)
    script = "while True: pass"
    job = script_spec(objects, "busy", script, max_runtime_seconds=1)
    outcome = run(runner, job).outcomes[0]
    assert (outcome.status, outcome.secondary) == ("Stopped", "MaxRuntimeExceeded")
    lives_on(runner, objects)


def test_a_crash_by_signal_is_told(tmp_path: Path, objects: FakeObjects) -> None:
    runner = runner_below(tmp_path, objects)
    script = "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)"
    outcome = run(runner, script_spec(objects, "crash", script)).outcomes[0]
    assert outcome.status == "Failed"
    assert "AlgorithmError" in (outcome.failure_reason or "")
    lives_on(runner, objects)


def test_a_full_disk_fails_the_job_with_its_reason(tmp_path: Path, objects: FakeObjects) -> None:
    runner = runner_below(tmp_path, objects)
    folder = tmp_path / "training" / "full"
    folder.mkdir(parents=True)
    (folder / "log").symlink_to("/dev/full")
    outcome = run(runner, script_spec(objects, "full", "print('x')")).outcomes[0]
    assert outcome.status == "Failed"
    assert "No space left on device" in (outcome.failure_reason or "")
    lives_on(runner, objects)


def test_a_flood_of_metrics_is_thinned_but_ends_as_it_ended(
    tmp_path: Path, objects: FakeObjects
) -> None:
    runner = runner_below(tmp_path, objects)
    script = """
import sys
for number in range(60_000):
    sys.stdout.write(f"loss={number};\\n")
"""
    job = script_spec(objects, "flood", script, metric_definitions=(("loss", "loss=([0-9]+);"),))
    heard = run(runner, job)
    values = heard.series("loss")
    assert heard.outcomes[0].status == "Completed"
    assert TOLD_FREELY <= len(values) < 20_000
    assert values == sorted(values)
    assert values[-1] == 59_999
    lives_on(runner, objects)


def test_a_pace_tells_the_first_and_the_last() -> None:
    pace, at = Pace(), datetime.now(UTC)
    for number in range(TOLD_FREELY):
        assert pace.told("loss", number, at, 0.0)
    assert pace.told("loss", -1.0, at, 0.05) == []
    assert pace.told("loss", -2.0, at, 0.05) == []
    assert pace.told("other", 1.0, at, 0.05) == [("other", 1.0, at)]
    assert pace.due(0.05) == []
    assert pace.due(0.2) == [("loss", -2.0, at)]
    assert pace.told("loss", -3.0, at, 0.25) == []
    assert pace.rest() == [("loss", -3.0, at)]
    assert pace.rest() == []


def test_garbage_and_an_endless_line_are_only_a_log(tmp_path: Path, objects: FakeObjects) -> None:
    runner = runner_below(tmp_path, objects)
    script = """
import os, sys
out = sys.stdout.buffer
out.write(bytes(range(256)) * 400)
out.write(b"\\nloss=1;" + b"x" * 10_000_000 + b"loss=2;\\nloss=3;\\n")
out.write(b"\\xff\\xfe\\x00")
"""
    job = script_spec(objects, "noise", script, metric_definitions=(("loss", "loss=([0-9]+);"),))
    heard = run(runner, job)
    assert heard.outcomes[0].status == "Completed"
    assert heard.series("loss") == [1.0, 3.0]
    lines = (tmp_path / "training" / "noise" / "log").read_bytes().split(b"\n")
    assert max(map(len, lines)) <= 4 * 256 * 1024
    lives_on(runner, objects)


def test_an_artefact_has_a_limit(tmp_path: Path, objects: FakeObjects) -> None:
    runner = runner_below(tmp_path, objects, stored_bytes=1_000_000)
    script = """
import os
with open(os.environ["SM_MODEL_DIR"] + "/huge", "wb") as file:
    file.truncate(5_000_000_000)
"""
    heard = run(runner, script_spec(objects, "huge", script))
    outcome = heard.outcomes[0]
    assert outcome.status == "Failed"
    assert outcome.failure_reason == (
        "ClientError: model.tar.gz would hold 5000000000 bytes; this machine stores 1000000 at most"
    )
    lives_on(runner, objects)


def bomb(size: int) -> bytes:
    """An archive of one file of zeros, made without ever having them."""
    buffer = io.BytesIO()
    with gzip.GzipFile(fileobj=buffer, mode="wb", compresslevel=1) as packed:
        member = tarfile.TarInfo("train.py")
        member.size = size
        packed.write(member.tobuf())
        for _ in range(size // (1 << 20)):
            packed.write(bytes(1 << 20))
        packed.write(bytes(1024))
    return buffer.getvalue()


def test_a_bomb_is_not_extracted(tmp_path: Path) -> None:
    (tmp_path / "bomb.tar.gz").write_bytes(bomb(64 << 20))
    with pytest.raises(ArchiveError, match="holds more than"):
        unpack(tmp_path / "bomb.tar.gz", tmp_path / "out", most_bytes=1 << 20)
    assert not list((tmp_path / "out").rglob("*"))
    unpack(tmp_path / "bomb.tar.gz", tmp_path / "out")
    assert (tmp_path / "out" / "train.py").stat().st_size == 64 << 20


def test_a_header_without_end_is_not_read(tmp_path: Path) -> None:
    header = tarfile.TarInfo("././@LongLink")
    header.type, header.size = tarfile.GNUTYPE_LONGNAME, 1 << 32
    content = gzip.compress(header.tobuf(tarfile.GNU_FORMAT) + bytes(1 << 20))
    (tmp_path / "header.tar.gz").write_bytes(content)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(ArchiveError, match="no header"):
        unpack(tmp_path / "header.tar.gz", tmp_path / "out")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000  # KiB


def test_a_bomb_as_the_source_fails_its_job(tmp_path: Path, objects: FakeObjects) -> None:
    runner = runner_below(tmp_path, objects)
    job = script_spec(objects, "bomb", "print(1)")
    uri = job.hyperparameters["sagemaker_submit_directory"].strip('"')
    header = tarfile.TarInfo("train.py")
    header.size = 5 << 30
    objects.content[uri] = gzip.compress(header.tobuf() + bytes(1 << 20))
    outcome = run(runner, job).outcomes[0]
    assert outcome.status == "Failed"
    assert "cannot be extracted: it holds more than" in (outcome.failure_reason or "")
    lives_on(runner, objects)


def test_several_of_them_at_once_leave_the_others_alone(
    tmp_path: Path, objects: FakeObjects
) -> None:
    runner = runner_below(tmp_path, objects)
    flood = "import sys\nwhile True: sys.stdout.write('x' * 1000 + '\\n')"
    bad = script_spec(objects, "bad", flood)
    heard = Remembering()
    runner.start(bad, heard)
    heard.wait_for("Training")
    good = run(runner, script_spec(objects, "good", "print('loss=1;')"))
    assert good.outcomes[0].status == "Completed"
    runner.stop("bad")
    assert heard.wait().status == "Stopped"
    assert threading.active_count() < 50
    runner.shutdown()
