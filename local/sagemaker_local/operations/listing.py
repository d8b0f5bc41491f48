"""Filters, order and pages of the List operations; it does not know what it lists."""

import base64
import binascii
import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from sagemaker_local.errors import validation
from sagemaker_local.store import Document

Key = Callable[[Document], Any]
_PAGE = 10
_NOT_VALID = "The NextToken is not valid."
_FILTERS = {
    "CreationTimeAfter": ("CreationTime", 1),
    "CreationTimeBefore": ("CreationTime", -1),
    "LastModifiedTimeAfter": ("LastModifiedTime", 1),
    "LastModifiedTimeBefore": ("LastModifiedTime", -1),
}


def chosen(
    request: Mapping[str, Any],
    documents: Iterable[Document],
    *,
    name: str,
    status: str = "",
    from_then: bool = False,
) -> list[Document]:
    """Apply the filters that all lists share.

    What is after a moment is later; where AWS documents it so, `from_then`, it may be of it too.
    """
    found = list(documents)
    if "NameContains" in request:
        part = request["NameContains"].lower()
        found = [document for document in found if part in document[name].lower()]
    if status and "StatusEquals" in request:
        found = [d for d in found if d[status] == request["StatusEquals"]]
    for member, (attribute, sign) in _FILTERS.items():
        if member in request:
            limit, also = request[member], from_then and sign > 0
            found = [
                d
                for d in found
                if sign * (d[attribute] - limit) > 0 or (also and d[attribute] == limit)
            ]
    return found


def page(
    request: Mapping[str, Any],
    documents: Iterable[Document],
    *,
    name: str,
    keys: Mapping[str, Key],
    sort_by: str,
    order: str = "Ascending",
) -> tuple[list[Document], dict[str, str]]:
    """Cut one page out of the ordered list, and give the token of the next.

    A token names the last item of its page rather than a position: what is added or removed
    between two pages makes no item appear twice.
    """
    key = keys[request.get("SortBy", sort_by)]
    descending = request.get("SortOrder", order) == "Descending"

    def place(document: Document) -> tuple[Any, str]:
        return key(document), document[name]

    ordered = sorted(documents, key=place, reverse=descending)
    if "NextToken" in request:
        last = _opened(request["NextToken"])
        try:
            ordered = [d for d in ordered if (place(d) < last if descending else place(d) > last)]
        except TypeError as error:  # it is of a list in another order
            raise validation(_NOT_VALID) from error
    size = request.get("MaxResults", _PAGE)
    items = ordered[:size]
    if len(ordered) <= size:
        return items, {}
    return items, {"NextToken": _closed(place(items[-1]))}


def _closed(place: tuple[Any, str]) -> str:
    return base64.urlsafe_b64encode(json.dumps(place).encode()).decode()


def _opened(token: str) -> tuple[Any, str]:
    try:
        value, name = json.loads(base64.urlsafe_b64decode(token))
    except (ValueError, TypeError, binascii.Error) as error:
        raise validation(_NOT_VALID) from error
    return value, name
