"""Links: looking changes nothing, the first answer counts, forgeries do not."""

import base64
import hashlib
import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.build import document
from tests.support.door import Door
from tests.support.memory import MemorySecrets
from tunewright.app.announcer import Announcer
from tunewright.domain.links import KEY_BYTES
from tunewright.domain.study import CommandKind, Phase

if TYPE_CHECKING:
    from tunewright.domain.message import Message


class Elements(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs


def test_a_message_that_asks_has_the_link_and_told_again_the_same_link(door: Door) -> None:
    assert door.message.link == f"https://api.example/prod/approvals/{door.token}"
    asks = door.world.store.decisions(door.study_id)[-1]
    door.world.pass_time(3600)
    door.announcer.announce(asks)
    assert door.messages[-1] == door.message
    assert len([each for each in door.messages if each.link]) == 2


def test_without_an_address_or_a_key_there_is_no_link() -> None:
    door = Door()
    asks = door.world.store.decisions(door.study_id)[-1]
    for parts in ({}, {"url": "https://api"}, {"secrets": MemorySecrets()}):
        Announcer(door.world.store, door.world.store, door, door, **parts).announce(asks)  # type: ignore[arg-type]
        assert door.messages[-1].plan_hash
        assert door.messages[-1].link is None


def test_the_page_tells_what_would_go_live_where_for_what(door: Door) -> None:
    status, page, _ = door.ask("GET")
    assert status == 200
    best = door.study.incumbent
    assert best is not None
    for shown in (
        "churn",
        best.trial,
        f"validation:auc {best.value:.5g}",
        "tw-prod",
        "on 1 × ml.m5.large",
        "nothing yet",
        "$2.76 a day",
        "until its lease of 2 d ends, $5.52 in all",
        "Nothing is live at prod yet; the study asks for an approval before",
    ):
        assert shown in page, shown
    assert page.count("<button") == 2


def test_the_page_holds_nothing_that_runs_or_comes_from_elsewhere(door: Door) -> None:
    _, page, headers = door.ask("GET")
    found = Elements(page)
    assert not {"script", "img", "link", "iframe", "object", "svg"} & set(found.tags)
    names = {name for name, _ in found.attributes}
    assert not names & {"src", "href", "style", "action"}
    assert not [name for name in names if name.startswith("on")]
    style = page.partition("<style>")[2].partition("</style>")[0]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = headers["Content-Security-Policy"]
    assert policy.startswith(f"default-src 'none'; style-src 'sha256-{digest}';")
    assert "url(" not in style
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cache-Control"] == "no-store"
    assert headers["X-Frame-Options"] == "DENY"


def test_every_page_has_the_same_guards(door: Door) -> None:
    for event in (
        {"httpMethod": "GET", "path": "/approvals/x"},
        {"httpMethod": "GET", "path": "/other"},
        {"httpMethod": "PUT", "path": "/approvals/x"},
        {"httpMethod": "POST", "path": "/slack/actions", "body": "x"},
        {},
    ):
        headers = door.pages.handle(event)["headers"]
        assert headers["Content-Security-Policy"].startswith("default-src 'none'")
        assert headers["Cache-Control"] == "no-store"


def test_what_others_wrote_is_escaped(door: Door) -> None:
    held = door.world.store._studies[door.study_id]
    assert held.deployment is not None
    evil = "<script>alert('x')</script>\"&"
    planned = held.deployment.but(trial=evil, endpoint=evil, why=evil, artifact=evil, replaces=evil)
    door.world.store._studies[door.study_id] = held.but(deployment=planned)
    _, page, _ = door.ask("GET")
    assert "&lt;script&gt;alert(&#x27;x&#x27;)&lt;/script&gt;&quot;&amp;" in page
    _, after = door.say("reject")
    for text in (page, after):
        assert "script" not in Elements(text).tags


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_looking_never_changes_anything(door: Door, method: str) -> None:
    writes, wakes = door.world.store.writes, len(door.world.wakes)
    for _ in range(3):
        status, body, _ = door.ask(method)
        assert status == 200
        assert (body == "") == (method == "HEAD")
    door.ask(method, queryStringParameters={"answer": "approve"}, body="answer=approve")
    assert (door.world.store.writes, len(door.world.wakes)) == (writes, wakes)
    assert door.waiting() == []
    assert door.advance().phase is Phase.AWAITING_APPROVAL


def test_an_approval_deploys_and_says_what_happens_next(door: Door) -> None:
    status, page = door.say("approve")
    assert status == 200
    assert "<h1>Approved</h1>" in page
    assert "tw-prod is being deployed" in page
    assert door.waiting() == ["somebody by the link in a message: approve"]
    assert len(door.world.wakes)
    assert door.advance().phase is Phase.DEPLOYING
    _, page, _ = door.ask("GET")
    assert "Approved already" in page
    assert "Approved by somebody by the link in a message on 01 January 2026 at 00:" in page
    assert "<button" not in page


def test_a_rejection_ends_the_study_and_says_so(door: Door) -> None:
    _, page = door.say("reject")
    assert "<h1>Rejected</h1>" in page
    assert "Nothing is deployed, and the study ends." in page
    study = door.advance()
    assert study.phase is Phase.DONE
    reason = door.world.store.decisions(study.id)[-1].reason
    assert reason.endswith("is not deployed: somebody by the link in a message rejected it")
    _, page, _ = door.ask("GET")
    assert "Rejected already" in page


@pytest.mark.parametrize("settled", [False, True])
@pytest.mark.parametrize("first", ["link", "slack", "api"])
@pytest.mark.parametrize("second", ["link", "slack", "api"])
def test_the_first_answer_counts_whichever_ways_they_come(
    door: Door, first: str, second: str, settled: bool
) -> None:
    plan = door.message.plan_hash or ""

    def answer(way: str, verb: str) -> str:
        if way == "link":
            return door.say(verb)[1]
        if way == "slack":
            return str(door.press(verb)[1])
        kind = CommandKind(verb)
        kept = door.world.studies.answer(door.study_id, kind, by="arn:bo", plan_hash=plan)
        return f"{kept.kind} by {kept.by}"

    answer(first, "reject")
    if settled:
        door.advance()
    told = answer(second, "approve")
    by = {"link": "somebody by the link", "slack": "slack:U123 (ana)", "api": "arn:bo"}[first]
    assert re.search(rf"reject(ed)? by {re.escape(by)}", told, re.IGNORECASE), told
    if second == "link":
        assert "Your answer came second" in told
    study = door.advance()
    assert study.phase is Phase.DONE
    kinds = [each.kind.value for each in door.world.store.decisions(study.id)]
    assert kinds.count("commanded") == 1
    assert "deployment planned" not in kinds


def test_the_same_answer_twice_is_one(door: Door) -> None:
    assert door.say("approve") == door.say("approve")
    door.advance()
    status, page = door.say("approve")
    assert status == 200
    assert "came second" not in page
    assert door.waiting() == []


def test_what_is_live_is_told_with_what_it_is_worth() -> None:
    door = Door()
    door.say("approve")
    door.advance()
    door.world.finish_deployment()
    assert door.advance().phase is Phase.DONE
    world = door.world
    again = world.submit(
        document(
            rounds={"max": 1, "trials": 4, "parallel": 2}, deploy={"to": "prod", "approve": True}
        ),
        key="second",
    )
    world.advance(again)
    for value in (0.99, 0.5, 0.5, 0.5):
        world.recorder.record(world.run_trial(value))
    world.end_job()
    world.advance(again)
    messages: list[Message] = []
    door.publish = messages.append  # type: ignore[method-assign]
    for decision in world.store.decisions(again):
        door.announcer.announce(decision)
    token = next(each.token for each in messages if each.link)
    _, page, _ = door.ask("GET", token)
    assert f"tw-{door.study_id}-v1; the new model is 0." in page
    assert " better" in page
    champion = world.crowns.load("tw-prod").champion
    assert champion is not None
    known = world.crowns.load("tw-prod")
    world.crowns.save(known.but(champion=champion.but(metric="validation:rmse")))
    assert "chosen by another metric" in door.ask("GET", token)[1]
    known = world.crowns.load("tw-prod")
    world.crowns.save(known.but(champion=champion.but(value=1.0)))
    assert " worse" in door.ask("GET", token)[1]
    known = world.crowns.load("tw-prod")
    world.crowns.save(known.but(champion=champion.but(model="other")))
    assert "what it is worth is not known here" in door.ask("GET", token)[1]


# What is refused


def other_key(door: Door) -> str:
    door.secrets._keys["links"] = bytes(KEY_BYTES)
    return door.token


def no_key(door: Door) -> str:
    del door.secrets._keys["links"]
    return door.token


def expired(door: Door) -> str:
    return door.expired()


def tampered(door: Door) -> str:
    return door.token[:-3] + ("A" if door.token[-3] != "A" else "B") + door.token[-2:]


def over(door: Door) -> str:
    door.world.studies.command(door.study_id, CommandKind.CANCEL, by="bo", command_id="c")
    assert door.advance().phase is Phase.CANCELLED
    return door.token


def superseded(door: Door) -> str:
    held = door.world.store._studies[door.study_id]
    assert held.deployment is not None
    planned = held.deployment.but(hash="beef")
    door.world.store._studies[door.study_id] = held.but(deployment=planned)
    return door.token


def judged_again(door: Door) -> str:
    held = door.world.store._studies[door.study_id]
    door.world.store._studies[door.study_id] = held.but(phase=Phase.CHOOSING, deployment=None)
    return door.token


def being_cancelled(door: Door) -> str:
    held = door.world.store._studies[door.study_id]
    door.world.store._studies[door.study_id] = held.but(phase=Phase.SEARCHING, ending="cancelled")
    return door.token


def no_study(door: Door) -> str:
    del door.world.store._studies[door.study_id]
    return door.token


REFUSALS = {
    other_key: (403, "was not made by this stack"),
    no_key: (403, "was not made by this stack"),
    expired: (410, "has expired"),
    tampered: (404, "is not whole"),
    over: (410, "churn is cancelled"),
    superseded: (410, "for a plan that has been replaced"),
    judged_again: (410, "for a plan that has been replaced"),
    being_cancelled: (410, "for a plan that has been replaced"),
    no_study: (404, "is not in this stack any more"),
    lambda _: "": (404, "is not whole"),
    lambda _: "<script>": (404, "is not whole"),
}


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("spoil", REFUSALS, ids=lambda spoil: spoil.__name__)
def test_what_does_not_hold_is_refused_in_its_own_words(
    door: Door, spoil: Any, method: str
) -> None:
    status, words = REFUSALS[spoil]
    token = spoil(door)
    before = list(door.waiting())
    got, page, _ = door.ask(method, token, body="answer=approve")
    assert (got, words in page) == (status, True), page
    assert door.waiting() == before
    assert "<button" not in page
    assert "<script" not in page


def test_whoever_has_an_expired_link_is_told_what_to_type_instead(door: Door) -> None:
    _, page, _ = door.ask("GET", expired(door))
    assert f"tunewright approve {door.study_id}" in page
    door.world.studies.command(door.study_id, CommandKind.CANCEL, by="bo", command_id="c")
    door.advance()
    _, page, _ = door.ask("GET")
    assert "churn is cancelled" in page
    assert "tunewright approve" not in page
    assert door.ask("GET", no_study(door))[0] == 410


@given(st.text(max_size=300))
@settings(max_examples=100, deadline=None)
def test_no_token_at_all_is_our_fault(token: str) -> None:
    status, _, _ = SHARED.ask("GET", token)
    assert status in {403, 404}


SHARED = Door()


@pytest.mark.parametrize(
    ("event", "status"),
    [
        ({"body": None}, 400),
        ({"body": ""}, 400),
        ({"body": "answer=maybe"}, 400),
        ({"body": "answer=approve&answer=reject"}, 400),
        ({"body": "answer"}, 400),
        ({"body": "answer=%FF"}, 400),
        ({"body": "answer=é"}, 400),
        ({"body": 7}, 400),
        ({"body": "answer=approve" + "&x=1" * 300}, 413),
        ({"body": '{"answer": "approve"}', "headers": {"Content-Type": "application/json"}}, 415),
        ({"body": "answer=approve", "headers": None}, 415),
        ({"body": "!", "isBase64Encoded": True}, 400),
        ({"httpMethod": "DELETE"}, 405),
        ({"path": "/approvals"}, 404),
        ({"path": "/approvals/a/b"}, 404),
        ({"path": "/slack/actions", "httpMethod": "GET"}, 405),
    ],
)
def test_a_form_that_makes_no_sense_changes_nothing(
    door: Door, event: dict[str, Any], status: int
) -> None:
    got, page, headers = door.ask("POST", **event)
    assert got == status, page
    assert ("Allow" in headers) == (status == 405)
    assert door.waiting() == []


def test_a_form_in_base64_is_read(door: Door) -> None:
    body = base64.b64encode(b"answer=reject").decode()
    status, page, _ = door.ask("POST", body=body, isBase64Encoded=True)
    assert (status, "Rejected" in page) == (200, True)


def test_an_error_of_ours_tells_no_secrets_and_logs_no_token(door: Door, caplog: Any) -> None:
    door.approvals._endpoints = None  # type: ignore[assignment]
    status, page, _ = door.ask("GET")
    assert status == 500
    assert "Something went wrong here" in page
    assert "AttributeError" in caplog.text
    assert door.token not in caplog.text + page
