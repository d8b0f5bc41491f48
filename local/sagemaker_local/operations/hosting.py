"""The operations on models, endpoint configurations and endpoints."""

from collections.abc import Mapping, Sequence
from typing import Any

from sagemaker_local import events, hosted, registry, rollout
from sagemaker_local.errors import ApiError, validation
from sagemaker_local.objects import ObjectStoreError
from sagemaker_local.operations.context import Context
from sagemaker_local.operations.listing import chosen, page
from sagemaker_local.operations.registry import found as found_package
from sagemaker_local.store import AlreadyThere, Document
from sagemaker_local.values import millis

Request = Mapping[str, Any]
_MEMORY = (1024, 2048, 3072, 4096, 5120, 6144)
_WORDS = {
    hosted.MODEL: "model",
    hosted.CONFIG: "endpoint configuration",
    hosted.ENDPOINT: "endpoint",
}


def create_model(context: Context, request: Request) -> dict[str, Any]:
    """Note which container a model is, and where its data are."""
    containers = request.get("Containers", [])
    if ("PrimaryContainer" in request) == bool(containers):
        raise validation("Either PrimaryContainer or Containers must be provided, not both.")
    only = request.get("PrimaryContainer") or containers[0]
    if "ModelPackageName" in only:
        packaged = registry.container(found_package(context, only["ModelPackageName"])) or {}
        only = {**packaged, **only}
        request = {**request, "_container": only}
    if len(containers) > 1 or "Image" not in only:
        raise validation("This emulator serves models of one container that has an Image.")
    url = only.get("ModelDataUrl")
    if url is not None and not _has_object(context, url):
        raise validation(f"Could not find model data at {url}.")
    return {"ModelArn": _added(context, hosted.MODEL, "Model", request)}


def create_config(context: Context, request: Request) -> dict[str, Any]:
    """Note which model is to be served, and how."""
    variants = request["ProductionVariants"]
    if len(variants) > 1 or "ShadowProductionVariants" in request:
        raise validation("This emulator serves endpoints of one production variant.")
    variant = variants[0]
    if "ModelName" not in variant:
        raise validation("This emulator serves variants that have a ModelName.")
    model = _found(context, hosted.MODEL, variant["ModelName"])
    on_instances = "InstanceType" in variant and "InitialInstanceCount" in variant
    if ("ServerlessConfig" in variant) == on_instances:
        raise validation(
            "A production variant must have either ServerlessConfig, or InstanceType and "
            "InitialInstanceCount."
        )
    if "ServerlessConfig" in variant:
        _check_serverless(request, variant["ServerlessConfig"], model)
    return {"EndpointConfigArn": _added(context, hosted.CONFIG, "EndpointConfig", request)}


def _check_serverless(request: Request, serverless: Mapping[str, Any], model: Document) -> None:
    memory = serverless["MemorySizeInMB"]
    if memory not in _MEMORY:
        known = ", ".join(map(str, _MEMORY))
        raise validation(f"MemorySizeInMB must be one of {known}, not {memory}.")
    provisioned = serverless.get("ProvisionedConcurrency", 1)
    if provisioned > serverless["MaxConcurrency"]:
        raise validation("ProvisionedConcurrency must not be larger than MaxConcurrency.")
    for member in ("DataCaptureConfig", "VpcConfig", "EnableNetworkIsolation"):
        if request.get(member) or model.get(member):
            raise validation(f"A serverless endpoint cannot have {member}.")
    if "ModelDataSource" in hosted.container(model):
        raise validation("A serverless endpoint cannot have a model with ModelDataSource.")


def create_endpoint(context: Context, request: Request) -> dict[str, Any]:
    """Accept an endpoint, and have it started."""
    name = request["EndpointName"]
    config = _found(context, hosted.CONFIG, request["EndpointConfigName"])
    document = hosted.new_endpoint(
        context.settings,
        request,
        config,
        context.parts.clock(),
        serving=_serving(context, config),
    )
    _insert(context, hosted.ENDPOINT, name, document, document["EndpointArn"])
    _changed(context, document)
    return {"EndpointArn": document["EndpointArn"]}


