"""What people are told: one message for a decision, its title enough on a phone."""

from typing import Any

import pytest

from tests.support.build import START, document
from tests.support.world import World
from tunewright.adapters import mail, slack
from tunewright.domain.message import Level, Message, message_of
from tunewright.domain.spec import Event
from tunewright.domain.study import EVENTS, Decision, DecisionKind, Phase, Standing

LINK = "https://api/approvals/t0ken"


@pytest.fixture(scope="module")
def messages() -> dict[str, Message]:
    """All messages of a study with two rounds, a pause, a refusal and an approval, by kind."""
    from tunewright.domain.errors import CapacityError, RefusedError

    world = World()
    spec = document(
        refine={"when": {"gain_above": 0}},
        rounds={"max": 2, "trials": 8, "parallel": 2, "sizes": "fixed"},
        deploy={"to": "prod", "approve": True},
    )
    world.refusals = [CapacityError("ResourceLimitExceeded", "the limit is <0> & closed")]
    study_id = world.submit(spec)
    world.paused = True
    world.advance(study_id)
    world.paused = False
    world.advance(study_id)
    world.pass_time(301)
    world.advance(study_id)
    world.refusals = [RefusedError("ValidationException", "no scaling today")]
    world.run_round(study_id)
    world.run_round(study_id)
    found = {}
    for decision in world.store.decisions(study_id):
        message = message_of(decision, tuple(Event))
        if message is not None:
            found.setdefault(decision.kind.value, message)
    return found


def test_every_kind_of_decision_that_is_told_has_a_title(messages: dict[str, Message]) -> None:
    assert set(EVENTS) - {DecisionKind(kind) for kind in messages} == {
        DecisionKind.NEEDS_PERSON,
        DecisionKind.NOT_DEPLOYED,
        DecisionKind.DONE,
        DecisionKind.FAILED,
        DecisionKind.LEASE_ENDED,
    }
    titles = {kind: message.title for kind, message in messages.items()}
    assert titles["round started"] == "churn · the search has started"
    assert titles["ranges refined"] == "churn · ranges for round 2"
    assert titles["round done"].startswith("churn · round 1 is done, best 0.")
    assert titles["approval needed"] == "churn · may it go live?"
    assert titles["held"] == "churn · the stack is paused"
    assert titles["waiting for capacity"] == "churn · round 1 waits for capacity"


def test_a_message_says_why_where_the_study_stands_and_what_may_be_answered(
    messages: dict[str, Message],
) -> None:
    message = messages["approval needed"]
    assert message.level is Level.NEEDS_ME
    assert [choice.verb for choice in message.choices] == ["approve", "reject"]
    assert message.plan_hash
    facts = dict(message.facts)
    assert facts["Spent"].endswith("of $20.00")
    assert facts["So far"] == "16 trials in 2 rounds"
    assert facts["Best validation:auc"].startswith("0.")
    assert message.text.startswith("churn · may it go live? May ")
    assert not messages["round done"].choices


def test_a_best_that_breaks_a_limit_is_not_told_as_if_it_could_win() -> None:
    world = World()
    study_id = world.submit(document(winner={"subject_to": {"seconds": "<= 5"}}))
    world.advance(study_id)
    world.run_round(study_id)
    (done,) = [each for each in world.store.decisions(study_id) if each.kind == "round done"]
    message = message_of(done, tuple(Event))
    assert message is not None
    assert message.title.endswith(", beyond the limits")
    assert dict(message.facts)["Best validation:auc"].endswith(", beyond the limits")


def test_the_reason_is_told_clause_by_clause(messages: dict[str, Message]) -> None:
    lines = messages["ranges refined"].lines
    assert lines[0].startswith("Ranges for round 2 (")
    assert len(lines) > 2
    names = (
        "eta ",
        "max_depth ",
        "subsample ",
        "max_depth, subsample unchanged",
        "all of them stay as they are",
        "8 more trials are ",
    )
    assert [line for line in lines[1:] if not line.startswith(names)] == []
    asks = messages["approval needed"].lines
    assert [line[-1] for line in asks] == ["?", "t", "e"]
    assert asks[1] == "Nothing is live at prod yet"
    assert messages["new best"].lines[0].startswith("validation:auc 0.")


def test_nobody_is_told_what_they_did_not_ask_for() -> None:
    world = World()
    study_id = world.submit(document())
    world.advance(study_id)
    for decision in world.store.decisions(study_id):
        assert message_of(decision, ()) is None
        told = message_of(decision, (Event.STARTED,))
        assert (told is not None) == (decision.kind is DecisionKind.ROUND_STARTED)


def test_where_nothing_limits_the_money_no_limit_is_told() -> None:
    world = World()
    study_id = world.submit({k: v for k, v in document().items() if k != "budget"})
    world.advance(study_id)
    told = [message_of(each, tuple(Event)) for each in world.store.decisions(study_id)]
    facts = [dict(each.facts) for each in told if each is not None]
    assert facts
    assert all(each["Spent"] == "$0.00" for each in facts)


