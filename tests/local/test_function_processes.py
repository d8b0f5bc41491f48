"""No process of a function outlives the embedded AWS, whenever it was started."""

import subprocess
import sys
from typing import Any

import pytest

from embedded_aws.processes import Processes


class Runtime:
    """As much of ministack's runtime as starts and ends processes."""

    def __init__(self) -> None:
        self.subprocess: Any = subprocess
        self.resets = 0

    def reset(self) -> None:
        self.resets += 1

    def start(self) -> "subprocess.Popen[str]":
        pipe = self.subprocess.PIPE
        words = [sys.executable, "-c", "import time; time.sleep(600)"]
        started: subprocess.Popen[str] = self.subprocess.Popen(
            words, stdin=pipe, stdout=pipe, stderr=pipe, text=True
        )
        return started


def pipes(process: "subprocess.Popen[str]") -> list[Any]:
    return [process.stdin, process.stdout, process.stderr]


def test_what_runs_is_ended_and_its_pipes_closed_and_nothing_is_started_later() -> None:
    runtime, processes = Runtime(), Processes()
    processes.watch(runtime)
    running = [runtime.start() for _ in range(2)]
    processes.end(runtime)
    assert runtime.resets == 1
    assert [each.returncode for each in running] == [-9, -9]
    assert all(pipe.closed for each in running for pipe in pipes(each))
    with pytest.raises(RuntimeError, match="closing"):
        runtime.start()
    processes.watch(runtime)  # the next folder
    again = runtime.start()
    processes.end(runtime)
    assert again.returncode == -9


def test_the_pipes_of_one_that_died_are_closed_when_another_is_started() -> None:
    runtime, processes = Runtime(), Processes()
    processes.watch(runtime)
    dead = runtime.start()
    assert dead.stdin is not None
    dead.stdin.write("what nobody reads")
    dead.kill()
    dead.wait()
    runtime.start()
    assert all(pipe.closed for pipe in pipes(dead))
    processes.end(runtime)
