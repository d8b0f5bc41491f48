"""A server to be killed: its trials note their launch, and end once a file called `go` is there."""

import sys
import threading
import time
from pathlib import Path
from typing import Any

from sagemaker_local.server import LocalServer
from sagemaker_local.training import TrainingSpec
from tests.local.service.fakes import FakeRunner, Fakes


class Noting(FakeRunner):
    def start(self, spec: TrainingSpec, listener: Any) -> None:
        with (ROOT / "launches").open("a") as file:
            file.write(f"{spec.name}\n")
        super().start(spec, listener)
        threading.Thread(target=self.end_later, args=(spec.name,), daemon=True).start()

    def end_later(self, name: str) -> None:
        while not (ROOT / "go").exists():
            time.sleep(0.01)
        self.finish(name, 0.5)


if __name__ == "__main__":
    ROOT = Path(sys.argv[1])
    with LocalServer(ROOT, parts=Fakes(runner=Noting()).parts) as server:
        print(server.url, flush=True)  # noqa: T201
        threading.Event().wait()
