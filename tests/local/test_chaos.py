"""A bad day is the same for the same seed, troubles functions alone, and kills what works."""

import asyncio
import subprocess
import sys
import time
from typing import Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tunewright_local import chaos
from tunewright_local.chaos import AWAY, Chaos, faults
from tunewright_local.front import Front
from tunewright_local.profile import ACCOUNT

SECRET = "secret"
DAY = 20_000


def test_the_same_seed_has_the_same_services_away() -> None:
    def day(seed: int) -> list[Any]:
        made = Chaos(seed)
        return [made.trouble("sqs", 2.0 * slot + 1) for slot in range(200)]

    assert day(1) == day(1) != day(2)
    assert faults(1) == faults(1) != faults(2)


@pytest.mark.parametrize("service", ["dynamodb", "events", "sagemaker", "sns", "sqs"])
def test_a_service_is_away_as_often_as_was_said_half_of_it_after_the_work(service: str) -> None:
    made = Chaos(3)
    told = [made.trouble(service, 2.0 * slot) for slot in range(DAY)]
    for trouble in ("refused", "unanswered"):
        assert told.count(trouble) / DAY == pytest.approx(AWAY / 2, rel=0.2)


def test_data_is_never_away() -> None:
    made = Chaos(3)
    assert {made.trouble("s3", 2.0 * slot) for slot in range(DAY)} == {None}


class Rest:
    """No API, no inbox, and one key that signs everything."""

    def place(self, path: str) -> str | None:
        raise AssertionError(path)

    def is_open(self, method: str, path: str) -> bool:
        raise AssertionError(method + path)

    def answer(self, method: str, path: str, body: bytes) -> Any:
        raise AssertionError((method, path, body))


def ask(key: str, trouble: str | None, *, ready: bool = True) -> tuple[int, int]:
    """Send a signed request; return the status, and how often it was carried out."""
    done = []

    async def inner(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        done.append(scope["path"])
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"{}"})

    front = Front(
        inner,
        secrets=lambda *_: SECRET,
        routes=Rest(),
        inbox=Rest(),
        trouble=lambda service: trouble if service == "sqs" else None,  # type: ignore[arg-type, return-value]
    )
    front.ready = ready
    request = AWSRequest("POST", "http://127.0.0.1:4566/", data=b"{}")
    SigV4Auth(Credentials(key, SECRET), "sqs", "us-east-1").add_auth(request)
    headers = [(k.lower().encode(), str(v).encode()) for k, v in request.headers.items()]
    told: list[Any] = []

    async def send(message: Any) -> None:
        told.append(message)

    async def receive() -> Any:
        return {"type": "http.request", "body": b"{}", "more_body": False}

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/",
        "query_string": b"",
        "headers": [*headers, (b"host", b"127.0.0.1:4566")],
    }
    asyncio.run(front(scope, receive, send))
    return told[0]["status"], len(done)


@pytest.mark.parametrize(
    ("key", "trouble", "expected"),
    [
        (ACCOUNT, None, (200, 1)),
        (ACCOUNT, "refused", (500, 0)),
        (ACCOUNT, "unanswered", (500, 1)),
        ("AKIAPERSON", "refused", (200, 1)),
    ],
)
def test_a_functions_request_is_refused_or_done_without_an_answer(
    key: str, trouble: str | None, expected: tuple[int, int]
) -> None:
    assert ask(key, trouble) == expected


def test_nothing_is_away_before_the_stack_is_deployed() -> None:
    assert ask(ACCOUNT, "refused", ready=False) == (200, 1)


def test_a_function_that_works_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chaos, "_BETWEEN_KILLS", (0.01, 0.02))
    words = [sys.executable, "-c", "import time; time.sleep(60)"]
    with (
        subprocess.Popen([*words, "/tmp/ministack-lambda-x/_worker.py"]) as function,  # noqa: S108
        subprocess.Popen(words) as another,
    ):
        made = Chaos(1)
        made.start()
        end = time.monotonic() + 30
        while function.poll() is None and time.monotonic() < end:
            time.sleep(0.01)
        made.close()
        spared = another.poll()
        function.kill(), another.kill()
    assert made.killed >= 1
    assert (function.returncode, spared) == (-9, None)
