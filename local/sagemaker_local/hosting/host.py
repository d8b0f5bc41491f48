"""All endpoints of one machine; it serves what it is told and decides nothing."""

import itertools
import logging
import random
import re
import shutil
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sagemaker_local.containers.archives import ArchiveError
from sagemaker_local.containers.leftovers import end_strays, reap
from sagemaker_local.hosting.deployment import BusyError, Deployment, Premises, Wanted
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
COMING_SECONDS = 0.05
NO_IMAGES: Mapping[str, tuple[str, ...]] = {}
Listener = Callable[[str, str | None], None]
EXPECTED = (ModelError, UnhealthyError, UnknownImageError, ObjectStoreError, ArchiveError, OSError)


@dataclass
class _Beside:
    """A second fleet, and the share of the requests that it gets."""

    deployment: Deployment
    chance: random.Random
    share: float = 0.0


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
        self._coming: dict[tuple[str, bool], Deployment] = {}
        self._beside: dict[str, _Beside] = {}
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
        listener: Listener,
        *,
        generation: str = "",
        config: str = "",
        concurrency: int | None = None,
    ) -> None:
        """Serve a model; nothing happens if this very one is served or about to be.

        The listener hears ``("InService", None)`` or ``("Failed", reason)`` from another thread.
        What was served until then is served until the new one is healthy, and if that fails
        it stays.

        Args:
            endpoint: The name.
            variant: The name of its production variant.
            container: AWS's container definition.
            count: How many instances; processes stand for them.
            listener: Is told once how it went.
            generation: Tells one deployment of the same container from the next.
            config: The endpoint configuration, for the metrics.
            concurrency: Requests at a time, if it is serverless.
        """
        wanted = Wanted.of(
            variant, container, count, generation, config=config, concurrency=concurrency
        )
        self._begin(endpoint, wanted, listener, beside=False)

    def prepare(
        self,
        endpoint: str,
        variant: str,
        container: Mapping[str, Any],
        count: int,
        listener: Listener,
        *,
        generation: str = "",
        config: str = "",
        concurrency: int | None = None,
    ) -> None:
        """Bring up a second fleet beside the one that serves; it gets no request yet."""
        wanted = Wanted.of(
            variant, container, count, generation, config=config, concurrency=concurrency
        )
        self._begin(endpoint, wanted, listener, beside=True)

    def route(self, endpoint: str, share: float) -> None:
        """Give the second fleet a share of the requests, by chance but the same each time."""
        with self._guard:
            fleet = self._beside.get(endpoint)
            if fleet is not None:
                fleet.share = share

    def promote(self, endpoint: str) -> None:
        """Have the second fleet serve alone, and end the first when it has answered."""
        with self._guard:
            fleet = self._beside.pop(endpoint, None)
            if fleet is None:
                return
            old = self._live.pop(endpoint, None)
            self._live[endpoint] = fleet.deployment
        if old is not None:
            self._in_thread(endpoint, old.retire)

    def abandon(self, endpoint: str, listener: Listener) -> None:
        """End the second fleet and tell whether the first one still serves."""
        with self._guard:
            coming = self._coming.pop((endpoint, True), None)
            fleet = self._beside.pop(endpoint, None)

        def work() -> None:
            if coming is not None:
                coming.take_down()
            if fleet is not None:
                fleet.deployment.retire()
            live = self._served(endpoint)
            if live is None:
                self._tell(listener, "Failed", "the old fleet is gone")
                return
            self._tell(listener, *self._try(live.revive, live))

        self._in_thread(endpoint, work)

    def resize(
        self, endpoint: str, count: int, listener: Listener, *, beside: bool = False
    ) -> None:
        """Have another number of instances, of the fleet that serves or of the second one."""
        with self._guard:
            fleet = self._beside.get(endpoint)
            second = None if fleet is None else fleet.deployment
            deployment = second if beside else self._live.get(endpoint)

        def work() -> None:
            if deployment is None:
                self._tell(listener, "Failed", "there is no such fleet")
                return
            self._tell(listener, *self._try(lambda: deployment.resize(count), deployment))

        self._in_thread(endpoint, work)

    def stop(self, endpoint: str) -> None:
        """End an endpoint; its log stays."""
        with self._guard:
            beside = self._beside.pop(endpoint, None)
            ending = [
                self._coming.pop((endpoint, False), None),
                self._coming.pop((endpoint, True), None),
                self._live.pop(endpoint, None),
                None if beside is None else beside.deployment,
            ]
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
        try:
            with self._guard:
                deployment = self._chosen(endpoint)
                if deployment is not None:
                    deployment.enter()  # in one step with finding it, so that it cannot vanish
        except BusyError as error:
            message = f"Rate exceeded: the endpoint answers {error} request(s) at a time."
            return Invocation.failed(429, "ThrottlingException", message)
        if deployment is None:
            message = f"Endpoint {endpoint} is not in service on this machine."
            return Invocation.failed(400, "ValidationError", message)
        headers = {"Content-Type": content_type, "Accept": accept or "*/*"}
        answer, model_seconds = deployment.invoke(body, headers)
        report(
            self._premises.telemetry,
            endpoint,
            deployment.wanted,
            answer,
            model_seconds=model_seconds,
            overhead_seconds=max(0.0, time.monotonic() - began - model_seconds),
        )
        return answer

    def _chosen(self, endpoint: str) -> Deployment | None:
        fleet, live = self._beside.get(endpoint), self._live.get(endpoint)
        if fleet is None:
            return live
        # After a restart the second fleet may be there first: better its answer than none
        return fleet.deployment if live is None or fleet.chance.random() < fleet.share else live

    def shutdown(self) -> None:
        """End all endpoints."""
        with self._guard:
            self._closed = True
            names = set(self._live) | {name for name, _ in self._coming} | set(self._beside)
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
        for base in end_strays(self._root):  # noted nowhere, and so in no pid file
            LOGGER.warning("a process of endpoint %s was left", base.parents[1].name)
        for folder in self._root.glob("*/generation-*"):
            shutil.rmtree(folder, ignore_errors=True)

    def _served(self, endpoint: str) -> Deployment | None:
        """The first fleet; after a restart it may still be on its way."""
        while True:
            with self._guard:
                if (endpoint, False) not in self._coming:
                    return self._live.get(endpoint)
            time.sleep(COMING_SECONDS)

    def _begin(self, endpoint: str, wanted: Wanted, listener: Listener, *, beside: bool) -> None:
        if not NAME.fullmatch(endpoint):
            raise ValueError(f"{endpoint!r} cannot be the name of an endpoint")
        with self._guard:
            if self._closed:
                raise RuntimeError("the host of endpoints is shut down")
            self.adopt_or_reap()
            served = None if beside else self._live.get(endpoint)
            current = self._coming.get((endpoint, beside)) or served
            if current is not None and current.wanted == wanted:
                return
            folder = self._root / endpoint
            number = next(self._numbers)
            coming = Deployment(
                wanted, folder / f"generation-{number}", folder / "log", self._premises
            )
            overtaken = self._coming.get((endpoint, beside))
            self._coming[endpoint, beside] = coming

        def work() -> None:
            self._bring_up(endpoint, coming, overtaken, listener, beside=beside)

        self._in_thread(endpoint, work)

    def _in_thread(self, endpoint: str, work: Callable[[], None]) -> None:
        def run() -> None:
            try:
                work()
            finally:
                with self._guard:
                    self._threads.discard(threading.current_thread())

        thread = threading.Thread(target=run, name=f"endpoint {endpoint}", daemon=True)
        with self._guard:
            self._threads.add(thread)
        thread.start()

    def _bring_up(
        self,
        endpoint: str,
        coming: Deployment,
        overtaken: Deployment | None,
        listener: Listener,
        *,
        beside: bool,
    ) -> None:
        if overtaken is not None:
            overtaken.take_down()
        status, reason = self._try(coming.bring_up, coming)
        with self._guard:
            current = self._coming.get((endpoint, beside)) is coming
            old = None
            if current:
                del self._coming[endpoint, beside]
                if reason is None and beside:
                    chance = random.Random(f"{endpoint} {coming.wanted.generation}")  # noqa: S311
                    self._beside[endpoint] = _Beside(coming, chance)
                elif reason is None:
                    old = self._live.pop(endpoint, None)
                    self._live[endpoint] = coming
        if not current or reason is not None:
            coming.take_down()
        if old is not None:
            old.retire()
        if current:  # nobody waits for one that was overtaken or stopped
            self._tell(listener, status, reason)

    def _tell(self, listener: Listener, status: str, reason: str | None) -> None:
        try:
            listener(status, reason)
        except Exception:
            LOGGER.exception("the listener of an endpoint")

    def _try(self, work: Callable[[], None], deployment: Deployment) -> tuple[str, str | None]:
        try:
            work()
        except EXPECTED as error:
            variant = deployment.wanted.variant
            return "Failed", f"The container of variant {variant} is not healthy: {error}"
        except Exception as error:
            LOGGER.exception("bringing up an endpoint")
            return "Failed", f"Internal failure: {error!r}"
        return "InService", None
