"""Checkpoints of one job between its folder and S3; it never looks into them."""

import contextlib
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from sagemaker_local.objects import ObjectStore, ObjectStoreError
from sagemaker_local.training.folder import JobFolder

SYNC_SECONDS = 10.0


class CheckpointSync:
    """Brings checkpoints back before a job starts and stores what it adds."""

    def __init__(self, folder: Path | None, uri: str, objects: ObjectStore) -> None:
        self._folder = folder
        self._uri = uri.rstrip("/") + "/"
        self._objects = objects
        self._seen: dict[Path, tuple[int, int]] = {}
        self._next = time.monotonic() + SYNC_SECONDS

    @classmethod
    def of(
        cls, checkpoint: Mapping[str, Any] | None, folder: JobFolder, objects: ObjectStore
    ) -> Self:
        """Checkpoints as the job's CheckpointConfig wants them; without one there are none."""
        if not checkpoint:
            return cls(None, "", objects)
        return cls(folder.checkpoints(checkpoint), str(checkpoint["S3Uri"]), objects)

    def restore(self) -> None:
        """Fetch what an earlier run has left."""
        if self._folder is not None:
            self._objects.download_prefix(self._uri, self._folder)
            self._seen = self._stamps(self._folder)

    def save(self) -> None:
        """Store every file that is new or changed."""
        if self._folder is None:
            return
        for path, stamp in self._stamps(self._folder).items():
            if self._seen.get(path) != stamp:
                relative = path.relative_to(self._folder).as_posix()
                self._objects.upload_file(path, self._uri + relative)
                self._seen[path] = stamp

    def save_now_and_then(self) -> None:
        """Store while the job runs; what fails now is tried again."""
        if self._folder is not None and time.monotonic() >= self._next:
            with contextlib.suppress(ObjectStoreError, OSError):
                self.save()
            self._next = time.monotonic() + SYNC_SECONDS

    def _stamps(self, folder: Path) -> dict[Path, tuple[int, int]]:
        found = {}
        for path in sorted(folder.rglob("*")):
            with contextlib.suppress(OSError):  # a container may delete its old ones meanwhile
                if path.is_file():
                    stat = path.stat()
                    found[path] = (stat.st_size, stat.st_mtime_ns)
        return found
