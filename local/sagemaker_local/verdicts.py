"""When a tuning job is over and why; pure, `engine` carries it out."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sagemaker_local import definitions, tuning_jobs
from sagemaker_local.settings import Settings
from sagemaker_local.store import Document
from sagemaker_local.suggest.completion import not_improving, target_reached

FIRST_TRIALS = 5
_INVALID = re.compile(r"ClientError: ((Extraneous|Missing required) h|H)yperparameter\b")
"""How a built-in algorithm begins to tell that it was given what it does not take."""


@dataclass(frozen=True)
class Ending:
    """How a tuning job ends, once its running trials have ended."""

    status: Literal["Completed", "Failed", "Stopped"]
    reason: str
    """For events, in a member that the API itself does not have."""
    failure: str | None = None
    converged: bool = False


def judge(
    settings: Settings, job: Document, trials: Sequence[Document], now: float
) -> Ending | None:
    """Decide whether a job in progress goes on (None) or ends."""
    return (
        _hopeless(job, trials)
        or _target_reached(job, trials)
        or _stagnant(settings, job, trials)
        or _out_of_time(job, now)
        or _all_done(job, trials)
    )


def most_trials(job: Document) -> int:
    """How many trials a job may launch."""
    config = job["HyperParameterTuningJobConfig"]
    limit: int = config["ResourceLimits"].get("MaxNumberOfTrainingJobs", 0)
    if limit:
        return limit
    if config["Strategy"] == "Grid":
        return int(job["_combinations"])
    return tuning_jobs.MOST_TRIALS


def stagnation(settings: Settings, trials: Sequence[Document]) -> int:
    """How many trials have ended since one that was better by the gain that counts."""
    ended = tuning_jobs.in_order_of_end(trials)
    scores = [tuning_jobs.score(trial) for trial in ended if trial.get("_value") is not None]
    return not_improving(scores, "Maximize", settings.not_improving_gain)


def _criteria(job: Document) -> dict[str, Any]:
    found: dict[str, Any] = job["HyperParameterTuningJobConfig"].get(
        "TuningJobCompletionCriteria", {}
    )
    return found


def _hopeless(job: Document, trials: Sequence[Document]) -> Ending | None:
    ended = tuning_jobs.in_order_of_end(trials)
    if len(ended) < min(FIRST_TRIALS, most_trials(job)):
        return None
    if any(trial.get("_value") is not None for trial in ended):
        return None
    if any(trial["TrainingJobStatus"] == "Completed" for trial in ended):
        text = (
            f"No objective metrics found after running {len(ended)} training jobs. "
            "Please ensure that the custom algorithm is emitting the objective metric as defined "
            "by the regular expression provided."
        )
    elif any(_INVALID.match(trial.get("FailureReason", "")) for trial in ended):
        text = (
            "One or more training jobs failed with ValidationError. For additional details, please "
            "take a look at the training job failures by listing training jobs for the "
            "hyperparameter tuning job."
        )
    else:
        text = (
            f"No training job succeeded after {len(ended)} attempts. Please take a look at the "
            "training job failures to get more details."
        )
    return Ending("Failed", "NoTrainingJobSucceeded", failure=text)


def _target_reached(job: Document, trials: Sequence[Document]) -> Ending | None:
    target = _criteria(job).get("TargetObjectiveMetricValue")
    if target is None:
        return None
    for trial in trials:
        goal = definitions.of_trial(job, trial).goal
        scored = tuning_jobs.objective_status(trial) == "Succeeded"
        if scored and target_reached(trial["_value"], goal, target):
            return Ending("Completed", "TargetObjectiveMetricValueReached")
    return None


def _stagnant(settings: Settings, job: Document, trials: Sequence[Document]) -> Ending | None:
    criteria = _criteria(job)
    limit = criteria.get("BestObjectiveNotImproving", {}).get("MaxNumberOfTrainingJobsNotImproving")
    convergence = criteria.get("ConvergenceDetected", {}).get("CompleteOnConvergence")
    if limit is None and convergence != "Enabled":
        return None
    count = stagnation(settings, trials)
    if limit is not None and count >= limit:
        return Ending("Completed", "BestObjectiveNotImproving")
    if convergence == "Enabled" and count >= settings.convergence_trials:
        return Ending("Completed", "ConvergenceDetected", converged=True)
    return None


def _out_of_time(job: Document, now: float) -> Ending | None:
    limit = job["HyperParameterTuningJobConfig"]["ResourceLimits"].get("MaxRuntimeInSeconds")
    if limit is None or now - job["CreationTime"] < limit:
        return None
    return Ending("Completed", "MaxRuntimeInSecondsReached")


def _all_done(job: Document, trials: Sequence[Document]) -> Ending | None:
    if len(trials) < most_trials(job) or tuning_jobs.active(trials):
        return None
    return Ending("Completed", "MaxNumberOfTrainingJobsReached")
