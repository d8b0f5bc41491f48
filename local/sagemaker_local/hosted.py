"""Models, endpoint configurations and endpoints as documents; pure, nothing is served here."""

from collections.abc import Mapping, Sequence
from typing import Any

from sagemaker_local.settings import Settings
from sagemaker_local.store import Document
from sagemaker_local.values import millis, without_none

MODEL = "model"
CONFIG = "endpoint-config"
ENDPOINT = "endpoint"


def new_endpoint(
    settings: Settings, request: Mapping[str, Any], config: Document, now: float
) -> dict[str, Any]:
    """Begin an endpoint."""
    name, at = request["EndpointName"], millis(now)
    return {
        "EndpointName": name,
        "EndpointArn": settings.arn(ENDPOINT, name.lower()),
        "EndpointConfigName": request["EndpointConfigName"],
        "EndpointStatus": "Creating",
        "CreationTime": at,
        "LastModifiedTime": at,
        "_variants": variants(config),
        "_generation": 1,
        "_tags": request.get("Tags", []),
    }


def updating(endpoint: Document, config: Document, now: float) -> Document:
    """Begin to replace what an endpoint serves; until that is healthy the old one is shown."""
    return without_none(
        {
            **endpoint,
            "EndpointStatus": "Updating",
            "FailureReason": None,
            "LastModifiedTime": millis(now),
            "_next_config": config["EndpointConfigName"],
            "_next_variants": variants(config),
            "_generation": endpoint["_generation"] + 1,
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


def told(
    endpoint: Document, generation: int, status: str, reason: str | None, now: float
) -> Document:
    """Note what the host says of a generation; of an older one it has nothing to say any more."""
    if endpoint["_generation"] != generation:
        return endpoint
    was, healthy = endpoint["EndpointStatus"], status == "InService"
    if was == "InService" and healthy:
        return endpoint  # after a restart
    if was == "Updating" and healthy:
        endpoint = with_next_config(endpoint, now)
    failed_update = was == "Updating" and not healthy
    return without_none(
        {
            **endpoint,
            # A failed update leaves the old model serving, and says why it failed
            "EndpointStatus": "InService" if healthy or failed_update else "Failed",
            "FailureReason": None if healthy else reason,
            "LastModifiedTime": millis(now),
            "_next_config": None,
            "_next_variants": None,
        }
    )


def with_next_config(endpoint: Document, now: float) -> Document:
    """Let the configuration of an update be the current one."""
    if "_next_config" not in endpoint:
        return endpoint
    return without_none(
        {
            **endpoint,
            "EndpointConfigName": endpoint["_next_config"],
            "_variants": endpoint["_next_variants"],
            "LastModifiedTime": millis(now),
            "_next_config": None,
            "_next_variants": None,
        }
    )


def wanted_config(endpoint: Document) -> str:
    """The configuration that an endpoint has, or is to have."""
    name: str = endpoint.get("_next_config", endpoint["EndpointConfigName"])
    return name


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
    return {**endpoint, "ProductionVariants": endpoint["_variants"]}


def container(model: Document) -> dict[str, Any]:
    """The one container of a model, or of the model package that it is of."""
    containers: Sequence[Mapping[str, Any]] = model.get("Containers", ())
    return dict(model.get("_container") or model.get("PrimaryContainer") or containers[0])
