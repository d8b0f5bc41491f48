"""SageMaker's tuning jobs and endpoints by boto3; it knows AWS's shapes and decides nothing.

Errors of AWS become the core's: what is definite (a refusal, a quota), what is foreign, and what
nobody can know. "Already exists" is success once the tags say that it is ours.
"""

import hashlib
import re
from typing import Any, NoReturn

from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError

from tunewright.adapters.training_job import training_job_seen
from tunewright.domain import names
from tunewright.domain.errors import (
    CapacityError,
    ForeignError,
    RefusedError,
    UnknownOutcomeError,
)
from tunewright.domain.profile import Profile
from tunewright.domain.seen import HostedSeen, RoundSeen, TrainingJobSeen
from tunewright.domain.spec import Deploy
from tunewright.domain.study import Deployment

_PAGE = 100
_CAPACITY = "ResourceLimitExceeded"
_VARIANT = "AllTraffic"
_REFUSALS = frozenset(
    {
        "ValidationException",
        "AccessDeniedException",
        "ResourceNotFound",
        "SerializationException",
    }
)
_PASSING = re.compile(r"Could not find (?!model data)|in-progress")
"""In validation errors that pass by themselves: reads behind writes, busy endpoints."""


def raise_for(error: Exception) -> NoReturn:
    """Raise the core's error for one of boto3's.

    Raises:
        RefusedError: AWS said no, and would say no again.
        CapacityError: A quota is used up.
        UnknownOutcomeError: It may have been done, or may pass by itself.
    """
    if isinstance(error, ParamValidationError):  # It never left this process.
        raise RefusedError(type(error).__name__, str(error)) from error
    if not isinstance(error, ClientError):
        raise UnknownOutcomeError(type(error).__name__, str(error)) from error
    code, words = code_of(error), words_of(error)
    if code == _CAPACITY:
        raise CapacityError(code, words) from error
    if code in _REFUSALS and not _PASSING.search(words):
        raise RefusedError(code, words) from error
    raise UnknownOutcomeError(code, words) from error


def code_of(error: ClientError) -> str:
    """Return AWS's code of an error."""
    return str(error.response["Error"].get("Code", ""))


def words_of(error: ClientError) -> str:
    """Return AWS's own message."""
    return str(error.response["Error"].get("Message", ""))


def is_missing(error: ClientError) -> bool:
    """Recognise the three shapes in which SageMaker says that something is not there."""
    words = words_of(error)
    return code_of(error) == "ResourceNotFound" or (
        code_of(error) == "ValidationException"
        and words.startswith(("Could not find", "Requested resource not found"))
    )


def is_taken(error: ClientError) -> bool:
    """Recognise the two shapes in which SageMaker says that a name is taken."""
    return code_of(error) == "ResourceInUse" or (
        code_of(error) == "ValidationException" and "already exist" in words_of(error)
    )


def _was_sent_again(error: ClientError) -> bool:
    """Whether boto3 sent the request before, and what it answers is about the last time only."""
    return bool(error.response.get("ResponseMetadata", {}).get("RetryAttempts"))


