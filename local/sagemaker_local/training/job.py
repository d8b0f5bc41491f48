"""One training job from its first status to its outcome; one thread, one process, one log."""

import contextlib
import logging
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from sagemaker_local.containers.leftovers import end_strays
from sagemaker_local.containers.output import pieces
from sagemaker_local.containers.process import Container, Limits, base_environment
from sagemaker_local.images.catalog import Catalog, UnknownImageError
from sagemaker_local.objects import ObjectStore, ObjectStoreError
from sagemaker_local.telemetry import SILENCE, Series, Stream, Telemetry
from sagemaker_local.training.channels import ChannelCache
from sagemaker_local.training.checkpoints import CheckpointSync
from sagemaker_local.training.delivery import (
    REASON_LENGTH,
    STORED_BYTES,
    Delivery,
    failure_reason,
)
from sagemaker_local.training.folder import JobFolder
from sagemaker_local.training.log import JobLog, LineSplitter
from sagemaker_local.training.metrics import MetricReader, Pace
from sagemaker_local.training.source import fetch_source
from sagemaker_local.training.spec import JobClientError, JobError, Listener, Outcome, TrainingSpec

MOST_PROCESSES = 512
COUNT_SECONDS = 2.0
LOGGER = logging.getLogger(__name__)
MESSAGES = {
    "Starting": "Preparing the instances for training",
    "Downloading": "Downloading input data",
    "Training": "Training image download completed. Training in progress.",
    "Stopping": "Stopping the training job",
    "Uploading": "Uploading generated training model",
    "Completed": "Training job completed",
    "Failed": "Training job failed",
    "Stopped": "Training job stopped",
    "Interrupted": "The instance was taken away",
    "MaxRuntimeExceeded": "Training job runtime exceeded MaxRuntimeInSeconds",
}


@dataclass(frozen=True)
class Workshop:
    """What all jobs of a runner share."""

    root: Path
    objects: ObjectStore
    cache: ChannelCache
    catalog: Catalog
    region: str
    account: str
    stop_grace_seconds: float
    threads: int
    limits: Limits
    pattern_seconds: float
    telemetry: Telemetry = SILENCE
    stored_bytes: int = STORED_BYTES
    most_processes: int = MOST_PROCESSES


