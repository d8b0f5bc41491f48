"""SageMaker's events are rumours in many shapes: ours are read, others are not, and none breaks."""

import copy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.build import STUDY_ID
from tunewright.adapters.events import (
    EndpointChanged,
    RoundChanged,
    Rumour,
    TrialChanged,
    read_event,
)

STACK = "tunewright"
JOB = f"tw-{STUDY_ID}-r01"
TRIAL = f"{JOB}-007-589e2e9f"
ARN = "arn:aws:sagemaker:us-east-1:123456789012"
OURS = {"tunewright:stack": STACK, "tunewright:study": STUDY_ID}
THEIRS = {"tunewright:stack": "another"}


def event(kind: str, detail: Any) -> dict[str, Any]:
    return {
        "version": "0",
        "id": "29f939a9-3cce-a8e1-24c7-3d8db2861245",
        "detail-type": f"SageMaker {kind} State Change",
        "source": "aws.sagemaker",
        "account": "123456789012",
        "time": "2023-10-04T13:46:47Z",
        "region": "us-east-1",
        "resources": [f"{ARN}:training-job/{TRIAL}"],
        "detail": detail,
    }


def training(status: str = "Completed", **changes: Any) -> dict[str, Any]:
    """As captured from AWS: times in milliseconds, explicit nulls, tags as a map."""
    detail = {
        "TrainingJobName": TRIAL,
        "TrainingJobArn": f"{ARN}:training-job/{TRIAL}",
        "TuningJobArn": f"{ARN}:hyper-parameter-tuning-job/{JOB}",
        "TrainingJobStatus": status,
        "FailureReason": None,
        "CreationTime": 1696427182554,
        "TrainingStartTime": 1696427186229,
        "TrainingEndTime": None,
        "LastModifiedTime": 1696427207435,
        "Tags": OURS,
    }
    return event("Training Job", {**detail, **changes})


def tuning(status: str = "Completed", **changes: Any) -> dict[str, Any]:
    """As AWS documents it: times as texts, counters that in truth are null."""
    detail = {
        "HyperParameterTuningJobName": JOB,
        "HyperParameterTuningJobArn": f"{ARN}:tuningJob/x",
        "HyperParameterTuningJobStatus": status,
        "CreationTime": "1583831889050",
        "LastModifiedTime": "1583831889050",
        "TrainingJobStatusCounters": None,
        "ObjectiveStatusCounters": None,
        "Tags": {},
    }
    return event("HyperParameter Tuning Job", {**detail, **changes})


def endpoint(name: Any = "tw-churn-prod", **changes: Any) -> dict[str, Any]:
    detail = {
        "EndpointName": name,
        "EndpointStatus": "IN_SERVICE",
        "FailureReason": None,
        "CreationTime": 1592411992203.0,
        "Tags": OURS,
    }
    return event("Endpoint", {**detail, **changes})


def read(told: Any) -> Rumour | None:
    return read_event(told, stack=STACK)


@pytest.mark.parametrize(
    ("status", "ended"),
    [
        ("Completed", True),
        ("Failed", True),
        ("Stopped", True),
        ("InProgress", False),
        ("Stopping", False),
        ("Running", False),  # was seen once, and is no status
    ],
)
def test_a_trial_and_a_round_have_changed_and_perhaps_ended(status: str, ended: bool) -> None:
    assert read(training(status)) == TrialChanged(STUDY_ID, TRIAL, ended)
    assert read(tuning(status)) == RoundChanged(STUDY_ID, ended)


def test_an_endpoint_of_ours_has_changed() -> None:
    assert read(endpoint()) == EndpointChanged("tw-churn-prod")


@pytest.mark.parametrize(
    "time", [1696427182554, 1592411992203.0, "1583831889050", "2021-02-24T17:00:14Z", None]
)
def test_times_may_have_any_shape(time: Any) -> None:
    told = training(CreationTime=time, TrainingEndTime=time)
    told["time"] = time
    assert read(told) == TrialChanged(STUDY_ID, TRIAL, ended=True)


@pytest.mark.parametrize(
    "tags",
    [
        OURS,
        {},
        None,
        [],
        [{"Key": "tunewright:stack", "Value": STACK}],
        [{"Key": "project", "Value": "x"}, None, "tag"],
        {"project": "x"},
        "tags",
    ],
)
def test_tags_that_name_no_other_stack_leave_it_to_the_name(tags: Any) -> None:
    assert read(training(Tags=tags)) == TrialChanged(STUDY_ID, TRIAL, ended=True)


def test_an_event_without_tags_is_read_by_its_name() -> None:
    told = tuning()
    del told["detail"]["Tags"]
    assert read(told) == RoundChanged(STUDY_ID, ended=True)


@pytest.mark.parametrize("tags", [THEIRS, [{"Key": "tunewright:stack", "Value": "another"}]])
@pytest.mark.parametrize("build", [training, tuning, endpoint])
def test_what_another_stack_made_is_not_ours(build: Any, tags: Any) -> None:
    assert read(build(Tags=tags)) is None


@pytest.mark.parametrize(
    "told",
    [
        training(TrainingJobName="kmeans-1"),
        training(TrainingJobName="xgb-hpo-001-589e2e9f"),
        training(TrainingJobName=None),
        tuning(HyperParameterTuningJobName="xgb-hpo-search"),
        tuning(HyperParameterTuningJobName=7),
        endpoint("MyEndpoint"),
        endpoint(None),
        event("Model Package", {"ModelPackageStatus": "Completed"}),
        {**training(), "source": "aws.ec2"},
        {**training(), "detail-type": "AWS API Call via CloudTrail"},
        {**training(), "detail-type": ["SageMaker Training Job State Change"]},
        {**training(), "detail": None},
        {**training(), "detail": "Completed"},
        {},
        [],
        None,
        "event",
    ],
)
def test_what_is_not_ours_or_cannot_be_read_is_left_alone(told: Any) -> None:
    assert read(told) is None


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=6,
)


@settings(max_examples=300)
@given(build=st.sampled_from([training, tuning, endpoint]), data=st.data())
def test_no_mutated_event_ever_raises(build: Any, data: st.DataObject) -> None:
    told = copy.deepcopy(build())
    for _ in range(data.draw(st.integers(1, 4))):
        holder = told
        if isinstance(told.get("detail"), dict) and data.draw(st.booleans()):
            holder = told["detail"]
        key = data.draw(st.sampled_from(sorted(holder)) if holder else st.text(max_size=8))
        if data.draw(st.booleans()):
            holder.pop(key, None)
        else:
            holder[key] = data.draw(ANYTHING)
    rumour = read(told)
    if isinstance(rumour, TrialChanged | RoundChanged):
        assert rumour.study_id == STUDY_ID
    elif rumour is not None:
        assert rumour.endpoint.startswith("tw-")


@given(told=ANYTHING)
def test_nothing_that_json_can_hold_ever_raises(told: Any) -> None:
    assert read(told) is None
