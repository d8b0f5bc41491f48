import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sagemaker_local.hosting import EndpointHost
from sagemaker_local.images.lean_xgboost import xgboost
from tests.local.training_world import XGBOOST_IMAGE, FakeObjects, archive, until

MODEL = "s3://out/model.tar.gz"
OWN_IMAGE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/own:1"


class Heard:
    """What an endpoint's listener hears."""

    def __init__(self) -> None:
        self.said: list[tuple[str, str | None]] = []
        self.event = threading.Event()

    def __call__(self, status: str, reason: str | None) -> None:
        self.said.append((status, reason))
        self.event.set()

    def wait(self, seconds: float = 30.0) -> tuple[str, str | None]:
        assert self.event.wait(seconds)
        return self.said[-1]


def booster(objective: str = "binary:logistic", **parameters: Any) -> Any:
    random = np.random.default_rng(0)
    features = random.normal(size=(200, 3)).astype(np.float32)
    labels = (features[:, 0] > 0).astype(int) + (features[:, 1] > 1) * parameters.get("more", 0)
    parameters.pop("more", None)
    data = xgboost.DMatrix(features, label=labels)
    return xgboost.train({"objective": objective, "nthread": 1, **parameters}, data, 5)


def packed(model: Any) -> bytes:
    return archive({"xgboost-model": bytes(model.save_raw(raw_format="ubj"))})


def container(**environment: str) -> dict[str, Any]:
    return {"Image": XGBOOST_IMAGE, "ModelDataUrl": MODEL, "Environment": environment}


@pytest.fixture(scope="module")
def model() -> Any:
    return booster()


@pytest.fixture
def objects(model: Any) -> FakeObjects:
    objects = FakeObjects()
    objects.content[MODEL] = packed(model)
    return objects


@pytest.fixture
def host(tmp_path: Path, objects: FakeObjects) -> Iterator[EndpointHost]:
    host = EndpointHost(tmp_path, objects, region="us-east-1")
    yield host
    host.shutdown()


def up(host: EndpointHost, given: dict[str, Any], count: int = 1, name: str = "e") -> Any:
    heard = Heard()
    host.start(name, "AllTraffic", given, count, heard)
    return heard.wait()


def expected(model: Any, rows: list[list[float]]) -> Any:
    return model.predict(xgboost.DMatrix(np.array(rows, dtype=np.float32)))


def pids(tmp_path: Path) -> list[int]:
    files = sorted(tmp_path.glob("endpoints/*/generation-*/pid-*"))
    return [json.loads(file.read_text())["pid"] for file in files]


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def test_xgboost_answers_in_the_form_that_is_wished_for(host: EndpointHost, model: Any) -> None:
    assert up(host, container()) == ("InService", None)
    rows = [[0.5, 0.1, 0.2], [-0.5, 0.1, 0.2]]
    scores = expected(model, rows)
    body = b"0.5,0.1,0.2\n-0.5,0.1,0.2\n"

    plain = host.invoke("e", body, "text/csv", None)
    assert plain.status == 200
    assert plain.headers["Content-Type"] == "text/csv"
    assert plain.headers["x-Amzn-Invoked-Production-Variant"] == "AllTraffic"
    assert np.array(plain.body.split(), dtype=float) == pytest.approx(scores)

    answer = host.invoke("e", body, "text/csv; charset=utf-8", "application/json")
    told = [row["score"] for row in json.loads(answer.body)["predictions"]]
    assert told == pytest.approx(scores)

    lines = host.invoke("e", b"0:0.5 1:0.1 2:0.2", "text/libsvm", "application/jsonlines")
    assert json.loads(lines.body.strip())["score"] == pytest.approx(scores[0])

    labelled = host.invoke("e", b"1 0:0.5 1:0.1 2:0.2", "text/x-libsvm", "*/*")
    assert float(labelled.body) == pytest.approx(scores[0])


