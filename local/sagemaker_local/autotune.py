"""What Autotune chooses where a request leaves the choice to it; AWS publishes no rule for that.

AWS's one example shows 2 to 8 for a hint of 4, so a number is searched from its half to its double.
What is chosen here is what a careful person might choose; it is not what AWS would.
"""

import re
from collections.abc import Mapping
from typing import Any

TRIALS = 20
RETRIES = 1
_INTEGER = re.compile(r"[+-]?\d+")
_SHARE = 1.0
"""A hint of at most 1 is taken for a share, which cannot pass 1."""


def enabled(request: Mapping[str, Any]) -> bool:
    """Whether a request asks for Autotune."""
    return bool(request.get("Autotune", {}).get("Mode") == "Enabled")


def chosen(request: Mapping[str, Any]) -> Mapping[str, Any]:
    """Fill in what Autotune chooses; without Autotune, the request as it is."""
    if not enabled(request):
        return request
    config = request["HyperParameterTuningJobConfig"]
    filled = {
        "TrainingJobEarlyStoppingType": "Auto",
        "TuningJobCompletionCriteria": {
            "ConvergenceDetected": {"CompleteOnConvergence": "Enabled"}
        },
        **config,
        "ResourceLimits": {"MaxNumberOfTrainingJobs": TRIALS, **config["ResourceLimits"]},
    }
    if "ParameterRanges" in config:
        filled["ParameterRanges"] = _ranges(config["ParameterRanges"])
    definition = request.get("TrainingJobDefinition")
    whole = {**request, "HyperParameterTuningJobConfig": filled}
    if definition is not None:
        retried = {"RetryStrategy": {"MaximumRetryAttempts": RETRIES}, **definition}
        whole["TrainingJobDefinition"] = retried
    return whole


def _ranges(given: Mapping[str, Any]) -> dict[str, Any]:
    """Add a range for each hint; the hints stay, as Describe shows them too."""
    ranges: dict[str, Any] = {
        **given,
        "IntegerParameterRanges": [*given.get("IntegerParameterRanges", ())],
        "ContinuousParameterRanges": [*given.get("ContinuousParameterRanges", ())],
        "CategoricalParameterRanges": [*given.get("CategoricalParameterRanges", ())],
    }
    for hint in given.get("AutoParameters", ()):
        kind, limits = around(hint["ValueHint"])
        ranges[f"{kind}ParameterRanges"].append({"Name": hint["Name"], **limits})
    return ranges


def around(hint: str) -> tuple[str, dict[str, Any]]:
    """The kind of a range around a hint, and its limits.

    >>> around("4")
    ('Integer', {'MinValue': '2', 'MaxValue': '8', 'ScalingType': 'Auto'})
    >>> around("0.6")
    ('Continuous', {'MinValue': '0.3', 'MaxValue': '1.0', 'ScalingType': 'Auto'})
    >>> around("binary:logistic")
    ('Categorical', {'Values': ['binary:logistic']})
    """
    if _INTEGER.fullmatch(hint):
        number = int(hint)
        low, high = sorted((number // 2, number * 2))
        return "Integer", _limits(low, max(high, low + 1))
    try:
        value = float(hint)
    except ValueError:
        return "Categorical", {"Values": [hint]}
    low_value, high_value = sorted((value / 2, value * 2))
    if 0 < value <= _SHARE:
        high_value = min(high_value, _SHARE)
    if not low_value < high_value:
        high_value = low_value + 1.0
    return "Continuous", _limits(low_value, high_value)


def _limits(low: float, high: float) -> dict[str, str]:
    return {"MinValue": str(low), "MaxValue": str(high), "ScalingType": "Auto"}
