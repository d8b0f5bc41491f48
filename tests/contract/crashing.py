"""A client of DynamoDB whose n-th write goes wrong, before or after it is done."""

from collections.abc import Callable
from typing import Any

from botocore.exceptions import ReadTimeoutError

_WRITES = {"put_item", "update_item", "transact_write_items"}


class Crash(BaseException):
    """The process ends here: nothing may catch it."""


class CrashingClient:
    def __init__(self, client: Any, *, at_write: int, how: str) -> None:
        self._client = client
        self._at_write = at_write
        self._how = how
        self.writes = 0

    def __getattr__(self, name: str) -> Any:
        call = getattr(self._client, name)
        return self._disturbed(call) if name in _WRITES else call

    def _disturbed(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def write(**request: Any) -> Any:
            self.writes += 1
            if self.writes != self._at_write:
                return call(**request)
            if self._how == "crash before":
                raise Crash
            answer = call(**request)
            match self._how:
                case "crash after":
                    raise Crash
                case "no answer":
                    raise ReadTimeoutError(endpoint_url="http://dynamodb")
                case "sent twice":  # as boto3 does after a lost answer, minutes later
                    return call(**request)
            return answer

        return write
