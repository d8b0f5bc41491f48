"""The template, deployed on this machine: what is asked of it, and of what it lacks by itself."""

import hashlib
import hmac
import json
import re
import urllib.request
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlencode

import pytest

from tests.local.cloud_world import api, ask, client
from tests.local.service.conftest import until
from tests.support.build import document, script_training
from tunewright_client.api_client import ApiError
from tunewright_local.cloud import LocalCloud
from tunewright_local.deployment import CODE_BUCKET, STACK
from tunewright_local.environment import aws_environment
from tunewright_local.instance import Folder, RunsAlreadyError
from tunewright_local.profile import BUCKET


def test_what_cloudformation_left_out_is_made_up_for(cloud: LocalCloud) -> None:
    dynamodb = client(cloud, "dynamodb")
    held = dynamodb.describe_time_to_live(TableName=cloud.resource("Table"))
    assert held["TimeToLiveDescription"]["TimeToLiveStatus"] == "ENABLED"
    assert held["TimeToLiveDescription"]["AttributeName"] == "expires"
    dynamodb.close()


def test_the_api_knows_its_caller_and_refuses_others(cloud: LocalCloud) -> None:
    with aws_environment(cloud.instance.environment):
        assert api(cloud).ask("GET", "/openapi.json")["openapi"].startswith("3.")
        with pytest.raises(ApiError) as refused:
            api(cloud).ask("GET", "/studies/none-abcdef")
    assert (refused.value.status, refused.value.code) == (404, "not_found")
    other = {**cloud.instance.environment, "AWS_SECRET_ACCESS_KEY": "x"}
    with aws_environment(other), pytest.raises(ApiError) as refused:
        api(cloud).ask("GET", "/studies")
    assert refused.value.status == 403


def test_a_study_is_submitted_and_people_are_told(cloud: LocalCloud) -> None:
    spec = document(
        objective={"maximize": "score"},
        training=script_training(BUCKET),
        search_space={"rate": [0.05, 0.3]},
        rounds={"max": 1, "trials": 5, "parallel": 1, "strategy": "random", "sizes": "fixed"},
    )
    with aws_environment(cloud.instance.environment):
        study = api(cloud).ask("POST", "/studies", spec, headers={"Idempotency-Key": "k"})
        until(lambda: {each.kind for each in cloud.letters.all()} == {"mail", "slack"}, 60)
        decisions = list(api(cloud).pages(f"/studies/{study['id']}/decisions", "decisions"))
    assert study["id"] in str(cloud.letters.all()[0].body)
    assert decisions[0]["kind"] == "submitted"


def test_the_end_of_an_orphan_is_told_by_the_function_that_the_hour_wakes(
    cloud: LocalCloud,
) -> None:
    clients = {name: client(cloud, name) for name in ("events", "lambda", "sagemaker", "dynamodb")}
    rules = clients["events"].list_rules()["Rules"]
    assert {each.get("ScheduleExpression") for each in rules} >= {"rate(5 minutes)", "rate(1 hour)"}
    before = len(cloud.letters.all())
    item = {
        "kind": "model", "name": "tw-lost-aaaaaa-v1", "study": "lost-aaaaaa", "phase": None,
        "model": None, "created": "2026-01-01T00:00:00Z", "price_per_hour": None,
        "seen": "2026-01-01T00:00:00Z", "removing": "2026-01-02T00:00:00Z",
    }  # fmt: skip
    clients["dynamodb"].put_item(
        TableName=cloud.resource("Table"),
        Item={
            "pk": {"S": "ORPHAN#known"},
            "sk": {"S": "model/tw-lost-aaaaaa-v1"},
            "state": {"S": json.dumps(item)},
            "version": {"N": "3"},
        },
    )
    told = clients["lambda"].invoke(FunctionName=cloud.resource("OnHour"), Payload=b"{}")
    assert "FunctionError" not in told
    until(lambda: len(cloud.letters.all()) >= before + 2, 60)
    letters = str([each.body for each in cloud.letters.all()[before:]])
    assert "The model tw-lost-aaaaaa-v1 is deleted" in letters
    for each in clients.values():
        each.close()


def test_a_second_start_on_the_same_folder_is_refused(cloud: LocalCloud) -> None:
    with pytest.raises(RunsAlreadyError, match="runs already at http://127"):
        Folder(cloud._folder.path).take(0)