class SageMakerTuning:
    """Tuning jobs and their training jobs."""

    def __init__(self, client: Any) -> None:  # noqa: ANN401 - boto3 carries no types
        self._client = client

    def start(self, request: dict[str, Any], tags: dict[str, str]) -> None:
        """Make a tuning job, unless it is there already and has our tags."""
        job = request["HyperParameterTuningJobName"]
        try:
            self._client.create_hyper_parameter_tuning_job(**request)
        except ClientError as error:
            if not (is_taken(error) or self._was_made(job, error)):
                if _was_sent_again(error) and code_of(error) in _REFUSALS:
                    raise UnknownOutcomeError(code_of(error), words_of(error)) from error
                raise_for(error)
            self._adopt(job, tags, error)
        except BotoCoreError as error:
            raise_for(error)

    def _was_made(self, job: str, error: ClientError) -> bool:
        """Look if a call that was not answered made it: AWS may see quotas before names."""
        is_definite = code_of(error) in _REFUSALS | {_CAPACITY}
        return is_definite and self.look(job).exists

    def _adopt(self, job: str, tags: dict[str, str], taken: ClientError) -> None:
        """Make sure that a job which is there already is the one that we meant to make."""
        try:
            arn = self._client.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName=job)[
                "HyperParameterTuningJobArn"
            ]
            is_ours = self._has_tags(arn, tags)
        except (ClientError, BotoCoreError) as error:
            raise UnknownOutcomeError(type(error).__name__, str(error)) from error
        if not is_ours:
            raise ForeignError(code_of(taken), words_of(taken))

    def _has_tags(self, arn: str, tags: dict[str, str]) -> bool:
        held = tags_of(self._client, arn)
        return all(held.get(key) == value for key, value in tags.items())

    def stop(self, job: str, tags: dict[str, str] | None = None) -> None:
        """Stop a tuning job; one that has ended, is not there or not ours, is left alone."""
        if self.look(job, tags).status != "InProgress":
            return
        try:
            self._client.stop_hyper_parameter_tuning_job(HyperParameterTuningJobName=job)
        except ClientError as error:
            # Between our look and the call it may have ended: then there is nothing to stop.
            if not (is_missing(error) or code_of(error) == "ValidationException"):
                raise UnknownOutcomeError(code_of(error), words_of(error)) from error
        except BotoCoreError as error:
            raise_for(error)

    def look(self, job: str, tags: dict[str, str] | None = None) -> RoundSeen:
        """Describe a tuning job; if tags are given, one without them is as good as not there."""
        try:
            told = self._client.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName=job)
            if tags is not None and not self._has_tags(told["HyperParameterTuningJobArn"], tags):
                return RoundSeen(job=job, exists=False)
        except ClientError as error:
            if is_missing(error):
                return RoundSeen(job=job, exists=False)
            raise UnknownOutcomeError(code_of(error), words_of(error)) from error
        except BotoCoreError as error:
            raise_for(error)
        return RoundSeen(
            job=job,
            exists=True,
            status=told["HyperParameterTuningJobStatus"],
            launched=sum(told["TrainingJobStatusCounters"].values()),
            running=told["TrainingJobStatusCounters"].get("InProgress", 0),
            pending=told.get("ObjectiveStatusCounters", {}).get("Pending", 0),
            created=told["CreationTime"],
            ended=told.get("HyperParameterTuningEndTime"),
            words=told.get("FailureReason"),
        )

    def trial_names(self, job: str) -> tuple[str, ...]:
        """List the training jobs that a tuning job launched."""
        found: list[str] = []
        token: dict[str, str] = {}
        try:
            while True:
                page = self._client.list_training_jobs_for_hyper_parameter_tuning_job(
                    HyperParameterTuningJobName=job, MaxResults=_PAGE, **token
                )
                found += [each["TrainingJobName"] for each in page["TrainingJobSummaries"]]
                if not page.get("NextToken"):
                    return tuple(found)
                token = {"NextToken": page["NextToken"]}
        except (ClientError, BotoCoreError) as error:
            raise UnknownOutcomeError(type(error).__name__, str(error)) from error

    def trial(self, name: str) -> TrainingJobSeen | None:
        """Describe a training job; None if there is none."""
        try:
            told = self._client.describe_training_job(TrainingJobName=name)
        except ClientError as error:
            if is_missing(error):
                return None
            raise UnknownOutcomeError(code_of(error), words_of(error)) from error
        except BotoCoreError as error:
            raise_for(error)
        return training_job_seen(told)


def tags_of(client: Any, arn: str) -> dict[str, str]:  # noqa: ANN401 - boto3 carries no types
    """Return the tags of a resource; its client raises what boto3 does."""
    pages = client.get_paginator("list_tags").paginate(ResourceArn=arn)
    return {each["Key"]: each["Value"] for page in pages for each in page["Tags"]}


