"""Training jobs in motion: starts them, hears of them and writes down what it hears."""

import logging
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

from sagemaker_local import events, training_jobs
from sagemaker_local.events import Dispatcher
from sagemaker_local.faults import Chance
from sagemaker_local.parts import Parts
from sagemaker_local.settings import Settings
from sagemaker_local.store import Change, Document, Store
from sagemaker_local.training import Outcome

_LOG = logging.getLogger(__name__)
MOST_METRICS = 5
"""A spot job that is to lose its instance loses it after no more metrics than these."""
Submit = Callable[[Callable[[], None]], None]


class _Ear:
    """Passes what a training job's thread says to the engine's thread."""

    def __init__(self, trials: "Trials", name: str, submit: Submit) -> None:
        self._trials, self._name, self._submit = trials, name, submit

    def status(self, secondary: str, message: str, at: datetime) -> None:
        moment = at.timestamp()
        self._submit(lambda: self._trials.moved(self._name, secondary, message, moment))

    def metric(self, name: str, value: float, at: datetime) -> None:
        moment = at.timestamp()
        self._submit(lambda: self._trials.measured(self._name, name, value, moment))

    def ended(self, outcome: Outcome) -> None:
        self._submit(lambda: self._trials.ended(self._name, outcome))


class Trials:
    """All training jobs, trials or not; only the engine's thread calls it."""

    def __init__(
        self,
        settings: Settings,
        store: Store,
        parts: Parts,
        dispatcher: Dispatcher,
        submit: Submit,
    ) -> None:
        self._settings, self._store, self._parts = settings, store, parts
        self._dispatcher, self._submit = dispatcher, submit
        self._metrics: dict[str, list[tuple[str, float, float]]] = {}
        self._chance = Chance(settings.faults.seed)
        self._fated: dict[str, int] = {}
        """After how many metrics a spot job loses its instance."""
        self._spared: set[str] = set()
        self._waiting: set[str] = set()
        """Spot jobs between two instances: nothing runs that a stop could reach."""
        self.touched: set[str] = set()
        """Tuning jobs one of whose trials has changed."""
        self.measured_objectives: set[str] = set()
        """Trials with a new value of their objective."""
        self.unkept: set[str] = set()
        """Jobs that have told more than is in the store, and will not tell it again."""

    def run(self, name: str) -> None:
        """Start a job that the store holds."""
        document = self._store.get(training_jobs.KIND, name)
        if document is not None and document["TrainingJobStatus"] == "Stopping":
            self._finish_stop(document)  # it was asked to before there was a process to tell
        if document is None or document["TrainingJobStatus"] != "InProgress":
            return
        if document.get("CheckpointConfig") is None or name not in self._metrics:
            self._metrics[name] = []  # without checkpoints it begins anew, and so do its metrics
        if self._chance.happens(self._settings.faults.internal_errors, f"start {name}"):
            self.ended(name, _broken("InternalServerError: so the faults say", self._parts.clock()))
            return
        try:
            spec = training_jobs.spec_of(document, self._parts.clock())
            self._parts.runner.start(spec, _Ear(self, name, self._submit))
        except Exception as error:  # noqa: BLE001 - whatever it is, the job has failed
            _LOG.exception("the training job %s could not be started", name)
            self.ended(name, _broken(f"InternalServerError: {error}", self._parts.clock()))

    def resume(self) -> None:
        """Run again what was running when the last server died; end what was to stop."""
        now = self._parts.clock()
        for document in self._store.all(training_jobs.KIND):
            name = document["TrainingJobName"]
            if document["TrainingJobStatus"] == "InProgress":
                self._metrics[name] = _kept(document)
                self._change(name, lambda d: training_jobs.again(d, now))
                self.run(name)
            elif document["TrainingJobStatus"] == "Stopping":
                self._finish_stop(document)
            if "_tuning_name" in document:
                self.touched.add(document["_tuning_name"])

    def stop(self, name: str, *, by_tuner: bool = False) -> None:
        """Stop a job that is in progress."""
        now = self._parts.clock()

        def stopping(document: Document) -> Document:
            after = training_jobs.stopping(document, now, by_tuner=by_tuner)
            return document if after is document else self._with_metrics(after)

        if self._change(name, stopping):
            self.halt(name)

    def halt(self, name: str) -> None:
        """Have a job whose status is Stopping end."""
        self._keep(name)
        if name not in self._waiting:
            self._parts.runner.stop(name)
            return
        self._waiting.discard(name)
        document = self._store.get(training_jobs.KIND, name)
        if document is not None:
            self._finish_stop(document)

    def moved(self, name: str, secondary: str, message: str, at: float) -> None:
        """Write down a secondary status."""
        self._change(name, lambda d: training_jobs.moved(d, secondary, message, at))
        if name in self.unkept:
            self._keep(name)

    def measured(self, name: str, metric: str, value: float, at: float) -> None:
        """Take a metric; all are in memory, and in the store if no other run would tell them."""
        self._metrics.setdefault(name, []).append((metric, value, at))
        document = self._store.get(training_jobs.KIND, name)
        if document is None:
            return
        if document["TrainingJobStatus"] == "Stopping" or "CheckpointConfig" in document:
            self.unkept.add(name)
        if document.get("_objective_metric") == metric:
            self.measured_objectives.add(name)
        self._maybe_interrupt(document)

    def keep(self) -> None:
        """Store what no other run tells again; now and then, for a job may tell a lot at once."""
        for name in tuple(self.unkept):
            self._keep(name)

    def _keep(self, name: str) -> None:
        self.unkept.discard(name)
        self._store.update(training_jobs.KIND, name, self._with_metrics)

    def ended(self, name: str, outcome: Outcome) -> None:
        """Write down the end, unless the job is to be run again."""
        before = self._store.get(training_jobs.KIND, name)
        if before is not None and self._goes_on(before, outcome):
            return
        late = before is not None and training_jobs.waits_too_long(before, self._parts.clock())
        if outcome.secondary == "MaxRuntimeExceeded" and late:
            outcome = replace(outcome, secondary="MaxWaitTimeExceeded")
        elif outcome.secondary == "Interrupted":  # it was stopped or has waited meanwhile
            going_on = before is not None and before["TrainingJobStatus"] == "InProgress"
            outcome = replace(outcome, secondary="MaxWaitTimeExceeded" if going_on else "Stopped")
        metrics = self._metrics.get(name, [])

        def end(document: Document) -> Document:
            if document["TrainingJobStatus"] not in training_jobs.ACTIVE:
                return document
            return training_jobs.ended(
                document, outcome, metrics, spot_price=self._settings.spot_price
            )

        self._change(name, end)
        self._metrics.pop(name, None)  # only now: a full disk may have kept the end from the store

    def _goes_on(self, document: Document, outcome: Outcome) -> bool:
        """Run a job again that lost its instance, or that the service itself has failed."""
        name, now = document["TrainingJobName"], self._parts.clock()
        if document["TrainingJobStatus"] != "InProgress":
            return False
        if outcome.secondary == "Interrupted":
            if training_jobs.waits_too_long(document, now):
                return False
            for change in (training_jobs.interrupted, training_jobs.waiting):  # each is an event
                self._change(name, lambda d, change=change: change(d, now))  # type: ignore[misc]
            self._run_later(name, self._settings.faults.spot_wait_seconds)
            return True
        if not training_jobs.may_retry(document, outcome.failure_reason or ""):
            return False
        self._change(
            name, lambda d: {**training_jobs.again(d, now), "_retries": d.get("_retries", 0) + 1}
        )
        self.run(name)
        return True

    def _run_later(self, name: str, seconds: float) -> None:
        if seconds <= 0:
            self.run(name)
            return
        self._waiting.add(name)
        timer = threading.Timer(seconds, lambda: self._submit(lambda: self._find_instance(name)))
        timer.daemon = True
        timer.start()

    def _find_instance(self, name: str) -> None:
        if name not in self._waiting:
            return
        self._waiting.discard(name)
        document = self._store.get(training_jobs.KIND, name)
        now = self._parts.clock()
        if document is not None and training_jobs.waits_too_long(document, now):
            moment = datetime.fromtimestamp(now, UTC)
            waited = Outcome("Stopped", "MaxWaitTimeExceeded", None, None, None, moment)
            self.ended(name, waited)
            return
        self.run(name)

    def _maybe_interrupt(self, document: Document) -> None:
        """Take a spot instance away, once, after a few metrics, if the faults say so."""
        faults, name = self._settings.faults, document["TrainingJobName"]
        if not document["EnableManagedSpotTraining"] or name in self._spared:
            return
        if name not in self._fated:
            if document.get("_interrupted") or not self._chance.happens(
                faults.spot_interrupted, f"spot {name}"
            ):
                self._spared.add(name)
                return
            self._fated[name] = 1 + int(self._chance.draw(f"spot {name}") * MOST_METRICS)
        if len(self._metrics[name]) >= self._fated[name]:
            self._spared.add(name)
            del self._fated[name]
            self._parts.runner.interrupt(name)

    def curve(self, name: str, metric: str) -> list[float]:
        """The values of a metric of a running job, in order."""
        return [value for seen, value, _ in self._metrics.get(name, ()) if seen == metric]

    def announce(self, document: Document) -> None:
        """Send the event of a change."""
        self._dispatcher.send(events.training_job_event(self._settings, document))

    def _change(self, name: str, change: Change) -> bool:
        before = self._store.get(training_jobs.KIND, name)
        after = self._store.update(training_jobs.KIND, name, change)
        if after is None or after is before:
            return False
        self.announce(after)
        if "_tuning_name" in after:
            self.touched.add(after["_tuning_name"])
        return True

    def _with_metrics(self, document: Document) -> Document:
        """Keep what a job has told: no other run tells it, should the server be killed."""
        metrics = self._metrics.get(document["TrainingJobName"])
        if metrics is None or document["TrainingJobStatus"] not in training_jobs.ACTIVE:
            return document
        return {**document, "_metrics": [list(entry) for entry in metrics]}

    def _finish_stop(self, document: Document) -> None:
        name = document["TrainingJobName"]
        if name not in self._metrics:
            self._metrics[name] = _kept(document)
        moment = datetime.fromtimestamp(self._parts.clock(), UTC)
        self.ended(name, Outcome("Stopped", "Stopped", None, None, None, moment))


def _kept(document: Document) -> list[tuple[str, float, float]]:
    return [(metric, value, at) for metric, value, at in document.get("_metrics", ())]


def _broken(reason: str, now: float) -> Outcome:
    return Outcome("Failed", "Failed", reason, None, None, datetime.fromtimestamp(now, UTC))