def update_endpoint(context: Context, request: Request) -> dict[str, Any]:
    """Have an endpoint serve by another configuration."""
    name = request["EndpointName"]
    _found(context, hosted.ENDPOINT, name)
    config = _found(context, hosted.CONFIG, request["EndpointConfigName"])
    serving = _serving(context, config)
    now = context.parts.clock()

    def change(endpoint: Document) -> Document:
        _settled(endpoint)
        _alive(endpoint)
        if endpoint["EndpointConfigName"] == config["EndpointConfigName"]:
            raise validation("Cannot update endpoint to the configuration that it already has.")
        return _updating(endpoint, config, serving, request, now)

    document = context.store.update(hosted.ENDPOINT, name, change)
    if document is None:
        raise _missing(context, hosted.ENDPOINT, name)
    _changed(context, document)
    return {"EndpointArn": document["EndpointArn"]}


def _serving(context: Context, config: Document) -> dict[str, Any]:
    model = _found(context, hosted.MODEL, config["ProductionVariants"][0]["ModelName"])
    return hosted.serving(config, model)


def _updating(
    endpoint: Document, config: Document, serving: Mapping[str, Any], request: Request, now: float
) -> Document:
    """Hold an update to the rules of deployments, and begin it."""
    wanted, variant = hosted.variants(config)[0], endpoint["_variants"][0]
    if ("DesiredServerlessConfig" in wanted) != ("DesiredServerlessConfig" in variant):
        raise validation(
            "Cannot update an endpoint between instances and serverless; create another endpoint."
        )
    retained = frozenset[str]()
    excluded = {one["VariantPropertyType"] for one in _excluded(request)}
    if request.get("RetainAllVariantProperties"):
        retained = frozenset({"DesiredInstanceCount", "DesiredWeight"}) - excluded
    elif excluded:
        raise validation("ExcludeRetainedVariantProperties needs RetainAllVariantProperties.")
    deployment = request.get("DeploymentConfig")
    if deployment is None and request.get("RetainDeploymentConfig"):
        deployment = endpoint.get("LastDeploymentConfig")
    started = hosted.updating(
        endpoint, config, now, serving=serving, deployment=deployment, retained=retained
    )
    if deployment is not None:
        old, new = (
            variants[0].get("DesiredInstanceCount") or 1
            for variants in (started["_variants"], started["_next_variants"])
        )
        rollout.check(deployment, old=old, new=new)
    return started


def _excluded(request: Request) -> Sequence[Mapping[str, str]]:
    found: Sequence[Mapping[str, str]] = request.get("ExcludeRetainedVariantProperties", ())
    return found


def update_weights(context: Context, request: Request) -> dict[str, Any]:
    """Have an endpoint serve with another weight, or by another number of instances."""
    name = request["EndpointName"]
    _found(context, hosted.ENDPOINT, name)
    now = context.parts.clock()
    wishes = request["DesiredWeightsAndCapacities"]

    def change(endpoint: Document) -> Document:
        _settled(endpoint)
        _alive(endpoint)
        variant = endpoint["_variants"][0]
        for wish in wishes:
            if wish["VariantName"] != variant["VariantName"]:
                text = f'Could not find variant "{wish["VariantName"]}" of endpoint "{name}".'
                raise validation(text)
        if len(wishes) > 1:
            raise validation(f'Variant "{variant["VariantName"]}" must be given once.')
        if "DesiredServerlessConfig" in variant and "DesiredInstanceCount" in wishes[0]:
            raise validation("A serverless variant has no DesiredInstanceCount.")
        if "ServerlessUpdateConfig" in wishes[0]:
            raise validation(
                "This emulator does not update concurrency in place; use UpdateEndpoint."
            )
        if wishes[0].get("DesiredInstanceCount", 1) < 1:
            raise validation("DesiredInstanceCount must be at least 1.")
        return hosted.resizing(endpoint, wishes[0], now)

    document = context.store.update(hosted.ENDPOINT, name, change)
    if document is None:
        raise _missing(context, hosted.ENDPOINT, name)
    _changed(context, document)
    return {"EndpointArn": document["EndpointArn"]}


def delete_endpoint(context: Context, request: Request) -> None:
    """Have an endpoint deleted."""
    name = request["EndpointName"]
    _found(context, hosted.ENDPOINT, name)
    now = context.parts.clock()

    def change(endpoint: Document) -> Document:
        _settled(endpoint)
        return hosted.deleting(endpoint, now)

    document = context.store.update(hosted.ENDPOINT, name, change)
    if document is not None:
        _changed(context, document)


