"""The doors, called as Lambda calls them, on a real table, queues, topic and bus: a whole study."""

import json
from pathlib import Path
from typing import Any

import boto3
import pytest

from tests.functions.hand_made import STACK, Cloud, door, spec, upload
from tunewright import cloud
from tunewright.domain.message import Choice, Level, Message
from tunewright.domain.seen import Champion
from tunewright.domain.spec import Event

DOORS = sorted(path.stem for path in (Path(__file__).parents[2] / "functions").glob("*.py"))


def test_a_study_runs_through_the_doors_from_the_api_to_the_messages(
    deployed: tuple[Cloud, list[Any]],
) -> None:
    import time

    made, events = deployed
    upload(made)
    status, study = made.ask("POST", "/studies", spec(), **{"Idempotency-Key": "k"})
    assert status == 201, study
    path = f"/studies/{study['id']}"
    deadline = time.monotonic() + 90
    while study["phase"] not in {"done", "failed", "needs a person"}:
        made.carry(events)
        status, study = made.ask("GET", path)
        assert time.monotonic() < deadline, study
        time.sleep(0.05)
    made.carry(events)
    made.carry(events)
    assert study["phase"] == "done", made.ask("GET", f"{path}/decisions")[1]
    assert study["rounds"] == 2
    assert study["trials"] == 10
    _, page = made.ask("GET", f"{path}/trials")
    assert len(page["trials"]) == 10
    _, why = made.ask("GET", f"{path}/decisions")
    assert not made.stream()["Records"]  # every decision that was written has been told
    decided = {each["id"] for each in why["decisions"]}
    texts = [each["Message"] for each in made.told]
    assert len(texts) >= 4, why
    assert {text.rstrip().rpartition("decision ")[2] for text in texts} <= decided
    subjects = [each["Subject"] for each in made.told]
    assert "churn - the search has started" in subjects
    assert any(str(each).startswith("churn - it is done") for each in subjects)


def test_a_sweep_wakes_live_studies_and_leaves_finished_ones(
    deployed: tuple[Cloud, list[Any]],
) -> None:
    made, _ = deployed
    made.batch(made.wake)
    door("on_schedule").handler({}, None)
    assert made.batch(made.wake)["Records"] == []


def test_a_link_in_a_message_is_answered_and_a_lease_that_ends_is_told(
    deployed: tuple[Cloud, list[Any]],
) -> None:
    import re
    import time

    made, events = deployed
    upload(made)
    asking = spec(
        rounds={"max": 1, "trials": 2, "parallel": 2, "strategy": "random"},
        deploy={"to": "asked", "approve": True},
    )
    status, study = made.ask("POST", "/studies", asking, **{"Idempotency-Key": "asks"})
    assert status == 201, study
    path = f"/studies/{study['id']}"

    def until(phase: str) -> None:
        deadline = time.monotonic() + 60
        while made.ask("GET", path)[1]["phase"] != phase:
            made.carry(events)
            assert time.monotonic() < deadline, made.ask("GET", path)
            time.sleep(0.05)
        made.carry(events)
        made.carry(events)

    until("awaiting approval")
    (text,) = [each["Message"] for each in made.told if "/approvals/" in each["Message"]]
    link = re.search(r"https://api\.example/prod(/approvals/\S+)", text)
    assert link is not None

    def visit(method: str, body: str | None = None) -> tuple[int, str]:
        event = {
            "httpMethod": method,
            "path": link[1],
            "multiValueHeaders": {"content-type": ["application/x-www-form-urlencoded"]},
            "headers": {"content-type": "application/x-www-form-urlencoded"},
            "body": body,
            "isBase64Encoded": False,
        }
        answer = door("approval").handler(event, None)
        return answer["statusCode"], answer["body"]

    for method in ("HEAD", "GET"):
        assert visit(method)[0] == 200
    assert "tw-asked" in visit("GET")[1]
    assert visit("POST", "answer=reject") == visit("POST", "answer=reject")
    assert "Your answer came second" in visit("POST", "answer=approve")[1]
    until("done")
    assert "Rejected already" in visit("GET")[1]
    slack = door("approval").handler({"httpMethod": "POST", "path": "/slack/actions"}, None)
    assert slack["statusCode"] == 404

    whole = cloud.stack().studies_store.load(study["id"])
    assert whole.deployment is not None
    lease = Champion(
        endpoint="tw-asked",
        study_id=whole.id,
        model=whole.deployment.model,
        trial=whole.deployment.trial,
        metric="score",
        value=whole.deployment.value,
        fingerprint="print",
        price_per_hour=whole.deployment.price_per_hour,
        since=whole.submitted,
        lease_ends=whole.submitted,
    )
    known = cloud.stack().endpoints.load("tw-asked")
    cloud.stack().endpoints.save(known.but(champion=lease))
    made.batch(made.wake)
    door("on_schedule").handler({}, None)
    made.carry(events)
    made.carry(events)
    _, why = made.ask("GET", f"{path}/decisions")
    assert why["decisions"][-1]["kind"] == "lease ended"
    assert cloud.stack().endpoints.due(cloud.stack().clock.now()) == ()
    made.carry(events)
    assert "churn - its lease has ended" in [each["Subject"] for each in made.told]


