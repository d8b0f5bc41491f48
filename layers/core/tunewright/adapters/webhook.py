"""Posts rendered messages to a Slack webhook; only there, and never where a request says so."""

import json
import urllib.error
import urllib.request
from typing import Any
from urllib.parse import urlsplit

SLACK = "https://hooks.slack.com"
_TIMEOUT = 5.0
_MAX_ANSWER = 4096


class WebhookError(Exception):
    """Slack did not take a message; `retry_after` is how many seconds it asks for, if any."""

    def __init__(self, message: str, *, lasting: bool, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.lasting = lasting
        self.retry_after = retry_after


class Webhook:
    """A channel's webhook."""

    def __init__(self, *, allowed: str = SLACK, timeout: float = _TIMEOUT) -> None:
        self._allowed = urlsplit(allowed)
        self._timeout = timeout
        # No redirects: the address is the administrator's, not the answerer's.
        self._opener = urllib.request.build_opener(_NoRedirects)

    def post(self, url: str, payload: dict[str, Any]) -> None:
        """Post a message.

        Raises:
            WebhookError: The address is not Slack's, or Slack did not take the message.
        """
        parts = urlsplit(url)
        if (parts.scheme, parts.netloc) != (self._allowed.scheme, self._allowed.netloc):
            raise WebhookError(f"the webhook is not at {self._allowed.netloc}", lasting=True)
        request = urllib.request.Request(  # noqa: S310 - the scheme was compared above
            url,
            data=json.dumps(payload).encode(),
            headers={"Content-Type": "application/json"},
            method="POST",
        )
        try:
            with self._opener.open(request, timeout=self._timeout) as answer:
                answer.read(_MAX_ANSWER)
        except urllib.error.HTTPError as error:
            with error:  # It holds the connection.
                raise _refused(error) from None
        except OSError as error:
            # The reason may hold the address, which is a secret.
            raise WebhookError(
                f"Slack cannot be reached: {type(error).__name__}", lasting=False
            ) from None


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object, **__: object) -> None:
        return None


def _refused(error: urllib.error.HTTPError) -> WebhookError:
    wait = error.headers.get("Retry-After", "")
    retry_after = float(wait) if wait.isdigit() else None
    lasting = 400 <= error.code < 500 and error.code != 429
    return WebhookError(f"Slack answered {error.code}", lasting=lasting, retry_after=retry_after)