def describe_model(context: Context, request: Request) -> Document:
    """Tell all of a model."""
    return _found(context, hosted.MODEL, request["ModelName"])


def describe_config(context: Context, request: Request) -> Document:
    """Tell all of an endpoint configuration."""
    return _found(context, hosted.CONFIG, request["EndpointConfigName"])


def describe_endpoint(context: Context, request: Request) -> Document:
    """Tell all of an endpoint."""
    return hosted.described(_found(context, hosted.ENDPOINT, request["EndpointName"]))


def delete_model(context: Context, request: Request) -> None:
    """Forget a model."""
    _delete(context, hosted.MODEL, request["ModelName"])


def delete_config(context: Context, request: Request) -> None:
    """Forget an endpoint configuration."""
    _delete(context, hosted.CONFIG, request["EndpointConfigName"])


def list_models(context: Context, request: Request) -> dict[str, Any]:
    """Tell a little of each model."""
    return _listed(context, request, hosted.MODEL, "ModelName", "Models")


def list_configs(context: Context, request: Request) -> dict[str, Any]:
    """Tell a little of each endpoint configuration."""
    return _listed(context, request, hosted.CONFIG, "EndpointConfigName", "EndpointConfigs")


def list_endpoints(context: Context, request: Request) -> dict[str, Any]:
    """Tell a little of each endpoint."""
    return _listed(context, request, hosted.ENDPOINT, "EndpointName", "Endpoints")


def _listed(
    context: Context, request: Request, kind: str, name: str, member: str
) -> dict[str, Any]:
    found = chosen(
        request, context.store.seen(kind), name=name, status="EndpointStatus", from_then=True
    )
    keys = {"Name": lambda d: d[name], "CreationTime": lambda d: d["CreationTime"]}
    if kind == hosted.ENDPOINT:
        keys["Status"] = lambda d: d["EndpointStatus"]
    items, following = page(
        request, found, name=name, keys=keys, sort_by="CreationTime", order="Descending"
    )
    return {member: items, **following}


def _added(context: Context, kind: str, prefix: str, request: Request) -> str:
    name = request[f"{prefix}Name"]
    arn = context.settings.arn(kind, name.lower())
    document = {key: value for key, value in request.items() if key != "Tags"}
    document |= {
        f"{prefix}Arn": arn,
        "CreationTime": millis(context.parts.clock()),
        "EnableNetworkIsolation": request.get("EnableNetworkIsolation", False),
        "_tags": request.get("Tags", []),
    }
    _insert(context, kind, name, document, arn)
    return arn


def _insert(context: Context, kind: str, name: str, document: Document, arn: str) -> None:
    try:
        context.store.insert(kind, name, document)
    except AlreadyThere as error:
        raise validation(f'Cannot create already existing {_WORDS[kind]} "{arn}".') from error


def _found(context: Context, kind: str, name: str) -> Document:
    document = context.store.get(kind, name)
    if document is None:
        raise _missing(context, kind, name)
    return document


def _missing(context: Context, kind: str, name: str) -> ApiError:
    arn = context.settings.arn(kind, name.lower())
    return validation(f'Could not find {_WORDS[kind]} "{arn}".')


def _delete(context: Context, kind: str, name: str) -> None:
    _found(context, kind, name)
    context.store.delete(kind, name)


def _alive(endpoint: Document) -> None:
    if endpoint["EndpointStatus"] in {"Failed", "UpdateRollbackFailed"}:
        raise validation(f'Cannot update failed endpoint "{endpoint["EndpointArn"]}".')


def _settled(endpoint: Document) -> None:
    if endpoint["EndpointStatus"] in {"Creating", "Updating", "RollingBack", "Deleting"}:
        raise validation(f'Cannot update in-progress endpoint "{endpoint["EndpointArn"]}".')


def _changed(context: Context, endpoint: Document) -> None:
    context.events.send(events.endpoint_event(context.settings, endpoint))
    context.engine.endpoint_changed(endpoint["EndpointName"])


def _has_object(context: Context, url: str) -> bool:
    try:
        return context.parts.objects.exists(url)
    except ObjectStoreError:
        return False
