"""The operations on tuning jobs."""

from collections.abc import Mapping
from typing import Any

from sagemaker_local import (
    autotune,
    events,
    quotas,
    suggestions,
    training_jobs,
    tuning_jobs,
    tuning_rules,
    warm_start,
)
from sagemaker_local.definitions import definitions
from sagemaker_local.errors import in_use, not_found, validation
from sagemaker_local.operations.context import Context
from sagemaker_local.operations.listing import chosen, page
from sagemaker_local.store import AlreadyThere, Document
from sagemaker_local.values import millis

Request = Mapping[str, Any]
_NAME, _STATUS = "HyperParameterTuningJobName", "HyperParameterTuningJobStatus"


def create(context: Context, request: Request) -> dict[str, Any]:
    """Accept a tuning job, and have it started."""
    name = request[_NAME]
    if context.store.get(tuning_jobs.KIND, name) is not None:
        raise _taken(context, name)
    request = autotune.chosen(request)
    tuning_rules.check(context.settings, request)
    warm_start.check(context.settings, context.store, request)
    every = definitions(request)
    for each in every:
        tuning_rules.check_inputs(context.settings, context.parts.objects, each.members)
    quotas.check_tuning_jobs(context.settings, context.store)
    quotas.check(context.settings, context.store, quotas.of_tuning(request))
    job = tuning_jobs.new(context.settings, request, context.parts.clock())
    if request["HyperParameterTuningJobConfig"]["Strategy"] == "Grid":
        job["_combinations"] = sum(suggestions.grid_size(each.ranges) for each in every)
    try:
        context.store.insert(tuning_jobs.KIND, name, job)
    except AlreadyThere as error:
        raise _taken(context, name) from error
    context.events.send(events.tuning_job_event(context.settings, job))
    context.engine.tuning_changed(name)
    return {"HyperParameterTuningJobArn": job["HyperParameterTuningJobArn"]}


def describe(context: Context, request: Request) -> dict[str, Any]:
    """Tell all of a tuning job."""
    return tuning_jobs.described(_found(context, request))


def list_jobs(context: Context, request: Request) -> dict[str, Any]:
    """Tell a little of each tuning job."""
    jobs = chosen(request, context.store.seen(tuning_jobs.KIND), name=_NAME, status=_STATUS)
    items, following = page(
        request,
        jobs,
        name=_NAME,
        keys={
            "Name": lambda d: d[_NAME],
            "Status": lambda d: d[_STATUS],
            "CreationTime": lambda d: d["CreationTime"],
        },
        sort_by="Name",
    )
    return {"HyperParameterTuningJobSummaries": [_summary(job) for job in items], **following}


def list_trials(context: Context, request: Request) -> dict[str, Any]:
    """Tell of each trial of a tuning job."""
    job = _found(context, request)
    trials = tuning_jobs.among(context.store.seen(training_jobs.KIND), job)
    if request.get("SortBy") == "FinalObjectiveMetricValue":
        trials = [t for t in trials if tuning_jobs.objective_status(t) == "Succeeded"]
    items, following = page(
        request,
        chosen(request, trials, name="TrainingJobName", status="TrainingJobStatus"),
        name="TrainingJobName",
        keys={
            "Name": lambda d: d["TrainingJobName"],
            "CreationTime": lambda d: d["CreationTime"],
            "Status": lambda d: d["TrainingJobStatus"],
            "FinalObjectiveMetricValue": lambda d: d["_value"],
        },
        sort_by="Name",
    )
    return {"TrainingJobSummaries": [tuning_jobs.summary(t) for t in items], **following}


def stop(context: Context, request: Request) -> None:
    """Have a tuning job and its trials stopped; to ask twice is no error while it stops."""
    _found(context, request)
    now = millis(context.parts.clock())

    def stopping(job: Document) -> Document:
        status = job[_STATUS]
        if status in tuning_jobs.TERMINAL:
            raise validation(
                f"The request was rejected because the tuning job is in status {status}."
            )
        if status == "Stopping":
            return job
        return {**job, _STATUS: "Stopping", "LastModifiedTime": now}

    name = request[_NAME]
    before = context.store.get(tuning_jobs.KIND, name)
    job = context.store.update(tuning_jobs.KIND, name, stopping)
    if job is not None and job is not before:
        context.events.send(events.tuning_job_event(context.settings, job))
        context.engine.tuning_changed(name)


def delete(context: Context, request: Request) -> None:
    """Forget a tuning job; its training jobs stay."""
    job = context.store.get(tuning_jobs.KIND, request[_NAME])
    if job is None:
        return
    if job[_STATUS] not in tuning_jobs.TERMINAL:
        raise validation(
            f"The request was rejected because the tuning job is in status {job[_STATUS]}."
        )
    context.store.delete(tuning_jobs.KIND, request[_NAME])


def _found(context: Context, request: Request) -> Document:
    job = context.store.get(tuning_jobs.KIND, request[_NAME])
    if job is None or job[_NAME] != request[_NAME]:
        arn = context.settings.arn(tuning_jobs.KIND, request[_NAME])
        raise not_found(f"Amazon SageMaker can't find a tuning job with the ARN {arn}.")
    return job


def _taken(context: Context, name: str) -> Exception:
    arn = context.settings.arn(tuning_jobs.KIND, name)
    return in_use(f"A tuning job with this name already exists ({arn}); names ignore case.")


def _summary(job: Document) -> dict[str, Any]:
    config = job["HyperParameterTuningJobConfig"]
    return {**job, "Strategy": config["Strategy"], "ResourceLimits": config["ResourceLimits"]}
