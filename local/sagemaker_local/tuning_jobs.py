"""Tuning jobs as documents: definition, counters, best trials and end; pure, nothing runs here."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sagemaker_local import training_jobs
from sagemaker_local.definitions import (
    ONE,
    SEVERAL,
    Definition,
    builtin_metrics,
    definitions,
    goodness,
    resources,
)
from sagemaker_local.settings import Settings
from sagemaker_local.store import Document, Store
from sagemaker_local.values import OBJECTIVE_METRIC, TUNING_METRIC, millis, seed_of, without_none

KIND = "hyper-parameter-tuning-job"
TERMINAL = frozenset({"Completed", "Failed", "Stopped"})
MOST_TRIALS = 750
_NO_TRIALS = {
    "Completed": 0,
    "InProgress": 0,
    "RetryableError": 0,
    "NonRetryableError": 0,
    "Stopped": 0,
}
_COUNTED_AS = {
    "Completed": "Completed",
    "InProgress": "InProgress",
    "Stopping": "InProgress",
    "Failed": "NonRetryableError",
    "Stopped": "Stopped",
}


def new(settings: Settings, request: Mapping[str, Any], now: float) -> dict[str, Any]:
    """Begin a tuning job from a request that has been found acceptable."""
    name, at = request["HyperParameterTuningJobName"], millis(now)
    config = request["HyperParameterTuningJobConfig"]
    filled = [_filled(each) for each in definitions(request)]
    return without_none(
        {
            "HyperParameterTuningJobName": name,
            "HyperParameterTuningJobArn": settings.arn(KIND, name),
            "HyperParameterTuningJobConfig": {"TrainingJobEarlyStoppingType": "Off", **config},
            ONE: filled[0] if ONE in request else None,
            SEVERAL: filled if SEVERAL in request else None,
            "HyperParameterTuningJobStatus": "InProgress",
            "CreationTime": at,
            "LastModifiedTime": at,
            "TrainingJobStatusCounters": _NO_TRIALS,
            "ObjectiveStatusCounters": {"Succeeded": 0, "Pending": 0, "Failed": 0},
            "WarmStartConfig": request.get("WarmStartConfig"),
            "Autotune": request.get("Autotune"),
            "_definition": request.get(ONE),
            "_id": f"{name}@{at}",
            "_seed": config.get("RandomSeed", seed_of(name)),
            "_launched": 0,
            "_tags": request.get("Tags", []),
        }
    )


def _filled(definition: Definition) -> dict[str, Any]:
    """The definition as Describe shows it, with all that the service adds."""
    metric, members = definition.objective["MetricName"], definition.members
    filled = {
        "EnableNetworkIsolation": False,
        "EnableInterContainerTrafficEncryption": False,
        "EnableManagedSpotTraining": False,
        **members,
        "StaticHyperParameters": {**definition.static, TUNING_METRIC: metric},
    }
    known = builtin_metrics(members)
    if known is not None:
        entries = [{"Name": name, "Regex": pattern} for name, pattern in known.items()]
        entries.append({"Name": OBJECTIVE_METRIC, "Regex": known[metric]})
        specification = members["AlgorithmSpecification"]
        filled["AlgorithmSpecification"] = {**specification, "MetricDefinitions": entries}
    return filled


def described(document: Document) -> dict[str, Any]:
    """The document as Describe answers it."""
    # The SDK rebuilds an estimator from ResourceConfig, whichever of the two the request had
    shown = [
        {"ResourceConfig": resources(each.members), **each.members}
        for each in definitions(document)
    ]
    if ONE in document:
        return {**document, ONE: shown[0]}
    return {**document, SEVERAL: shown}


def new_trial(
    settings: Settings,
    job: Document,
    definition: Definition,
    name: str,
    tuned: Mapping[str, str],
    now: float,
) -> dict[str, Any]:
    """Begin the next trial of a job, by one of its definitions."""
    request = {**definition.members, "ResourceConfig": resources(definition.members)}
    if "CheckpointConfig" in request:
        # Below one address each trial would go on from where another one ended
        address = f"{request['CheckpointConfig']['S3Uri'].rstrip('/')}/{name}"
        request["CheckpointConfig"] = {**request["CheckpointConfig"], "S3Uri": address}
    hyperparameters = {**definition.static, **tuned}
    trial = training_jobs.new(
        settings, name, request, hyperparameters=hyperparameters, tags=job["_tags"], now=now
    )
    return {
        **trial,
        "TuningJobArn": job["HyperParameterTuningJobArn"],
        "_tuning_id": job["_id"],
        "_tuning_name": job["HyperParameterTuningJobName"],
        "_number": job["_launched"] + 1,
        "_tuned": dict(tuned),
        "_definition_name": definition.name,
        "_objective_metric": definition.objective["MetricName"],
        "_objective_type": definition.objective["Type"],
    }


def trials(store: Store, job: Document) -> list[Document]:
    """The trials of a job, in the order in which they were launched."""
    return among(store.all(training_jobs.KIND), job)


def among(documents: Iterable[Document], job: Document) -> list[Document]:
    """Those of a job, in the order in which they were launched."""
    mine = [each for each in documents if each.get("_tuning_id") == job["_id"]]
    return sorted(mine, key=lambda trial: trial["_number"])


def active(of: Sequence[Document]) -> list[Document]:
    """Those that have not ended."""
    return [trial for trial in of if trial["TrainingJobStatus"] in training_jobs.ACTIVE]


def in_order_of_end(of: Sequence[Document]) -> list[Document]:
    """Those that have ended, the first to end first."""
    over = [trial for trial in of if trial["TrainingJobStatus"] not in training_jobs.ACTIVE]
    return sorted(over, key=lambda trial: (trial["TrainingEndTime"], trial["_number"]))


def objective_status(trial: Document) -> str:
    """Whether a trial's objective is there, still to come, or will never come."""
    if trial["TrainingJobStatus"] in training_jobs.ACTIVE:
        return "Pending"
    return "Failed" if trial.get("_value") is None else "Succeeded"


