"""How a training job ends: by a crash, a stop, a limit, an interruption, or its server's death."""

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from sagemaker_local.containers.process import Limits
from sagemaker_local.training import TrainingRunner
from tests.local.training_world import (
    FakeObjects,
    Remembering,
    files_of,
    run,
    runner_below,
    script_spec,
    spec,
    until,
)


def test_a_pattern_without_end_fails_its_job_only(tmp_path: Path, objects: FakeObjects) -> None:
    runner = runner_below(tmp_path, objects, pattern_seconds=0.2)
    evil = script_spec(
        objects,
        "evil",
        "import time\nprint('a' * 4000 + '!', flush=True)\ntime.sleep(60)",
        metric_definitions=(("slow", r"(a|aa)+$"),),
    )
    heard = run(runner, evil)
    assert heard.outcomes[0].status == "Failed"
    assert heard.outcomes[0].failure_reason.startswith("ClientError: ")
    assert "'slow'" in heard.outcomes[0].failure_reason
    assert run(runner, script_spec(objects, "after", "")).outcomes[0].status == "Completed"


def test_a_crash_tells_its_exit_code_and_message(
    runner: TrainingRunner, objects: FakeObjects
) -> None:
    outcome = run(runner, script_spec(objects, "crash", "raise ValueError('no luck')")).outcomes[0]
    assert (outcome.status, outcome.secondary) == ("Failed", "Failed")
    assert outcome.model_artifacts is None
    assert outcome.failure_reason.startswith(
        "AlgorithmError: ExecuteUserScriptError:\nExitCode 1\n"
    )
    assert 'ErrorMessage "ValueError: no luck"' in outcome.failure_reason
    assert 'train.py"' in outcome.failure_reason


def test_a_failure_file_is_cut_to_what_the_service_shows(
    tmp_path: Path, objects: FakeObjects
) -> None:
    command = (sys.executable, "-c", "open('output/failure', 'w').write('x' * 5000); exit(3)")
    runner = runner_below(tmp_path, objects, images={"own": command})
    outcome = run(runner, spec("long", {}, image="123.dkr.ecr/own:1")).outcomes[0]
    assert outcome.failure_reason.startswith("AlgorithmError: xxx")
    assert outcome.failure_reason.endswith(", exit code: 3")
    assert len(outcome.failure_reason) <= 1024


def test_without_a_failure_file_the_last_lines_are_told(
    tmp_path: Path, objects: FakeObjects
) -> None:
    command = (sys.executable, "-c", "print('the last words'); exit(7)")
    runner = runner_below(tmp_path, objects, images={"own": command})
    outcome = run(runner, spec("silent", {}, image="own")).outcomes[0]
    assert outcome.failure_reason == "AlgorithmError: exit code: 7\nthe last words"


def test_stop_ends_the_script_in_its_grace_and_keeps_what_it_has(
    runner: TrainingRunner, objects: FakeObjects
) -> None:
    script = """
import os, pathlib, signal, sys, time
def finish(*_):
    print("asked to stop")
    sys.exit(0)
signal.signal(signal.SIGTERM, finish)
pathlib.Path(os.environ["SM_MODEL_DIR"], "partial").write_text("1")
print("ready")
time.sleep(60)
"""
    heard = Remembering()
    runner.start(script_spec(objects, "stopped", script, metric_definitions=()), heard)
    log = runner._root / "stopped" / "log"
    until(lambda: log.exists() and "ready" in log.read_text())
    runner.stop("stopped")
    outcome = heard.wait()
    assert (outcome.status, outcome.secondary) == ("Stopped", "Stopped")
    assert files_of(objects.content[outcome.model_artifacts]) == {"partial": b"1"}
    assert heard.secondaries[-3:] == ["Stopping", "Uploading", "Stopped"]
    assert "asked to stop" in log.read_text()


def test_a_script_that_ignores_the_signal_is_killed_after_the_grace(
    tmp_path: Path, objects: FakeObjects
) -> None:
    runner = runner_below(tmp_path, objects, stop_grace_seconds=0.3)
    script = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("ready", flush=True)
