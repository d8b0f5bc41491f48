"""All training jobs of one machine, each in its thread; it starts what it is told, no more."""

import logging
import re
import threading
from collections.abc import Mapping
from pathlib import Path

from sagemaker_local.containers.leftovers import end_strays, reap
from sagemaker_local.containers.process import LIMITS, Limits
from sagemaker_local.images.catalog import Catalog
from sagemaker_local.objects import ObjectStore
from sagemaker_local.telemetry import SILENCE, Telemetry
from sagemaker_local.training.channels import ChannelCache
from sagemaker_local.training.delivery import STORED_BYTES
from sagemaker_local.training.folder import JobFolder
from sagemaker_local.training.job import MOST_PROCESSES, TrainingJob, Workshop
from sagemaker_local.training.spec import Listener, TrainingSpec

LOGGER = logging.getLogger(__name__)
NAME = re.compile(r"[A-Za-z0-9](-*[A-Za-z0-9])*")
NO_IMAGES: Mapping[str, tuple[str, ...]] = {}


class TrainingRunner:
    """Starts and stops training jobs below one folder."""

    def __init__(
        self,
        root: Path,
        objects: ObjectStore,
        *,
        region: str,
        account: str,
        stop_grace_seconds: float,
        threads: int,
        images: Mapping[str, tuple[str, ...]] = NO_IMAGES,
        limits: Limits = LIMITS,
        pattern_seconds: float = 1.0,
        telemetry: Telemetry = SILENCE,
        stored_bytes: int = STORED_BYTES,
        most_processes: int = MOST_PROCESSES,
    ) -> None:
        root = root.resolve()
        self._root = root / "training"
        self._root.mkdir(parents=True, exist_ok=True)
        self._shop = Workshop(
            root=self._root,
            objects=objects,
            cache=ChannelCache(root / "channels", objects),
            catalog=Catalog(images),
            region=region,
            account=account,
            stop_grace_seconds=stop_grace_seconds,
            threads=threads,
            limits=limits,
            pattern_seconds=pattern_seconds,
            telemetry=telemetry,
            stored_bytes=stored_bytes,
            most_processes=most_processes,
        )
        self._guard = threading.Lock()
        self._closed = False
        self._jobs: dict[str, tuple[TrainingJob, threading.Thread]] = {}

    def start(self, spec: TrainingSpec, listener: Listener) -> None:
        """Start a job and return; nothing happens if a job of this name runs."""
        if not NAME.fullmatch(spec.name):
            raise ValueError(f"{spec.name!r} cannot be the name of a training job")
        self._wait_for_former(spec.name)
        with self._guard:
            if self._closed:
                raise RuntimeError("the runner of training jobs is shut down")
            if spec.name in self._jobs:
                return
            job = TrainingJob(spec, listener, self._shop)
            thread = threading.Thread(
                target=self._run, args=(spec.name, job), name=f"training {spec.name}", daemon=True
            )
            self._jobs[spec.name] = (job, thread)
            thread.start()

    def _wait_for_former(self, name: str) -> None:
        """Let an earlier run of a job leave: it may be started again by what it has just told."""
        with self._guard:
            known = self._jobs.get(name)
        if known is not None and known[0].is_over:
            known[1].join()

    def stop(self, name: str) -> None:
        """Ask a job to end; nothing happens if none of this name runs."""
        with self._guard:
            known = self._jobs.get(name)
        if known is not None:
            known[0].stop()

    def interrupt(self, name: str) -> None:
        """Take a job's instance away; nothing happens if none of this name runs."""
        with self._guard:
            known = self._jobs.get(name)
        if known is not None:
            known[0].interrupt()

    def running(self) -> frozenset[str]:
        """Names of the jobs that have not ended."""
        with self._guard:
            return frozenset(self._jobs)

    def shutdown(self) -> None:
        """End all jobs at once; their listeners hear that the emulator was shut down."""
        with self._guard:
            self._closed = True
            known = list(self._jobs.values())
        for job, _ in known:
            job.abandon()
        for _, thread in known:
            if thread is not threading.current_thread():
                thread.join()

    def adopt_or_reap(self) -> None:
        """Kill the process groups that a dead server has left; nothing can be read from them."""
        for pid_file in sorted(self._root.glob("*/pid")):
            folder = JobFolder(pid_file.parent)
            with self._guard:
                if folder.root.name in self._jobs:
                    continue
            if reap(folder.pid, folder.base):
                LOGGER.warning("training job %s was left by a dead server", folder.root.name)
        if not self.running():
            for base in end_strays(self._root):  # noted nowhere, and so in no pid file
                LOGGER.warning("a process of training job %s was left", base.parent.name)

    def _run(self, name: str, job: TrainingJob) -> None:
        try:
            job.run()
        finally:
            with self._guard:
                self._jobs.pop(name, None)
