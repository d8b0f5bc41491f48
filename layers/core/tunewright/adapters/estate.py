"""What of SageMaker's may be an orphan, by boto3: lists, a closer look with tags, and the removal.

The lists are SageMaker's own, by name, state and age. Tags and details are asked for one by one.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from tunewright.adapters.sagemaker import is_missing, raise_for, tags_of
from tunewright.domain import names
from tunewright.domain.errors import RefusedError, UnknownOutcomeError
from tunewright.domain.orphan import Kind, Thing

_PAGE = 100
_LISTS: dict[Kind, tuple[str, str, str, dict[str, str]]] = {
    Kind.JOB: (
        "list_hyper_parameter_tuning_jobs",
        "HyperParameterTuningJobSummaries",
        "HyperParameterTuningJobName",
        {"StatusEquals": "InProgress"},
    ),
    Kind.ENDPOINT: ("list_endpoints", "Endpoints", "EndpointName", {}),
    Kind.MODEL: ("list_models", "Models", "ModelName", {}),
}


class SageMakerEstate:
    """Tuning jobs, endpoints and models, whoever made them."""

    def __init__(self, client: Any) -> None:  # noqa: ANN401 - boto3 carries no types
        self._client = client

    def older_than(self, kind: Kind, before: datetime) -> tuple[str, ...]:
        """List by name what was made before a time and has our prefix, the oldest first."""
        operation, member, name, more = _LISTS[kind]
        request: dict[str, Any] = {
            "NameContains": names.PREFIX,
            "CreationTimeBefore": before,
            "SortBy": "CreationTime",
            "SortOrder": "Ascending",
            "MaxResults": _PAGE,
            **more,
        }
        found: list[str] = []
        while True:
            page = self._ask(operation, request) or {member: ()}
            found += [each[name] for each in page[member]]
            if not page.get("NextToken"):
                return tuple(each for each in found if each.startswith(names.PREFIX))
            request["NextToken"] = page["NextToken"]

    def look(self, kind: Kind, name: str) -> Thing | None:
        """Describe a thing with its tags; None if there is none."""
        seen = self._look(kind, name)
        if seen is None or seen.stack is not None:
            return seen
        # It has no tags either if it was deleted since: then it is gone, not another's.
        return self._look(kind, name)

    def _look(self, kind: Kind, name: str) -> Thing | None:
        match kind:
            case Kind.JOB:
                return self._job(name)
            case Kind.ENDPOINT:
                return self._endpoint(name)
            case Kind.MODEL:
                told = self._ask("describe_model", {"ModelName": name})
                return None if told is None else self._thing(kind, name, told, "ModelArn")

    def _job(self, name: str) -> Thing | None:
        request = {"HyperParameterTuningJobName": name}
        told = self._ask("describe_hyper_parameter_tuning_job", request)
        if told is None:
            return None
        resources = told.get("TrainingJobDefinition", {}).get("ResourceConfig", {})
        parallel = told["HyperParameterTuningJobConfig"]["ResourceLimits"]
        return self._thing(
            Kind.JOB,
            name,
            told,
            "HyperParameterTuningJobArn",
            status=told["HyperParameterTuningJobStatus"],
            instance=resources.get("InstanceType"),
            count=resources.get("InstanceCount", 1) * parallel["MaxParallelTrainingJobs"],
        )

    def _endpoint(self, name: str) -> Thing | None:
        told = self._ask("describe_endpoint", {"EndpointName": name})
        if told is None:
            return None
        config = told["EndpointConfigName"]
        variant: Mapping[str, Any] = {}
        if names.parse_model(config) is not None:  # Others may be no business of ours.
            held = self._ask("describe_endpoint_config", {"EndpointConfigName": config}) or {}
            variant = next(iter(held.get("ProductionVariants", ())), {})
        return self._thing(
            Kind.ENDPOINT,
            name,
            told,
            "EndpointArn",
            status=told["EndpointStatus"],
            model=config,
            instance=variant.get("InstanceType"),
            count=variant.get("InitialInstanceCount", 1),
        )

    def _thing(
        self,
        kind: Kind,
        name: str,
        told: Mapping[str, Any],
        arn: str,
        **more: Any,  # noqa: ANN401 - fields of a value
    ) -> Thing:
        held = self._tags(told[arn])
        return Thing(
            kind=kind,
            name=name,
            created=told["CreationTime"],
            stack=held.get(names.TAG_STACK),
            study=held.get(names.TAG_STUDY),
            **more,
        )

    def remove(self, thing: Thing) -> None:
        """Stop a tuning job; have an endpoint deleted; delete a model with its endpoint config.

        What is gone, or has ended, is left alone; and so is the entry of a tuning job, for ever.
        """
        match thing.kind:
            case Kind.JOB:
                request = {"HyperParameterTuningJobName": thing.name}
                try:
                    self._ask("stop_hyper_parameter_tuning_job", request)
                except RefusedError as error:
                    if error.code != "ValidationException":  # It has ended meanwhile.
                        raise
            case Kind.ENDPOINT:
                self._ask("delete_endpoint", {"EndpointName": thing.name})
            case Kind.MODEL:
                self._discard(thing, "endpoint_config", "EndpointConfigName", "EndpointConfigArn")
                self._discard(thing, "model", "ModelName", "ModelArn")

    def _discard(self, thing: Thing, what: str, member: str, arn: str) -> None:
        """Delete a model or a config of one name, if it is there and its own tag is the same."""
        told = self._ask(f"describe_{what}", {member: thing.name})
        if told is not None and self._tags(told[arn]).get(names.TAG_STACK) == thing.stack:
            self._ask(f"delete_{what}", {member: thing.name})

    def _tags(self, arn: str) -> dict[str, str]:
        try:
            return tags_of(self._client, arn)
        except (ClientError, BotoCoreError) as error:
            raise UnknownOutcomeError(type(error).__name__, str(error)) from error

    def _ask(self, operation: str, request: Mapping[str, Any]) -> dict[str, Any] | None:
        """Ask something; None if what it names is not there."""
        try:
            answer: dict[str, Any] = getattr(self._client, operation)(**request)
        except ClientError as error:
            if is_missing(error):
                return None
            raise_for(error)
        except BotoCoreError as error:
            raise_for(error)
        return answer
