"""Talks to the API over HTTP, each request signed with the user's AWS credentials."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.exceptions import BotoCoreError, NoCredentialsError
from botocore.httpsession import URLLib3Session
from botocore.session import Session

_SERVICE = "execute-api"
_TIMEOUT = 35


class ApiError(Exception):
    """The API did not do what was asked; `code` is its stable word for why."""

    def __init__(self, status: int, code: str, message: str, details: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.details = details


@dataclass(frozen=True)
class ApiClient:
    """One stack's API.

    Attributes:
        url: Where it is, without a slash at the end.
        region: The region to sign for.
    """

    url: str
    region: str

    def ask(
        self,
        method: str,
        path: str,
        body: Any = None,  # noqa: ANN401 - JSON
        *,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:  # noqa: ANN401 - JSON
        """Ask, and return the answer's JSON.

        Raises:
            ApiError: The API cannot be reached, or said no.
        """
        url = self.url + quote(path)
        if query:
            url += "?" + urlencode(query)
        data = None if body is None else json.dumps(body)
        request = AWSRequest(
            method, url, data=data, headers={"Content-Type": "application/json", **(headers or {})}
        )
        try:
            self._sign(request)
            answer = URLLib3Session(timeout=_TIMEOUT).send(request.prepare())
        except NoCredentialsError as error:
            message = "no AWS credentials were found to sign with"
            raise ApiError(0, "no_credentials", message) from error
        except BotoCoreError as error:
            raise ApiError(0, "unreachable", f"{self.url} cannot be reached: {error}") from error
        return _read(answer.status_code, answer.text)

    def _sign(self, request: AWSRequest) -> None:
        credentials = Session().get_credentials()
        if credentials is None:
            raise NoCredentialsError
        SigV4Auth(credentials, _SERVICE, self.region).add_auth(request)

    def pages(self, path: str, name: str, query: Mapping[str, str] | None = None) -> Iterator[Any]:
        """Return all rows of a listing, page by page as they are asked for.

        Raises:
            ApiError: The API cannot be reached, or said no.
        """
        asked = {"limit": "100", **(query or {})}
        while True:
            page = self.ask("GET", path, query=asked)
            yield from page[name]
            if page.get("next") is None:
                return
            asked["next"] = page["next"]


def _read(status: int, text: str) -> Any:  # noqa: ANN401 - JSON
    try:
        answer = json.loads(text)
    except ValueError:
        raise ApiError(status, "not_the_api", f"the answer is no JSON (status {status})") from None
    if status < 400:
        return answer
    details = tuple(f"{each['where']}: {each['message']}" for each in answer.get("details") or ())
    # The gateway itself answers with `message` alone, for example to a wrong signature.
    code = str(answer.get("error") or f"http_{status}")
    raise ApiError(status, code, str(answer.get("message") or f"status {status}"), details)