class TrainingJob:
    """A job on its way; ``run`` is the whole of its life."""

    def __init__(self, spec: TrainingSpec, listener: Listener, workshop: Workshop) -> None:
        self._spec = spec
        self._listener = listener
        self._shop = workshop
        self._folder = JobFolder(workshop.root / spec.name)
        self._stop = threading.Event()
        self._abandon = threading.Event()
        self._interrupted = threading.Event()
        self._cut_short: Literal["Stopped", "MaxRuntimeExceeded"] | None = None
        self._started_at: datetime | None = None
        self._told = threading.Event()
        self._pace = Pace()

    @property
    def is_over(self) -> bool:
        """Whether all is done but to tell of the outcome."""
        return self._told.is_set()

    def stop(self) -> None:
        """Ask the job to end; it answers with its outcome."""
        self._stop.set()

    def interrupt(self) -> None:
        """End the job as a spot instance ends it: it is told to, and only checkpoints are kept."""
        self._interrupted.set()
        self._stop.set()

    def abandon(self) -> None:
        """End the job at once and without upload, for the server itself ends."""
        self._abandon.set()
        self._stop.set()

    def run(self) -> None:
        """Live the job; whatever happens, the listener hears of an outcome."""
        outcome = self._outcome("Failed", reason="InternalServerError: the job broke off")
        try:
            outcome = self._live()
        except JobError as error:
            outcome = self._outcome("Failed", reason=str(error))
        except ObjectStoreError as error:
            outcome = self._outcome("Failed", reason=f"ClientError: {error}")
        except OSError as error:
            outcome = self._outcome("Failed", reason=f"InternalServerError: {error}")
        except Exception as error:
            LOGGER.exception("training job %s", self._spec.name)
            outcome = self._outcome("Failed", reason=f"InternalServerError: {error!r}")
        finally:
            self._folder.sweep(keep_base=outcome.status == "Failed")
            self._tell(outcome.secondary, outcome.ended_at)
            self._told.set()
            with self._listening():
                self._listener.ended(outcome)

    def _live(self) -> Outcome:
        self._tell("Starting")
        self._folder.prepare(self._spec)
        stream = Stream.of_job(self._spec.name, time.time())

        def hear(line: str) -> None:
            self._shop.telemetry.line(stream, line, time.time())

        with JobLog(self._folder.log, hear=hear) as log:
            command = self._command()
            metrics = MetricReader.of(
                self._spec.metric_definitions, log.note, self._shop.pattern_seconds
            )
            if self._spec.instance_count > 1:
                log.note(f"{self._spec.instance_count} instances are asked for; one is emulated")
            self._started_at = datetime.now(UTC)
            self._tell("Downloading")
            self._download()
            code = 0
            if not self._stop.is_set():
                self._tell("Training")
                code = self._train(command, metrics, log)
                self._shop.telemetry.hurry()  # who sees the end will read the log at once
            return self._close(code, log)

    def _command(self) -> tuple[str, ...]:
        try:
            return self._shop.catalog.train_command(self._spec.image, self._spec.hyperparameters)
        except UnknownImageError as error:
            raise JobClientError(str(error)) from error

    def _download(self) -> None:
        for channel in self._spec.channels:
            if self._stop.is_set():
                return
            self._shop.cache.fetch(channel, self._folder.channel(channel["ChannelName"]))
        fetch_source(self._spec.hyperparameters, self._shop.cache, self._folder.source)

    def _train(self, command: tuple[str, ...], metrics: MetricReader, log: JobLog) -> int:
        checkpoints = CheckpointSync.of(self._spec.checkpoint, self._folder, self._shop.objects)
        checkpoints.restore()
        container = self._container(command)
        try:
            self._watch(container, metrics, log, checkpoints)
        finally:
            code = container.end()
            end_strays(self._folder.base)  # what has left the group ends with it too
        with contextlib.suppress(ObjectStoreError, OSError):
            checkpoints.save()
        return code

    def _container(self, command: tuple[str, ...]) -> Container:
        shop = self._shop
        environment: Mapping[str, str] = {
            **base_environment(self._folder.base, shop.threads),
            **shop.objects.environment,
            **self._spec.environment,
            "SAGEMAKER_BASE_DIR": str(self._folder.base),
            "SAGEMAKER_REGION": shop.region,
            "TRAINING_JOB_NAME": self._spec.name,
            "TRAINING_JOB_ARN": self._spec.arn,
        }
        try:
            return Container(
                command,
                environment=environment,
                folder=self._folder.base,
                pid_file=self._folder.pid,
                limits=shop.limits,
            )
        except (OSError, ValueError) as error:
            raise JobClientError(f"the container cannot be started: {error}") from error

    def _watch(
        self, container: Container, metrics: MetricReader, log: JobLog, checkpoints: CheckpointSync
    ) -> None:
        """Read what the container prints until it ends, or until it has to."""
        lines = LineSplitter()
        end_by = time.monotonic() + self._spec.max_runtime_seconds
        kill_at: float | None = None
        count_at = time.monotonic() + COUNT_SECONDS
        for data in pieces(container):
            for line in lines.feed(data):
                self._read(line, metrics, log)
            now = time.monotonic()
            if kill_at is None and (self._stop.is_set() or now >= end_by):
                self._cut_short = "Stopped" if self._stop.is_set() else "MaxRuntimeExceeded"
                if not self._interrupted.is_set():
                    self._tell("Stopping")
                container.terminate()
                kill_at = now + self._shop.stop_grace_seconds
            if self._abandon.is_set() or (kill_at is not None and now >= kill_at):
                log.note("the process has not ended in time and is killed")
                break
            checkpoints.save_now_and_then()
            self._hear(self._pace.due(now))
            if now >= count_at:
                count_at = now + COUNT_SECONDS
                if container.processes() > self._shop.most_processes:
                    most = self._shop.most_processes
                    raise JobError(f"AlgorithmError: the job has more than {most} processes")
        for line in lines.flush():
            self._read(line, metrics, log)
        self._hear(self._pace.rest())

    def _read(self, line: str, metrics: MetricReader, log: JobLog) -> None:
        shown = log.line(line)
        for name, value in metrics.read(shown):
            at = datetime.now(UTC)
            self._shop.telemetry.value(Series.of_job(self._spec.name, name), value, at.timestamp())
            self._hear(self._pace.told(name, value, at, time.monotonic()))

    def _hear(self, values: Iterable[tuple[str, float, datetime]]) -> None:
        for name, value, at in values:
            with self._listening():
                self._listener.metric(name, value, at)

    def _close(self, code: int, log: JobLog) -> Outcome:
        if self._abandon.is_set():
            raise JobError("InternalServerError: the emulator was shut down while the job ran")
        if self._interrupted.is_set():
            return self._outcome("Stopped", secondary="Interrupted")
        if self._stop.is_set() and self._cut_short is None:
            self._cut_short = "Stopped"  # it ended by itself just before it was told to
        prefix = f"{self._spec.output_path.rstrip('/')}/{self._spec.name}/output"
        delivery = Delivery(self._folder, self._shop.objects, prefix, self._shop.stored_bytes)
        if self._cut_short is not None:
            self._tell("Uploading")
            model = delivery.partial_model()
            delivery.partial_output()
            return self._outcome("Stopped", secondary=self._cut_short, model=model)
        if code != 0:
            delivery.partial_output()
            return self._outcome("Failed", reason=failure_reason(self._folder, code, log))
        self._tell("Uploading")
        delivery.output()
        return self._outcome("Completed", model=delivery.model())

    def _outcome(
        self,
        status: Literal["Completed", "Failed", "Stopped"],
        *,
        secondary: str | None = None,
        reason: str | None = None,
        model: str | None = None,
    ) -> Outcome:
        return Outcome(
            status=status,
            secondary=secondary or status,
            failure_reason=None if reason is None else reason[:REASON_LENGTH],
            model_artifacts=model,
            started_at=self._started_at,
            ended_at=datetime.now(UTC),
        )

    def _tell(self, secondary: str, at: datetime | None = None) -> None:
        with self._listening():
            self._listener.status(secondary, MESSAGES[secondary], at or datetime.now(UTC))

    @contextlib.contextmanager
    def _listening(self) -> Iterator[None]:
        """A listener that raises is at fault, but the job has to go on."""
        try:
            yield
        except Exception:
            LOGGER.exception("the listener of training job %s", self._spec.name)
