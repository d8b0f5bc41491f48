"""Tuning jobs as documents: definition, counters, best trials and end; pure, nothing runs here."""

from collections.abc import Mapping, Sequence
from typing import Any

from sagemaker_local import training_jobs
from sagemaker_local.parts import Goal
from sagemaker_local.settings import Settings
from sagemaker_local.store import Document, Store
from sagemaker_local.training import builtin_metric_definitions, is_builtin_xgboost
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
    objective = config["HyperParameterTuningJobObjective"]
    return without_none(
        {
            "HyperParameterTuningJobName": name,
            "HyperParameterTuningJobArn": settings.arn(KIND, name),
            "HyperParameterTuningJobConfig": {"TrainingJobEarlyStoppingType": "Off", **config},
            "TrainingJobDefinition": _filled(request["TrainingJobDefinition"], objective),
            "HyperParameterTuningJobStatus": "InProgress",
            "CreationTime": at,
            "LastModifiedTime": at,
            "TrainingJobStatusCounters": _NO_TRIALS,
            "ObjectiveStatusCounters": {"Succeeded": 0, "Pending": 0, "Failed": 0},
            "WarmStartConfig": request.get("WarmStartConfig"),
            "_definition": request["TrainingJobDefinition"],
            "_id": f"{name}@{at}",
            "_seed": config.get("RandomSeed", seed_of(name)),
            "_launched": 0,
            "_tags": request.get("Tags", []),
        }
    )


def is_builtin(definition: Mapping[str, Any]) -> bool:
    """Whether the trials run an algorithm of SageMaker rather than a script in its image."""
    image = definition["AlgorithmSpecification"].get("TrainingImage", "")
    script = "sagemaker_program" in definition.get("StaticHyperParameters", {})
    return is_builtin_xgboost(image) and not script


def builtin_metrics(definition: Mapping[str, Any]) -> dict[str, str] | None:
    """The metrics of a built-in algorithm and their patterns; None for other training code."""
    if not is_builtin(definition):
        return None
    image = definition["AlgorithmSpecification"]["TrainingImage"]
    return dict(builtin_metric_definitions(image) or ())


def _filled(definition: Mapping[str, Any], objective: Mapping[str, str]) -> dict[str, Any]:
    """The definition as Describe shows it, with all that the service adds."""
    metric = objective["MetricName"]
    static = {**definition.get("StaticHyperParameters", {}), TUNING_METRIC: metric}
    filled = {
        "EnableNetworkIsolation": False,
        "EnableInterContainerTrafficEncryption": False,
        "EnableManagedSpotTraining": False,
        **definition,
        "StaticHyperParameters": static,
    }
    known = builtin_metrics(definition)
    if known is not None:
        entries = [{"Name": name, "Regex": pattern} for name, pattern in known.items()]
        entries.append({"Name": OBJECTIVE_METRIC, "Regex": known[metric]})
        specification = definition["AlgorithmSpecification"]
        filled["AlgorithmSpecification"] = {**specification, "MetricDefinitions": entries}
    return filled


def resources(definition: Mapping[str, Any]) -> dict[str, Any]:
    """The instances of a trial, in whichever of the two ways they were asked for."""
    if "ResourceConfig" in definition:
        return dict(definition["ResourceConfig"])
    asked = definition.get("HyperParameterTuningResourceConfig", {})
    first = asked.get("InstanceConfigs", [asked])[0]
    members = ("InstanceType", "InstanceCount", "VolumeSizeInGB")
    chosen = {key: first[key] for key in members if key in first}
    if "VolumeKmsKeyId" in asked:
        chosen["VolumeKmsKeyId"] = asked["VolumeKmsKeyId"]
    return {"VolumeSizeInGB": 30, **chosen}


def described(document: Document) -> dict[str, Any]:
    """The document as Describe answers it."""
    definition = document["TrainingJobDefinition"]
    # The SDK rebuilds an estimator from ResourceConfig, whichever of the two the request had
    shown = {"ResourceConfig": resources(definition), **definition}
    return {**document, "TrainingJobDefinition": shown}


def new_trial(
    settings: Settings, job: Document, name: str, tuned: Mapping[str, str], now: float
) -> dict[str, Any]:
    """Begin the next trial of a job."""
    definition = job["TrainingJobDefinition"]
    request = {**definition, "ResourceConfig": resources(definition)}
    hyperparameters = {**definition["StaticHyperParameters"], **tuned}
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
        "_objective_metric": objective(job)["MetricName"],
    }


def objective(job: Document) -> Mapping[str, str]:
    """Metric and direction."""
    found: Mapping[str, str] = job["HyperParameterTuningJobConfig"][
        "HyperParameterTuningJobObjective"
    ]
    return found


def goal(job: Document) -> Goal:
    """Direction alone."""
    return "Maximize" if objective(job)["Type"] == "Maximize" else "Minimize"


def trials(store: Store, job: Document) -> list[Document]:
    """The trials of a job, in the order in which they were launched."""
    mine = [t for t in store.all(training_jobs.KIND) if t.get("_tuning_id") == job["_id"]]
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


def best(of: Sequence[Document], direction: Goal) -> Document | None:
    """The trial with the best objective, the earlier one of equals."""
    with_value = [trial for trial in of if objective_status(trial) == "Succeeded"]
    sign = 1 if direction == "Minimize" else -1
    return min(with_value, key=lambda trial: sign * trial["_value"], default=None)


def summary(trial: Document, *, owner: bool = False) -> dict[str, Any]:
    """A trial as the tuning job shows it, its times cut to seconds."""
    value = trial.get("_value")
    metric = {"MetricName": trial["_objective_metric"], "Value": value}
    moments = {
        key: float(int(trial[key]))
        for key in ("CreationTime", "TrainingStartTime", "TrainingEndTime")
        if key in trial
    }
    return without_none(
        {
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
        counters[_COUNTED_AS[trial["TrainingJobStatus"]]] += 1
        objectives[objective_status(trial)] += 1
    direction = goal(job)
    own_best, overall = best(of, direction), None
    if job.get("WarmStartConfig", {}).get("WarmStartType") == "IdenticalDataAndAlgorithm":
        overall = best([*relatives, *of], direction)
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


def parents(store: Store, job: Document) -> list[Document]:
    """The warm-start parents that are still known."""
    entries = job.get("WarmStartConfig", {}).get("ParentHyperParameterTuningJobs", ())
    found = (store.get(KIND, entry["HyperParameterTuningJobName"]) for entry in entries)
    return [parent for parent in found if parent is not None]
