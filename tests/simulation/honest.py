"""Two ways to ask the same: what came of a call, as far as the product goes by it."""

from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError

from tunewright.adapters.sagemaker import is_missing, is_taken

Ask = Callable[[str, str, dict[str, Any]], Any]


def outcome(ask: Ask, service: str, operation: str, given: dict[str, Any]) -> Any:
    """What came of a call: its answer without the wire's own members, or the kind of its error."""
    try:
        answer = ask(service, operation, given)
    except ClientError as error:
        told = error.response["Error"]
        if told["Code"] == "TransactionCanceledException":
            reasons = error.response["CancellationReasons"]
            return [(each["Code"], each.get("Item")) for each in reasons]
        if told["Code"] == "ConditionalCheckFailedException":
            return ("refused", error.response.get("Item"))
        if "in-progress" in told["Message"]:
            return (told["Code"], "changing")
        kind = "taken" if is_taken(error) else "missing" if is_missing(error) else "other"
        return (told["Code"], kind)
    return {name: value for name, value in answer.items() if name != "ResponseMetadata"}
