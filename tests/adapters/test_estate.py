"""What may be an orphan: whole lists, the tags of one thing, and an end only of what is ours."""

from typing import Any

import pytest

from tests.support.build import STUDY_ID, at
from tests.support.recorded_client import (
    ARN,
    INVALID,
    JOB,
    NOT_FOUND,
    OFFLINE,
    TAGS,
    Client,
    error,
    tags,
)
from tunewright.adapters.estate import SageMakerEstate
from tunewright.domain.errors import RefusedError, SageMakerError, UnknownOutcomeError
from tunewright.domain.orphan import Kind, Thing

MODEL = f"tw-{STUDY_ID}-v1"
MISSING = error(INVALID, "Could not find it")
THROTTLED = error("ThrottlingException", "Rate exceeded")
FOREIGN = {"tunewright:stack": "twin"}


def thing(kind: Kind, name: str, **changes: Any) -> Thing:
    values = {"kind": kind, "name": name, "created": at(0), "stack": "tunewright"}
    return Thing(**{**values, "study": STUDY_ID, **changes})


@pytest.mark.parametrize(
    ("kind", "operation", "member", "name", "status"),
    [
        (
            Kind.JOB,
            "list_hyper_parameter_tuning_jobs",
            "HyperParameterTuningJobSummaries",
            "HyperParameterTuningJobName",
            "InProgress",
        ),
        (Kind.ENDPOINT, "list_endpoints", "Endpoints", "EndpointName", None),
        (Kind.MODEL, "list_models", "Models", "ModelName", None),
    ],
)
def test_a_list_is_read_to_its_end_and_only_what_has_our_prefix_is_taken(
    kind: Kind, operation: str, member: str, name: str, status: str | None
) -> None:
    pages = [
        {member: [{name: "tw-a"}, {name: "my-tw-b"}], "NextToken": "more"},
        {member: [{name: "tw-c"}]},
    ]
    client = Client(**{operation: pages})
    assert SageMakerEstate(client).older_than(kind, at(9)) == ("tw-a", "tw-c")
    (_, first), (_, second) = client.calls
    assert first["NameContains"] == "tw-"
    assert first["CreationTimeBefore"] == at(9)
    assert first.get("StatusEquals") == status
    assert second["NextToken"] == "more"


@pytest.mark.parametrize("trouble", [THROTTLED, OFFLINE])
def test_a_list_that_is_cut_off_is_no_list(trouble: Exception) -> None:
    page = {"Models": [{"ModelName": "tw-a"}], "NextToken": "more"}
    with pytest.raises(UnknownOutcomeError):
        SageMakerEstate(Client(list_models=[page, trouble])).older_than(Kind.MODEL, at(9))


def job(**changes: Any) -> dict[str, Any]:
    return {
        "HyperParameterTuningJobArn": f"{ARN}:hyper-parameter-tuning-job/{JOB}",
        "HyperParameterTuningJobStatus": "InProgress",
        "CreationTime": at(0),
        "HyperParameterTuningJobConfig": {"ResourceLimits": {"MaxParallelTrainingJobs": 3}},
        "TrainingJobDefinition": {
            "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 2}
        },
        **changes,
    }


def test_a_job_is_seen_with_its_tags_and_what_it_may_run_on() -> None:
    client = Client(describe_hyper_parameter_tuning_job=[job()], list_tags=[tags(TAGS)])
    told = SageMakerEstate(client).look(Kind.JOB, JOB)
    seen = thing(Kind.JOB, JOB, status="InProgress")
    assert told == seen.but(instance="ml.m5.large", count=6)


def test_a_job_of_several_algorithms_runs_on_nobody_knows_what() -> None:
    shown = job()
    del shown["TrainingJobDefinition"]
    client = Client(describe_hyper_parameter_tuning_job=[shown] * 2, list_tags=[tags({})] * 2)
    told = SageMakerEstate(client).look(Kind.JOB, JOB)
    assert told is not None
    assert (told.instance, told.stack, told.study) == (None, None, None)


def test_what_was_deleted_before_its_tags_were_asked_for_is_gone_and_not_anothers() -> None:
    shown = {"ModelArn": f"{ARN}:model/{MODEL}", "CreationTime": at(0)}
    client = Client(describe_model=[shown, MISSING], list_tags=[tags({})])
    assert SageMakerEstate(client).look(Kind.MODEL, MODEL) is None


def endpoint(config: str) -> dict[str, Any]:
    return {
        "EndpointArn": f"{ARN}:endpoint/tw-prod",
        "EndpointConfigName": config,
        "EndpointStatus": "InService",
        "CreationTime": at(0),
    }