def test_what_is_deployed_twice_is_not_changed_and_new_code_is_updated_in_place(
    cloud: LocalCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tunewright_local import deployment

    clients = {
        name: client(cloud, name)
        for name in ("cloudformation", "dynamodb", "lambda", "s3", "sns", "sqs", "ssm")
    }
    told = deployment.Told(
        url=cloud.instance.url,
        api_url=cloud.instance.environment["TUNEWRIGHT_API"],
        webhook=f"{cloud.instance.url}/_inbox/slack/{cloud.instance.webhook}",
        signing_secret=cloud.instance.signing_secret,
        region="us-east-1",
    )
    again = deployment.deploy(clients, told)
    assert not again.changed
    assert again.resources["Table"] == cloud.resource("Table")
    real = deployment.pack_functions

    def changed(folder: Path) -> deployment.Package:
        packed = real(folder)
        return deployment.Package("functions/other.zip", packed.body)

    monkeypatch.setattr(deployment, "pack_functions", changed)
    updated = deployment.deploy(clients, told)
    assert updated.changed
    assert updated.resources["Table"] == cloud.resource("Table")
    stack = clients["cloudformation"].describe_stacks(StackName=STACK)["Stacks"][0]
    assert stack["StackStatus"] == "UPDATE_COMPLETE"
    keys = [each["Key"] for each in clients["s3"].list_objects_v2(Bucket=CODE_BUCKET)["Contents"]]
    assert "functions/other.zip" in keys
    subscriptions = clients["sns"].list_subscriptions()["Subscriptions"]
    assert sorted(each["Protocol"] for each in subscriptions) == ["email", "lambda", "sqs"]
    for each in clients.values():
        each.close()


# ---- the inbox


def slack(cloud: LocalCloud, payload: Any, token: str | None = None) -> int:
    path = f"/_inbox/slack/{token or cloud.instance.webhook}"
    status: int = ask(cloud, path, body=json.dumps(payload).encode())[0]
    return status


def test_slack_messages_come_in_by_the_secret_address_only(cloud: LocalCloud) -> None:
    assert slack(cloud, {"text": "hello there"}) == 200
    assert slack(cloud, {"text": "hello there"}) == 200
    assert slack(cloud, {"text": "forged"}, token="guess") == 404
    texts = [each.body.get("text") for each in cloud.letters.all()]
    assert texts.count("hello there") == 1
    assert "forged" not in texts


def test_what_people_are_told_is_shown_and_nothing_in_it_runs(cloud: LocalCloud) -> None:
    evil = "<script>alert(1)</script>"
    blocks = [
        {"type": "header", "text": {"type": "plain_text", "text": f"evil {evil}"}},
        {"type": "section", "text": {"type": "mrkdwn", "text": "*bold* <javascript:x|press>"}},
        {
            "type": "actions",
            "elements": [
                {"type": "button", "text": {"text": evil}, "url": "javascript:alert(1)"},
                {"type": "button", "text": {"text": "Look"}, "url": 'https://x.org/?a="><b>'},
            ],
        },
    ]
    assert slack(cloud, {"text": "x", "blocks": blocks}) == 200
    status, headers, text = ask(cloud, "/_inbox")
    assert status == 200
    assert "<script" not in text
    assert "<strong>bold</strong>" in text
    assert 'href="javascript' not in text
    assert '"><b>' not in text
    policy = headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    style = re.search(r"<style>(.*?)</style>", text, re.DOTALL)
    assert style is not None
    digest = hashlib.sha256(style.group(1).encode()).digest()
    import base64

    assert base64.b64encode(digest).decode() in policy


def test_a_button_is_pressed_as_slack_would_and_by_nobody_else(
    cloud: LocalCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    import tunewright_local.inbox_web as web

    button = {"type": "button", "action_id": "approve", "value": "v", "text": {"text": "Approve"}}
    payload = {
        "text": "decide",
        "blocks": [{"type": "actions", "block_id": "b", "elements": [button]}],
    }
    assert slack(cloud, payload) == 200
    letter = cloud.letters.all()[-1]
    text = ask(cloud, "/_inbox")[2]
    proof = re.search(r'name="proof" value="([0-9a-f]+)"', text)
    assert proof is not None
    heard: list[urllib.request.Request] = []

    class Answer:
        status = 200

        def __enter__(self) -> Self:
            return self

        def __exit__(self, *_: object) -> None:
            return None

        def read(self) -> bytes:
            return json.dumps({"replace_original": True, "text": "you approved"}).encode()

    form = {"letter": letter.id, "place": "0.0", "proof": proof.group(1)}
    inbox = web.InboxWeb(cloud.letters, cloud.instance)

    def hear(request: urllib.request.Request, timeout: float) -> Answer:
        heard.append(request)
        return Answer()

    monkeypatch.setattr(web.urllib.request, "urlopen", hear)
    forged = inbox.answer("POST", "/_inbox/press", urlencode({**form, "proof": "x"}).encode())
    assert forged[0] == 403
    assert heard == []
    pressed = inbox.answer("POST", "/_inbox/press", urlencode(form).encode())
    assert pressed[0] == 303
    (request,) = heard
    at = request.get_header("X-slack-request-timestamp")
    body = request.data
    assert isinstance(body, bytes)
    signed_text = f"v0:{at}:".encode() + body
    key = cloud.instance.signing_secret.encode()
    wanted = "v0=" + hmac.new(key, signed_text, "sha256").hexdigest()
    assert request.get_header("X-slack-signature") == wanted
    shown = inbox.answer("GET", "/_inbox", b"")[2].decode()
    assert "you approved" in shown
    assert "Approve</button>" not in shown


# ---- the end, and going on; last in this module


def test_letters_studies_and_keys_are_there_after_a_restart(cloud: LocalCloud) -> None:
    before = cloud.instance
    letters = [each.id for each in cloud.letters.all()]
    with aws_environment(before.environment):
        studies = [each["id"] for each in api(cloud).pages("/studies", "studies")]
    assert studies
    folder = cloud._folder.path
    cloud.close()
    with LocalCloud(folder, cpus=1) as again, aws_environment(before.environment):
        assert (again.instance.port, again.instance.access_key) == (before.port, before.access_key)
        found = [each["id"] for each in api(again).pages("/studies", "studies")]
        assert found == studies
        assert [each.id for each in again.letters.all()][: len(letters)] == letters