def test_xgboost_refuses_what_it_cannot_answer(host: EndpointHost, tmp_path: Path) -> None:
    up(host, container())
    row = b"1,2,3"
    assert host.invoke("e", b"", "text/csv", None).status == 204
    for body, kind, accept, status in (
        (row, "application/json", None, 415),
        (row, "text/csv", "image/png", 406),
        (b"1,2", "text/csv", None, 400),
        (b"1,2,3,4", "text/csv", None, 400),
        (b"a,b,c", "text/csv", None, 400),
        (b"1 9:1", "text/libsvm", None, 400),
    ):
        answer = host.invoke("e", body, kind, accept)
        assert (answer.status, answer.error) == (424, "ModelError")
        assert json.loads(answer.body)["OriginalStatusCode"] == status
        assert answer.headers["x-amzn-ErrorType"] == "ModelError"
        assert f"({status})" in (answer.message or "")
    hint = host.invoke("e", b"1,2,3,4", "text/csv", None).message or ""
    assert "carries no label" in hint
    large = host.invoke("e", b"1" * 6_291_457, "text/csv", None)
    assert (large.status, large.error) == (413, "ValidationError")
    unknown = host.invoke("other", row, "text/csv", None)
    assert (unknown.status, unknown.error) == (400, "ValidationError")
    assert "serving on port" in (tmp_path / "endpoints/e/log").read_text()


def test_the_container_tells_its_parameters_and_limits(host: EndpointHost) -> None:
    up(host, container())
    connection = http.client.HTTPConnection("127.0.0.1", host._live["e"]._workers[0]._port)
    connection.request("GET", "/execution-parameters")
    told = json.loads(connection.getresponse().read())
    assert told == {
        "BatchStrategy": "MULTI_RECORD",
        "MaxConcurrentTransforms": 1,
        "MaxPayloadInMB": 6,
    }
    connection.request("GET", "/elsewhere")
    answer = connection.getresponse()
    answer.read()
    assert answer.status == 404
    connection.putrequest("POST", "/invocations")
    connection.putheader("Content-Length", "6291457")
    connection.endheaders()
    assert connection.getresponse().status == 413
    connection.close()


def test_the_default_form_comes_from_the_environment(host: EndpointHost) -> None:
    up(host, container(SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT="application/json"))
    assert b"predictions" in host.invoke("e", b"1,2,3", "text/csv", None).body


def test_classes_are_a_list_of_scores(host: EndpointHost, objects: FakeObjects) -> None:
    several = booster("multi:softprob", num_class=3, more=1)
    objects.content[MODEL] = packed(several)
    up(host, container())
    line = host.invoke("e", b"0.5,0.1,0.2", "text/csv", None).body.decode()
    scores = [float(part) for part in line.split(",")]
    assert scores == pytest.approx(expected(several, [[0.5, 0.1, 0.2]])[0])


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ({"other": b"1"}, "holds no file xgboost-model"),
        ({"xgboost-model": b"\x80\x04K\x01."}, "not a model saved as JSON or UBJSON"),
        ({"xgboost-model": b"{broken"}, "is not a model of XGBoost"),
        (None, "cannot be extracted"),
    ],
)
def test_a_model_that_is_none_fails_its_endpoint(
    host: EndpointHost, objects: FakeObjects, files: dict[str, bytes] | None, reason: str
) -> None:
    objects.content[MODEL] = b"not an archive" if files is None else archive(files)  # type: ignore[arg-type]
    status, told = up(host, container())
    assert status == "Failed"
    assert reason in (told or "")
    assert host.invoke("e", b"1", "text/csv", None).error == "ValidationError"


def test_a_missing_model_and_an_unknown_image_fail(host: EndpointHost) -> None:
    status, told = up(host, container() | {"ModelDataUrl": "s3://out/nothing"})
    assert (status, "NoSuchKey" in (told or "")) == ("Failed", True)
    status, told = up(host, {"Image": "mine:1"}, name="other")
    assert (status, "Settings.images" in (told or "")) == ("Failed", True)


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


