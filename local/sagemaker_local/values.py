"""Numbers and names as SageMaker writes them; pure functions."""

import hashlib
import math
import struct
from collections.abc import Mapping, Sequence
from typing import Any

TUNING_METRIC = "_tuning_objective_metric"
OBJECTIVE_METRIC = "ObjectiveMetric"


def float32(value: float) -> float:
    """Widen a metric value from single precision, as every answer of SageMaker has it.

    >>> float32(0.1)
    0.10000000149011612
    """
    try:
        return float(struct.unpack("f", struct.pack("f", value))[0])
    except OverflowError:
        return math.copysign(math.inf, value)


def millis(moment: float) -> float:
    """Cut a moment to milliseconds."""
    return round(moment, 3)


def trial_name(job: str, number: int, salt: int = 0) -> str:
    """Name a trial; the same trial of the same job always has the same name.

    >>> trial_name("search", 7)
    'search-007-ea0d7e13'
    """
    text = f"{job}/{number}" + (f"/{salt}" if salt else "")
    return f"{job}-{number:03d}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def seed_of(name: str) -> int:
    """A seed for a job that has none, the same for the same name."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big")


def tag_map(tags: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """Tags as events carry them."""
    return {tag["Key"]: tag["Value"] for tag in tags}


def without_none(document: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out what has no value."""
    return {key: value for key, value in document.items() if value is not None}