def test_an_hour_finds_a_model_without_a_study_tells_of_it_and_removes_it_a_day_later(
    deployed: tuple[Cloud, list[Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    from datetime import timedelta

    made, events = deployed
    sagemaker = boto3.client("sagemaker", endpoint_url=made.server.url)
    image = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1"
    for name, stack in (("tw-lost-aaaaaa-v1", STACK), ("tw-lost-aaaaaa-v2", "twin")):
        sagemaker.create_model(
            ModelName=name,
            ExecutionRoleArn="arn:aws:iam::123456789012:role/hosting",
            PrimaryContainer={"Image": image},
            Tags=[{"Key": "tunewright:stack", "Value": stack}],
        )
    real, later = cloud.stack().clock.now, [timedelta(0)]
    stack = cloud.CloudStack(cloud.stack().settings.but(orphan_policy="remove"))
    monkeypatch.setattr(cloud, "stack", lambda: stack)
    monkeypatch.setattr(stack.clock, "now", lambda: real() + later[0])
    made.carry(events)
    made.told.clear()
    for hours in (0, 2, 25, 27, 28):
        later[0] = timedelta(hours=hours)
        door("on_hour").handler({}, None)
    made.told += [json.loads(r["body"]) for r in made.batch(made.heard)["Records"]]
    titles = [each["Subject"] for each in made.told if "tw-lost" in each["Subject"]]
    assert titles == [
        "[trouble] tw-lost-aaaaaa-v1 - a model without an owner",
        "tw-lost-aaaaaa-v1 - the model without an owner is deleted",
    ]
    left = [each["ModelName"] for each in sagemaker.list_models(NameContains="lost")["Models"]]
    assert left == ["tw-lost-aaaaaa-v2"]
    sagemaker.close()


def test_slacks_secrets_are_read_from_their_parameter_one_a_line(
    deployed: tuple[Cloud, list[Any]],
) -> None:
    import hashlib
    import hmac
    import time
    from urllib.parse import urlencode

    made, _ = deployed
    name = "/doors/slack-signing"
    made.clients["ssm"].put_parameter(Name=name, Value="new\nold\n", Type="SecureString")
    settings = cloud.stack().settings.but(slack_signing_parameter=name)
    told = {"actions": [{"action_id": "look"}], "user": {"id": "U1"}}
    body = urlencode({"payload": json.dumps(told)})
    stamp = f"{int(time.time())}"
    for secret, status in (("new", 200), ("old", 200), ("other", 401)):
        base = f"v0:{stamp}:{body}".encode()
        signature = "v0=" + hmac.new(secret.encode(), base, hashlib.sha256).hexdigest()
        headers = {"X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": signature}
        event = {"httpMethod": "POST", "path": "/slack/actions", "headers": headers, "body": body}
        answer = cloud.CloudStack(settings).approvals.handle(event)
        assert answer["statusCode"] == status


@pytest.mark.parametrize(("parameter", "buttons"), [("", 1), ("/doors/slack-signing", 3)])
def test_slack_is_shown_buttons_that_answer_only_if_it_can_tell_us_of_them(
    deployed: tuple[Cloud, list[Any]], parameter: str, buttons: int
) -> None:
    posted: list[Any] = []

    class Hook:
        def read(self) -> str:
            return "https://hooks.slack.com/services/a"

        def post(self, _url: str, payload: Any) -> None:
            posted.append(payload)

    stack = cloud.CloudStack(cloud.stack().settings.but(slack_signing_parameter=parameter))
    stack.__dict__["_webhook"] = (Hook(), Hook())
    choices = (
        Choice(verb="approve", label="Approve", asks="Let it go live?", style="primary"),
        Choice(verb="reject", label="Reject", asks="Leave it undeployed?", style="danger"),
    )
    message = Message(
        id="a/1",
        study_id="a",
        event=Event.NEEDS_ME,
        level=Level.NEEDS_ME,
        title="a · may it go live?",
        lines=("May it?",),
        facts=(("Spent", "$1"),),
        choices=choices,
        link="https://api/approvals/t",
    )
    stack.tell_slack(message)
    (actions,) = [each for each in posted[0]["blocks"] if each["type"] == "actions"]
    assert len(actions["elements"]) == buttons


@pytest.mark.parametrize("name", ["on_training_job", "on_wake", "on_deploy"])
def test_what_cannot_be_read_is_nothing_to_do_and_keeps_nobody_waiting(
    deployed: tuple[Cloud, list[Any]], name: str
) -> None:
    bodies = [
        "",
        "null",
        "[]",
        '{"endpoint": 3}',
        '{"endpoint": "tw-no"}',
        '{"study": 3}',
        '{"study": "no-aaaaaa"}',
        "{",
        '{"detail": null}',
    ]
    bodies.append(json.dumps({"source": "aws.sagemaker", "detail-type": "x", "detail": {"a": 1}}))
    event = {"Records": [{"messageId": f"m{n}", "body": body} for n, body in enumerate(bodies)]}
    assert door(name).handler(event, None) == {"batchItemFailures": []}
    assert door(name).handler({}, None) == {"batchItemFailures": []}


def test_one_record_that_fails_comes_again_alone(
    deployed: tuple[Cloud, list[Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(study_id: str, *, look: bool) -> None:
        if study_id == "bad-aaaaaa":
            raise RuntimeError("it went wrong")

    monkeypatch.setattr(cloud.stack().conductor, "advance", fail)
    bodies = ['{"study": "good-aaaaaa"}', '{"study": "bad-aaaaaa"}', '{"study": "bad-aaaaaa"}']
    event = {"Records": [{"messageId": f"m{n}", "body": body} for n, body in enumerate(bodies)]}
    answer = door("on_wake").handler(event, None)
    assert answer == {"batchItemFailures": [{"itemIdentifier": "m1"}, {"itemIdentifier": "m2"}]}


@pytest.mark.parametrize("name", DOORS)
def test_a_door_is_small_and_named_for_what_wakes_it(name: str) -> None:
    text = (Path(__file__).parents[2] / "functions" / f"{name}.py").read_text()
    body = text.partition("def handler")[2]
    assert text.startswith('"""Woken ')
    assert body.count("\n") <= 15
