"""Model packages and their groups as documents; pure, nothing is validated by running it."""

from collections.abc import Mapping
from typing import Any

from sagemaker_local.settings import Settings
from sagemaker_local.store import Document
from sagemaker_local.values import millis, without_none

PACKAGE = "model-package"
GROUP = "model-package-group"
_COPIED = (
    "ModelPackageDescription",
    "InferenceSpecification",
    "SourceAlgorithmSpecification",
    "ValidationSpecification",
    "ModelApprovalStatus",
    "MetadataProperties",
    "ModelMetrics",
    "Domain",
    "Task",
    "SamplePayloadUrl",
    "CustomerMetadataProperties",
    "DriftCheckBaselines",
    "AdditionalInferenceSpecifications",
    "SkipModelValidation",
    "SourceUri",
    "SecurityConfig",
    "ModelCard",
    "ModelLifeCycle",
    "ManagedStorageType",
    "ModelPackageRegistrationType",
)
_UPDATED = (
    "ModelApprovalStatus",
    "ApprovalDescription",
    "InferenceSpecification",
    "SourceUri",
    "ModelCard",
    "ModelLifeCycle",
    "ModelPackageRegistrationType",
)


def new_group(settings: Settings, request: Mapping[str, Any], now: float) -> dict[str, Any]:
    """Begin a group."""
    name = request["ModelPackageGroupName"]
    return without_none(
        {
            "ModelPackageGroupName": name,
            "ModelPackageGroupArn": settings.arn(GROUP, name.lower()),
            "ModelPackageGroupDescription": request.get("ModelPackageGroupDescription"),
            "ManagedConfiguration": request.get("ManagedConfiguration"),
            "CreationTime": millis(now),
            "CreatedBy": {},
            "ModelPackageGroupStatus": "Completed",
            "_tags": request.get("Tags", []),
            "_versions": 0,
        }
    )


def new_package(
    settings: Settings,
    request: Mapping[str, Any],
    name: str,
    version: int | None,
    tags: list[Any],
    now: float,
) -> dict[str, Any]:
    """Begin a package; `name` is its key: its own name, or its group's with the version."""
    group = None if version is None else name.partition("/")[0]
    approval = "PendingManualApproval" if group else None
    copied = {key: request[key] for key in _COPIED if key in request}
    return without_none(
        {
            "ModelApprovalStatus": approval,
            **copied,
            "ModelPackageName": group or name,
            "ModelPackageGroupName": group,
            "ModelPackageVersion": version,
            "ModelPackageArn": settings.arn(PACKAGE, name.lower()),
            "CreationTime": millis(now),
            "CreatedBy": {},
            # Nothing is run to validate a package, so it is complete at once.
            "ModelPackageStatus": "Completed",
            "ModelPackageStatusDetails": {"ValidationStatuses": [], "ImageScanStatuses": []},
            "CertifyForMarketplace": request.get("CertifyForMarketplace", False),
            "_key": name,
            "_token": request.get("ClientToken"),
            "_tags": tags,
        }
    )


def updated(package: Document, request: Mapping[str, Any], now: float) -> Document:
    """Change what an update may change."""
    removed = set(request.get("CustomerMetadataPropertiesToRemove", ()))
    properties = {
        **package.get("CustomerMetadataProperties", {}),
        **request.get("CustomerMetadataProperties", {}),
    }
    added = request.get("AdditionalInferenceSpecificationsToAdd", [])
    more = [*package.get("AdditionalInferenceSpecifications", []), *added]
    return without_none(
        {
            **package,
            **{key: request[key] for key in _UPDATED if key in request},
            "CustomerMetadataProperties": {
                key: value for key, value in properties.items() if key not in removed
            }
            or None,
            "AdditionalInferenceSpecifications": more or None,
            "LastModifiedTime": millis(now),
            "LastModifiedBy": {},
        }
    )


def container(package: Document) -> dict[str, Any] | None:
    """The container that a model of this package runs; None if the package does not say."""
    containers = package.get("InferenceSpecification", {}).get("Containers", ())
    if not containers:
        return None
    members = ("Image", "ModelDataUrl", "Environment")
    return {key: containers[0][key] for key in members if key in containers[0]}
