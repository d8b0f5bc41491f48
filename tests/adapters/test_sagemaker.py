"""SageMaker's tuning jobs in the core's words, and each error the right one of the core's."""

import math
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.support.build import (
    at,
)
from tests.support.recorded_client import (
    ARN,
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
    tags,
)
from tunewright.adapters.sagemaker import SageMakerHosting, SageMakerTuning, raise_for
from tunewright.domain.errors import (
    CapacityError,
    ForeignError,
    RefusedError,
    SageMakerError,
    UnknownOutcomeError,
)
from tunewright.domain.seen import RoundSeen
from tunewright.domain.trial import TrialStatus


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


def test_a_tuning_job_is_seen_with_all_trials_that_it_launched() -> None:
    told = job("Failed", HyperParameterTuningEndTime=at(9), FailureReason="No training job")
    seen = SageMakerTuning(Client(describe_hyper_parameter_tuning_job=[told])).look(JOB)
    assert seen == RoundSeen(
        job=JOB,
        exists=True,
        status="Failed",
        launched=6,
        running=2,
        created=at(0),
        ended=at(9),
        words="No training job",
    )
    assert seen.is_over


def test_a_tuning_job_that_runs_has_no_end_yet() -> None:
    seen = SageMakerTuning(Client(describe_hyper_parameter_tuning_job=[job()])).look(JOB)
    assert (seen.ended, seen.words, seen.is_over) == (None, None, False)


@pytest.mark.parametrize(
    "missing",
    [
        error(NOT_FOUND, "Amazon SageMaker can't find a tuning job with the name."),
        error(INVALID, "Requested resource not found."),
        error(INVALID, "Could not find it."),
    ],
)
def test_what_is_missing_is_known_in_all_its_shapes(missing: ClientError) -> None:
    tuning = SageMakerTuning(
        Client(
            describe_hyper_parameter_tuning_job=[missing],
            describe_training_job=[missing],
        )
    )
    assert tuning.look(JOB) == RoundSeen(job=JOB, exists=False)
    assert tuning.trial("t") is None
    assert SageMakerHosting(Client(describe_endpoint=[missing]), None).look("e", "s") is None


@pytest.mark.parametrize("told", [error("ThrottlingException"), error(INVALID, "x"), OFFLINE])
def test_a_look_that_fails_tells_nothing(told: Exception) -> None:
    client = Client(
        describe_hyper_parameter_tuning_job=[told],
        describe_training_job=[told],
        list_training_jobs_for_hyper_parameter_tuning_job=[told],
        describe_endpoint=[told],
        list_objects_v2=[told],
    )
    tuning, hosting = SageMakerTuning(client), SageMakerHosting(client, client)
    for look in (
        lambda: tuning.look(JOB),
        lambda: tuning.trial("t"),
        lambda: tuning.trial_names(JOB),
        lambda: hosting.look("e", "s"),
        lambda: hosting.fingerprint("s3://data/train/"),
    ):
        with pytest.raises(UnknownOutcomeError):
            look()


def test_all_pages_of_a_jobs_trials_are_listed() -> None:
    names = [{"TrainingJobName": name} for name in ("a", "b", "c")]
    pages = [
        {"TrainingJobSummaries": names[:2], "NextToken": "more"},
        {"TrainingJobSummaries": names[2:], "NextToken": ""},
    ]
    client = Client(list_training_jobs_for_hyper_parameter_tuning_job=pages)
    assert SageMakerTuning(client).trial_names(JOB) == ("a", "b", "c")
    asked = [request.get("NextToken") for _, request in client.calls]
    assert asked == [None, "more"]


def seen(**changes: Any) -> Any:
    return SageMakerTuning(Client(describe_training_job=[training(**changes)])).trial("t")


def test_a_training_job_is_seen_with_what_it_showed_and_cost() -> None:
    told = seen()
    assert (told.tuning_job, told.status) == (JOB, TrialStatus.COMPLETED)
    assert told.metrics == {"validation:auc": 0.5}
    assert (told.created, told.started, told.ended) == (at(0), at(1), at(9))
    assert (told.billable_seconds, told.model) == (8, "s3://output/model.tar.gz")


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_value_that_is_no_finite_number_is_dropped(value: float) -> None:
    metrics = [
        {"MetricName": "validation:auc", "Value": value},
        {"MetricName": "train:auc", "Value": 1},
    ]
    assert seen(FinalMetricDataList=metrics).metrics == {"train:auc": 1.0}


@pytest.mark.parametrize(
    ("status", "ended"),
    [("Failed", at(10)), ("Stopped", at(10)), ("InProgress", None), ("Stopping", None)],
)
def test_a_job_that_never_started_ended_when_it_was_last_changed(status: str, ended: Any) -> None:
    told = training(TrainingJobStatus=status)
    bare = {
        key: told[key]
        for key in ("TrainingJobName", "TrainingJobStatus", "CreationTime", "LastModifiedTime")
    }
    found = SageMakerTuning(Client(describe_training_job=[bare])).trial("t")
    assert found is not None
    assert found.ended == ended
    assert (found.tuning_job, found.model, found.started) == (None, None, None)
    assert (found.metrics, found.hyperparameters) == ({}, {})


def test_a_status_that_aws_adds_one_day_is_not_an_end() -> None:
    assert seen(TrainingJobStatus="Dreaming").status is TrialStatus.IN_PROGRESS


@pytest.mark.parametrize("held", [{}, {"team": "others"}, {**TAGS, "tunewright:study": "other"}])
def test_with_tags_a_job_that_does_not_have_them_is_not_there_and_is_not_stopped(
    held: dict[str, str],
) -> None:
    client = Client(describe_hyper_parameter_tuning_job=[job()] * 2, list_tags=[tags(held)])
    assert not SageMakerTuning(client).look(JOB, TAGS).exists
    client = Client(describe_hyper_parameter_tuning_job=[job()], list_tags=[tags(held)])
    SageMakerTuning(client).stop(JOB, TAGS)
    assert client.operations() == ["describe_hyper_parameter_tuning_job", "list_tags"]


def test_with_tags_our_own_job_is_there_and_nobody_knows_while_they_cannot_be_read() -> None:
    client = Client(describe_hyper_parameter_tuning_job=[job()], list_tags=[tags(TAGS)])
    assert SageMakerTuning(client).look(JOB, TAGS).status == "InProgress"
    client = Client(
        describe_hyper_parameter_tuning_job=[job()], list_tags=[error("ThrottlingException")]
    )
    with pytest.raises(UnknownOutcomeError):
        SageMakerTuning(client).look(JOB, TAGS)


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
