"""The operations on training jobs, trials or not."""

from collections.abc import Mapping
from typing import Any

from sagemaker_local import events, quotas, training_jobs, tuning_rules
from sagemaker_local.errors import in_use, validation
from sagemaker_local.operations.context import Context
from sagemaker_local.operations.listing import chosen, page
from sagemaker_local.store import AlreadyThere, Document

Request = Mapping[str, Any]
_NAME = "TrainingJobName"


def create(context: Context, request: Request) -> dict[str, Any]:
    """Accept a training job, and have it run."""
    name = request[_NAME]
    needed = ("AlgorithmSpecification", "ResourceConfig", "StoppingCondition")
    if any(member not in request for member in needed):
        raise validation(f"{', '.join(needed)} must be provided.")
    tuning_rules.one_algorithm(request)
    tuning_rules.spot_has_time(request)
    if context.store.get(training_jobs.KIND, name) is not None:
        raise _taken(context, name)
    tuning_rules.check_inputs(context.settings, context.parts.objects, request)
    quotas.check(context.settings, context.store, quotas.of_training(request))
    job = training_jobs.new(
        context.settings,
        name,
        request,
        hyperparameters=request.get("HyperParameters", {}),
        tags=request.get("Tags", []),
        now=context.parts.clock(),
    )
    try:
        context.store.insert(training_jobs.KIND, name, job)
    except AlreadyThere as error:
        raise _taken(context, name) from error
    context.events.send(events.training_job_event(context.settings, job))
    context.engine.training_created(name)
    return {"TrainingJobArn": job["TrainingJobArn"]}


def describe(context: Context, request: Request) -> Document:
    """Tell all of a training job."""
    return _found(context, request)


def list_jobs(context: Context, request: Request) -> dict[str, Any]:
    """Tell a little of each training job."""
    jobs = context.store.seen(training_jobs.KIND)
    if request.keys() & {"WarmPoolStatusEquals", "TrainingPlanArnEquals"}:
        jobs = ()  # no job here has either
    wanted = request.get("StatusEquals")
    cut_first = wanted is not None and "MaxResults" in request
    items, following = page(
        request,
        chosen(request, jobs, name=_NAME, status="" if cut_first else "TrainingJobStatus"),
        name=_NAME,
        keys={
            "Name": lambda d: d[_NAME],
            "CreationTime": lambda d: d["CreationTime"],
            "Status": lambda d: d["TrainingJobStatus"],
        },
        sort_by="CreationTime",
    )
    if cut_first:  # as AWS documents it: so a page may be empty, and not be the last
        items = [job for job in items if job["TrainingJobStatus"] == wanted]
    return {"TrainingJobSummaries": items, **following}


def stop(context: Context, request: Request) -> None:
    """Have a training job stopped; to ask twice is no error while it stops."""
    _found(context, request)
    now = context.parts.clock()

    def stopping(job: Document) -> Document:
        status = job["TrainingJobStatus"]
        if status not in training_jobs.ACTIVE:
            raise validation(
                f"The request was rejected because the training job is in status {status}."
            )
        return training_jobs.stopping(job, now)

    name = request[_NAME]
    before = context.store.get(training_jobs.KIND, name)
    job = context.store.update(training_jobs.KIND, name, stopping)
    if job is not None and job is not before:
        context.events.send(events.training_job_event(context.settings, job))
        context.engine.training_stopping(name)


def _found(context: Context, request: Request) -> Document:
    job = context.store.get(training_jobs.KIND, request[_NAME])
    if job is None or job[_NAME] != request[_NAME]:
        raise validation("Requested resource not found.")
    return job


def _taken(context: Context, name: str) -> Exception:
    arn = context.settings.arn(training_jobs.KIND, name)
    return in_use(f"Job name must be unique within an AWS account and region, and {arn} exists.")
