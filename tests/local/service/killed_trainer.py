"""A server to be killed while it trains really; run by itself with `train`, it is the trial.

A trial writes beside the server's state when it began, whether it ran twice at a time, and what it
found; it takes a few tenths of a second, so that a kill may meet any part of it.
"""

import fcntl
import json
import os
import signal
import sys
import time
from pathlib import Path

IMAGE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/killed:1"
STEPS = 4


def train(notes: Path) -> None:
    base = Path(os.environ["SAGEMAKER_BASE_DIR"])
    given = json.loads((base / "input/config/hyperparameters.json").read_text())
    name = os.environ["TRAINING_JOB_NAME"]
    with (notes / f"{name}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            (notes / f"{name}.twice").touch()
            raise
        score = 0.0
        for step in range(1, STEPS + 1):
            time.sleep(0.05)
            score = 1 - (float(given["x"]) - 0.3) ** 2 / step
            sys.stdout.write(f"score={score:.6f};\n")
            sys.stdout.flush()
        (base / "model/weights.txt").write_text(f"{score:.6f}")
        with (notes / "found").open("a") as file:
            file.write(f"{name} {given['x']} {score:.6f}\n")


def serve(root: Path) -> None:
    from sagemaker_local.server import LocalServer

    # A shell's background jobs, and so tests that are run in one, ignore it from birth.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    command = (sys.executable, __file__, "train", str(root / "notes"))
    with LocalServer(root / "state", cpus=1, images={IMAGE: command}) as server:
        sys.stdout.write(f"{server.url}\n")
        sys.stdout.flush()
        while True:  # A signal may reach another thread: who waits for ever never hears of it.
            time.sleep(0.2)


if __name__ == "__main__":
    {"train": train, "serve": serve}[sys.argv[1]](Path(sys.argv[2]))
