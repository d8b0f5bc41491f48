"""Slack's buttons: who pressed is told, and what Slack did not sign is refused."""

import base64
import json
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.support.door import REPLY, SIGNING, Door
from tunewright.adapters.webhook import WebhookError
from tunewright.web.slack_actions import MAX_BYTES


@pytest.mark.parametrize(("verb", "phase"), [("approve", "deploying"), ("reject", "done")])
def test_a_button_in_slack_answers_and_the_message_says_who_did(
    door: Door, verb: str, phase: str
) -> None:
    status, shown = door.press(verb)
    assert status == 200
    assert shown["replace_original"] is True
    done = {"approve": "Approved", "reject": "Rejected"}[verb]
    assert f"{done} by slack:U123 (ana) on 01 January 2026" in shown["text"]
    assert door.replies == [(REPLY, shown)]
    assert door.waiting() == [f"slack:U123 (ana): {verb}"]
    assert door.advance().phase.value == phase


def test_the_button_that_leads_to_the_page_answers_nothing(door: Door) -> None:
    assert door.press(actions=[{"action_id": "look"}]) == (200, "")
    assert (door.waiting(), door.replies) == ([], [])


def test_a_message_that_cannot_be_replaced_takes_no_answer_back(door: Door) -> None:
    door.reply_trouble = WebhookError("no", lasting=True)
    assert door.press()[0] == 200
    assert door.press(response_url=None)[0] == 200
    assert len(door.waiting()) == 1


def test_a_link_that_does_not_hold_is_told_to_who_pressed_alone(door: Door) -> None:
    status, shown = door.press(token=door.expired())
    assert status == 200
    assert (shown["response_type"], shown["replace_original"]) == ("ephemeral", False)
    assert "has expired" in shown["text"]
    assert door.waiting() == []


def test_names_from_slack_cannot_give_orders(door: Door) -> None:
    _, shown = door.press(user={"id": "U1", "username": "<!channel>\n" + "a" * 200})
    assert "&lt;!channel&gt; aaa" in shown["text"]
    assert "<!channel>" not in json.dumps(shown)
    (told,) = door.waiting()
    assert "\n" not in told
    assert len(told) < 120


def test_both_secrets_hold_while_one_is_being_replaced(door: Door) -> None:
    body = "payload=%7B%7D"
    for secret, status in ((SIGNING, 400), ("old-secret", 400), ("other", 401), ("", 401)):
        assert door.pages.handle(door.signed(body, secret))["statusCode"] == status


def without(name: str) -> Any:
    return lambda event: event["headers"].pop(name)


def twice(event: dict[str, Any]) -> None:
    many = {name: [value] for name, value in event["headers"].items()}
    many["X-Slack-Signature"] *= 2
    event["multiValueHeaders"] = many


SPOILED = {
    "no timestamp": without("X-Slack-Request-Timestamp"),
    "no signature": without("X-Slack-Signature"),
    "no headers": lambda event: event.update(headers=None),
    "changed body": lambda event: event.update(body=event["body"] + " "),
    "another version": lambda event: event["headers"].update(
        {"X-Slack-Signature": event["headers"]["X-Slack-Signature"].replace("v0", "v1")}
    ),
    "odd signature": lambda event: event["headers"].update({"X-Slack-Signature": "é\udcff"}),
    "twice": twice,
    "twice in two spellings": lambda event: event["headers"].update(
        {"x-slack-signature": event["headers"]["X-Slack-Signature"]}
    ),
}


def answer_body(door: Door) -> str:
    return urlencode({"payload": json.dumps({"actions": [{"value": f"approve {door.token}"}]})})


@pytest.mark.parametrize("what", SPOILED)
def test_what_slack_did_not_sign_is_refused(door: Door, what: str) -> None:
    event = door.signed(answer_body(door))
    SPOILED[what](event)
    assert door.pages.handle(event)["statusCode"] == 401
    assert door.waiting() == []


@pytest.mark.parametrize("stamp", [-301, 301, "soon", "٣", "-1", ""])
def test_what_was_not_signed_just_now_is_refused(door: Door, stamp: int | str) -> None:
    if isinstance(stamp, int):
        stamp = f"{int(door.world.now().timestamp()) + stamp}"
    event = door.signed(answer_body(door), stamp=stamp)
    assert door.pages.handle(event)["statusCode"] == 401
    assert door.waiting() == []


def test_headers_are_read_however_they_are_written(door: Door) -> None:
    event = door.signed("payload=%7B%7D")
    event["headers"] = {name.upper(): value for name, value in event["headers"].items()}
    assert door.pages.handle(event)["statusCode"] == 400  # signed, and of no button
    many = {name.lower(): [value] for name, value in event["headers"].items()}
    event = {**event, "headers": None, "multiValueHeaders": many}
    assert door.pages.handle(event)["statusCode"] == 400


@pytest.mark.parametrize("stamp", [-300, 300])
def test_the_window_is_five_minutes_wide(door: Door, stamp: int) -> None:
    now = int(door.world.now().timestamp())
    event = door.signed("payload=%7B%7D", stamp=f"{now + stamp}")
    assert door.pages.handle(event)["statusCode"] == 400


def test_a_body_is_signed_as_its_bytes(door: Door) -> None:
    event = door.signed("payload=%7B%7D")
    event |= {"body": base64.b64encode(event["body"].encode()).decode(), "isBase64Encoded": True}
    assert door.pages.handle(event)["statusCode"] == 400


BODIES = [
    "",
    "payload",
    "payload=x",
    "payload=%7B%7D&payload=%7B%7D",
    "other=1",
    "payload=" + "[" * 5000,
    "payload=null",
    "payload=[]",
    "payload=%FF",
    urlencode({"payload": json.dumps({"actions": [], "user": {"id": "U"}})}),
    urlencode({"payload": json.dumps({"actions": [{}, {}], "user": {"id": "U"}})}),
    urlencode({"payload": json.dumps({"actions": [7], "user": {"id": "U"}})}),
    urlencode({"payload": json.dumps({"actions": [{"value": "approve x"}], "user": 7})}),
    urlencode({"payload": json.dumps({"actions": [{"value": "approve x"}]})}),
]


@pytest.mark.parametrize("body", BODIES, ids=range(len(BODIES)))
def test_a_signed_body_of_no_button_is_refused(door: Door, body: str) -> None:
    assert door.send(body)[0] == 400
    assert door.waiting() == []


def test_a_body_of_more_than_slack_sends_is_not_even_checked(door: Door) -> None:
    assert door.send("x" * (MAX_BYTES + 1))[0] == 413


def test_a_stack_without_a_signing_secret_takes_nothing_from_slack() -> None:
    door = Door(signing=None)
    assert door.press()[0] == 404
    assert Door(signing=" \n").press()[0] == 401
