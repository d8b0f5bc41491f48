"""All endpoints of one machine; it serves what it is told and decides nothing."""

import itertools
import logging
import re
import shutil
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from sagemaker_local.containers.archives import ArchiveError
from sagemaker_local.containers.leftovers import reap
from sagemaker_local.hosting.deployment import Deployment, Premises, Wanted
from sagemaker_local.hosting.invocation import Invocation
from sagemaker_local.hosting.measures import report
from sagemaker_local.hosting.model import ModelError
from sagemaker_local.hosting.worker import ANSWER_SECONDS, UnhealthyError
from sagemaker_local.images.catalog import Catalog, UnknownImageError
from sagemaker_local.images.serving import BODY_LIMIT
from sagemaker_local.objects import ObjectStore, ObjectStoreError
from sagemaker_local.telemetry import SILENCE, Telemetry

LOGGER = logging.getLogger(__name__)
NAME = re.compile(r"[A-Za-z0-9](-*[A-Za-z0-9])*")
NO_IMAGES: Mapping[str, tuple[str, ...]] = {}
EXPECTED = (ModelError, UnhealthyError, UnknownImageError, ObjectStoreError, ArchiveError, OSError)


class EndpointHost:
    """Starts, replaces, asks and stops endpoints below one folder."""

    def __init__(
        self,
        root: Path,
        objects: ObjectStore,
        *,
        region: str,
        threads: int = 1,
        images: Mapping[str, tuple[str, ...]] = NO_IMAGES,
        health_seconds: float = 120.0,
        answer_seconds: float = ANSWER_SECONDS,
        telemetry: Telemetry = SILENCE,
    ) -> None:
        self._root = root.resolve() / "endpoints"
        self._root.mkdir(parents=True, exist_ok=True)
        catalog = Catalog(images)
        self._premises = Premises(
            objects, catalog, region, threads, health_seconds, answer_seconds, telemetry
        )
        self._guard = threading.Lock()
        self._live: dict[str, Deployment] = {}
        self._coming: dict[str, Deployment] = {}
        self._threads: set[threading.Thread] = set()
        self._numbers = itertools.count()
        self._closed = False
        self._reaped = False

    def start(
        self,
        endpoint: str,
        variant: str,
        container: Mapping[str, Any],
        count: int,
        listener: Callable[[str, str | None], None],
        *,
        generation: str = "",
    ) -> None:
        """Serve a model; nothing happens if this very one is served or about to be.

        The listener hears ``("InService", None)`` or ``("Failed", reason)`` from another thread.
        What was served until then is served until the new one is healthy, and if that fails
        it stays.
        """
        if not NAME.fullmatch(endpoint):
            raise ValueError(f"{endpoint!r} cannot be the name of an endpoint")
        wanted = Wanted.of(variant, container, count, generation)
        with self._guard:
            if self._closed:
                raise RuntimeError("the host of endpoints is shut down")
            self.adopt_or_reap()
            current = self._coming.get(endpoint) or self._live.get(endpoint)
            if current is not None and current.wanted == wanted:
                return
            folder = self._root / endpoint
            number = next(self._numbers)
            coming = Deployment(
                wanted, folder / f"generation-{number}", folder / "log", self._premises
            )
            overtaken = self._coming.get(endpoint)
            self._coming[endpoint] = coming
            thread = threading.Thread(
                target=self._bring_up,
                args=(endpoint, coming, overtaken, listener),
                name=f"endpoint {endpoint}",
                daemon=True,
            )
            self._threads.add(thread)
            thread.start()

    def replace(
        self,
        endpoint: str,
        variant: str,
        container: Mapping[str, Any],
        count: int,
        listener: Callable[[str, str | None], None],
        *,
        generation: str = "",
    ) -> None:
        """Serve another model from the moment it is healthy; see ``start``."""
        self.start(endpoint, variant, container, count, listener, generation=generation)

    def stop(self, endpoint: str) -> None:
        """End an endpoint; its log stays."""
        with self._guard:
            ending = [self._coming.pop(endpoint, None), self._live.pop(endpoint, None)]
        for deployment in filter(None, ending):
            deployment.take_down()

    def invoke(
        self, endpoint: str, body: bytes, content_type: str, accept: str | None
    ) -> Invocation:
        """Ask an endpoint; every failure is an Invocation too."""
        began = time.monotonic()
        if len(body) > BODY_LIMIT:
            message = f"The request has {len(body)} bytes; {BODY_LIMIT} are allowed."
            return Invocation.failed(413, "ValidationError", message)
        with self._guard:
            deployment = self._live.get(endpoint)
            if deployment is not None:
                deployment.enter()  # in one step with finding it, so that it cannot vanish
        if deployment is None:
            message = f"Endpoint {endpoint} is not in service on this machine."
            return Invocation.failed(400, "ValidationError", message)
        headers = {"Content-Type": content_type, "Accept": accept or "*/*"}
        answer, model_seconds = deployment.invoke(body, headers)
        variant = deployment.wanted.variant
        report(
            self._premises.telemetry,
            (("EndpointName", endpoint), ("VariantName", variant)),
            answer,
            instances=deployment.wanted.count,
            model_seconds=model_seconds,
            overhead_seconds=max(0.0, time.monotonic() - began - model_seconds),
        )
        return answer

    def shutdown(self) -> None:
        """End all endpoints."""
        with self._guard:
            self._closed = True
            names = set(self._live) | set(self._coming)
            threads = set(self._threads)
        for name in names:
            self.stop(name)
        for thread in threads:
            thread.join()

    def adopt_or_reap(self) -> None:
        """Kill the serving processes that a dead server has left; before any start, and once."""
        if self._reaped:
            return
        self._reaped = True
        for pid_file in sorted(self._root.glob("*/generation-*/pid-*")):
            if reap(pid_file, pid_file.parent / "ml"):
                LOGGER.warning("endpoint %s was left by a dead server", pid_file.parents[1].name)
        for folder in self._root.glob("*/generation-*"):
            shutil.rmtree(folder, ignore_errors=True)

    def _bring_up(
        self,
        endpoint: str,
        coming: Deployment,
        overtaken: Deployment | None,
        listener: Callable[[str, str | None], None],
    ) -> None:
        if overtaken is not None:
            overtaken.take_down()
        status, reason = self._try(coming)
        with self._guard:
            current = self._coming.get(endpoint) is coming
            old = None
            if current:
                del self._coming[endpoint]
                if reason is None:
                    old = self._live.pop(endpoint, None)
                    self._live[endpoint] = coming
            self._threads.discard(threading.current_thread())
        if not current or reason is not None:
            coming.take_down()
        if old is not None:
            old.retire()
        if current:  # nobody waits for one that was overtaken or stopped
            try:
                listener(status, reason)
            except Exception:
                LOGGER.exception("the listener of endpoint %s", endpoint)

    def _try(self, coming: Deployment) -> tuple[str, str | None]:
        try:
            coming.bring_up()
        except EXPECTED as error:
            variant = coming.wanted.variant
            return "Failed", f"The container of variant {variant} is not healthy: {error}"
        except Exception as error:
            LOGGER.exception("bringing up an endpoint")
            return "Failed", f"Internal failure: {error!r}"
        return "InService", None
