"""Two fleets of one endpoint: the share of each, growing, shrinking, going back; and serverless."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sagemaker_local.hosting import EndpointHost
from tests.local.hosting_world import Heard, alive, container, expected, packed, pids
from tests.local.hosting_world import booster as trained
from tests.local.training_world import FakeObjects, archive, until

OLD, NEW = "s3://out/old.tar.gz", "s3://out/new.tar.gz"
SCRIPT = """
import os, time
def model_fn(folder): return 1
def input_fn(body, kind): return body
def predict_fn(data, model):
    time.sleep(1.0)
    return [1.0]
"""


def of(uri: str) -> dict[str, Any]:
    return container() | {"ModelDataUrl": uri}


@pytest.fixture(scope="module")
def models() -> Any:
    return trained(), trained(eta=1.0)


@pytest.fixture
def host(tmp_path: Path, models: Any) -> Iterator[EndpointHost]:
    objects = FakeObjects()
    objects.content[OLD], objects.content[NEW] = map(packed, models)
    files = {"code/inference.py": SCRIPT, "model": "1"}
    objects.content["s3://out/slow.tar.gz"] = archive(files)  # type: ignore[arg-type]
    made = EndpointHost(tmp_path, objects, region="us-east-1")
    yield made
    made.shutdown()


def asked(host: EndpointHost, times: int) -> list[float]:
    return [float(host.invoke("e", b"0.5,0.1,0.2", "text/csv", None).body) for _ in range(times)]


def after(work: Any) -> tuple[str, str | None]:
    heard = Heard()
    work(heard)
    return heard.wait()


@pytest.fixture
def both(host: EndpointHost) -> EndpointHost:
    assert after(lambda h: host.start("e", "v", of(OLD), 1, h)) == ("InService", None)
    told = after(lambda h: host.prepare("e", "v", of(NEW), 1, h, generation="2"))
    assert told == ("InService", None)
    return host


def test_requests_are_shared_as_told(both: EndpointHost, models: Any) -> None:
    old, new = (float(expected(model, [[0.5, 0.1, 0.2]])[0]) for model in models)
    assert old != pytest.approx(new)
    assert asked(both, 5) == pytest.approx([old] * 5)
    both.route("e", 0.25)
    found = asked(both, 400)
    assert 0.15 < sum(value == pytest.approx(new) for value in found) / 400 < 0.35
    both.route("e", 1.0)
    assert asked(both, 5) == pytest.approx([new] * 5)
    both.promote("e")
    assert asked(both, 5) == pytest.approx([new] * 5)


def test_the_same_deployment_shares_in_the_same_way(both: EndpointHost, models: Any) -> None:
    both.route("e", 0.5)
    first = asked(both, 40)
    assert after(lambda h: both.abandon("e", h)) == ("InService", None)
    after(lambda h: both.prepare("e", "v", of(NEW), 1, h, generation="2"))
    both.route("e", 0.5)
    assert asked(both, 40) == first
    assert len(set(first)) == 2


def test_to_go_back_leaves_the_old_fleet_alone(
    both: EndpointHost, models: Any, tmp_path: Path
) -> None:
    old = float(expected(models[0], [[0.5, 0.1, 0.2]])[0])
    both.route("e", 0.9)
    running = pids(tmp_path)
    assert len(running) == 2
    os.kill(running[0], signal.SIGKILL)  # whichever it is, the old fleet comes back healthy
    assert after(lambda h: both.abandon("e", h)) == ("InService", None)
    assert asked(both, 5) == pytest.approx([old] * 5)
    until(lambda: len([pid for pid in pids(tmp_path) if alive(pid)]) == 1)


def test_to_go_back_to_nothing_is_told(host: EndpointHost) -> None:
    after(lambda h: host.prepare("e", "v", of(NEW), 1, h))
    status, reason = after(lambda h: host.abandon("e", h))
    assert (status, reason) == ("Failed", "the old fleet is gone")


def test_a_fleet_that_alone_is_there_answers_all(host: EndpointHost, models: Any) -> None:
    old, new = (float(expected(model, [[0.5, 0.1, 0.2]])[0]) for model in models)
    after(lambda h: host.prepare("e", "v", of(NEW), 1, h, generation="2"))
    host.route("e", 0.25)
    assert asked(host, 20) == pytest.approx([new] * 20)
    after(lambda h: host.start("e", "v", of(OLD), 1, h))
    host.route("e", 0.0)
    assert asked(host, 5) == pytest.approx([old] * 5)


def test_a_fleet_grows_and_shrinks(host: EndpointHost, tmp_path: Path) -> None:
    after(lambda h: host.start("e", "v", of(OLD), 1, h))
    assert after(lambda h: host.resize("e", 3, h)) == ("InService", None)
    assert len([pid for pid in pids(tmp_path) if alive(pid)]) == 3
    answers: list[int] = []
    over = threading.Event()

    def ask() -> None:
        while not over.is_set():
            answers.append(host.invoke("e", b"0.5,0.1,0.2", "text/csv", None).status)

    thread = threading.Thread(target=ask)
    thread.start()
    assert after(lambda h: host.resize("e", 1, h)) == ("InService", None)
    over.set()
    thread.join()
    assert set(answers) == {200}
    assert len([pid for pid in pids(tmp_path) if alive(pid)]) == 1
    after(lambda h: host.resize("e", 50, h))
    assert len([pid for pid in pids(tmp_path) if alive(pid)]) == 4  # the rest is a number
    assert after(lambda h: host.resize("other", 2, h))[0] == "Failed"


def test_a_serverless_endpoint_starts_when_it_is_asked(host: EndpointHost, tmp_path: Path) -> None:
    after(lambda h: host.start("e", "v", of(OLD), 1, h, concurrency=5))
    assert [pid for pid in pids(tmp_path) if alive(pid)] == []
    assert asked(host, 2)
    assert len([pid for pid in pids(tmp_path) if alive(pid)]) == 1


def test_a_serverless_endpoint_has_a_limit(host: EndpointHost) -> None:
    after(lambda h: host.start("e", "v", of("s3://out/slow.tar.gz"), 1, h, concurrency=2))
    host.invoke("e", b"1", "text/csv", None)  # the cold start is over
    found: list[Any] = []
    threads = [
        threading.Thread(target=lambda: found.append(host.invoke("e", b"1", "text/csv", None)))
        for _ in range(6)
    ]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert time.monotonic() - began < 30
    refused = [answer for answer in found if answer.status == 429]
    assert len(refused) == 4
    assert {answer.error for answer in refused} == {"ThrottlingException"}
    assert [answer.status for answer in found if answer.status != 429] == [200, 200]


def test_to_go_back_waits_for_a_fleet_that_is_on_its_way(host: EndpointHost, models: Any) -> None:
    first, back = Heard(), Heard()
    host.start("e", "v", of(OLD), 1, first)
    host.abandon("e", back)
    assert back.wait() == ("InService", None)
    assert first.wait() == ("InService", None)
    old = float(expected(models[0], [[0.5, 0.1, 0.2]])[0])
    assert asked(host, 1) == pytest.approx([old])
