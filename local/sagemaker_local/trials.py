"""Training jobs in motion: starts them, hears of them and writes down what it hears."""

import logging
from collections.abc import Callable
from datetime import UTC, datetime

from sagemaker_local import events, training_jobs
from sagemaker_local.events import Dispatcher
from sagemaker_local.parts import Parts
from sagemaker_local.settings import Settings
from sagemaker_local.store import Change, Document, Store
from sagemaker_local.training import Outcome

_LOG = logging.getLogger(__name__)
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
        self.touched: set[str] = set()
        """Tuning jobs one of whose trials has changed."""
        self.measured_objectives: set[str] = set()
        """Trials with a new value of their objective."""

    def run(self, name: str) -> None:
        """Start a job that the store holds."""
        document = self._store.get(training_jobs.KIND, name)
        if document is None or document["TrainingJobStatus"] != "InProgress":
            return
        self._metrics[name] = []
        try:
            spec = training_jobs.spec_of(document)
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
                self._change(name, lambda d: training_jobs.again(d, now))
                self.run(name)
            elif document["TrainingJobStatus"] == "Stopping":
                self._finish_stop(document, now)
            if "_tuning_name" in document:
                self.touched.add(document["_tuning_name"])

    def stop(self, name: str, *, by_tuner: bool = False) -> None:
        """Stop a job that is in progress."""
        now = self._parts.clock()

        def stopping(document: Document) -> Document:
            after = training_jobs.stopping(document, now, by_tuner=by_tuner)
            return document if after is document else self._with_metrics(after)

        if self._change(name, stopping):
            self._parts.runner.stop(name)

    def moved(self, name: str, secondary: str, message: str, at: float) -> None:
        """Write down a secondary status."""
        self._change(name, lambda d: training_jobs.moved(d, secondary, message, at))

    def measured(self, name: str, metric: str, value: float, at: float) -> None:
        """Keep a metric in memory; the store gets all of them when the job ends."""
        self._metrics.setdefault(name, []).append((metric, value, at))
        document = self._store.get(training_jobs.KIND, name)
        if document is None:
            return
        if document["TrainingJobStatus"] == "Stopping":
            self._store.update(training_jobs.KIND, name, self._with_metrics)
        if document.get("_objective_metric") == metric:
            self.measured_objectives.add(name)

    def ended(self, name: str, outcome: Outcome) -> None:
        """Write down the end."""
        metrics = self._metrics.pop(name, [])

        def end(document: Document) -> Document:
            if document["TrainingJobStatus"] not in training_jobs.ACTIVE:
                return document
            return training_jobs.ended(document, outcome, metrics)

        self._change(name, end)

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
        """Keep what a stopping job has told: no other run tells it, should the server be killed."""
        metrics = self._metrics.get(document["TrainingJobName"], ())
        return {**document, "_metrics": [list(entry) for entry in metrics]}

    def _finish_stop(self, document: Document, now: float) -> None:
        name = document["TrainingJobName"]
        self._metrics[name] = [(m, v, at) for m, v, at in document.get("_metrics", ())]
        moment = datetime.fromtimestamp(now, UTC)
        self.ended(name, Outcome("Stopped", "Stopped", None, None, None, moment))


def _broken(reason: str, now: float) -> Outcome:
    return Outcome("Failed", "Failed", reason, None, None, datetime.fromtimestamp(now, UTC))
