"""Notes what changed in tables, queues and calls, as it is after the change, and applies it again.

What is noted is the outcome, not the request: applying it needs no condition, no order of
receipts and no clock, and applying it twice is applying it once.
"""

import json
import sys
from collections.abc import Callable, Iterator
from typing import Any

from embedded_aws.state import dumps, loads

_DYNAMODB = "ministack.services.dynamodb"
_SQS = "ministack.services.sqs"
_WRITES = {"PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem", "TransactWriteItems"}


class Changes:
    """What changed since it was last noted."""

    def __init__(self, note: Callable[[bytes], None]) -> None:
        """Take what keeps a noted change."""
        self._note = note
        self._known: dict[Any, dict[str, None]] = {}

    def note_items(self, operation: str, body: bytes) -> bool:
        """Note the items that a DynamoDB request wrote, as they are now; False if it writes none.

        What one request wrote is one change: a transaction is there whole or not at all.
        """
        if operation not in _WRITES:
            return False
        tables: dict[Any, list[Any]] = {}
        for table, attributes in _written(operation, json.loads(body)):
            for scope, held in _tables_named(table):
                pk, sk = _keys(held, attributes)
                item = held["items"].get(pk, {}).get(sk)
                tables.setdefault(scope, []).append([pk, sk, item])
        if tables:
            self._note(dumps({"items": [[*scope, rows] for scope, rows in tables.items()]}))
        return True

    def note_queues(self) -> None:
        """Note which messages came to each queue and which went, whoever brought or took them."""
        sqs = sys.modules.get(_SQS)
        if sqs is None:
            return
        for scope, queue in list(sqs._queues.all_items()):  # noqa: SLF001
            messages = list(queue["messages"])
            known = self._known.get(scope, {})
            ids = {message["id"]: None for message in messages}
            came = [message for message in messages if message["id"] not in known]
            went = [each for each in known if each not in ids]
            self._known[scope] = ids
            if came or went:
                self._note(dumps({"queue": [*scope, came, went]}))

    def begin(self) -> None:
        """Take everything that is there now as known: a snapshot holds it."""
        sqs = sys.modules.get(_SQS)
        self._known = {}
        if sqs is not None:
            for scope, queue in list(sqs._queues.all_items()):  # noqa: SLF001
                self._known[scope] = {message["id"]: None for message in list(queue["messages"])}


def apply(line: bytes) -> None:
    """Make a noted change again."""
    change = loads(line)
    for account, region, name, rows in change.get("items", ()):
        dynamodb = sys.modules[_DYNAMODB]
        table = dynamodb._tables.get_scoped(account, region, name)  # noqa: SLF001
        if table is None:
            continue  # it was deleted, or is made by what deploys next
        for pk, sk, item in rows:
            if item is None:
                dynamodb._remove_item(table, pk, sk)  # noqa: SLF001
            else:
                dynamodb._set_item(table, pk, sk, item)  # noqa: SLF001
    if "queue" in change:
        account, region, url, came, went = change["queue"]
        queue = sys.modules[_SQS]._queues.get_scoped(account, region, url)  # noqa: SLF001
        if queue is not None:
            there = {message["id"] for message in queue["messages"]}
            gone = set(went)
            queue["messages"] += [message for message in came if message["id"] not in there]
            queue["messages"] = [each for each in queue["messages"] if each["id"] not in gone]


def _written(operation: str, request: Any) -> Iterator[tuple[str, dict[str, Any]]]:  # noqa: ANN401
    """Give the table and the attributes, the key among them, of each item that is written."""
    if operation == "TransactWriteItems":
        for each in request["TransactItems"]:
            for kind, one in each.items():
                if kind != "ConditionCheck":
                    yield one["TableName"], one.get("Item") or one["Key"]
    elif operation == "BatchWriteItem":
        for table, writes in request["RequestItems"].items():
            for each in writes:
                one = each.get("PutRequest") or each["DeleteRequest"]
                yield table, one.get("Item") or one["Key"]
    else:
        yield request["TableName"], request.get("Item") or request["Key"]


def _tables_named(name: str) -> Iterator[tuple[tuple[str, str, str], dict[str, Any]]]:
    wanted = name.rpartition("table/")[2]
    tables = sys.modules[_DYNAMODB]._tables  # noqa: SLF001
    for (account, region, table), held in list(tables.all_items()):
        if table == wanted:
            yield (account, region, table), held


def _keys(table: dict[str, Any], attributes: dict[str, Any]) -> tuple[str, str]:
    value = sys.modules[_DYNAMODB]._extract_key_val  # noqa: SLF001
    sk_name = table["sk_name"]
    return (
        value(attributes[table["pk_name"]]),
        value(attributes[sk_name]) if sk_name else "__no_sort__",
    )
