"""What a job leaves behind: its archives in S3, or the reason why it failed."""

import contextlib
from dataclasses import dataclass
from pathlib import Path

from sagemaker_local.containers import archives
from sagemaker_local.objects import ObjectStore, ObjectStoreError
from sagemaker_local.training.folder import JobFolder
from sagemaker_local.training.log import JobLog
from sagemaker_local.training.spec import JobClientError

REASON_LENGTH = 1024
STORED_BYTES = 2 << 30
"""Bytes of a model, or of further output: the embedded S3 has each object in memory once."""


@dataclass(frozen=True)
class Delivery:
    """Brings what a container has written to the output path of its job."""

    folder: JobFolder
    objects: ObjectStore
    prefix: str
    most_bytes: int = STORED_BYTES

    def model(self) -> str:
        """Store the model of a job that has completed, even if it wrote none."""
        return self._store(self.folder.model, "model.tar.gz")

    def partial_model(self) -> str | None:
        """Store what a stopped job has of a model, if it can be done."""
        with contextlib.suppress(ObjectStoreError, JobClientError, OSError):
            if not archives.is_empty(self.folder.model):
                return self.model()
        return None

    def output(self) -> None:
        """Store further output, if there is any."""
        if not archives.is_empty(self.folder.output_data):
            self._store(self.folder.output_data, "output.tar.gz")

    def partial_output(self) -> None:
        """Store further output of a job that has not completed, if it can be done."""
        with contextlib.suppress(ObjectStoreError, JobClientError, OSError):
            self.output()

    def _store(self, folder: Path, name: str) -> str:
        size = archives.size_of(folder)
        if size > self.most_bytes:
            raise JobClientError(
                f"{name} would hold {size} bytes; this machine stores {self.most_bytes} at most"
            )
        archive = self.folder.root / name
        uri = f"{self.prefix}/{name}"
        try:
            archives.pack(folder, archive)
            self.objects.upload_file(archive, uri)
        finally:
            archive.unlink(missing_ok=True)
        return uri


def failure_reason(folder: JobFolder, code: int, log: JobLog) -> str:
    """Why a container failed: in its own words, else by its exit code and last lines."""
    told = ""
    with contextlib.suppress(OSError), folder.failure.open("rb") as file:
        told = file.read(4 * REASON_LENGTH).decode("utf-8", errors="replace")
    told = told.strip()[:REASON_LENGTH]
    ending = f"exit code: {code}" if code >= 0 else f"ended by signal {-code}"
    if not told:
        return f"AlgorithmError: {ending}\n{log.last_lines()}".strip()[:REASON_LENGTH]
    if not told.startswith("ClientError: "):
        told = f"AlgorithmError: {told}"
    return f"{told[: REASON_LENGTH - len(ending) - 2]}, {ending}"
