"""Names are computed and read here alone: what is built is read back, and foreign names are not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunewright.domain import names

SLUGS = st.lists(st.text("axz019", min_size=1, max_size=4), min_size=1, max_size=3).map("-".join)


@given(text=st.text(max_size=40))
def test_a_suggested_slug_is_always_a_slug(text: str) -> None:
    assert names.is_slug(names.suggest_slug(text))


@pytest.mark.parametrize("text", ["", "-a", "a-", "a--b", "A", "a b", "a_b", "é", "a\n", "a" * 15])
def test_what_is_no_slug_is_known(text: str) -> None:
    assert not names.is_slug(text)


@given(slug=SLUGS, key=st.text(max_size=8), number=st.integers(1, 99), attempt=st.integers(1, 9))
def test_the_name_of_a_tuning_job_fits_and_is_read_back(
    slug: str, key: str, number: int, attempt: int
) -> None:
    study = names.study_id(slug, "tunewright", "ana", key)
    job = names.tuning_job(study, number, attempt)
    assert len(job) <= names.JOB_NAME_MAX
    assert names.parse_tuning_job(job) == names.TuningJobName(study, number, attempt)
    parts = names.parse_training_job(f"{job}-007-589e2e9f")
    assert parts == names.TrainingJobName(job, 7)


def test_another_stack_caller_or_key_gives_another_study() -> None:
    ids = {
        names.study_id("churn", stack, caller, key)
        for stack in ("a", "ab")
        for caller in ("b", "")
        for key in ("k", "bk")
    }
    assert len(ids) == 8


@pytest.mark.parametrize(
    "name",
    ["", "xgb-hpo-search", "tw-churn-r01", "tw-churn-aaaaaa-r1", "tw-churn-aaaaaa-r01a", "TW-A"],
)
def test_a_foreign_tuning_job_is_not_read(name: str) -> None:
    assert names.parse_tuning_job(name) is None


@pytest.mark.parametrize("name", ["", "kmeans-1", "tw-churn-aaaaaa-r01-001-XYZ", "a-01-589e2e9f"])
def test_a_training_job_that_no_tuning_job_launched_is_not_read(name: str) -> None:
    assert names.parse_training_job(name) is None


def test_models_and_endpoints_have_our_prefix() -> None:
    assert names.model("churn-aaaaaa", 2) == "tw-churn-aaaaaa-v2"
    assert names.endpoint("churn-prod") == "tw-churn-prod"


@pytest.mark.parametrize(
    ("alias", "fits"),
    [("churn-prod", True), ("a" * 60, True), ("a" * 61, False), ("Prod", False), ("", False)],
)
def test_an_endpoint_alias_leaves_room_for_the_prefix(alias: str, fits: bool) -> None:
    assert names.is_endpoint_alias(alias) is fits


def test_the_tags_tell_stack_and_study() -> None:
    assert names.tags("tunewright", "churn-aaaaaa") == {
        "tunewright:stack": "tunewright",
        "tunewright:study": "churn-aaaaaa",
    }


def test_a_name_is_read_from_an_arn_and_nothing_from_other_texts() -> None:
    arn = "arn:aws-cn:sagemaker:cn-north-1:123456789012:endpoint/tw-churn-prod"
    assert names.name_in_arn(arn) == "tw-churn-prod"
    assert names.name_in_arn("tw-churn-prod") is None
    assert names.name_in_arn("arn:aws:s3:::bucket") is None
