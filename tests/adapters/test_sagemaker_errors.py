"""What AWS's errors mean: a refusal, a quota, a passing state, or nobody knows."""

import pytest
from botocore.exceptions import ClientError, ParamValidationError, ReadTimeoutError

from tunewright.adapters.sagemaker import raise_for
from tunewright.domain.errors import CapacityError, RefusedError, UnknownOutcomeError


def said(code: str, message: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, "Create")


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (said("ValidationException", "1 validation error detected"), RefusedError),
        (said("AccessDeniedException", "is not authorized"), RefusedError),
        (said("SerializationException", "NUMBER_VALUE"), RefusedError),
        (ParamValidationError(report="Invalid type"), RefusedError),
        (said("ValidationException", "Could not find model data at s3://b/m"), RefusedError),
        (said("ResourceLimitExceeded", "The account-level service limit"), CapacityError),
        (
            said("ValidationException", "Could not find endpoint configuration"),
            UnknownOutcomeError,
        ),
        (said("ValidationException", 'Could not find model "arn:aws:…"'), UnknownOutcomeError),
        (said("ValidationException", "Cannot update in-progress endpoint"), UnknownOutcomeError),
        (said("ThrottlingException", "Rate exceeded"), UnknownOutcomeError),
        (said("InternalFailure", "oops"), UnknownOutcomeError),
        (ReadTimeoutError(endpoint_url="https://sagemaker"), UnknownOutcomeError),
    ],
)
def test_what_an_error_means(error: Exception, kind: type[Exception]) -> None:
    with pytest.raises(kind):
        raise_for(error)
