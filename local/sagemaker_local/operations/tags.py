"""The operations on tags, which any resource may have."""

from collections.abc import Mapping
from typing import Any

from sagemaker_local import hosted, registry, training_jobs, tuning_jobs
from sagemaker_local.errors import validation
from sagemaker_local.operations.context import Context
from sagemaker_local.store import Document
from sagemaker_local.values import tag_map

Request = Mapping[str, Any]
MOST_TAGS = 50
_KINDS = frozenset(
    {
        tuning_jobs.KIND,
        training_jobs.KIND,
        hosted.MODEL,
        hosted.CONFIG,
        hosted.ENDPOINT,
        registry.GROUP,
        registry.PACKAGE,
    }
)


def add(context: Context, request: Request) -> dict[str, Any]:
    """Add tags, replacing those of the same keys."""
    kind, name = _resource(context, request)
    added = tag_map(request["Tags"])

    def change(document: Document) -> Document:
        both = tag_map(document["_tags"]) | added
        if len(both) > MOST_TAGS:
            raise validation(f"A resource can have at most {MOST_TAGS} tags.")
        return {**document, "_tags": [{"Key": k, "Value": v} for k, v in both.items()]}

    changed = context.store.update(kind, name, change)
    return {"Tags": changed["_tags"] if changed is not None else []}


def list_tags(context: Context, request: Request) -> dict[str, Any]:
    """Tell the tags of a resource."""
    kind, name = _resource(context, request)
    document = context.store.get(kind, name)
    return {"Tags": document["_tags"] if document is not None else []}


def delete(context: Context, request: Request) -> dict[str, Any]:
    """Remove tags by their keys; those that are not there are ignored."""
    kind, name = _resource(context, request)
    keys = set(request["TagKeys"])

    def change(document: Document) -> Document:
        return {**document, "_tags": [t for t in document["_tags"] if t["Key"] not in keys]}

    context.store.update(kind, name, change)
    return {}


def _resource(context: Context, request: Request) -> tuple[str, str]:
    arn = request["ResourceArn"]
    kind, _, name = arn.rpartition(":")[2].partition("/")
    known = kind in _KINDS and context.settings.arn(kind, name) == arn
    if not known or context.store.get(kind, name) is None:
        raise validation(f"Could not find the resource {arn}.")
    return kind, name