def test_slack_gets_blocks_within_its_limits(messages: dict[str, Message]) -> None:
    for message in messages.values():
        shown = slack.render(message.but(link=LINK), interactive=True)
        assert len(shown["blocks"]) <= 50
        header, *rest = shown["blocks"]
        assert header["type"] == "header"
        assert len(header["text"]["text"]) <= 150
        sections = [each for each in rest if each["type"] == "section"]
        assert all(len(each["text"]["text"]) <= 3000 for each in sections if "text" in each)
        assert any("fields" in each for each in sections)


def buttons(shown: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        button
        for block in shown["blocks"]
        if block["type"] == "actions"
        for button in block["elements"]
    ]


def test_buttons_are_shown_only_where_there_is_a_page_for_them(
    messages: dict[str, Message],
) -> None:
    asks = messages["approval needed"]
    assert buttons(slack.render(asks)) == []
    assert buttons(slack.render(asks, interactive=True)) == []
    (look,) = buttons(slack.render(asks.but(link=LINK)))
    assert (look["text"]["text"], look["url"], look["style"]) == (
        "Look and decide",
        LINK,
        "primary",
    )
    assert "value" not in look


def test_where_slack_tells_us_of_buttons_they_answer_and_ask_once_more(
    messages: dict[str, Message],
) -> None:
    shown = slack.render(messages["approval needed"].but(link=LINK), interactive=True)
    yes, no, look = buttons(shown)
    assert (yes["value"], no["value"]) == ("approve t0ken", "reject t0ken")
    assert look["url"] == LINK
    for button in (yes, no):
        assert button["confirm"]["title"]["text"].endswith("?")
        assert len(button["confirm"]["text"]["text"]) <= 300
        assert button["confirm"]["confirm"] == button["text"]


def test_every_message_says_what_may_be_typed_next(messages: dict[str, Message]) -> None:
    study = messages["round done"].study_id
    for kind, message in messages.items():
        assert ("See why", f"tunewright why {study}") in message.commands, kind
        assert f"`tunewright why {study}`" in str(slack.render(message)["blocks"]), kind
        assert f"  tunewright why {study}\n" in mail.body(message), kind
    assert ("Stop it", f"tunewright stop {study}") in messages["round done"].commands
    asks = dict(messages["approval needed"].commands)
    assert asks["Approve"] == f"tunewright approve {study}"
    assert "Stop it" not in asks


@pytest.mark.parametrize(
    ("phase", "labels"),
    [
        (Phase.NEEDS_PERSON, ["Carry on", "Stop it", "See why"]),
        (Phase.SEARCHING, ["See why", "Stop it"]),
        (Phase.DONE, ["See why"]),
        (Phase.DEPLOYING, ["See why"]),
    ],
)
def test_nothing_is_offered_that_would_do_nothing(phase: Phase, labels: list[str]) -> None:
    standing = Standing(study="churn", metric="auc", phase=phase)
    decision = Decision(
        study_id="churn-aaaaaa",
        seq=1,
        at=START,
        kind=DecisionKind.LEASE_ENDED,
        round_number=0,
        reason="the lease of tw-churn has ended",
        standing=standing,
    )
    message = message_of(decision, tuple(Event))
    assert message is not None
    assert message.title == "churn · its lease has ended"
    assert [about for about, _ in message.commands] == labels
    assert message.token is None


def test_awss_words_cannot_give_orders_to_slack(messages: dict[str, Message]) -> None:
    shown = str(slack.render(messages["waiting for capacity"]))
    assert "the limit is &lt;0&gt; &amp; closed" in shown


def test_long_texts_are_cut() -> None:
    message = Message(
        id="s/1",
        study_id="s",
        event=Event.TROUBLE,
        level=Level.TROUBLE,
        title="t" * 400,
        lines=("x" * 5000, "y" * 5000),
        facts=(("Spent", "z" * 3000),),
    )
    header, first, second, fields, _ = slack.render(message)["blocks"]
    assert len(header["text"]["text"]) == 150
    assert len(first["text"]["text"]) == len(second["text"]["text"]) == 3000
    assert len(fields["fields"][0]["text"]) == 2000


def test_an_email_reads_by_itself(messages: dict[str, Message]) -> None:
    message = messages["approval needed"]
    subject, body = mail.subject(message), mail.body(message.but(link=LINK))
    assert subject == "[needs you] churn - may it go live?"
    assert f"Look and decide (the link lasts three days):\n{LINK}\n" in body
    assert "Look and decide" not in mail.body(message)
    assert message.id in body
    for each in messages.values():
        line = mail.subject(each)
        assert line.isascii()
        assert 0 < len(line) < 100
        assert "\n" not in line
