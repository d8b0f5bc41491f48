"""A boto3 client of written answers that notes what it is asked; jobs and errors it may give."""

from typing import Any

from botocore.exceptions import ClientError, EndpointConnectionError

from tests.support.build import (
    at,
    plan,
    profile,
    spec,
    study,
)
from tunewright.domain.request import compile_request

JOB = plan().job
ARN = "arn:aws:sagemaker:us-east-1:123456789012"
TAGS = study().tags
REQUEST = compile_request(spec(), profile(), plan(), TAGS)
OFFLINE = EndpointConnectionError(endpoint_url="https://example.com")

INVALID, IN_USE, NOT_FOUND = "ValidationException", "ResourceInUse", "ResourceNotFound"
QUOTA = (
    "The account-level service limit 'ml.m4.xlarge for training job usage' is 0 Instances, with "
    "current utilization of 0 Instances and a request delta of 2 Instances."
)


def error(code: str, words: str = "words") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": words}}, "Operation")


class Client:
    """SageMaker as far as a test has told it: answers in their order, one list per operation."""

    def __init__(self, **answers: Any) -> None:
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self._answers = {name: list(told) for name, told in answers.items()}

    def __getattr__(self, operation: str) -> Any:
        def call(**request: Any) -> Any:
            self.calls.append((operation, request))
            answer = self._answers[operation].pop(0)
            if isinstance(answer, Exception):
                raise answer
            return answer

        return call

    def get_paginator(self, operation: str) -> "Pages":
        return Pages(self, operation, len(self._answers[operation]))

    def operations(self) -> list[str]:
        return [name for name, _ in self.calls]


class Pages:
    def __init__(self, client: Client, operation: str, count: int) -> None:
        self._client, self._operation, self._count = client, operation, count

    def paginate(self, **request: Any) -> Any:
        for _ in range(self._count):
            yield getattr(self._client, self._operation)(**request)


def tags(held: dict[str, str]) -> dict[str, Any]:
    return {"Tags": [{"Key": key, "Value": value} for key, value in held.items()]}


def job(status: str = "InProgress", **changes: Any) -> dict[str, Any]:
    return {
        "HyperParameterTuningJobName": JOB,
        "HyperParameterTuningJobArn": f"{ARN}:hyper-parameter-tuning-job/{JOB}",
        "HyperParameterTuningJobStatus": status,
        "CreationTime": at(0),
        "TrainingJobStatusCounters": {
            "Completed": 3,
            "InProgress": 2,
            "RetryableError": 0,
            "NonRetryableError": 1,
            "Stopped": 0,
        },
        **changes,
    }


def training(**changes: Any) -> dict[str, Any]:
    return {
        "TrainingJobName": f"{JOB}-001-589e2e9f",
        "TuningJobArn": f"{ARN}:hyper-parameter-tuning-job/{JOB}",
        "TrainingJobStatus": "Completed",
        "HyperParameters": {"eta": "0.1"},
        "FinalMetricDataList": [{"MetricName": "validation:auc", "Value": 0.5}],
        "CreationTime": at(0),
        "TrainingStartTime": at(1),
        "TrainingEndTime": at(9),
        "LastModifiedTime": at(10),
        "BillableTimeInSeconds": 8,
        "ModelArtifacts": {"S3ModelArtifacts": "s3://output/model.tar.gz"},
        **changes,
    }
