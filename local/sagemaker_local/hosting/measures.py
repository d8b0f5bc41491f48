"""The metrics of a request under the names that CloudWatch has for endpoints."""

import time

from sagemaker_local.hosting.deployment import Wanted
from sagemaker_local.hosting.invocation import Invocation
from sagemaker_local.telemetry import Series, Telemetry
from sagemaker_local.telemetry.record import INVOCATIONS

COUNT, MICROSECONDS = "Count", "Microseconds"


def report(
    telemetry: Telemetry,
    endpoint: str,
    wanted: Wanted,
    answer: Invocation,
    *,
    model_seconds: float,
    overhead_seconds: float,
) -> None:
    """Tell of one request: that it came, how it was answered, and how long that took.

    It is told of the variant, and again of its fleet, which alarms of a deployment watch.
    """
    status = answer.original_status
    measured = (
        ("Invocations", 1.0, COUNT),
        ("InvocationsPerInstance", 1.0 / wanted.count, COUNT),
        ("Invocation4XXErrors", float(400 <= status < 500), COUNT),
        ("Invocation5XXErrors", float(status >= 500), COUNT),
        ("InvocationModelErrors", float(answer.error == "ModelError"), COUNT),
        ("ModelLatency", model_seconds * 1e6, MICROSECONDS),
        ("OverheadLatency", overhead_seconds * 1e6, MICROSECONDS),
    )
    at = time.time()
    variant = (("EndpointName", endpoint), ("VariantName", wanted.variant))
    fleet = (*variant, ("EndpointConfigName", wanted.config))
    for name, value, unit in measured:
        telemetry.value(Series(INVOCATIONS, name, variant, unit), value, at)
        if wanted.config:
            telemetry.value(Series(INVOCATIONS, name, fleet, unit), value, at)
