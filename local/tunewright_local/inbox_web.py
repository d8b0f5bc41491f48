"""The inbox over HTTP: takes Slack messages, shows them."""

import hashlib
import hmac
import json

from tunewright_local.front import INBOX
from tunewright_local.inbox import Letters
from tunewright_local.instance import Instance
from tunewright_local.refusals import Answer

_TEXT = {"Content-Type": "text/plain; charset=utf-8"}
_MOST_BYTES = 256 * 1024


class InboxWeb:
    """Answers what is below `/_inbox`."""

    def __init__(self, letters: Letters, instance: Instance) -> None:
        self._letters = letters
        self.instance = instance

    def answer(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Answer:
        """Answer one request; it may block."""
        below = path.removeprefix(INBOX)
        if below.startswith("/slack/"):
            return self._slack(method, below.removeprefix("/slack/"), body)
        return 404, _TEXT, b"there is no such page"

    def _slack(self, method: str, token: str, body: bytes) -> Answer:
        if not hmac.compare_digest(token.encode(), self.instance.webhook.encode()):
            return 404, _TEXT, b"no_service"
        if method != "POST" or len(body) > _MOST_BYTES:
            return 400, _TEXT, b"invalid_payload"
        try:
            payload = json.loads(body)
        except ValueError:
            payload = None
        if not isinstance(payload, dict):
            return 400, _TEXT, b"invalid_payload"
        # A message tells the decision that it is of: the same text is the same message again
        self._letters.take(f"slack {hashlib.sha256(body).hexdigest()}", "slack", payload)
        return 200, _TEXT, b"ok"
