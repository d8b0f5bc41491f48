"""An endpoint's processes: they take turns, come back, are replaced, and end with their server."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from sagemaker_local.hosting import EndpointHost
from tests.local.hosting_world import (
    MODEL,
    OWN_IMAGE,
    Heard,
    alive,
    booster,
    container,
    packed,
    pids,
    slow_host,
    up,
)
from tests.local.training_world import FakeObjects, until


def test_processes_take_turns_and_come_back(host: EndpointHost, tmp_path: Path) -> None:
    up(host, container(), count=2)
    first = pids(tmp_path)
    assert len(set(first)) == 2
    os.kill(first[0], signal.SIGKILL)
    container_0 = host._live["e"]._workers[0]._container
    assert container_0 is not None
    until(lambda: not container_0.alive())
    answers = [host.invoke("e", b"1,2,3", "text/csv", None).status for _ in range(4)]
    assert answers == [200] * 4
    assert len(set(pids(tmp_path)) - set(first)) == 1


def test_the_same_twice_is_once(host: EndpointHost, tmp_path: Path) -> None:
    up(host, container())
    before = pids(tmp_path)
    again = Heard()
    host.start("e", "AllTraffic", container(), 1, again)
    assert pids(tmp_path) == before
    assert again.said == []


def test_a_replacement_takes_over_when_it_is_healthy(
    host: EndpointHost, objects: FakeObjects, tmp_path: Path
) -> None:
    up(host, container())
    old = pids(tmp_path)
    before = host.invoke("e", b"0.5,0.1,0.2", "text/csv", None).body
    objects.content["s3://out/better.tar.gz"] = packed(booster(eta=1.0))
    better = container() | {"ModelDataUrl": "s3://out/better.tar.gz"}
    heard = Heard()
    host.start("e", "AllTraffic", better, 1, heard)
    during = []
    while not heard.event.is_set():
        during.append(host.invoke("e", b"0.5,0.1,0.2", "text/csv", None).status)
    assert set(during) == {200}
    assert heard.wait() == ("InService", None)
    assert host.invoke("e", b"0.5,0.1,0.2", "text/csv", None).body != before
    until(lambda: not alive(old[0]))


def test_a_replacement_that_fails_leaves_the_old_one(host: EndpointHost) -> None:
    up(host, container())
    heard = Heard()
    broken = container() | {"ModelDataUrl": "s3://out/nothing"}
    host.start("e", "AllTraffic", broken, 1, heard)
    assert heard.wait()[0] == "Failed"
    assert host.invoke("e", b"1,2,3", "text/csv", None).status == 200


def test_stop_ends_the_processes(host: EndpointHost, tmp_path: Path) -> None:
    up(host, container(), count=2)
    running = pids(tmp_path)
    host.stop("e")
    host.stop("nobody")
    until(lambda: not any(map(alive, running)))
    assert host.invoke("e", b"1", "text/csv", None).error == "ValidationError"


def test_stop_ends_one_that_is_not_yet_healthy(tmp_path: Path, objects: FakeObjects) -> None:
    host = slow_host(tmp_path, objects, "import time; time.sleep(60)")
    heard = Heard()
    host.start("e", "AllTraffic", {"Image": OWN_IMAGE}, 1, heard)
    until(lambda: pids(tmp_path))
    running = pids(tmp_path)
    host.stop("e")
    until(lambda: not alive(running[0]))
    host.shutdown()
    assert heard.said == []


def test_what_has_left_its_group_ends_with_the_endpoint(
    tmp_path: Path, objects: FakeObjects
) -> None:
    code = """
