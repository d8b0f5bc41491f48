"""A fake DynamoDB: conditional writes, transactions, local and late global indexes, a stream.

It knows the few forms of expression that the product uses, refuses any other, and tells whoever
watches of every write.
"""

import re
from collections.abc import Callable
from decimal import Decimal
from functools import cache
from typing import Any

from botocore.exceptions import ClientError

Item = dict[str, dict[str, Any]]
Key = tuple[str, str]
GLOBAL = {
    "standing": ("standing", "submitted", False),
    "unpublished": ("unpublished", "decided", True),
}
LOCAL = ("unfolded", "waiting")
_TERM = re.compile(r"(attribute_not_exists|attribute_exists)\((\w+)\)|(\w+) (=|<=|<) (:\w+)")


def failure(code: str, message: str, operation: str, status: int = 400, **more: Any) -> ClientError:
    """Make an error as boto3 raises it."""
    answer = {
        "Error": {"Code": code, "Message": message},
        "ResponseMetadata": {"HTTPStatusCode": status},
        **more,
    }
    return ClientError(answer, operation)


@cache
def _terms(expression: str) -> tuple[tuple[str, str, str], ...]:
    """Read a condition as terms that must all hold: operator, attribute, value."""
    found = []
    for part in expression.split(" AND "):
        match = _TERM.fullmatch(part)
        if match is None:
            raise NotImplementedError(f"the simulator does not know the condition {part}")
        found.append((match[1], match[2], "") if match[1] else (match[4], match[3], match[5]))
    return tuple(found)


def _holds(item: Item | None, expression: str, values: Item) -> bool:
    held = item or {}
    if " OR " in expression:
        return any(_holds(item, each, values) for each in expression.split(" OR "))
    for operator, attribute, name in _terms(expression):
        if operator == "attribute_exists":
            good = attribute in held
        elif operator == "attribute_not_exists":
            good = attribute not in held
        elif attribute not in held:
            good = False
        else:
            mine, theirs = _value(held[attribute]), _value(values[name])
            good = mine == theirs or (operator != "=" and mine < theirs)
            good = good and not (operator == "<" and mine == theirs)
        if not good:
            return False
    return True


def _value(typed: dict[str, str]) -> Any:
    return Decimal(typed["N"]) if "N" in typed else typed["S"]


@cache
def _change(expression: str) -> tuple[tuple[str, ...], tuple[tuple[str, str], ...]]:
    match = re.fullmatch(r"REMOVE (\w+(?:, \w+)*)(?: SET (\w+) = (:\w+))?", expression)
    if match is None:
        raise NotImplementedError(f"the simulator does not know the update {expression}")
    return tuple(match[1].split(", ")), (((match[2], match[3]),) if match[2] else ())