class SageMakerHosting:
    """Models, endpoint configs and endpoints, and the fingerprints of data in S3."""

    def __init__(self, client: Any, s3: Any) -> None:  # noqa: ANN401 - boto3 carries no types
        self._client = client
        self._s3 = s3

    def look(self, endpoint: str, stack: str) -> HostedSeen | None:
        """Describe an endpoint; None if there is none."""
        try:
            told = self._client.describe_endpoint(EndpointName=endpoint)
            held = tags_of(self._client, told["EndpointArn"])
            if held.get(names.TAG_STACK) != stack:
                # It has no tags either if it was deleted since: then it is gone, not another's.
                told = self._client.describe_endpoint(EndpointName=endpoint)
        except ClientError as error:
            if is_missing(error):
                return None
            raise UnknownOutcomeError(code_of(error), words_of(error)) from error
        except BotoCoreError as error:
            raise_for(error)
        return HostedSeen(
            config=told["EndpointConfigName"],
            status=told["EndpointStatus"],
            ours=held.get(names.TAG_STACK) == stack,
            words=told.get("FailureReason"),
        )

    def make_model(
        self, planned: Deployment, deploy: Deploy, profile: Profile, tags: dict[str, str]
    ) -> bool:
        """Make the model and its endpoint config; say whether the config is new."""
        model: dict[str, Any] = {
            "ModelName": planned.model,
            "ExecutionRoleArn": profile.hosting_role,
            "PrimaryContainer": {
                "Image": planned.image,
                "ModelDataUrl": planned.artifact,
                "Environment": planned.environment,
            },
            "Tags": _as_list(tags),
        }
        if profile.subnets:
            model["VpcConfig"] = {
                "Subnets": list(profile.subnets),
                "SecurityGroupIds": list(profile.security_groups),
            }
        self._make("create_model", model)
        config: dict[str, Any] = {
            "EndpointConfigName": planned.model,
            "ProductionVariants": [
                {
                    "VariantName": _VARIANT,
                    "ModelName": planned.model,
                    "InitialInstanceCount": deploy.count,
                    "InstanceType": deploy.instance,
                    "InitialVariantWeight": 1.0,
                }
            ],
            "Tags": _as_list(tags),
        }
        if profile.kms_key is not None:
            config["KmsKeyId"] = profile.kms_key
        return self._make("create_endpoint_config", config)

    def go_live(self, planned: Deployment, tags: dict[str, str], *, update: bool) -> None:
        """Make the endpoint, or move it to the new config."""
        request: dict[str, Any] = {
            "EndpointName": planned.endpoint,
            "EndpointConfigName": planned.model,
        }
        if update:
            self._make("update_endpoint", request)
        else:
            self._make("create_endpoint", {**request, "Tags": _as_list(tags)})

    def _make(self, operation: str, request: dict[str, Any]) -> bool:
        """Make something; False if it is there already, which the next look will tell more of."""
        try:
            getattr(self._client, operation)(**request)
        except ClientError as error:
            if is_taken(error):
                return False
            raise_for(error)
        except BotoCoreError as error:
            raise_for(error)
        return True

    def delete(self, endpoint: str) -> None:
        """Have an endpoint deleted, unless it is not there."""
        self._delete("delete_endpoint", EndpointName=endpoint)

    def delete_model(self, model: str) -> None:
        """Delete a model and its endpoint config, unless they are not there."""
        self._delete("delete_endpoint_config", EndpointConfigName=model)
        self._delete("delete_model", ModelName=model)

    def _delete(self, operation: str, **request: str) -> None:
        """Look, then delete: what is gone has no tags, and IAM lets us delete by our tag only."""
        try:
            getattr(self._client, operation.replace("delete", "describe"))(**request)
            getattr(self._client, operation)(**request)
        except ClientError as error:
            if not is_missing(error):
                raise_for(error)
        except BotoCoreError as error:
            raise_for(error)

    def fingerprint(self, uri: str) -> str:
        """Name the data under an S3 prefix by its keys, sizes and ETags."""
        bucket, _, prefix = uri.removeprefix("s3://").partition("/")
        digest = hashlib.sha256()
        try:
            pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
            for page in pages:
                for each in page.get("Contents", ()):
                    entry = f"{each['Key']}\x00{each['Size']}\x00{each['ETag']}\n"
                    digest.update(entry.encode())
        except (ClientError, BotoCoreError) as error:
            raise UnknownOutcomeError(type(error).__name__, str(error)) from error
        return digest.hexdigest()[:16]


def _as_list(tags: dict[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in sorted(tags.items())]
