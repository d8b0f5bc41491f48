"""The operations on model packages and their groups."""

from collections.abc import Mapping
from typing import Any

from sagemaker_local import events, registry
from sagemaker_local.errors import ApiError, validation
from sagemaker_local.operations.context import Context
from sagemaker_local.operations.listing import chosen, page
from sagemaker_local.store import AlreadyThere, Document

Request = Mapping[str, Any]
_GROUP = "ModelPackageGroupName"


def create_group(context: Context, request: Request) -> dict[str, Any]:
    """Begin a group, in which each package is a version."""
    document = registry.new_group(context.settings, request, context.parts.clock())
    try:
        context.store.insert(registry.GROUP, request[_GROUP], document)
    except AlreadyThere as error:
        arn = document["ModelPackageGroupArn"]
        raise validation(f"Model Package Group already exists: {arn}") from error
    return {"ModelPackageGroupArn": document["ModelPackageGroupArn"]}


def describe_group(context: Context, request: Request) -> Document:
    """Tell all of a group."""
    return _group(context, request[_GROUP])


def list_groups(context: Context, request: Request) -> dict[str, Any]:
    """Tell a little of each group."""
    items, following = page(
        request,
        chosen(request, context.store.seen(registry.GROUP), name=_GROUP),
        name=_GROUP,
        keys={"Name": lambda d: d[_GROUP], "CreationTime": lambda d: d["CreationTime"]},
        sort_by="CreationTime",
    )
    return {"ModelPackageGroupSummaryList": items, **following}


def delete_group(context: Context, request: Request) -> None:
    """Forget a group that holds no packages."""
    group = _group(context, request[_GROUP])
    name = group[_GROUP]
    if any(each.get(_GROUP) == name for each in context.store.all(registry.PACKAGE)):
        raise ApiError("ConflictException", f"The model package group {name} is not empty.")
    context.store.delete(registry.GROUP, name)


def create_package(context: Context, request: Request) -> dict[str, Any]:
    """Begin a package: the next version of a group, or one with a name of its own."""
    if ("ModelPackageName" in request) == (_GROUP in request):
        raise validation(
            "Either ModelPackageName or ModelPackageGroupName must be provided, not both."
        )
    if _GROUP in request and "Tags" in request:
        raise validation("A package of a group takes the group's tags; Tags must not be provided.")
    with context.store.transaction():
        token = request.get("ClientToken")
        for each in context.store.all(registry.PACKAGE):
            if token is not None and each.get("_token") == token:
                return {"ModelPackageArn": each["ModelPackageArn"]}
        document = (
            _next_version(context, request) if _GROUP in request else _named(context, request)
        )
        try:
            context.store.insert(registry.PACKAGE, document["_key"], document)
        except AlreadyThere as error:
            arn = document["ModelPackageArn"]
            raise ApiError("ConflictException", f"Model package already exists: {arn}") from error
    context.events.send(events.model_package_event(context.settings, document))
    return {"ModelPackageArn": document["ModelPackageArn"]}


def describe_package(context: Context, request: Request) -> Document:
    """Tell all of a package, by its ARN or its name."""
    return found(context, request["ModelPackageName"])


def list_packages(context: Context, request: Request) -> dict[str, Any]:
    """Tell a little of each package: by default those with names, else those of a group."""
    packages = list(context.store.seen(registry.PACKAGE))
    if _GROUP in request:
        group = _group(context, request[_GROUP])[_GROUP]
        packages = [each for each in packages if each.get(_GROUP) == group]
    else:
        wanted = request.get("ModelPackageType", "Unversioned")
        versions = {"Versioned": (True,), "Unversioned": (False,), "Both": (True, False)}[wanted]
        packages = [each for each in packages if (_GROUP in each) in versions]
    if "ModelApprovalStatus" in request:
        asked = request["ModelApprovalStatus"]
        packages = [each for each in packages if each.get("ModelApprovalStatus") == asked]
    items, following = page(
        request,
        chosen(request, packages, name="ModelPackageName"),
        name="ModelPackageArn",
        keys={"Name": lambda d: d["ModelPackageName"], "CreationTime": lambda d: d["CreationTime"]},
        sort_by="CreationTime",
    )
    return {"ModelPackageSummaryList": items, **following}


def update_package(context: Context, request: Request) -> dict[str, Any]:
    """Approve or reject a package, or change what may be changed of it."""
    now = context.parts.clock()
    key = found(context, request["ModelPackageArn"])["_key"]
    document = context.store.update(
        registry.PACKAGE, key, lambda package: registry.updated(package, request, now)
    )
    if document is None:
        raise _missing(request["ModelPackageArn"])
    context.events.send(events.model_package_event(context.settings, document))
    return {"ModelPackageArn": document["ModelPackageArn"]}


def delete_package(context: Context, request: Request) -> None:
    """Forget a package; its version is not given again."""
    context.store.delete(registry.PACKAGE, found(context, request["ModelPackageName"])["_key"])


def found(context: Context, name: str) -> Document:
    """The package of this ARN, or of this name.

    Raises:
        ApiError: there is none.
    """
    prefix = context.settings.arn(registry.PACKAGE, "")
    document = context.store.get(registry.PACKAGE, name.removeprefix(prefix))
    if document is None:
        raise _missing(name)
    return document


def _next_version(context: Context, request: Request) -> dict[str, Any]:
    name = _group(context, request[_GROUP])[_GROUP]
    group = context.store.update(
        registry.GROUP, name, lambda d: {**d, "_versions": d["_versions"] + 1}
    )
    if group is None:
        raise validation(f"Model Package Group {name} does not exist.")
    version, now = group["_versions"], context.parts.clock()
    return registry.new_package(
        context.settings, request, f"{name}/{version}", version, group["_tags"], now
    )


def _named(context: Context, request: Request) -> dict[str, Any]:
    return registry.new_package(
        context.settings,
        request,
        request["ModelPackageName"],
        None,
        request.get("Tags", []),
        context.parts.clock(),
    )


def _group(context: Context, name: str) -> Document:
    prefix = context.settings.arn(registry.GROUP, "")
    group = context.store.get(registry.GROUP, name.removeprefix(prefix))
    if group is None:
        raise validation(f"Model Package Group {name} does not exist.")
    return group


def _missing(name: str) -> ApiError:
    return validation(f"ModelPackage {name} does not exist.")