class Table:
    """One table. `watch(key, old, new)` hears of every change; `late` says how late an index is."""

    def __init__(
        self,
        now: Callable[[], float],
        watch: Callable[[Key, Item | None, Item | None], None],
        late: Callable[[], float],
        page: int = 1000,
    ) -> None:
        self.items: dict[str, dict[str, Item]] = {}
        self.writes = 0
        self._now = now
        self._watch = watch
        self._late = late
        self._page = page
        self._rows: dict[str, dict[Key, Item]] = {name: {} for name in GLOBAL}
        self._coming: list[tuple[float, str, Key, Item | None]] = []
        self._newest: dict[tuple[str, Key], float] = {}

    def call(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        """Do what a request asks."""
        match operation:
            case "GetItem":
                return self._get(request)
            case "Query":
                return self._query(request)
            case "PutItem" | "UpdateItem" | "DeleteItem":
                return self._write(operation, request)
            case "TransactWriteItems":
                return self._transact(request["TransactItems"])
        raise NotImplementedError(operation)

    def restore(self, kept: dict[str, dict[str, Item]]) -> None:
        """Take over the items of a backup; indexes are built, and the stream tells nothing."""
        for partition, items in kept.items():
            self.items[partition] = dict(items)
            for sort, item in items.items():
                for name, (hashed, ranged, whole) in GLOBAL.items():
                    if hashed in item and ranged in item:
                        kept_row = {k: item[k] for k in ("pk", "sk", hashed, ranged)}
                        self._rows[name][partition, sort] = item if whole else kept_row

    def peek(self, partition: str, sort: str = "-") -> Item | None:
        """Read an item without a request."""
        return self.items.get(partition, {}).get(sort)

    def _get(self, request: dict[str, Any]) -> dict[str, Any]:
        item = self.peek(*_key(request["Key"]))
        return {} if item is None else {"Item": dict(item)}

    def _write(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        key, old, new = self._prepare(operation[:3], request)
        condition = request.get("ConditionExpression")
        values = request.get("ExpressionAttributeValues", {})
        if condition is not None and not _holds(old, condition, values):
            told = _told(request, old)
            raise failure("ConditionalCheckFailedException", "failed", operation, **told)
        self._keep(key, old, new)
        return {}

    def _transact(self, writes: list[dict[str, Any]]) -> dict[str, Any]:
        prepared, reasons, failed = [], [], False
        for each in writes:
            ((kind, request),) = each.items()
            key, old, new = self._prepare(kind[:3], request)
            condition = request.get("ConditionExpression")
            values = request.get("ExpressionAttributeValues", {})
            if condition is None or _holds(old, condition, values):
                reasons.append({"Code": "None"})
            else:
                failed = True
                reasons.append({"Code": "ConditionalCheckFailed", **_told(request, old)})
            prepared.append((key, old, new))
        keys = {key for key, _, _ in prepared}
        if len(keys) != len(writes) or not 0 < len(writes) <= 100:
            words = "Transaction request cannot include multiple operations on one item"
            raise failure("ValidationException", words, "TransactWriteItems")
        if failed:
            raise failure(
                "TransactionCanceledException",
                f"Transaction cancelled, please refer cancellation reasons [{reasons}]",
                "TransactWriteItems",
                CancellationReasons=reasons,
            )
        for key, old, new in prepared:
            self._keep(key, old, new)
        return {}

    def _prepare(self, kind: str, request: dict[str, Any]) -> tuple[Key, Item | None, Item | None]:
        if kind == "Put":
            key = _key(request["Item"])
            return key, self.peek(*key), dict(request["Item"])
        key = _key(request["Key"])
        old = self.peek(*key)
        if kind == "Del":
            return key, old, None
        new = dict(old or request["Key"])
        added = re.fullmatch(r"ADD (\w+) (:\w+)", request["UpdateExpression"])
        if added is not None:
            before = _value(new.get(added[1], {"N": "0"}))
            new[added[1]] = {
                "N": str(before + _value(request["ExpressionAttributeValues"][added[2]]))
            }
            return key, old, new
        removed, put = _change(request["UpdateExpression"])
        for name in removed:
            new.pop(name, None)
        for name, value in put:
            new[name] = request["ExpressionAttributeValues"][value]
        return key, old, new

    def _keep(self, key: Key, old: Item | None, new: Item | None) -> None:
        self.writes += 1
        if new is None:
            self.items.get(key[0], {}).pop(key[1], None)
        else:
            self.items.setdefault(key[0], {})[key[1]] = new
        for name, (partition, sort, whole) in GLOBAL.items():
            row = None
            if new is not None and partition in new and sort in new:
                row = new if whole else {k: new[k] for k in ("pk", "sk", partition, sort)}
            elif old is None or partition not in old:
                continue
            due = max(self._now() + self._late(), self._newest.get((name, key), 0.0))
            self._newest[name, key] = due
            self._coming.append((due, name, key, row))
        self._watch(key, old, new)

    def _index(self, name: str) -> dict[Key, Item]:
        now, later = self._now(), []
        for each in self._coming:
            due, index, key, row = each
            if due > now:
                later.append(each)
            elif row is None:
                self._rows[index].pop(key, None)
            else:
                self._rows[index][key] = row
        self._coming = later
        return self._rows[name]

    def _query(self, request: dict[str, Any]) -> dict[str, Any]:
        values, index = request["ExpressionAttributeValues"], request.get("IndexName")
        expression = request["KeyConditionExpression"]
        partition, sort, _ = GLOBAL.get(index or "", ("pk", index or "sk", True))
        named = {attribute: value for _, attribute, value in _terms(expression)}
        consistent = index in GLOBAL and request.get("ConsistentRead")
        if consistent or not {partition} <= named.keys() <= {partition, sort}:
            words = f"Query key condition not supported, or not consistently: {expression}"
            raise failure("ValidationException", words, "Query")
        if index in GLOBAL:
            pool = list(self._index(index).values())
        else:
            pool = list(self.items.get(values[named["pk"]]["S"], {}).values())
            pool = [each for each in pool if sort in each]
        found = [each for each in pool if _holds(each, expression, values)]
        found.sort(
            key=lambda each: (each[sort]["S"], each["pk"]["S"], each["sk"]["S"]),
            reverse=not request.get("ScanIndexForward", True),
        )
        start = request.get("ExclusiveStartKey")
        if start is not None:
            place = [_key(each) for each in found]
            found = found[place.index(_key(start)) + 1 :] if _key(start) in place else []
        most = min(request.get("Limit", self._page), self._page)
        page: dict[str, Any] = {"Items": [dict(each) for each in found[:most]]}
        if len(found) > most:
            last = page["Items"][-1]
            page["LastEvaluatedKey"] = {k: last[k] for k in sorted({"pk", "sk", partition, sort})}
        return page


def _key(item: Item) -> Key:
    return item["pk"]["S"], item["sk"]["S"]


def _told(request: dict[str, Any], old: Item | None) -> dict[str, Any]:
    """What a refusal brings along, if that was asked for."""
    asked = request.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD"
    return {"Item": dict(old)} if asked and old is not None else {}
