"""Tuning jobs in motion: launches trials when slots are free, stops them, ends the job."""

import logging
import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from sagemaker_local import events, training_jobs, tuning_jobs, verdicts
from sagemaker_local.definitions import Definition, definitions, of_trial, turn
from sagemaker_local.events import Dispatcher
from sagemaker_local.parts import Parts, Question
from sagemaker_local.settings import Settings
from sagemaker_local.store import Document, Store
from sagemaker_local.suggest import halving
from sagemaker_local.suggest.early_stopping import should_stop
from sagemaker_local.suggestions import grid_size
from sagemaker_local.trials import Trials
from sagemaker_local.tuning_rules import hyperband_resources
from sagemaker_local.values import millis, seed_of, trial_name, without_none
from sagemaker_local.verdicts import Ending

_LOG = logging.getLogger(__name__)


class Tuner:
    """All tuning jobs; only the engine's thread calls it."""

    def __init__(
        self,
        settings: Settings,
        store: Store,
        parts: Parts,
        dispatcher: Dispatcher,
        trials: Trials,
    ) -> None:
        self._settings, self._store, self._parts = settings, store, parts
        self._dispatcher, self._trials = dispatcher, trials
        self._judged: dict[str, int] = {}
        """How much of each trial's curve Hyperband has judged."""

    def busy(self) -> bool:
        """Whether any tuning job goes on, so that time alone may end it."""
        return bool(self._open())

    def advance_all(self) -> None:
        """Look at every tuning job that goes on."""
        for name in self._open():
            self.advance(name)

    def judge_measured(self) -> None:
        """Look whether trials have fallen behind that have told their objective since."""
        measured, self._trials.measured_objectives = self._trials.measured_objectives, set()
        for name in measured:
            self._maybe_stop_early(name)

    def advance_touched(self) -> None:
        """Look at those whose trials have changed since."""
        touched, self._trials.touched = self._trials.touched, set()
        for name in touched:
            self.advance(name)

    def advance(self, name: str) -> None:
        """Do all that a tuning job can do now."""
        job = self._refresh(name)
        if job is None or job["HyperParameterTuningJobStatus"] in tuning_jobs.TERMINAL:
            return
        trials = tuning_jobs.trials(self._store, job)
        ending = self._ending(job, trials)
        if ending is None:
            self._launch(name)
            return
        running = tuning_jobs.active(trials)
        for trial in running:
            self._trials.stop(trial["TrainingJobName"])
        if not running:
            self._end(job, trials, ending)

    def _open(self) -> list[str]:
        return [
            job["HyperParameterTuningJobName"]
            for job in self._store.all(tuning_jobs.KIND)
            if job["HyperParameterTuningJobStatus"] not in tuning_jobs.TERMINAL
        ]

    def _refresh(self, name: str) -> Document | None:
        """Count anew; a change is an event, as AWS sends one for every update of a job."""
        before = self._store.get(tuning_jobs.KIND, name)
        if before is None:
            return None
        trials = tuning_jobs.trials(self._store, before)
        relatives = [t for p in tuning_jobs.parents(self._store, before) for t in self._of(p)]
        now = self._parts.clock()
        after = self._store.update(
            tuning_jobs.KIND, name, lambda d: tuning_jobs.refreshed(d, trials, relatives, now)
        )
        if after is not None and after is not before:
            self._announce(after)
        return after

    def _of(self, job: Document) -> list[Document]:
        return tuning_jobs.trials(self._store, job)

    def _ending(self, job: Document, trials: Sequence[Document]) -> Ending | None:
        if job["HyperParameterTuningJobStatus"] == "Stopping":
            return Ending("Stopped", "StoppedByUser")
        if "_ending" in job:
            return Ending(**job["_ending"])
        ending = verdicts.judge(self._settings, job, trials, self._parts.clock())
        if ending is not None:
            self._decide(job, ending)
        return ending

    def _decide(self, job: Document, ending: Ending) -> None:
        """Write the verdict down: what happens while trials stop must not change it."""
        self._store.update(
            tuning_jobs.KIND,
            job["HyperParameterTuningJobName"],
            lambda d: {**d, "_ending": asdict(ending)},
        )

    def _launch(self, name: str) -> None:
        """Fill the free slots, one suggestion at a time."""
        while (job := self._store.get(tuning_jobs.KIND, name)) is not None:
            trials = self._of(job)
            limits = job["HyperParameterTuningJobConfig"]["ResourceLimits"]
            full = len(tuning_jobs.active(trials)) >= limits["MaxParallelTrainingJobs"]
            if full or len(trials) >= verdicts.most_trials(job):
                return
            definition, index = self._next(job)
            try:
                tuned = self._parts.suggest(self._question(job, definition, index, trials))
            except Exception as error:  # noqa: BLE001 - whatever it is, the job has failed
                _LOG.exception("no suggestion for the tuning job %s", name)
                reason = f"InternalServerError: {error}"
                self._decide(job, Ending("Failed", "InternalServerError", failure=reason))
                self.advance(name)
                return
            trial = self._add(name, definition, tuned)
            if trial is None:
                return
            self._trials.announce(trial)
            self._refresh(name)
            self._trials.run(trial["TrainingJobName"])

    def _add(self, name: str, definition: Definition, tuned: dict[str, str]) -> Document | None:
        """Write the next trial, unless the job was stopped or deleted while it was thought of."""
        with self._store.transaction():
            job = self._store.get(tuning_jobs.KIND, name)
            if job is None or job["HyperParameterTuningJobStatus"] != "InProgress":
                return None
            number, salt = job["_launched"] + 1, 0
            name_of_job = job["HyperParameterTuningJobName"]
            while self._store.get(training_jobs.KIND, trial_name(name_of_job, number, salt)):
                salt += 1  # a deleted tuning job of this name has left its trials behind
            new_name = trial_name(name_of_job, number, salt)
            trial = tuning_jobs.new_trial(
                self._settings, job, definition, new_name, tuned, self._parts.clock()
            )
            self._store.insert(training_jobs.KIND, new_name, trial)
            return trial

    def _next(self, job: Document) -> tuple[Definition, int]:
        """Whose turn it is, and the number of the trial among those of that definition."""
        every = definitions(job)
        if job["HyperParameterTuningJobConfig"]["Strategy"] != "Grid":
            mine, index = turn(len(every), job["_launched"])
            return every[mine], index
        index = job["_launched"]
        for each in every:
            size = grid_size(each.ranges)
            if index < size:
                return each, index
            index -= size
        raise RuntimeError("the grid has no further point")

    def _question(
        self, job: Document, definition: Definition, index: int, trials: Sequence[Document]
    ) -> Question:
        relatives = [t for p in tuning_jobs.parents(self._store, job) for t in self._of(p)]
        mine = [trial for trial in trials if trial.get("_definition_name") == definition.name]
        seed = job["_seed"]
        return Question(
            strategy=job["HyperParameterTuningJobConfig"]["Strategy"],
            ranges=definition.ranges,
            goal=definition.goal,
            # Two algorithms with the same ranges do not try the same points.
            seed=seed if definition.name is None else seed_of(f"{seed}/{definition.name}"),
            index=index,
            own=_observed(mine),
            parents=_observed(relatives),
            pending=[trial["_tuned"] for trial in tuning_jobs.active(mine)],
        )

    def _maybe_stop_early(self, trial_name: str) -> None:
        trial = self._store.get(training_jobs.KIND, trial_name)
        if trial is None or trial["TrainingJobStatus"] != "InProgress":
            return
        job = self._store.get(tuning_jobs.KIND, trial["_tuning_name"])
        if job is not None and self._falls_behind(job, trial):
            self._trials.stop(trial_name, by_tuner=True)

    def _falls_behind(self, job: Document, trial: Document) -> bool:
        config, definition = job["HyperParameterTuningJobConfig"], of_trial(job, trial)
        hyperband = config["Strategy"] == "Hyperband"
        if not hyperband and config["TrainingJobEarlyStoppingType"] != "Auto":
            return False
        curve = self._curve(trial)
        if hyperband:
            lowest, highest = hyperband_resources(config, definition)
            others = [
                self._curve(other)
                for other in self._of(job)
                if other.get("_definition_name") == definition.name
                and other["TrainingJobName"] != trial["TrainingJobName"]
            ]
            name = trial["TrainingJobName"]
            judged, self._judged[name] = self._judged.get(name, 0), len(curve)
            return halving.should_stop(
                curve,
                others,
                definition.goal,
                judged=judged,
                lowest=lowest,
                highest=highest or len(curve),
            )
        return should_stop(
            curve,
            [
                other["_curve"]
                for other in self._of(job)
                if other["TrainingJobStatus"] == "Completed" and other.get("_curve")
            ],
            definition.goal,
            min_jobs=self._settings.early_stop_min_jobs,
            grace_steps=self._settings.early_stop_grace_steps,
        )

    def _curve(self, trial: Document) -> Sequence[float]:
        """What a trial has told of its objective so far, whether it runs or is over."""
        if trial["TrainingJobStatus"] in training_jobs.ACTIVE:
            return self._trials.curve(trial["TrainingJobName"], trial["_objective_metric"])
        found: Sequence[float] = trial.get("_curve", ())
        return found

    def _end(self, job: Document, trials: Sequence[Document], ending: Ending) -> None:
        now = millis(self._parts.clock())
        details: dict[str, Any] = {
            "NumberOfTrainingJobsObjectiveNotImproving": verdicts.stagnation(self._settings, trials)
        }
        if ending.converged:
            details["ConvergenceDetectedTime"] = now
        passed = max(1, math.ceil(now - job["CreationTime"]))  # by the clock, not by what is billed
        after = self._store.update(
            tuning_jobs.KIND,
            job["HyperParameterTuningJobName"],
            lambda d: without_none(
                {
                    **d,
                    "HyperParameterTuningJobStatus": ending.status,
                    "HyperParameterTuningEndTime": now,
                    "LastModifiedTime": now,
                    "FailureReason": ending.failure,
                    "TuningJobCompletionDetails": details,
                    "ConsumedResources": {"RuntimeInSeconds": passed},
                    "_completion_reason": ending.reason,
                }
            ),
        )
        if after is not None:
            self._announce(after)

    def _announce(self, job: Document) -> None:
        self._dispatcher.send(events.tuning_job_event(self._settings, job))


def _observed(trials: Sequence[Document]) -> list[tuple[dict[str, str], float]]:
    return [
        (dict(trial["_tuned"]), trial["_value"])
        for trial in trials
        if tuning_jobs.objective_status(trial) == "Succeeded"
    ]
