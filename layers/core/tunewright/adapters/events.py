"""Reads SageMaker's events: which study, which trial; everything else in them is a rumour.

Three sources disagree on their shapes, any member may be null or of another kind, and foreign
events come along. What cannot be read is not ours.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tunewright.domain import names


@dataclass(frozen=True, slots=True)
class TrialChanged:
    """A training job of one of our studies has changed; ended says whether it is over."""

    study_id: str
    training_job: str
    ended: bool


@dataclass(frozen=True, slots=True)
class RoundChanged:
    """A tuning job of one of our studies has changed; ended says whether it is over."""

    study_id: str
    ended: bool


@dataclass(frozen=True, slots=True)
class EndpointChanged:
    """An endpoint with our prefix has changed."""

    endpoint: str


Rumour = TrialChanged | RoundChanged | EndpointChanged

_OVER = frozenset({"Completed", "Failed", "Stopped"})


def read_event(event: object, *, stack: str) -> Rumour | None:
    """Read an event; None if it is not ours, or cannot be read."""
    if not isinstance(event, Mapping) or event.get("source") != "aws.sagemaker":
        return None
    detail = event.get("detail")
    if not isinstance(detail, Mapping) or _is_foreign(detail.get("Tags"), stack):
        return None
    match event.get("detail-type"):
        case "SageMaker Training Job State Change":
            return _trial(detail)
        case "SageMaker HyperParameter Tuning Job State Change":
            return _round(detail)
        case "SageMaker Endpoint State Change":
            endpoint = _text(detail, "EndpointName")
            return EndpointChanged(endpoint) if endpoint.startswith(names.PREFIX) else None
        case _:
            return None


def _trial(detail: Mapping[str, Any]) -> TrialChanged | None:
    name = _text(detail, "TrainingJobName")
    parts = names.parse_training_job(name)
    owner = names.parse_tuning_job(parts.tuning_job) if parts else None
    if owner is None:
        return None
    return TrialChanged(owner.study_id, name, _text(detail, "TrainingJobStatus") in _OVER)


def _round(detail: Mapping[str, Any]) -> RoundChanged | None:
    owner = names.parse_tuning_job(_text(detail, "HyperParameterTuningJobName"))
    if owner is None:
        return None
    return RoundChanged(owner.study_id, _text(detail, "HyperParameterTuningJobStatus") in _OVER)


def _text(detail: Mapping[str, Any], key: str) -> str:
    value = detail.get(key)
    return value if isinstance(value, str) else ""


def _is_foreign(tags: object, stack: str) -> bool:
    """Say whether tags name another stack; events without readable tags are judged by name."""
    if isinstance(tags, Mapping):
        owner = tags.get(names.TAG_STACK)
    elif isinstance(tags, list):
        pairs = [each for each in tags if isinstance(each, Mapping)]
        owner = next(
            (each.get("Value") for each in pairs if each.get("Key") == names.TAG_STACK), None
        )
    else:
        owner = None
    return owner is not None and owner != stack