time.sleep(60)
"""
    heard = Remembering()
    runner.start(script_spec(objects, "deaf", script), heard)
    log = runner._root / "deaf" / "log"
    until(lambda: log.exists() and "ready" in log.read_text())
    runner.stop("deaf")
    outcome = heard.wait(10)
    assert (outcome.status, outcome.model_artifacts) == ("Stopped", None)
    assert "killed" in log.read_text()


def test_a_script_that_hangs_ends_at_its_maximum_runtime(
    tmp_path: Path, objects: FakeObjects
) -> None:
    runner = runner_below(tmp_path, objects, stop_grace_seconds=1.0)
    job = script_spec(objects, "hang", "import time; time.sleep(60)", max_runtime_seconds=1)
    heard = run(runner, job)
    outcome = heard.outcomes[0]
    assert (outcome.status, outcome.secondary) == ("Stopped", "MaxRuntimeExceeded")
    assert heard.secondaries[-1] == "MaxRuntimeExceeded"


def test_what_a_script_has_started_ends_with_it(
    runner: TrainingRunner, objects: FakeObjects
) -> None:
    script = """
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
print("child", child.pid, flush=True)
"""
    heard = run(runner, script_spec(objects, "parent", script), seconds=10)
    assert heard.outcomes[0].status == "Completed"
    line = (runner._root / "parent" / "log").read_text()
    child = int(line.split("child ")[1].split()[0])
    until(lambda: not alive(child))


def test_what_has_left_its_group_ends_with_the_script_too(
    runner: TrainingRunner, objects: FakeObjects
) -> None:
    script = """
import subprocess
child = subprocess.Popen(["sleep", "60"], start_new_session=True, stdout=subprocess.DEVNULL)
print("child", child.pid, flush=True)
"""
    heard = run(runner, script_spec(objects, "parent", script), seconds=10)
    assert heard.outcomes[0].status == "Completed"
    child = int((runner._root / "parent" / "log").read_text().split("child ")[1].split()[0])
    until(lambda: not alive(child))


def alive(pid: int) -> Any:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def test_huge_output_neither_stalls_nor_collects(
    runner: TrainingRunner, objects: FakeObjects
) -> None:
    script = """
import sys
sys.stdout.write("x" * 5_000_000 + " f1: 0.9\\n")
for number in range(50_000):
    sys.stdout.write("line " + str(number) + "\\n")
print("f1: 0.5")
"""
    definition = (("f1", "f1: ([0-9.]+)"),)
    heard = run(runner, script_spec(objects, "huge", script, metric_definitions=definition))
    assert heard.metrics == [("f1", 0.5)]
    log = (runner._root / "huge" / "log").read_text()
    assert "line 49999\n" in log
    assert len(log) < 1_000_000


def test_a_file_may_not_grow_without_end(tmp_path: Path, objects: FakeObjects) -> None:
    runner = runner_below(tmp_path, objects, limits=Limits(file_size=1 << 20))
    script = "open('big', 'wb').write(b'x' * (1 << 21))"
    outcome = run(runner, script_spec(objects, "glutton", script)).outcomes[0]
    assert outcome.status == "Failed"
    assert "File too large" in outcome.failure_reason


def test_shutdown_ends_all_and_every_listener_hears_it(
    tmp_path: Path, objects: FakeObjects
) -> None:
    runner = runner_below(tmp_path, objects)
    heard = [Remembering(), Remembering()]
    for number, listener in enumerate(heard):
        job = script_spec(objects, f"job-{number}", "import time; time.sleep(60)")
        runner.start(job, listener)
        listener.wait_for("Training")
    runner.shutdown()
    assert runner.running() == frozenset()
    for listener in heard:
        assert listener.wait(0).status == "Failed"
        assert listener.outcomes[0].failure_reason.startswith("InternalServerError: ")


def test_processes_left_by_a_dead_server_are_killed(tmp_path: Path, objects: FakeObjects) -> None:
    server = f"""
