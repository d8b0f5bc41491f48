"""What the local SageMaker adds to the processes it runs, in time, and what it keeps in memory.

    python -m bench.overhead [--trials 300] [--pairs 5] [--seconds 1.0] [--silent]

A pair is a tuning job (Random, two trials in parallel) of a script that burns CPU, and the same
processes started bare, two at a time. Of the server, which is a process of its own, the resident
memory is read early in each job and at its end.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from sagemaker_local.clients import client
from sagemaker_local.server import LocalServer
from sagemaker_local.service import real_parts
from sagemaker_local.settings import Settings

SCRIPT = """
import json, os, sys, time
end = time.process_time() + float(sys.argv[1])
while time.process_time() < end:
    pass
print("score=0.5;")
"""
IMAGE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/burn:1"
PARALLEL = 2
EARLY = 1 / 6  # trial 50 of 300
MOST_TIME, MOST_MEMORY = 1.15, 1.10


def serve(folder: Path, seconds: float, *, silent: bool) -> None:
    """Be the server; tell where it is, and end with the standard input."""
    command = (sys.executable, str(folder / "burn.py"), str(seconds))

    def parts(settings: Settings) -> Any:  # noqa: ANN401 - Parts, of the real ones
        made = real_parts(settings)
        if silent:
            made.runner._shop.telemetry.line = lambda *_: None  # type: ignore[attr-defined] # noqa: SLF001
            made.runner._shop.telemetry.value = lambda *_: None  # type: ignore[attr-defined] # noqa: SLF001
        return made

    with LocalServer(folder / "state", cpus=1, images={IMAGE: command}, parts=parts) as server:
        sys.stdout.write(f"{server.url}\n")
        sys.stdout.flush()
        sys.stdin.read()


def request(name: str, trials: int) -> dict[str, Any]:
    """A tuning job of so many trials."""
    return {
        "HyperParameterTuningJobName": name,
        "HyperParameterTuningJobConfig": {
            "Strategy": "Random",
            "HyperParameterTuningJobObjective": {"Type": "Maximize", "MetricName": "score"},
            "ResourceLimits": {
                "MaxNumberOfTrainingJobs": trials,
                "MaxParallelTrainingJobs": PARALLEL,
            },
            "ParameterRanges": {
                "ContinuousParameterRanges": [{"Name": "x", "MinValue": "0", "MaxValue": "1"}]
            },
        },
        "TrainingJobDefinition": {
            "AlgorithmSpecification": {
                "TrainingImage": IMAGE,
                "TrainingInputMode": "File",
                "MetricDefinitions": [{"Name": "score", "Regex": "score=([0-9.]+);"}],
            },
            "RoleArn": "arn:aws:iam::123456789012:role/Bench",
            "OutputDataConfig": {"S3OutputPath": "s3://bench/out"},
            "ResourceConfig": {
                "InstanceType": "ml.m5.large",
                "InstanceCount": 1,
                "VolumeSizeInGB": 1,
            },
            "StoppingCondition": {"MaxRuntimeInSeconds": 600},
        },
    }


def tuned(sm: Any, pid: int, name: str, trials: int) -> tuple[float, int, int]:  # noqa: ANN401
    """Run a tuning job; return its seconds and the memory early in it and at its end, in KiB."""
    began, early = time.monotonic(), 0
    sm.create_hyper_parameter_tuning_job(**request(name, trials))
    while True:
        job = sm.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName=name)
        counters = job["TrainingJobStatusCounters"]
        if not early and counters["Completed"] >= trials * EARLY:
            early = memory(pid)
        if job["HyperParameterTuningJobStatus"] != "InProgress":
            break
        time.sleep(0.1)
    seconds = time.monotonic() - began
    if counters["Completed"] != trials:
        raise SystemExit(f"{name} has not completed all of its trials: {counters}")
    return seconds, early, memory(pid)


def bare(folder: Path, seconds: float, trials: int) -> float:
    """Run the same processes without a server; return the seconds."""
    command = [sys.executable, str(folder / "burn.py"), str(seconds)]

    def run(_: int) -> None:
        # In a session of its own, as a container is: Linux shares processors out by sessions
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, start_new_session=True)

    began = time.monotonic()
    with ThreadPoolExecutor(PARALLEL) as pool:
        list(pool.map(run, range(trials)))
    return time.monotonic() - began


def memory(pid: int) -> int:
    """Resident memory of a process, in KiB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    return 0


def cpu(pid: int) -> float:
    """Seconds of a processor that a process itself has had; its children are not counted."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def compare(folder: Path, given: argparse.Namespace) -> int:
    """Measure all pairs, print what was found, and say by the exit code whether it will do."""
    (folder / "burn.py").write_text(SCRIPT)
    arguments = ["--serve", str(folder), "--seconds", str(given.seconds)]
    if given.silent:
        arguments.append("--silent")
    server = subprocess.Popen(
        [sys.executable, "-m", "bench.overhead", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ,
    )
    if server.stdout is None or server.stdin is None:
        raise SystemExit("the server has no pipes")
    url = server.stdout.readline().strip()
    access = {"region": "us-east-1", "access_key": "test", "secret_key": "test"}
    s3 = client("s3", url, **access, s3={"addressing_style": "path"})
    s3.create_bucket(Bucket="bench")
    sm = client("sagemaker", url, **access)
    ratios, growths = [], []
    for number in range(given.pairs):
        alone = bare(folder, given.seconds, given.trials)
        before = cpu(server.pid)
        seconds, early, late = tuned(sm, server.pid, f"bench-{number}", given.trials)
        own = (cpu(server.pid) - before) / given.trials
        ratios.append(seconds / alone)
        growths.append(late / early)
        told = {"tuned": seconds, "bare": alone, "ratio": ratios[-1], "early": early, "late": late}
        told["server_cpu_per_trial"] = own
        sys.stdout.write(f"{json.dumps(told)}\n")
        sys.stdout.flush()
    server.stdin.close()
    server.wait()
    time_ratio, growth = statistics.median(ratios), growths[0]
    sys.stdout.write(f"time: {time_ratio:.3f} of bare; memory: {growth:.3f} of early\n")
    return int(time_ratio > MOST_TIME or growth > MOST_MEMORY)


def main() -> int:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=300)
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--silent", action="store_true", help="send nothing to CloudWatch")
    parser.add_argument("--serve", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.serve is not None:
        serve(given.serve, given.seconds, silent=given.silent)
        return 0
    with tempfile.TemporaryDirectory() as folder:
        return compare(Path(folder), given)


if __name__ == "__main__":
    sys.exit(main())
