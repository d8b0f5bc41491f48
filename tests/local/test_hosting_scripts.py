"""Endpoints whose model answers by a script of its own."""

import json
from typing import Any

import pytest

from sagemaker_local.hosting import EndpointHost
from tests.local.hosting_world import MODEL, up
from tests.local.training_world import FakeObjects, archive

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
