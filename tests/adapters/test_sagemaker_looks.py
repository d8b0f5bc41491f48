"""SageMaker's tuning and training jobs as they are seen, missing, another's, or not told."""

import math
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.support.build import at
from tests.support.recorded_client import (
    INVALID,
    JOB,
    NOT_FOUND,
    OFFLINE,
    TAGS,
    Client,
    error,
    job,
    tags,
    training,
)
from tunewright.adapters.sagemaker import SageMakerHosting, SageMakerTuning
from tunewright.domain.errors import UnknownOutcomeError
from tunewright.domain.seen import RoundSeen
from tunewright.domain.trial import TrialStatus


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
