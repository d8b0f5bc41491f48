"""The one thread that moves jobs and endpoints on; what they become is computed elsewhere.

Everything that happens (a metric, an end, a request to stop) arrives as a task in one queue, so
that no two of them ever race. A trial is written to the store before it is started: a killed
server finds there every trial that might have run, and runs none twice at a time.
"""

import logging
import queue
import sqlite3
import threading
import time
from collections.abc import Callable

from sagemaker_local.endpoints import Endpoints
from sagemaker_local.events import Dispatcher
from sagemaker_local.parts import Parts
from sagemaker_local.settings import Settings
from sagemaker_local.store import Store
from sagemaker_local.trials import Trials
from sagemaker_local.tuner import Tuner

_LOG = logging.getLogger(__name__)
_TICK_SECONDS = 0.5
_AGAIN_SECONDS = 1.0
Task = Callable[[], None]


class Engine:
    """Runs what the store says should run."""

    def __init__(self, settings: Settings, store: Store, parts: Parts, events: Dispatcher) -> None:
        self._parts = parts
        self._tasks: queue.SimpleQueue[Task | None] = queue.SimpleQueue()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sagemaker-engine", daemon=True)
        self._trials = Trials(settings, store, parts, events, self.submit)
        self._tuner = Tuner(settings, store, parts, events, self._trials)
        self._endpoints = Endpoints(settings, store, parts, events, self.submit)

    def start(self) -> None:
        """Take up what a former server has left, and go on."""
        self._parts.runner.adopt_or_reap()
        self._parts.host.adopt_or_reap()
        self.submit(self._resume)
        self._thread.start()

    def close(self) -> None:
        """End every process; jobs stay in progress in the store, for the next server."""
        self._closing.set()
        self._tasks.put(None)
        if self._thread.is_alive():
            self._thread.join()
        self._parts.runner.shutdown()
        self._parts.host.shutdown()

    def submit(self, task: Task) -> None:
        """Have something done by the engine's thread; after `close`, nothing is."""
        if not self._closing.is_set():
            self._tasks.put(task)

    def tuning_changed(self, name: str) -> None:
        """Look at a tuning job that was created or is to stop."""
        self.submit(lambda: self._tuner.advance(name))

    def training_created(self, name: str) -> None:
        """Run a training job that belongs to no tuning job."""
        self.submit(lambda: self._trials.run(name))

    def training_stopping(self, name: str) -> None:
        """Stop a training job whose status is Stopping."""
        self.submit(lambda: self._trials.halt(name))

    def endpoint_changed(self, name: str) -> None:
        """Carry out what an endpoint's status asks for."""
        self.submit(lambda: self._endpoints.carry_out(name))

    def _resume(self) -> None:
        self._trials.resume()
        self._endpoints.resume()

    def _run(self) -> None:
        look_at = 0.0
        while True:
            try:
                waits = self._tuner.busy() or self._trials.unkept
                task = self._tasks.get(timeout=_TICK_SECONDS if waits else None)
            except queue.Empty:
                task = _nothing
            if task is None:
                return
            self._do(task)
            if self._closing.is_set():  # what was heard is kept; what follows may wait
                continue
            due = time.monotonic() >= look_at
            if due or self._tasks.empty():  # of a flood of metrics, the last ones are judged
                self._do(self._tuner.judge_measured, once=True)
            self._do(self._tuner.advance_touched, once=True)
            if due:  # trials may tell more than once a tick
                look_at = time.monotonic() + _TICK_SECONDS
                self._do(self._trials.keep, once=True)
                self._do(self._tuner.advance_all, once=True)

    def _do(self, task: Task, *, once: bool = False) -> None:
        """Do a task; what the store could not take is tried again, for it has happened."""
        try:
            task()
        except sqlite3.Error as error:
            _LOG.warning("the store takes nothing: %s", error)
            if not once:
                later = threading.Timer(_AGAIN_SECONDS, lambda: self.submit(task))
                later.daemon = True
                later.start()
        except Exception:  # noqa: BLE001 - a fault in one job must not end the others
            _LOG.exception("the engine failed at a task")


def _nothing() -> None:
    """Nobody has asked for anything, but time has passed."""
