"""A study that asks, with the page and the Slack buttons that take the answer."""

import hashlib
import hmac
import json
from typing import Any
from urllib.parse import urlencode

from tests.support.build import document
from tests.support.memory import MemorySecrets
from tests.support.world import World
from tunewright.app.announcer import Announcer
from tunewright.app.approvals import Approvals
from tunewright.domain.message import Message
from tunewright.domain.study import Study
from tunewright.web.approvals import ApprovalPages

FORM = "application/x-www-form-urlencoded"
SIGNING = "8f742231b10e8888abcd99yyyzzz85a5"
REPLY = "https://hooks.slack.com/actions/T1/1/abc"


class Door:
    """A study that asks, the message about it, and the pages that take the answer."""

    def __init__(self, *, signing: str | None = f"old-secret\n{SIGNING}", **changes: Any) -> None:
        self.world = World()
        self.secrets = MemorySecrets()
        self.messages: list[Message] = []
        self.replies: list[tuple[str, Any]] = []
        self.reply_trouble: Exception | None = None
        announcer = Announcer(
            self.world.store,
            self.world.store,
            self,
            self,
            secrets=self.secrets,
            url="https://api.example/prod/",
        )
        spec = {
            "rounds": {"max": 1, "trials": 4, "parallel": 2},
            "deploy": {"to": "prod", "approve": True, "lease": "2d"},
        }
        self.study_id = self.world.submit(document(**{**spec, **changes}))
        self.world.advance(self.study_id)
        self.study = self.world.run_round(self.study_id)
        for decision in self.world.store.decisions(self.study_id):
            announcer.announce(decision)
        self.announcer = announcer
        self.approvals = Approvals(
            studies=self.world.studies,
            store=self.world.store,
            endpoints=self.world.crowns,
            secrets=self.secrets,
            clock=self.world,
        )
        self.pages = ApprovalPages(
            approvals=self.approvals,
            signing=None if signing is None else lambda: signing,
            slack=self.reply,
            clock=self.world,
        )
        (self.message,) = [each for each in self.messages if each.link]
        self.token = self.message.token or ""

    def publish(self, message: Message) -> None:
        self.messages.append(message)

    def put(self, decision: Any) -> None:
        return

    def reply(self, url: str, payload: Any) -> None:
        self.replies.append((url, payload))
        if self.reply_trouble is not None:
            raise self.reply_trouble

    def ask(self, method: str, token: str | None = None, **event: Any) -> tuple[int, str, Any]:
        answer = self.pages.handle(
            {
                "httpMethod": method,
                "path": f"/approvals/{self.token if token is None else token}",
                "headers": {"Content-Type": FORM},
                **event,
            }
        )
        return answer["statusCode"], answer["body"], answer["headers"]

    def say(self, verb: str, token: str | None = None) -> tuple[int, str]:
        status, body, _ = self.ask("POST", token, body=f"answer={verb}")
        return status, body

    def press(
        self, verb: str = "approve", *, token: str | None = None, **changes: Any
    ) -> tuple[int, Any]:
        told = {
            "type": "block_actions",
            "user": {"id": "U123", "username": "ana", "name": "ana.b"},
            "response_url": REPLY,
            "actions": [
                {
                    "action_id": verb,
                    "value": f"{verb} {self.token if token is None else token}",
                }
            ],
            **changes,
        }
        return self.send(urlencode({"payload": json.dumps(told)}))

    def send(self, body: str, **changes: Any) -> tuple[int, Any]:
        answer = self.pages.handle({**self.signed(body), **changes})
        shown = answer["body"]
        is_json = answer["headers"]["Content-Type"] == "application/json" and shown
        return answer["statusCode"], json.loads(shown) if is_json else shown

    def signed(self, body: str, secret: str = SIGNING, **changes: Any) -> dict[str, Any]:
        stamp = changes.get("stamp", f"{int(self.world.now().timestamp())}")
        base = f"v0:{stamp}:{body}".encode()
        signature = "v0=" + hmac.new(secret.encode(), base, hashlib.sha256).hexdigest()
        return {
            "httpMethod": "POST",
            "path": "/slack/actions",
            "headers": {
                "Content-Type": FORM,
                "X-Slack-Request-Timestamp": stamp,
                "X-Slack-Signature": signature,
            },
            "body": body,
        }

    def waiting(self) -> list[str]:
        return [f"{each.by}: {each.kind}" for each in self.world.store.waiting(self.study_id)]

    def advance(self) -> Study:
        return self.world.advance(self.study_id)

    def expired(self) -> str:
        """Let the link's time pass, and return its token."""
        self.world.pass_time(72 * 3600)
        return self.token
