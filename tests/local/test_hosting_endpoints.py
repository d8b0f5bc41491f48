"""What an endpoint of the built-in XGBoost answers, and what it refuses."""

import http.client
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sagemaker_local.hosting import EndpointHost
from tests.local.hosting_world import (
    MODEL,
    booster,
    container,
    expected,
    packed,
    up,
)
from tests.local.training_world import FakeObjects, archive


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
