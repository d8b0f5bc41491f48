"""How many instances may train at once; AWS asks when a job is created, and holds them to its end.

A tuning job holds the instances of as many trials as it may run at once, whether they run or not.
"""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from sagemaker_local import training_jobs, tuning_jobs
from sagemaker_local.definitions import definitions, resources
from sagemaker_local.errors import over_limit
from sagemaker_local.settings import Settings
from sagemaker_local.store import Store


def check(settings: Settings, store: Store, wanted: Mapping[str, int]) -> None:
    """Look whether there are so many instances left, by type.

    Raises:
        ApiError: a quota does not reach.
    """
    if not settings.instance_quotas:
        return
    used = _held(store)
    for kind, count in wanted.items():
        limit = settings.instance_quotas.get(kind)
        if limit is not None and used[kind] + count > limit:
            raise over_limit(
                f"The account-level service limit '{kind} for training job usage' is {limit} "
                f"Instances, with current utilization of {used[kind]} Instances and a request "
                f"delta of {count} Instances. Please use AWS Service Quotas to request an increase "
                "for this quota. If AWS Service Quotas is not available, contact AWS support to "
                "request an increase for this quota."
            )


def check_tuning_jobs(settings: Settings, store: Store) -> None:
    """Look whether one more tuning job may go on.

    Raises:
        ApiError: there are as many as there may be.
    """
    going_on = sum(
        job["HyperParameterTuningJobStatus"] not in tuning_jobs.TERMINAL
        for job in store.all(tuning_jobs.KIND)
    )
    if going_on >= settings.tuning_jobs_cap:
        raise over_limit(
            "The account-level service limit 'Number of concurrent hyperparameter tuning jobs' is "
            f"{settings.tuning_jobs_cap}, with current utilization of {going_on} and a request "
            "delta of 1."
        )


def of_tuning(job: Mapping[str, Any]) -> Counter[str]:
    """What a tuning job, or a request for one, holds."""
    parallel = job["HyperParameterTuningJobConfig"]["ResourceLimits"]["MaxParallelTrainingJobs"]
    held = Counter[str]()
    for each in definitions(job):
        for kind, count in of_training({"ResourceConfig": resources(each.members)}).items():
            held[kind] = max(held[kind], parallel * count)
    return held


def of_training(job: Mapping[str, Any]) -> Counter[str]:
    """What a training job, or a request for one, holds."""
    found = job.get("ResourceConfig", {})
    if "InstanceType" not in found:
        return Counter()
    return Counter({found["InstanceType"]: found.get("InstanceCount", 1)})


def _held(store: Store) -> Counter[str]:
    held = Counter[str]()
    for job in store.all(tuning_jobs.KIND):
        if job["HyperParameterTuningJobStatus"] not in tuning_jobs.TERMINAL:
            held += of_tuning(job)
    for job in store.all(training_jobs.KIND):
        if "_tuning_id" not in job and job["TrainingJobStatus"] in training_jobs.ACTIVE:
            held += of_training(job)
    return held