import subprocess, time
child = subprocess.Popen(["sleep", "60"], start_new_session=True)
open("child.new", "w").write(str(child.pid))
__import__("os").rename("child.new", "child")
time.sleep(60)
"""
    host = slow_host(tmp_path, objects, code)
    host.start("e", "AllTraffic", {"Image": OWN_IMAGE}, 1, Heard())
    until(lambda: list(tmp_path.glob("endpoints/*/generation-*/ml/child")))
    (told,) = tmp_path.glob("endpoints/*/generation-*/ml/child")
    child = int(told.read_text())
    host.stop("e")
    until(lambda: not alive(child))
    host.shutdown()


def test_one_that_never_answers_fails_in_time(tmp_path: Path, objects: FakeObjects) -> None:
    code = "import time; time.sleep(60)"
    host = slow_host(tmp_path, objects, code, health_seconds=0.5)
    status, told = up(host, {"Image": OWN_IMAGE})
    assert (status, "did not answer /ping" in (told or "")) == ("Failed", True)
    host.shutdown()


DIES = """
import http.server, os, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers()
    def do_POST(self):
        if self.headers["Content-Type"] == "slow/slow":
            import time; time.sleep(30)
        os._exit(1)
port = int(os.environ["SAGEMAKER_BIND_TO_PORT"])
assert sys.argv[-1] == "serve"
http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()
"""


def test_one_that_dies_or_dawdles_is_a_model_error(tmp_path: Path, objects: FakeObjects) -> None:
    host = slow_host(tmp_path, objects, DIES, answer_seconds=0.5)
    assert up(host, {"Image": OWN_IMAGE})[0] == "InService"
    for kind in ("any/any", "slow/slow", "any/any"):
        answer = host.invoke("e", b"1", kind, None)
        assert (answer.status, answer.error) == (424, "ModelError")
    host.shutdown()


def test_a_port_that_another_has_taken_is_left_to_it(
    host: EndpointHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sagemaker_local.hosting import worker

    free = worker._free_port
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        ports = iter([other.getsockname()[1]])
        monkeypatch.setattr(worker, "_free_port", lambda: next(ports, None) or free())
        assert up(host, container()) == ("InService", None)


def test_one_that_cannot_come_back_is_unavailable(tmp_path: Path, objects: FakeObjects) -> None:
    flag = tmp_path / "broken"
    code = f"import os\nif os.path.exists({str(flag)!r}): raise SystemExit('broken')\n{DIES}"
    host = slow_host(tmp_path, objects, code)
    up(host, {"Image": OWN_IMAGE})
    flag.touch()
    running = host._live["e"]._workers[0]._container
    assert running is not None
    host.invoke("e", b"1", "any/any", None)
    until(lambda: not running.alive())
    answer = host.invoke("e", b"1", "any/any", None)
    assert (answer.status, answer.error) == (503, "ServiceUnavailable")
    assert "broken" in (answer.message or "")
    host.shutdown()


def test_processes_left_by_a_dead_server_are_killed(tmp_path: Path, objects: FakeObjects) -> None:
    base = tmp_path / "endpoints" / "e" / "generation-0"
    (base / "ml").mkdir(parents=True)
    from sagemaker_local.containers.leftovers import remember

    left = subprocess.Popen(["sleep", "60"], start_new_session=True)
    remember(base / "pid-0", left.pid)
    host = EndpointHost(tmp_path, objects, region="us-east-1")
    host.adopt_or_reap()
    assert left.wait(5) == -signal.SIGKILL
    assert not (base / "pid-0").exists()


def test_a_serving_process_ends_when_its_server_is_killed(tmp_path: Path) -> None:
    (tmp_path / "model").write_bytes(packed(booster()))
    server = f"""
import pathlib, time
from sagemaker_local.hosting import EndpointHost
from tests.local.training_world import FakeObjects, XGBOOST_IMAGE
root = pathlib.Path({str(tmp_path)!r})
objects = FakeObjects()
objects.content[{MODEL!r}] = (root / "model").read_bytes()
host = EndpointHost(root, objects, region="us-east-1")
container = {{"Image": XGBOOST_IMAGE, "ModelDataUrl": {MODEL!r}}}
host.start("e", "v", container, 1, lambda *_: (root / "up").touch())
time.sleep(60)
"""
    path = os.pathsep.join(filter(None, sys.path))
    dead = subprocess.Popen(
        [sys.executable, "-c", server], cwd=Path.cwd(), env=os.environ | {"PYTHONPATH": path}
    )
    until((tmp_path / "up").exists)
    [serving] = pids(tmp_path)
    dead.send_signal(signal.SIGKILL)
    dead.wait()
    until(lambda: not alive(serving))
    assert not alive(serving)
