"""The inbox over HTTP: takes Slack messages, shows all letters, and answers as Slack would."""

import hashlib
import hmac
import json
import time
import urllib.error
import urllib.request
from typing import Any
from urllib.parse import parse_qs, urlencode

from tunewright_local.front import API, INBOX
from tunewright_local.inbox import Letter, Letters
from tunewright_local.inbox_page import HEADERS, page
from tunewright_local.instance import Instance
from tunewright_local.refusals import Answer

_TEXT = {"Content-Type": "text/plain; charset=utf-8"}
_MOST_BYTES = 256 * 1024
_SECONDS = 30


class InboxWeb:
    """Answers what is below `/_inbox`."""

    def __init__(self, letters: Letters, instance: Instance) -> None:
        self._letters = letters
        self.instance = instance

    def answer(self, method: str, path: str, body: bytes) -> Answer:
        """Answer one request; it may block."""
        below = path.removeprefix(INBOX).rstrip("/")
        if below.startswith("/slack/"):
            return self._slack(method, below.removeprefix("/slack/"), body)
        if below == "" and method in {"GET", "HEAD"}:
            return 200, HEADERS, page(self._letters.all(), self._sign).encode()
        if below == "/press" and method == "POST":
            return self._press(body)
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

    def _press(self, body: bytes) -> Answer:
        """Press a button as somebody in Slack would."""
        form = {name: values[0] for name, values in parse_qs(body.decode("latin-1")).items()}
        wanted = form.get("letter", "")
        # Else any page on the web could press it, in the browser of whoever reads both
        if not hmac.compare_digest(form.get("proof", "").encode(), self._sign(wanted).encode()):
            return 403, _TEXT, b"the button is of another inbox; go back and reload"
        letter = next((each for each in self._letters.all() if each.id == wanted), None)
        button = None if letter is None else _button(letter, form.get("place", ""))
        if letter is None or button is None:
            return 404, _TEXT, b"there is no such button"
        status, said = self._interact(letter, *button)
        if status != 200:
            return 502, _TEXT, f"the stack answered {status}: {said}".encode()
        try:
            told = json.loads(said or "{}")
        except ValueError:
            told = {}
        if isinstance(told, dict) and told.get("replace_original"):
            self._letters.take(f"{letter.id} answered", "slack", told)
        return 303, {**_TEXT, "Location": INBOX}, b""

    def _interact(self, letter: Letter, block_id: str, element: dict[str, Any]) -> tuple[int, str]:
        payload = {
            "type": "block_actions",
            "user": {"id": "U0LOCAL", "username": "you", "name": "you"},
            "message": letter.body,
            "actions": [
                {
                    "type": "button",
                    "block_id": block_id,
                    "action_id": element.get("action_id", ""),
                    "value": element.get("value", ""),
                }
            ],
        }
        body = urlencode({"payload": json.dumps(payload)}).encode()
        at = str(int(time.time()))
        signed = f"v0:{at}:".encode() + body
        key = self.instance.signing_secret.encode()
        request = urllib.request.Request(  # noqa: S310 - our own port
            f"{self.instance.url}{API}/slack/actions",
            data=body,
            headers={
                "Content-Type": "application/x-www-form-urlencoded",
                "X-Slack-Request-Timestamp": at,
                "X-Slack-Signature": "v0=" + hmac.digest(key, signed, "sha256").hex(),
            },
        )
        try:
            with urllib.request.urlopen(request, timeout=_SECONDS) as answer:  # noqa: S310
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode(errors="replace")
        except OSError as error:
            return 504, str(error)

    def _sign(self, letter_id: str) -> str:
        return hmac.digest(self.instance.secret.encode(), letter_id.encode(), "sha256").hex()


def _button(letter: Letter, place: str) -> tuple[str, dict[str, Any]] | None:
    block_number, _, element_number = place.partition(".")
    try:
        block = letter.body["blocks"][int(block_number)]
        element = block["elements"][int(element_number)]
    except (LookupError, TypeError, ValueError):
        return None
    return str(block.get("block_id", "")), element
