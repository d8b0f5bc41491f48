"""People: they submit, insist, answer questions in every way, and say things at any time."""

import hashlib
import hmac
import json
import random
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from tests.simulation.deployed import STACK

if TYPE_CHECKING:
    from tests.simulation.world import World

_INSISTS = 40
_FORM = "application/x-www-form-urlencoded"
OVER = frozenset({"done", "cancelled", "failed"})


class Person:
    """Somebody with one study, at the API, with a mailbox and with Slack."""

    def __init__(self, world: "World", name: str, story: random.Random) -> None:
        self.name = name
        self.study_id: str | None = None
        self.heard = world.oracles.heard_commands
        self._world, self._story = world, story
        self._requests = 0

    def request(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """Ask the API once; None for no answer, or an error of its own."""
        self._requests += 1
        answer = self._world.lambdas.ask(
            "Api",
            {
                "httpMethod": method,
                "path": path,
                "headers": {"Content-Type": "application/json", **headers},
                "body": None if body is None else json.dumps(body),
                "requestContext": {
                    "requestId": f"{self.name}-{self._requests}",
                    "identity": {"userArn": f"arn:aws:iam::1:user/{self.name}"},
                },
            },
        )
        if answer is None or answer["statusCode"] >= 500:
            return None
        return {"status": answer["statusCode"], **json.loads(answer["body"])}

    def submit(self, document: dict[str, Any]) -> str | None:
        """Submit a study, again and again with the same key, until that is acknowledged."""
        for _ in range(_INSISTS):
            told = self.request("POST", "/studies", document, **{"Idempotency-Key": self.name})
            if told is not None and told["status"] in {200, 201}:
                self.study_id = told["id"]
                return self.study_id
            if told is not None and told["status"] != 409:
                raise AssertionError(f"the API refused a study: {told}")
            self._world.clock.sleep(self._story.uniform(1, 20))
        return None

    def say(self, word: str) -> None:
        """Tell the study something, and insist until it was heard."""
        for _ in range(_INSISTS):
            told = self.request("POST", f"/studies/{self.study_id}/{word}")
            if told is not None:
                if told["status"] == 202:
                    self.heard.append(f"{self.name}-{self._requests}")
                return
            self._world.clock.sleep(self._story.uniform(1, 20))

    def state(self) -> dict[str, Any]:
        """Look at the study itself, without asking anybody."""
        item = self._world.table.peek(f"STUDY#{self.study_id}")
        return {} if item is None else {**json.loads(item["state"]["S"])}

    @property
    def phase(self) -> str:
        """What the study is doing."""
        item = self._world.table.peek(f"STUDY#{self.study_id}")
        return "" if item is None else str(item["phase"]["S"])

    def live(
        self, words: list[tuple[float, str]], *, patience: float, curious: bool = False
    ) -> None:
        """Look at the study now and then until it is over, and answer whatever it asks.

        Args:
            words: What to say, and when, in seconds from the start.
            patience: After which time questions are answered so that the study ends.
            curious: Whether to ask the API each time for everything that can be looked at.
        """
        clock = self._world.clock
        while self.phase not in OVER:
            clock.sleep(self._story.uniform(40, 160))
            while words and words[0][0] <= clock.now:
                self.say(words.pop(0)[1])
            if curious or self._story.random() < 0.03:
                self._look_around()
            late = clock.now > patience
            match self.phase:
                case "needs a person":
                    drawn = self._story.random()
                    self.say(
                        "cancel" if drawn < 0.2 else "stop" if late or drawn < 0.6 else "resume"
                    )
                case "awaiting approval":
                    self._answer(self.state()["deployment"]["hash"], late=late)
                case "searching" if (late or self._story.random() < 0.2) and self.state()["paused"]:
                    self.say("resume")

    def _look_around(self) -> None:
        """Ask the API for everything that can be looked at."""
        one = f"/studies/{self.study_id}"
        for path in ("/studies", one, f"{one}/trials", f"{one}/decisions", "/profiles/default"):
            self.request("GET", path)

    def _answer(self, plan_hash: str, *, late: bool) -> None:
        verb = "reject" if self._story.random() < 0.25 else "approve"
        other = "approve" if verb == "reject" else "reject"
        way = (
            "api" if late else self._story.choice(["link", "twice", "both", "api", "slack", "old"])
        )
        token = self._token(plan_hash)
        if way != "api" and token is None:
            return  # The message has not come yet.
        match way:
            case "api":
                body = {"answer": verb, "plan_hash": plan_hash}
                self.request("POST", f"/studies/{self.study_id}/approval", body)
            case "old":  # an answer to a plan that there never was
                body = {"answer": "approve", "plan_hash": "0123456789abcdef"}
                self.request("POST", f"/studies/{self.study_id}/approval", body)
            case "slack":
                self._press(verb, str(token))
            case "link":
                self._follow("GET", str(token))
                self._follow("POST", str(token), verb)
            case "twice":
                self._follow("POST", str(token), verb)
                self._follow("POST", str(token), verb)
            case "both":
                self._world.clock.spawn("person", lambda: self._follow("POST", str(token), other))
                self._follow("POST", str(token), verb)

    def _token(self, plan_hash: str) -> str | None:
        for message in reversed(self._world.carriers.published):
            if message["plan_hash"] == plan_hash and message["link"]:
                return str(message["link"].rpartition("/")[2])
        return None

    def _follow(self, method: str, token: str, verb: str = "") -> None:
        event = {
            "httpMethod": method,
            "path": f"/approvals/{token}",
            "headers": {"Content-Type": _FORM},
            "body": f"answer={verb}" if verb else None,
        }
        self._world.lambdas.ask("Approval", event)

    def _press(self, verb: str, token: str) -> None:
        told = {
            "user": {"id": "U1", "username": self.name},
            "actions": [{"value": f"{verb} {token}"}],
            "response_url": "https://hooks.slack.com/actions/1",
        }
        body = f"payload={quote(json.dumps(told))}"
        now = str(int(self._world.moment(self._world.clock.now).timestamp()))
        signed = hmac.new(b"signing", f"v0:{now}:{body}".encode(), hashlib.sha256).hexdigest()
        headers = {"X-Slack-Request-Timestamp": now, "X-Slack-Signature": f"v0={signed}"}
        event = {"httpMethod": "POST", "path": "/slack/actions", "headers": headers, "body": body}
        self._world.lambdas.ask("Approval", event)


def study_id_of(slug: str, person: str) -> str:
    """Say which id a person's study will have."""
    from tunewright.domain import names

    return names.study_id(slug, STACK, f"arn:aws:iam::1:user/{person}", person)