def slow_host(tmp_path: Path, objects: FakeObjects, code: str, **changed: Any) -> EndpointHost:
    images = {"own": (sys.executable, "-c", code)}
    return EndpointHost(tmp_path, objects, region="us-east-1", images=images, **changed)


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


def test_a_serving_process_ends_when_its_server_is_killed(
    tmp_path: Path, objects: FakeObjects
) -> None:
    (tmp_path / "model").write_bytes(objects.content[MODEL])
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


SCRIPT = """
import json, os, helper
def model_fn(model_dir):
    return json.load(open(os.path.join(model_dir, "weights.json")))
def predict_fn(data, model):
    return data * helper.FACTOR + model["bias"]
"""


def script_model(script: str = SCRIPT, **more: str) -> bytes:
    files = {
        "weights.json": '{"bias": 1}',
        "code/inference.py": script,
        "code/helper.py": "FACTOR = 2",
    }
    return archive(files | more)  # type: ignore[arg-type]


def script_container(**environment: str) -> dict[str, Any]:
    image = "763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-inference:2.0-cpu-py310"
    return {"Image": image, "ModelDataUrl": MODEL, "Environment": environment}


def test_a_script_serves_with_the_defaults(host: EndpointHost, objects: FakeObjects) -> None:
    objects.content[MODEL] = script_model()
    assert up(host, script_container()) == ("InService", None)
    answer = host.invoke("e", b"[1, 2]", "application/json", None)
    assert json.loads(answer.body) == [3, 5]
    answer = host.invoke("e", b"1,2\n3,4", "text/csv", "text/csv")
    assert answer.body == b"3,5\n7,9\n"
    for body, kind, accept, status in (
        (b"{", "application/json", None, 400),
        (b"1", "image/png", None, 415),
        (b"1", "application/json", "image/png", 406),
    ):
        refused = host.invoke("e", body, kind, accept)
        assert json.loads(refused.body)["OriginalStatusCode"] == status


def test_a_script_in_the_source_archive(host: EndpointHost, objects: FakeObjects) -> None:
    own = """
def model_fn(model_dir): return 3
def transform_fn(model, body, content_type, accept): return body * model, "text/plain"
"""
    objects.content |= {MODEL: archive({"w": "1"}), "s3://code/s.tar.gz": archive({"own.py": own})}
    given = script_container(
        SAGEMAKER_PROGRAM="own.py", SAGEMAKER_SUBMIT_DIRECTORY="s3://code/s.tar.gz"
    )
    assert up(host, given) == ("InService", None)
    answer = host.invoke("e", b"ab", "text/plain", None)
    assert (answer.body, answer.headers["Content-Type"]) == (b"ababab", "text/plain")


@pytest.mark.parametrize(
    ("script", "environment", "reason"),
    [
        ("", {}, "has no model_fn"),
        ("raise ValueError('no luck')", {}, "no luck"),
        (SCRIPT, {"SAGEMAKER_PROGRAM": "../weights.json"}, "there is no ../weights.json"),
        (SCRIPT, {"SAGEMAKER_SUBMIT_DIRECTORY": "file:///etc"}, "has to be the s3:// address"),
    ],
)
def test_a_script_that_cannot_serve_fails(
    host: EndpointHost,
    objects: FakeObjects,
    script: str,
    environment: dict[str, str],
    reason: str,
) -> None:
    objects.content[MODEL] = script_model(script)
    status, told = up(host, script_container(**environment))
    assert status == "Failed"
    assert reason in (told or "")


def test_a_script_that_fails_on_a_request_goes_on(host: EndpointHost, objects: FakeObjects) -> None:
    objects.content[MODEL] = script_model(
        "def model_fn(folder): return 1\ndef predict_fn(data, model): raise ValueError('no luck')"
    )
    up(host, script_container(SAGEMAKER_SUBMIT_DIRECTORY="/opt/ml/model/code"))
    for _ in range(2):
        answer = host.invoke("e", b"[1]", "application/json", None)
        assert json.loads(answer.body)["OriginalStatusCode"] == 500
        assert "no luck" in (answer.message or "")
