"""Builds and parses every name, tag and ARN; nothing else in the core may."""

import base64
import hashlib
import re
from dataclasses import dataclass

PREFIX = "tw-"
TAG_STACK = "tunewright:stack"
TAG_STUDY = "tunewright:study"
SLUG_MAX = 14
JOB_NAME_MAX = 32
ENDPOINT_NAME_MAX = 63

_SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_STUDY_ID = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*-[a-z2-7]{6}")
_TUNING_JOB = re.compile(
    rf"{PREFIX}(?P<study>{_STUDY_ID.pattern})-r(?P<round>\d{{2}})(?:a(?P<attempt>\d))?"
)
_MODEL = re.compile(rf"{PREFIX}(?P<study>{_STUDY_ID.pattern})-v\d+")
_TRAINING_JOB = re.compile(r"(?P<job>.{1,32}?)-(?P<number>\d{3,})-(?P<hex>[0-9a-f]{8})")
_ARN = re.compile(
    r"arn:(?P<partition>[^:]+):(?P<service>[^:]+):(?P<region>[^:]*):(?P<account>[^:]*):"
    r"(?P<kind>[^/:]+)/(?P<name>.+)"
)


@dataclass(frozen=True, slots=True)
class TuningJobName:
    """The parts of the name of one of our tuning jobs."""

    study_id: str
    round_number: int
    attempt: int


@dataclass(frozen=True, slots=True)
class TrainingJobName:
    """The parts of the name of a training job that a tuning job launched."""

    tuning_job: str
    number: int


def is_slug(text: str) -> bool:
    """Say whether a text may name a study: `[a-z0-9]`, single hyphens inside, at most 14 long.

    >>> is_slug("churn-xgb"), is_slug("Churn"), is_slug("a--b"), is_slug("x" * 15)
    (True, False, False, False)
    """
    return len(text) <= SLUG_MAX and _SLUG.fullmatch(text) is not None


def suggest_slug(text: str) -> str:
    """Make the nearest slug of a text.

    >>> suggest_slug("Churn XGB, 2nd try!")
    'churn-xgb-2nd'
    """
    slug = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:SLUG_MAX].strip("-")
    return slug or "study"


def study_id(slug: str, stack: str, caller: str, idempotency_key: str) -> str:
    """Build a study's id: the same submission gives the same id.

    >>> study_id("churn", "tunewright", "ana", "k1") == study_id("churn", "tunewright", "ana", "k1")
    True
    """
    digest = hashlib.sha256(f"{stack}\x00{caller}\x00{idempotency_key}".encode()).digest()
    return f"{slug}-{base64.b32encode(digest).decode().lower()[:6]}"


def tuning_job(study: str, round_number: int, attempt: int = 1) -> str:
    """Build the name of the tuning job of one attempt at one round.

    >>> tuning_job("churn-xgb-k3v7qa", 2), tuning_job("churn-xgb-k3v7qa", 2, 3)
    ('tw-churn-xgb-k3v7qa-r02', 'tw-churn-xgb-k3v7qa-r02a3')
    """
    suffix = "" if attempt == 1 else f"a{attempt}"
    return f"{PREFIX}{study}-r{round_number:02d}{suffix}"


def parse_tuning_job(name: str) -> TuningJobName | None:
    """Read the name of a tuning job; None if it is none of ours.

    >>> parse_tuning_job("tw-churn-xgb-k3v7qa-r02a3")
    TuningJobName(study_id='churn-xgb-k3v7qa', round_number=2, attempt=3)
    >>> parse_tuning_job("xgb-hpo-search") is None
    True
    """
    match = _TUNING_JOB.fullmatch(name)
    if match is None:
        return None
    return TuningJobName(match["study"], int(match["round"]), int(match["attempt"] or 1))


def parse_training_job(name: str) -> TrainingJobName | None:
    """Read the name of a training job that a tuning job launched; None if it is no such name.

    >>> parse_training_job("tw-churn-k3v7qa-r01-007-589e2e9f")
    TrainingJobName(tuning_job='tw-churn-k3v7qa-r01', number=7)
    """
    match = _TRAINING_JOB.fullmatch(name)
    return None if match is None else TrainingJobName(match["job"], int(match["number"]))


def model(study: str, version: int) -> str:
    """Build the name of a model and of its endpoint config.

    >>> model("churn-xgb-k3v7qa", 1)
    'tw-churn-xgb-k3v7qa-v1'
    """
    return f"{PREFIX}{study}-v{version}"


def parse_model(name: str) -> str | None:
    """Read the study from the name of a model or its endpoint config; None if it is none of ours.

    >>> parse_model("tw-churn-xgb-k3v7qa-v1"), parse_model("tw-churn-prod")
    ('churn-xgb-k3v7qa', None)
    """
    match = _MODEL.fullmatch(name)
    return None if match is None else match["study"]


def endpoint(alias: str) -> str:
    """Build the name of an endpoint from the name a study deploys to.

    >>> endpoint("churn-prod")
    'tw-churn-prod'
    """
    return f"{PREFIX}{alias}"


def is_endpoint_alias(text: str) -> bool:
    """Say whether a text may name what a study deploys to."""
    return len(text) <= ENDPOINT_NAME_MAX - len(PREFIX) and _SLUG.fullmatch(text) is not None


def tags(stack: str, study: str) -> dict[str, str]:
    """Build the tags by which everything of ours is known to be ours."""
    return {TAG_STACK: stack, TAG_STUDY: study}


def name_in_arn(arn: str) -> str | None:
    """Read the resource's name from an ARN; None if the text is no ARN.

    >>> name_in_arn("arn:aws:sagemaker:us-east-1:123456789012:hyper-parameter-tuning-job/tw-a")
    'tw-a'
    """
    match = _ARN.fullmatch(arn)
    return None if match is None else match["name"]
