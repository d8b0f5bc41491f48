"""Asks DynamoDB: pages, conditions, other people's transactions; it knows no item's meaning.

Every write here is safe to send twice: it is conditional, and its condition fails once it is done.
boto3 itself sends again what was throttled or not answered; here is sent again what boto3 leaves:
what another transaction was in the way of.
"""

import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from botocore.exceptions import ClientError, ConnectionError, HTTPClientError  # noqa: A004

from tunewright.adapters.dynamodb.types import Item
from tunewright.domain.errors import StaleVersionError

_SENDINGS = 4
_TROUBLE = 500
_BUSY = frozenset({"TransactionConflict", "TransactionConflictException"})
_THROTTLED = frozenset({"ProvisionedThroughputExceeded", "ThrottlingError"})


class ConditionError(Exception):
    """A condition did not hold; nothing was written.

    Attributes:
        held: Whether the condition of each write held, in their order.
        items: What is in the table where one did not hold; None if there is nothing.
    """

    def __init__(self, reasons: Sequence[Mapping[str, Any]]) -> None:
        super().__init__("a condition did not hold")
        self.held = tuple(each.get("Code") != "ConditionalCheckFailed" for each in reasons)
        self.items: tuple[Item | None, ...] = tuple(each.get("Item") for each in reasons)


class UnknownError(Exception):
    """There was no answer, or AWS was in trouble: nobody can say whether it was written."""


class Table:
    """One table.

    Args:
        client: boto3's low-level client of DynamoDB.
        name: The table's name.
        sleep: Waits between two sendings.
    """

    def __init__(self, client: Any, name: str, sleep: Callable[[float], None] = time.sleep) -> None:  # noqa: ANN401 - boto3 carries no types
        self._client = client
        self._name = name
        self._sleep = sleep

    def get(self, key: Item) -> Item | None:
        """Read an item consistently."""
        answer = self._client.get_item(TableName=self._name, Key=key, ConsistentRead=True)
        item: Item | None = answer.get("Item")
        return item

    def query(
        self,
        condition: str,
        values: Item,
        *,
        index: str | None = None,
        late: bool = False,
        limit: int | None = None,
        forward: bool = True,
    ) -> Iterator[Item]:
        """Read items in order, page by page as they are asked for.

        Args:
            condition: The key condition.
            values: Its values.
            index: The index to read; None for the table.
            late: Whether the read may come late, as those of global indexes do.
            limit: How many items one page has at most.
            forward: Whether they come in rising order.
        """
        request: dict[str, Any] = {
            "TableName": self._name,
            "KeyConditionExpression": condition,
            "ExpressionAttributeValues": values,
            "ConsistentRead": not late,
            "ScanIndexForward": forward,
        }
        if index is not None:
            request["IndexName"] = index
        if limit is not None:
            request["Limit"] = limit
        while True:
            page = self._client.query(**request)
            yield from page["Items"]
            if "LastEvaluatedKey" not in page:
                return
            request["ExclusiveStartKey"] = page["LastEvaluatedKey"]

    def put(self, item: Item, condition: str, values: Item | None = None) -> None:
        """Write an item on a condition.

        Raises:
            ConditionError: The condition did not hold, perhaps because boto3 had sent it before.
            UnknownError: Nobody can say whether it was written.
        """
        write = self.put_of(item, condition, values)["Put"]
        self._write(lambda: self._client.put_item(**write))

    def update(self, key: Item, change: str, condition: str) -> None:
        """Change an item on a condition.

        Raises:
            ConditionError: The condition did not hold, perhaps because boto3 had sent it before.
            UnknownError: Nobody can say whether it was written.
        """
        write = self.update_of(key, change, condition, {})["Update"]
        self._write(lambda: self._client.update_item(**write))

    def delete(self, key: Item, condition: str, values: Item) -> None:
        """Remove an item on a condition.

        Raises:
            ConditionError: The condition did not hold, perhaps because boto3 had sent it before.
            UnknownError: Nobody can say whether it was removed.
        """
        removed: dict[str, Any] = {"TableName": self._name, "Key": key}
        request = removed | _conditioned(condition) | _valued(values)
        self._write(lambda: self._client.delete_item(**request))

    def transact(self, writes: list[dict[str, Any]]) -> None:
        """Write all or nothing.

        Raises:
            ConditionError: A condition did not hold, perhaps because boto3 had sent it before.
            UnknownError: Nobody can say whether it was written.
            StaleVersionError: Somebody else was writing the same items all the time.
        """
        self._write(lambda: self._client.transact_write_items(TransactItems=writes))

    def put_of(
        self, item: Item, condition: str | None = None, values: Item | None = None
    ) -> dict[str, Any]:
        """Make a put, as part of a transaction."""
        put: dict[str, Any] = {"TableName": self._name, "Item": item}
        return {"Put": put | _conditioned(condition) | _valued(values or {})}

    def update_of(
        self, key: Item, change: str, condition: str | None, values: Item
    ) -> dict[str, Any]:
        """Make an update, as part of a transaction."""
        update: dict[str, Any] = {"TableName": self._name, "Key": key, "UpdateExpression": change}
        return {"Update": update | _conditioned(condition) | _valued(values)}

    def _write(self, send: Callable[[], object]) -> None:
        for sending in range(1, _SENDINGS + 1):
            try:
                send()
            except ClientError as error:
                _raise_unless_in_the_way(error, last=sending == _SENDINGS)
            except (ConnectionError, HTTPClientError) as error:
                raise UnknownError(str(error)) from error
            else:
                return
            self._sleep(random.uniform(0.01, 0.05) * 2**sending)  # noqa: S311 - no secret


def _conditioned(condition: str | None) -> dict[str, Any]:
    if condition is None:
        return {}
    return {
        "ConditionExpression": condition,
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }


def _valued(values: Item) -> dict[str, Any]:
    return {"ExpressionAttributeValues": values} if values else {}


def _raise_unless_in_the_way(error: ClientError, *, last: bool) -> None:
    """Return if another transaction was in the way, and sending again may do.

    Raises:
        ConditionError: A condition did not hold.
        UnknownError: AWS was in trouble.
        StaleVersionError: Another transaction was in the way at the last sending, too.
    """
    code = error.response["Error"].get("Code", "")
    if code == "ConditionalCheckFailedException":
        reason = {"Code": "ConditionalCheckFailed", "Item": error.response.get("Item")}
        raise ConditionError([reason]) from error
    if error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0) >= _TROUBLE:
        raise UnknownError(str(error)) from error
    reasons = error.response.get("CancellationReasons") or [{"Code": code}]
    told = {each.get("Code", "None") for each in reasons} - {"None"}
    if "ConditionalCheckFailed" in told:
        raise ConditionError(reasons) from error
    if not told <= _BUSY | _THROTTLED:
        raise error
    if last:
        raise StaleVersionError("others are writing the same items") from error