import pathlib, sys, time
from tests.local.training_world import *
objects = FakeObjects()
code = "import os, subprocess; p = subprocess.Popen(['sleep', '60']); print('pid', p.pid); p.wait()"
images = {{"own": (sys.executable, "-c", code)}}
runner = runner_below(pathlib.Path({str(tmp_path)!r}), objects, images=images)
runner.start(spec("left", {{}}, image="own"), Remembering())
time.sleep(60)
"""
    path = os.pathsep.join(filter(None, sys.path))
    dead = subprocess.Popen(
        [sys.executable, "-c", server], cwd=Path.cwd(), env=os.environ | {"PYTHONPATH": path}
    )
    log = tmp_path / "training" / "left" / "log"
    until(lambda: log.exists() and "pid " in log.read_text())
    leader = json.loads((tmp_path / "training" / "left" / "pid").read_text())["pid"]
    script = int(log.read_text().split("pid ")[1].split()[0])
    dead.send_signal(signal.SIGKILL)
    dead.wait()
    assert alive(leader)
    runner = runner_below(tmp_path, objects)
    runner.adopt_or_reap()
    until(lambda: not alive(leader) and not alive(script))
    assert not (tmp_path / "training" / "left" / "pid").exists()


def test_a_process_that_a_dead_server_had_not_noted_yet_is_killed(
    tmp_path: Path, objects: FakeObjects
) -> None:
    """A server may be killed between the start of a process and the write of its pid file."""
    base = tmp_path / "training" / "left" / "ml"
    base.mkdir(parents=True)
    told = os.environ | {"SAGEMAKER_BASE_DIR": str(base)}
    left = subprocess.Popen(["sleep", "60"], start_new_session=True, env=told)
    other = os.environ | {"SAGEMAKER_BASE_DIR": str(tmp_path / "training-of-others" / "ml")}
    stranger = subprocess.Popen(["sleep", "60"], start_new_session=True, env=other)
    runner_below(tmp_path, objects).adopt_or_reap()
    assert left.wait(10) == -signal.SIGKILL
    assert stranger.poll() is None
    stranger.kill()
    stranger.wait()


def test_a_process_of_the_same_id_but_another_time_is_spared(
    tmp_path: Path, objects: FakeObjects
) -> None:
    stranger = subprocess.Popen(["sleep", "60"], start_new_session=True)
    folder = tmp_path / "training" / "old"
    folder.mkdir(parents=True)
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    noted = {"pid": stranger.pid, "started": "1", "boot": boot}
    (folder / "pid").write_text(json.dumps(noted))
    runner_below(tmp_path, objects).adopt_or_reap()
    assert stranger.poll() is None
    stranger.kill()
    stranger.wait()


def test_an_interrupted_job_goes_on_from_its_checkpoint(
    runner: TrainingRunner, objects: FakeObjects
) -> None:
    script = """
import os, pathlib, signal, sys, time
kept = pathlib.Path(os.environ["SAGEMAKER_BASE_DIR"], "checkpoints", "step")
kept.parent.mkdir(exist_ok=True)
told = []
signal.signal(signal.SIGTERM, lambda *_: told.append(True))
first = int(kept.read_text()) if kept.exists() else 0
for step in range(first, 8):
    print(f"step={step}", flush=True)
    kept.write_text(str(step + 1))
    if told:
        sys.exit(1)
    time.sleep(0.01 if first else 0.1)
"""
    config = {"S3Uri": "s3://out/kept"}
    metrics = (("step", "step=([0-9]+)"),)
    job = replace(
        script_spec(objects, "spot", script), checkpoint=config, metric_definitions=metrics
    )
    heard = Remembering()
    runner.start(job, heard)
    until(lambda: len(heard.metrics) >= 2)
    runner.interrupt("spot")
    heard.wait(20)
    first = len(heard.metrics)
    assert heard.outcomes[0].secondary == "Interrupted"
    assert heard.outcomes[0].model_artifacts is None
    assert not [uri for uri in objects.content if uri.endswith("model.tar.gz")]
    then = Remembering()
    runner.start(job, then)  # at once: the first run may still be leaving
    then.wait(20)
    assert then.outcomes[0].failure_reason is None
    assert then.outcomes[0].status == "Completed"
    assert [value for _, value in heard.metrics + then.metrics] == list(range(8))
    assert 2 <= first < 8


def test_an_interruption_of_nobody_is_nothing(runner: TrainingRunner) -> None:
    runner.interrupt("nobody")
    assert runner.running() == frozenset()
