"""Models, endpoint configurations and endpoints as documents; pure, nothing is served here."""

from collections.abc import Mapping, Sequence
from typing import Any

from sagemaker_local.rollout import Phase
from sagemaker_local.settings import Settings
from sagemaker_local.store import Document
from sagemaker_local.values import millis, without_none

MODEL = "model"
CONFIG = "endpoint-config"
ENDPOINT = "endpoint"
REASON_LENGTH = 1024


def new_endpoint(
    settings: Settings,
    request: Mapping[str, Any],
    config: Document,
    now: float,
    *,
    serving: Mapping[str, Any],
) -> dict[str, Any]:
    """Begin an endpoint that is to serve so."""
    name, at = request["EndpointName"], millis(now)
    return {
        "EndpointName": name,
        "EndpointArn": settings.arn(ENDPOINT, name.lower()),
        "EndpointConfigName": request["EndpointConfigName"],
        "EndpointStatus": "Creating",
        "CreationTime": at,
        "LastModifiedTime": at,
        "_variants": variants(config),
        "_serving": serving,
        "_generation": 1,
        "_tags": request.get("Tags", []),
    }


def updating(
    endpoint: Document,
    config: Document,
    now: float,
    *,
    serving: Mapping[str, Any],
    deployment: Mapping[str, Any] | None = None,
    retained: frozenset[str] = frozenset(),
) -> Document:
    """Begin to replace what an endpoint serves; until that is healthy the old one is shown.

    Args:
        endpoint: As it is.
        config: What it is to have.
        now: Seconds since 1970.
        serving: How it is to serve.
        deployment: How it is replaced; None for all at once.
        retained: What the variants keep: ``DesiredInstanceCount``, ``DesiredWeight``.
    """
    coming = variants(config)
    current = endpoint["_variants"][0]
    for name in retained & current.keys() & coming[0].keys():
        coming[0] |= {name: current[name], name.replace("Desired", "Current"): current[name]}
    return without_none(
        {
            **endpoint,
            "EndpointStatus": "Updating",
            "FailureReason": None,
            "LastModifiedTime": millis(now),
            "_next_config": config["EndpointConfigName"],
            "_next_variants": coming,
            "_next_serving": serving,
            "_generation": endpoint["_generation"] + 1,
            "_rollout": {"began": millis(now), "deployment": deployment},
        }
    )


def resizing(endpoint: Document, asked: Mapping[str, Any], now: float) -> Document:
    """Begin to have another weight or another number of instances."""
    variant = dict(endpoint["_variants"][0])
    for name in ("DesiredWeight", "DesiredInstanceCount"):
        if name in asked:
            variant[name] = asked[name]
    if variant.get("DesiredInstanceCount") != variant.get("CurrentInstanceCount"):
        count = variant["DesiredInstanceCount"]
        text = f"Scaling out desired instance count to {count}."
        if count < variant["CurrentInstanceCount"]:
            text = f"Scaling in desired instance count to {count}."
        status = {"Status": "Updating", "StatusMessage": text, "StartTime": millis(now)}
        variant["VariantStatus"] = [status]
    return {
        **endpoint,
        "EndpointStatus": "Updating",
        "LastModifiedTime": millis(now),
        "_variants": [variant],
        "_generation": endpoint["_generation"] + 1,
    }


def resized(endpoint: Document, generation: int, reason: str | None, now: float) -> Document:
    """Have what was desired, or, if that could not be, desire what there is."""
    if endpoint["_generation"] != generation or endpoint["EndpointStatus"] != "Updating":
        return endpoint
    variant = {k: v for k, v in endpoint["_variants"][0].items() if k != "VariantStatus"}
    for name in ("Weight", "InstanceCount"):
        desired, current = f"Desired{name}", f"Current{name}"
        source, target = (desired, current) if reason is None else (current, desired)
        if source in variant:
            variant[target] = variant[source]
    return without_none(
        {
            **endpoint,
            "EndpointStatus": "InService",
            "FailureReason": reason,
            "LastModifiedTime": millis(now),
            "_variants": [variant],
        }
    )


def deleting(endpoint: Document, now: float) -> Document:
    """Begin to delete."""
    at = millis(now)
    generation = endpoint["_generation"] + 1
    return {
        **endpoint,
        "EndpointStatus": "Deleting",
        "LastModifiedTime": at,
        "_generation": generation,
    }


def in_phase(
    endpoint: Document, number: int, phase: Phase, now: float, *, reached: bool
) -> Document:
    """Enter a phase of a deployment; its time begins where it waits for no fleet."""
    at = millis(now)
    status = {"Status": phase.status, "StatusMessage": phase.message, "StartTime": at}
    coming, current = dict(endpoint["_next_variants"][0]), dict(endpoint["_variants"][0])
    if "CurrentInstanceCount" in coming:
        coming["CurrentInstanceCount"] = phase.new
        current["CurrentInstanceCount"] = phase.old
    coming["VariantStatus"] = [status]
    rollout = {**endpoint["_rollout"], "phase": number, "since": at, "reached": reached}
    return {
        **endpoint,
        "LastModifiedTime": at,
        "_next_variants": [coming],
        "_variants": [current],
        "_rollout": rollout,
    }


