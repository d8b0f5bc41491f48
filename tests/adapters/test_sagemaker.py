"""SageMaker's tuning jobs made and stopped, and each error the right one of the core's."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.support.recorded_client import (
    IN_USE,
    INVALID,
    JOB,
    NOT_FOUND,
    OFFLINE,
    QUOTA,
    REQUEST,
    TAGS,
    Client,
    error,
    job,
    tags,
)
from tunewright.adapters.sagemaker import SageMakerTuning, raise_for
from tunewright.domain.errors import (
    CapacityError,
    ForeignError,
    RefusedError,
    SageMakerError,
    UnknownOutcomeError,
)


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (error("ResourceLimitExceeded", QUOTA), CapacityError),
        (error(INVALID, "You don't have enough combinations"), RefusedError),
        (error("AccessDeniedException", "User is not authorized"), RefusedError),
        (error(NOT_FOUND, "no such role"), RefusedError),
        (error(INVALID, 'Could not find model "tw-a-v1"'), UnknownOutcomeError),
        (error(INVALID, "Cannot update in-progress endpoint"), UnknownOutcomeError),
        (error("ThrottlingException", "Rate exceeded"), UnknownOutcomeError),
        (error("InternalFailure"), UnknownOutcomeError),
        (OFFLINE, UnknownOutcomeError),
    ],
)
def test_each_error_of_aws_is_one_of_ours_and_keeps_awss_words(
    told: Exception, expected: type[SageMakerError]
) -> None:
    with pytest.raises(expected) as caught:
        raise_for(told)
    assert caught.value.__cause__ is told
    assert caught.value.words in str(told)
    assert str(caught.value) == f"{caught.value.code}: {caught.value.words}"


def test_a_tuning_job_is_made_as_it_was_compiled() -> None:
    client = Client(create_hyper_parameter_tuning_job=[{}])
    SageMakerTuning(client).start(REQUEST, TAGS)
    assert client.calls == [("create_hyper_parameter_tuning_job", REQUEST)]


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (error("ResourceLimitExceeded", QUOTA), CapacityError),
        (error(INVALID, "The set of tunable plus static HyperParameter names"), RefusedError),
        (error("ThrottlingException"), UnknownOutcomeError),
        (OFFLINE, UnknownOutcomeError),
    ],
)
def test_a_tuning_job_that_is_not_made_raises_why(
    told: Exception, expected: type[SageMakerError]
) -> None:
    client = Client(
        create_hyper_parameter_tuning_job=[told],
        describe_hyper_parameter_tuning_job=[error(NOT_FOUND)],
    )
    with pytest.raises(expected):
        SageMakerTuning(client).start(REQUEST, TAGS)
    is_definite = expected is not UnknownOutcomeError
    assert len(client.calls) == (2 if is_definite else 1)  # A definite no is looked after.


@pytest.mark.parametrize("told", [error("ResourceLimitExceeded", QUOTA), error(INVALID, "no")])
def test_a_no_to_the_second_try_does_not_hide_what_the_first_has_made(told: ClientError) -> None:
    client = Client(
        create_hyper_parameter_tuning_job=[OFFLINE, told],
        describe_hyper_parameter_tuning_job=[job(), job()],
        list_tags=[tags(TAGS)],
    )
    tuning = SageMakerTuning(client)
    with pytest.raises(UnknownOutcomeError):
        tuning.start(REQUEST, TAGS)
    tuning.start(REQUEST, TAGS)
    assert client.calls[-1][0] == "list_tags"


def test_a_no_is_not_believed_while_nobody_can_look() -> None:
    client = Client(
        create_hyper_parameter_tuning_job=[error(INVALID, "no")],
        describe_hyper_parameter_tuning_job=[error("ThrottlingException")],
    )
    with pytest.raises(UnknownOutcomeError):
        SageMakerTuning(client).start(REQUEST, TAGS)


@pytest.mark.parametrize("taken", [error(IN_USE), error(INVALID, "it already exists")])
def test_a_job_that_is_there_already_is_adopted_when_its_tags_are_ours(taken: ClientError) -> None:
    client = Client(
        create_hyper_parameter_tuning_job=[taken],
        describe_hyper_parameter_tuning_job=[job()],
        list_tags=[tags({"a": "b"}), tags(TAGS)],
    )
    SageMakerTuning(client).start(REQUEST, TAGS)
    assert client.calls[-1] == ("list_tags", {"ResourceArn": job()["HyperParameterTuningJobArn"]})
    assert len(client.calls) == 4  # both pages of tags were read


@pytest.mark.parametrize(
    "held", [{}, {"tunewright:stack": "another"}, {**TAGS, "tunewright:study": "other-aaaaaa"}]
)
def test_a_job_without_our_tags_is_foreign(held: dict[str, str]) -> None:
    client = Client(
        create_hyper_parameter_tuning_job=[error(IN_USE, "the name is taken")],
        describe_hyper_parameter_tuning_job=[job()],
        list_tags=[tags(held)],
    )
    with pytest.raises(ForeignError, match="the name is taken"):
        SageMakerTuning(client).start(REQUEST, TAGS)


@pytest.mark.parametrize("told", [error("ThrottlingException"), OFFLINE])
def test_whose_a_job_is_may_stay_unknown(told: Exception) -> None:
    client = Client(
        create_hyper_parameter_tuning_job=[error(IN_USE)],
        describe_hyper_parameter_tuning_job=[told],
    )
    with pytest.raises(UnknownOutcomeError):
        SageMakerTuning(client).start(REQUEST, TAGS)


def test_a_running_job_is_stopped() -> None:
    client = Client(
        describe_hyper_parameter_tuning_job=[job()], stop_hyper_parameter_tuning_job=[{}]
    )
    SageMakerTuning(client).stop(JOB)
    assert client.operations()[-1] == "stop_hyper_parameter_tuning_job"


@pytest.mark.parametrize(
    "seen",
    [
        job("Completed"),
        job("Stopping"),
        error(NOT_FOUND, "Amazon SageMaker can't find a tuning job"),
    ],
)
def test_a_job_that_has_ended_or_is_gone_is_left_alone(seen: Any) -> None:
    client = Client(describe_hyper_parameter_tuning_job=[seen])
    SageMakerTuning(client).stop(JOB)
    assert client.operations() == ["describe_hyper_parameter_tuning_job"]


@pytest.mark.parametrize(
    "told",
    [error(NOT_FOUND, "can't find"), error(INVALID, "The request was rejected: it has ended")],
)
def test_a_job_that_ends_between_look_and_stop_is_no_trouble(told: Exception) -> None:
    client = Client(
        describe_hyper_parameter_tuning_job=[job()], stop_hyper_parameter_tuning_job=[told]
    )
    SageMakerTuning(client).stop(JOB)
    assert len(client.calls) == 2


@pytest.mark.parametrize("told", [error("ThrottlingException"), OFFLINE])
def test_whether_a_job_was_told_to_stop_may_stay_unknown(told: Exception) -> None:
    client = Client(
        describe_hyper_parameter_tuning_job=[job()], stop_hyper_parameter_tuning_job=[told]
    )
    with pytest.raises(UnknownOutcomeError):
        SageMakerTuning(client).stop(JOB)


@pytest.mark.parametrize(
    ("told", "expected"), [(error(INVALID, "no"), UnknownOutcomeError),
                           (error("ResourceLimitExceeded", QUOTA), CapacityError)],
)  # fmt: skip
def test_a_no_to_a_request_that_boto3_sent_again_does_not_say_what_the_first_did(
    told: ClientError, expected: type[SageMakerError]
) -> None:
    response: Any = {**told.response, "ResponseMetadata": {"RetryAttempts": 1}}
    client = Client(
        create_hyper_parameter_tuning_job=[ClientError(response, "Operation")],
        describe_hyper_parameter_tuning_job=[error(NOT_FOUND)],
    )
    with pytest.raises(expected):
        SageMakerTuning(client).start(REQUEST, TAGS)
