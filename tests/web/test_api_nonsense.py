"""What the API answers to nonsense: an error that says so, whatever it is sent."""

import base64
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.build import document
from tests.support.caller import Caller
from tunewright.web.request import MAX_BYTES


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nothing", 404, "no_such_route"),
        ("DELETE", "/studies", 405, "method_not_allowed"),
        ("GET", "/studies/none-aaaaaa", 404, "not_found"),
        ("GET", "/studies/none-aaaaaa/trials", 404, "not_found"),
        ("GET", "/studies/none-aaaaaa/decisions", 404, "not_found"),
        ("POST", "/studies/none-aaaaaa/stop", 404, "not_found"),
        ("GET", "/studies/..%2F", 404, "no_such_route"),
    ],
)
def test_what_is_not_there_is_said_to_be_not_there(
    caller: Caller, method: str, path: str, status: int, code: str
) -> None:
    got, error = caller.send(method, path)
    assert (got, error["error"]) == (status, code)


@pytest.mark.parametrize(
    "query", [{"limit": "0"}, {"limit": "101"}, {"limit": "x"}, {"limit": "٣"}]
)
def test_a_parameter_without_sense_is_refused(caller: Caller, query: dict[str, str]) -> None:
    assert caller.send("GET", "/studies", query=query)[0] == 400
    study_id = caller.submit()[1]["id"]
    assert caller.send("GET", f"/studies/{study_id}/trials", query={"sort": "luck"})[0] == 400
    assert caller.send("GET", f"/studies/{study_id}/decisions", query={"next": "-1"})[0] == 400


BODIES = {
    "no json": "{",
    "five thousand digits": '{"a": ' + "9" * 5000 + "}",
    "deep arrays": "[" * 5000 + "]" * 5000,
    "deep objects": '{"a":' * 5000 + "1" + "}" * 5000,
    "a key twice": '{"study": "a", "study": "b"}',
    "not a number": '{"a": NaN}',
    "infinity": '{"a": -Infinity}',
    "half a character": '{"a": "\\ud800"}',
    "half a character as key": '{"\\ud800": 1}',
    "nothing": "",
    "null": "null",
    "a list": "[1, 2]",
    "brackets in a string": json.dumps({"study": "[" * 100}),
}


@pytest.mark.parametrize("name", sorted(BODIES))
def test_a_body_that_makes_no_sense_is_refused_and_nothing_breaks(
    caller: Caller, name: str
) -> None:
    event = {"body": BODIES[name]}
    answer = caller.api.handle(
        {
            "httpMethod": "POST",
            "path": "/studies/plan",
            "headers": {"content-type": "application/json; charset=utf-8"},
            **event,
        }
    )
    assert 400 <= answer["statusCode"] < 500, answer
    error = json.loads(answer["body"])
    assert error["message"]
    assert "Traceback" not in answer["body"]


@pytest.mark.parametrize(
    ("event", "status"),
    [
        ({"body": "AAA", "isBase64Encoded": True}, 400),
        ({"body": base64.b64encode(b"\xff\xfe").decode(), "isBase64Encoded": True}, 400),
        ({"body": base64.b64encode(b"{}").decode(), "isBase64Encoded": True}, 422),
        ({"body": "{}", "headers": {"Content-Type": "text/plain"}}, 415),
        ({"body": "{}", "headers": None}, 415),
        ({"body": '"' + "a" * MAX_BYTES + '"'}, 413),
        ({"body": {"not": "text"}}, 400),
        ({"requestContext": None, "body": "{}"}, 422),
    ],
)
def test_odd_events_get_a_plain_answer(caller: Caller, event: dict[str, Any], status: int) -> None:
    whole = {
        "httpMethod": "POST",
        "path": "/studies/plan",
        "headers": {"Content-Type": "application/json"},
        **event,
    }
    answer = caller.api.handle(whole)
    assert answer["statusCode"] == status, answer


@settings(max_examples=150, deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
        max_leaves=12,
    ),
    st.sampled_from(["", "study", "objective", "training", "search_space", "stop", "tuning_job"]),
)
def test_no_document_at_all_is_our_fault(value: Any, key: str) -> None:
    caller = Caller()
    body = {**document(), key: value} if key else value
    status, _ = caller.send("POST", "/studies/plan", body)
    assert status < 500


def test_an_error_of_ours_tells_no_secrets(caller: Caller, caplog: Any) -> None:
    caller.api._store = None  # type: ignore[assignment]
    status, error = caller.send("GET", "/studies/a-aaaaaa")
    assert status == 500
    assert error == {
        "error": "internal",
        "message": "something went wrong here; try again",
        "details": [],
        "request_id": "r1",
    }
    assert "AttributeError" in caplog.text