def reached(endpoint: Document, now: float) -> Document:
    """Have the fleets of a phase, whose time begins."""
    rollout = {**endpoint["_rollout"], "reached": True, "since": millis(now)}
    return {**endpoint, "_rollout": rollout}


def rolling_back(endpoint: Document, reason: str, now: float) -> Document:
    """Begin to return to the old fleet."""
    variant = endpoint["_variants"][0]
    if "DesiredInstanceCount" in variant:
        variant = {**variant, "CurrentInstanceCount": variant["DesiredInstanceCount"]}
    return without_none(
        {
            **endpoint,
            "EndpointStatus": "RollingBack",
            "FailureReason": reason[:REASON_LENGTH],
            "LastModifiedTime": millis(now),
            "_variants": [variant],
            "_next_config": None,
            "_next_variants": None,
            "_next_serving": None,
            "_rollout": None,
        }
    )


def rolled_back(endpoint: Document, reason: str | None, now: float) -> Document:
    """Serve as before, or not at all if the old fleet has died."""
    why = endpoint.get("FailureReason")
    return without_none(
        {
            **endpoint,
            "EndpointStatus": "InService" if reason is None else "UpdateRollbackFailed",
            "FailureReason": why if reason is None else f"{why}; {reason}"[:REASON_LENGTH],
            "LastModifiedTime": millis(now),
        }
    )


def told(
    endpoint: Document, generation: int, status: str, reason: str | None, now: float
) -> Document:
    """Note what the host says of a fleet that is to serve alone; of an older one, nothing."""
    healthy = status == "InService"
    if endpoint["_generation"] != generation:
        return endpoint
    if endpoint["EndpointStatus"] == "RollingBack":  # after a restart
        return rolled_back(endpoint, reason, now)
    if endpoint["EndpointStatus"] != "Creating" and (
        healthy or endpoint["EndpointStatus"] != "InService"
    ):
        return endpoint
    return without_none(
        {
            **endpoint,
            "EndpointStatus": "InService" if healthy else "Failed",
            "FailureReason": None if healthy else reason,
            "LastModifiedTime": millis(now),
        }
    )


def deployed(endpoint: Document, now: float) -> Document:
    """End an update: the new configuration is the current one."""
    coming = {k: v for k, v in endpoint["_next_variants"][0].items() if k != "VariantStatus"}
    return without_none(
        {
            **endpoint,
            "EndpointConfigName": endpoint["_next_config"],
            "EndpointStatus": "InService",
            "FailureReason": None,
            "LastModifiedTime": millis(now),
            "LastDeploymentConfig": endpoint["_rollout"]["deployment"]
            or endpoint.get("LastDeploymentConfig"),
            "_variants": [coming],
            "_serving": endpoint["_next_serving"],
            "_next_config": None,
            "_next_variants": None,
            "_next_serving": None,
            "_rollout": None,
        }
    )


def summary(endpoint: Document) -> dict[str, Any] | None:
    """The deployment that is under way, as Describe and events show it."""
    if "_next_config" not in endpoint:
        return None
    return {
        "EndpointConfigName": endpoint["_next_config"],
        "ProductionVariants": endpoint["_next_variants"],
        "StartTime": endpoint["_rollout"]["began"],
    }


def variants(config: Document) -> list[dict[str, Any]]:
    """Production variants as DescribeEndpoint shows them."""
    found = []
    for variant in config["ProductionVariants"]:
        weight = variant.get("InitialVariantWeight", 1.0)
        count = variant.get("InitialInstanceCount")
        serverless = variant.get("ServerlessConfig")
        shown = {
            "VariantName": variant["VariantName"],
            "CurrentWeight": weight,
            "DesiredWeight": weight,
            "CurrentInstanceCount": 0 if serverless else count,
            "DesiredInstanceCount": 0 if serverless else count,
            "CurrentServerlessConfig": serverless,
            "DesiredServerlessConfig": serverless,
        }
        found.append(without_none(shown))
    return found


def described(endpoint: Document) -> dict[str, Any]:
    """An endpoint as Describe answers it."""
    if endpoint["EndpointStatus"] in {"Creating", "Failed"}:
        return dict(endpoint)
    shown = {**endpoint, "ProductionVariants": endpoint["_variants"]}
    return without_none({**shown, "PendingDeploymentSummary": summary(endpoint)})


def serving(config: Document, model: Document) -> dict[str, Any]:
    """What the host has to know; an endpoint keeps it, for model and configuration may be deleted.

    As on AWS, that leaves the endpoint alone.
    """
    variant = config["ProductionVariants"][0]
    serverless = variant.get("ServerlessConfig")
    return {
        "variant": variant["VariantName"],
        "container": container(model),
        "config": config["EndpointConfigName"],
        "concurrency": serverless["MaxConcurrency"] if serverless else None,
    }


def container(model: Document) -> dict[str, Any]:
    """The one container of a model, or of the model package that it is of."""
    containers: Sequence[Mapping[str, Any]] = model.get("Containers", ())
    return dict(model.get("_container") or model.get("PrimaryContainer") or containers[0])