def score(trial: Document) -> float:
    """The objective of a trial that has one, turned so that more is better."""
    return goodness({"Type": trial["_objective_type"]}, trial["_value"])


def best(of: Sequence[Document]) -> Document | None:
    """The trial with the best objective, the earlier one of equals."""
    with_value = [trial for trial in of if objective_status(trial) == "Succeeded"]
    return max(with_value, key=score, default=None)


def summary(trial: Document, *, owner: bool = False) -> dict[str, Any]:
    """A trial as the tuning job shows it, its times cut to seconds."""
    value = trial.get("_value")
    among = trial.get("_definition_name")
    metric = without_none(
        {
            "Type": None if among is None else trial["_objective_type"],
            "MetricName": trial["_objective_metric"],
            "Value": value,
        }
    )
    moments = {
        key: float(int(trial[key]))
        for key in ("CreationTime", "TrainingStartTime", "TrainingEndTime")
        if key in trial
    }
    return without_none(
        {
            "TrainingJobDefinitionName": among,
            "TrainingJobName": trial["TrainingJobName"],
            "TrainingJobArn": trial["TrainingJobArn"],
            "TuningJobName": trial["_tuning_name"] if owner else None,
            **moments,
            "TrainingJobStatus": trial["TrainingJobStatus"],
            "TunedHyperParameters": trial["_tuned"],
            "FailureReason": trial.get("FailureReason"),
            "FinalHyperParameterTuningJobObjectiveMetric": None if value is None else metric,
            "ObjectiveStatus": objective_status(trial),
        }
    )


def refreshed(
    job: Document, of: Sequence[Document], relatives: Sequence[Document], now: float
) -> Document:
    """Count anew and choose the best anew; `relatives` are the trials of warm-start parents."""
    counters = dict(_NO_TRIALS)
    objectives = {"Succeeded": 0, "Pending": 0, "Failed": 0}
    for trial in of:
        counters[_counted_as(trial)] += 1
        objectives[objective_status(trial)] += 1
    own_best, overall = best(of), None
    if job.get("WarmStartConfig", {}).get("WarmStartType") == "IdenticalDataAndAlgorithm":
        overall = best([*relatives, *of])
    changed = {
        "TrainingJobStatusCounters": counters,
        "ObjectiveStatusCounters": objectives,
        "BestTrainingJob": None if own_best is None else summary(own_best),
        "OverallBestTrainingJob": None if overall is None else summary(overall, owner=True),
        "_launched": max([job["_launched"], *(trial["_number"] for trial in of)]),
    }
    if all(job.get(key) == value for key, value in changed.items()):
        return job
    return without_none({**job, **changed, "LastModifiedTime": millis(now)})


def _counted_as(trial: Document) -> str:
    """The counter of a trial; a failure of the service's own is one that may be tried again."""
    own = trial.get("FailureReason", "").startswith("InternalServerError")
    return "RetryableError" if own else _COUNTED_AS[trial["TrainingJobStatus"]]


def parents(store: Store, job: Document) -> list[Document]:
    """The warm-start parents that are still known."""
    entries = job.get("WarmStartConfig", {}).get("ParentHyperParameterTuningJobs", ())
    found = (store.get(KIND, entry["HyperParameterTuningJobName"]) for entry in entries)
    return [parent for parent in found if parent is not None]