def test_an_endpoint_is_seen_with_what_it_serves() -> None:
    variant = {"InstanceType": "ml.m5.large", "InitialInstanceCount": 2}
    client = Client(
        describe_endpoint=[endpoint(MODEL)] * 3,
        describe_endpoint_config=[{"ProductionVariants": [variant]}, MISSING, {}],
        list_tags=[tags(TAGS)],
    )
    told = SageMakerEstate(client).look(Kind.ENDPOINT, "tw-prod")
    seen = thing(Kind.ENDPOINT, "tw-prod", status="InService", model=MODEL)
    assert told == seen.but(instance="ml.m5.large", count=2)


def test_what_serves_anothers_config_is_not_asked_for_that() -> None:
    client = Client(describe_endpoint=[endpoint("bought")], list_tags=[tags(TAGS)])
    told = SageMakerEstate(client).look(Kind.ENDPOINT, "tw-prod")
    assert told is not None
    assert (told.model, told.instance) == ("bought", None)


@pytest.mark.parametrize("gone", [MISSING, error(NOT_FOUND)])
@pytest.mark.parametrize("kind", Kind)
def test_what_is_not_there_is_none(kind: Kind, gone: Exception) -> None:
    client = Client(
        describe_hyper_parameter_tuning_job=[gone], describe_endpoint=[gone], describe_model=[gone]
    )
    assert SageMakerEstate(client).look(kind, "tw-a") is None


def test_what_has_no_answer_for_its_tags_is_not_judged() -> None:
    model = {"ModelArn": f"{ARN}:model/{MODEL}", "CreationTime": at(0)}
    client = Client(describe_model=[model], list_tags=[THROTTLED])
    with pytest.raises(UnknownOutcomeError):
        SageMakerEstate(client).look(Kind.MODEL, MODEL)


def test_a_job_is_stopped_and_one_that_has_ended_is_left_alone() -> None:
    answers = [{}, error(INVALID, "The request was rejected"), error(NOT_FOUND)]
    client = Client(stop_hyper_parameter_tuning_job=answers)
    for _ in answers:
        SageMakerEstate(client).remove(thing(Kind.JOB, JOB))
    assert client.operations() == ["stop_hyper_parameter_tuning_job"] * 3


@pytest.mark.parametrize(
    ("answer", "raised"),
    [
        (error("AccessDeniedException"), RefusedError),
        (THROTTLED, UnknownOutcomeError),
        (OFFLINE, UnknownOutcomeError),
    ],
)
def test_a_stop_that_is_not_done_is_an_error(
    answer: Exception, raised: type[SageMakerError]
) -> None:
    with pytest.raises(raised):
        SageMakerEstate(Client(stop_hyper_parameter_tuning_job=[answer])).remove(
            thing(Kind.JOB, JOB)
        )


def test_an_endpoint_that_is_changing_is_not_deleted_now() -> None:
    busy = error(INVALID, 'Cannot update in-progress endpoint "tw-prod"')
    client = Client(delete_endpoint=[busy, {}, MISSING])
    estate, prod = SageMakerEstate(client), thing(Kind.ENDPOINT, "tw-prod")
    with pytest.raises(UnknownOutcomeError):
        estate.remove(prod)
    estate.remove(prod)
    estate.remove(prod)


def test_a_model_is_deleted_after_its_config_and_each_only_by_its_own_tag() -> None:
    config = {"EndpointConfigArn": f"{ARN}:endpoint-config/{MODEL}"}
    model = {"ModelArn": f"{ARN}:model/{MODEL}"}
    for held, deleted in (
        ([TAGS, TAGS], ["delete_endpoint_config", "delete_model"]),
        ([FOREIGN, TAGS], ["delete_model"]),
        ([TAGS, FOREIGN], ["delete_endpoint_config"]),
    ):
        answers = [tags(each) for each in held]
        client = Client(
            describe_endpoint_config=[config],
            describe_model=[model],
            list_tags=answers[:1],
            delete_endpoint_config=[{}],
            delete_model=[{}],
        )
        estate = SageMakerEstate(client)
        replies = iter(held)
        estate._tags = lambda _arn, replies=replies: next(replies)  # type: ignore[method-assign]
        estate.remove(thing(Kind.MODEL, MODEL))
        assert [each for each in client.operations() if each.startswith("delete")] == deleted


def test_a_model_that_is_gone_takes_nothing_along() -> None:
    client = Client(describe_endpoint_config=[MISSING], describe_model=[MISSING])
    SageMakerEstate(client).remove(thing(Kind.MODEL, MODEL))
    assert client.operations() == ["describe_endpoint_config", "describe_model"]
