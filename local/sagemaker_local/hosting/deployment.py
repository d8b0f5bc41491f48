"""One generation of an endpoint: a model with its processes, which take turns."""

import itertools
import json
import shutil
import threading
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sagemaker_local.containers.leftovers import end_strays
from sagemaker_local.containers.process import base_environment
from sagemaker_local.hosting.invocation import Invocation
from sagemaker_local.hosting.log import EndpointLog
from sagemaker_local.hosting.model import lay_out
from sagemaker_local.hosting.worker import Recipe, UnhealthyError, Worker
from sagemaker_local.images.catalog import Catalog
from sagemaker_local.objects import ObjectStore
from sagemaker_local.telemetry import SILENCE, Stream, Telemetry

MOST_PROCESSES = 4
"""Processes of one fleet; further instances are there by their number only."""
RESIZE_SECONDS = 5.0


class BusyError(Exception):
    """A serverless endpoint has no capacity left."""


@dataclass(frozen=True)
class Premises:
    """What all endpoints of a host share."""

    objects: ObjectStore
    catalog: Catalog
    region: str
    threads: int
    health_seconds: float
    answer_seconds: float
    telemetry: Telemetry = SILENCE


@dataclass(frozen=True)
class Wanted:
    """What an endpoint should serve; two that are equal are the same deployment."""

    variant: str
    container: str
    count: int
    generation: str
    config: str = ""
    concurrency: int | None = None
    """Requests that a serverless endpoint answers at a time; None for one on instances."""

    @classmethod
    def of(
        cls,
        variant: str,
        container: Mapping[str, Any],
        count: int,
        generation: str,
        *,
        config: str = "",
        concurrency: int | None = None,
    ) -> "Wanted":
        """Describe a container in a way that can be compared."""
        text = json.dumps(container, sort_keys=True)
        return cls(variant, text, max(1, count), generation, config, concurrency)

    @property
    def processes(self) -> int:
        """How many processes stand for the instances."""
        return 1 if self.concurrency is not None else min(self.count, MOST_PROCESSES)


class Deployment:
    """Processes that serve one model; brought up once, taken down once."""

    def __init__(self, wanted: Wanted, folder: Path, log: Path, premises: Premises) -> None:
        self.wanted = wanted
        self._endpoint = log.parent.name
        self._folder = folder
        self._log = log
        self._premises = premises
        self._workers: list[Worker] = []
        self._coming: Worker | None = None
        self._turns = itertools.count()
        self._down = threading.Event()
        self._requests = threading.Condition()
        self._under_way = 0

    def bring_up(self) -> None:
        """Fetch the model and have every process healthy."""
        shutil.rmtree(self._folder, ignore_errors=True)
        self._folder.mkdir(parents=True)
        container = json.loads(self.wanted.container)
        lay_out(container, self._folder / "ml", self._premises.objects)
        self._grow(self.wanted.processes)
        if self.wanted.concurrency is not None:
            # It was healthy; the first request starts it again, as a serverless endpoint does
            for worker in self._workers:
                worker.rest()

    def resize(self, count: int) -> None:
        """Have another number of instances; what one that goes is doing, it ends."""
        self.wanted = replace(self.wanted, count=max(1, count))
        if self.wanted.concurrency is not None:
            return
        self._grow(self.wanted.processes)
        with self._requests:
            leaving = self._workers[self.wanted.processes :]
            self._workers = self._workers[: self.wanted.processes]
            self._requests.wait_for(lambda: self._under_way == 0, RESIZE_SECONDS)
        for worker in leaving:
            worker.end()

    def revive(self) -> None:
        """Have every process healthy again, or raise UnhealthyError."""
        for worker in self._workers:
            if self.wanted.concurrency is None:
                worker.ensure(lambda: not self._down.is_set())

    def _grow(self, count: int) -> None:
        container = json.loads(self.wanted.container)
        for number in range(len(self._workers), count):
            pid_file = self._folder / f"pid-{number}-{uuid.uuid4().hex[:8]}"
            worker = Worker(self._recipe(container), pid_file)
            self._coming = worker
            worker.ensure(lambda: not self._down.is_set())
            self._workers = [*self._workers, worker]
        if self._down.is_set():
            raise UnhealthyError("the endpoint has been stopped")

    def enter(self) -> None:
        """A request is about to come; the processes have to wait for it.

        Raises:
            BusyError: a serverless endpoint answers as many as it may.
        """
        with self._requests:
            limit = self.wanted.concurrency
            if limit is not None and self._under_way >= limit:
                raise BusyError(limit)
            self._under_way += 1

    def invoke(self, body: bytes, headers: Mapping[str, str]) -> tuple[Invocation, float]:
        """Pass a request, which has entered, to the process whose turn it is.

        Returns:
            The answer, and how many seconds the process took for it.
        """
        workers = self._workers
        worker = workers[next(self._turns) % len(workers)]
        began = time.monotonic()
        try:
            answer = worker.invoke(body, headers)
            seconds = time.monotonic() - began
        finally:
            with self._requests:
                self._under_way -= 1
                self._requests.notify_all()
        told = {**answer.headers, "x-Amzn-Invoked-Production-Variant": self.wanted.variant}
        return replace(answer, headers=told), seconds

    def retire(self) -> None:
        """Answer what is under way, then end."""
        with self._requests:
            self._requests.wait_for(lambda: self._under_way == 0, self._premises.answer_seconds)
        self.take_down()

    def take_down(self) -> None:
        """End every process and give the disk back; the log stays."""
        self._down.set()
        if self._coming is not None:
            self._coming.end()
        for worker in self._workers:
            worker.end()
        end_strays(self._folder)  # what has left its group ends too
        shutil.rmtree(self._folder, ignore_errors=True)

    def _recipe(self, container: Mapping[str, Any]) -> Recipe:
        premises = self._premises
        base = self._folder / "ml"
        given = {name: str(value) for name, value in container.get("Environment", {}).items()}
        has_code = (base / "code").is_dir() or (base / "model" / "code").is_dir()
        command = premises.catalog.serve_command(container["Image"], given, has_code=has_code)
        environment = {
            **base_environment(base, premises.threads),
            **premises.objects.environment,
            **given,
            "SAGEMAKER_BASE_DIR": str(base),
            "SAGEMAKER_REGION": premises.region,
            "SM_MODEL_DIR": str(base / "model"),
        }
        instance = f"i-{uuid.uuid4().hex[:17]}"
        stream = Stream.of_instance(self._endpoint, self.wanted.variant, instance)
        log = EndpointLog(self._log, stream, premises.telemetry)
        return Recipe(
            command, environment, base, log, premises.health_seconds, premises.answer_seconds
        )
