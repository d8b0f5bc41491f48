"""A caller of the API, and a world behind it."""

import json
from typing import Any

from tests.support.build import document
from tests.support.world import World
from tunewright.web.api import Api


def api_of(world: World) -> Api:
    return Api(
        stack="tunewright",
        version="1",
        studies=world.studies,
        store=world.store,
        trials=world.store,
        profiles=world.profiles,
    )


class Caller:
    """Sends events as the gateway would."""

    def __init__(self) -> None:
        self.world = World()
        self.api = api_of(self.world)
        self._sent = 0

    def send(self, method: str, path: str, body: Any = None, **event: Any) -> tuple[int, Any]:
        self._sent += 1
        query = event.pop("query", None)
        headers = {"Content-Type": "application/json", **event.pop("headers", {})}
        answer = self.api.handle(
            {
                "httpMethod": method,
                "path": path,
                "headers": headers,
                "queryStringParameters": query,
                "body": json.dumps(body) if body is not None else None,
                "requestContext": {
                    "requestId": f"r{self._sent}",
                    "identity": {"userArn": "arn:aws:iam::123456789012:user/ana"},
                },
                **event,
            }
        )
        assert answer["headers"]["Content-Type"] == "application/json"
        return answer["statusCode"], json.loads(answer["body"])

    def submit(self, key: str = "k1", **changes: Any) -> tuple[int, Any]:
        return self.send("POST", "/studies", document(**changes), headers={"Idempotency-Key": key})
