"""Topic, bus, parameters, webhook and batches: what is said, and what goes wrong in saying it."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from tests.support.build import document, profile
from tests.support.world import World
from tunewright.adapters import mail
from tunewright.adapters.batch import each_change, each_record
from tunewright.adapters.bus import EventBus
from tunewright.adapters.parameters import KEEP_SECONDS, SsmProfiles, SsmSecret, SsmSwitch
from tunewright.adapters.sns import SnsTopic, read_message
from tunewright.adapters.webhook import Webhook, WebhookError
from tunewright.domain.errors import PublishError, UnknownOutcomeError
from tunewright.domain.message import Message, message_of
from tunewright.domain.spec import Event
from tunewright.domain.study import Decision

REFUSED = ClientError({"Error": {"Code": "Throttling", "Message": "slow down"}}, "Publish")
UNREACHED = EndpointConnectionError(endpoint_url="https://sns")


class Client:
    """Answers every call with what a test gives, and keeps what was asked."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.asked: list[dict[str, Any]] = []

    def __getattr__(self, _: str) -> Any:
        def call(**request: Any) -> Any:
            self.asked.append(request)
            if isinstance(self.answer, Exception):
                raise self.answer
            return self.answer

        return call


def decision() -> Decision:
    world = World()
    study_id = world.submit(document())
    world.advance(study_id)
    return world.store.decisions(study_id)[-1]


def message() -> Message:
    made = message_of(decision(), tuple(Event))
    assert made is not None
    return made


def topic(client: Any) -> SnsTopic:
    return SnsTopic(client, "arn", subject=mail.subject, text=mail.body)


def test_people_get_text_and_functions_get_the_whole_message() -> None:
    client = Client({})
    told = message().but(link="https://api/approvals/t")
    topic(client).publish(told)
    (asked,) = client.asked
    assert asked["Subject"] == "churn - the search has started"
    whole = json.loads(asked["Message"])
    assert whole["default"].startswith("Round 1 runs as ")
    assert read_message({"Sns": {"Message": whole["lambda"]}}) == told
    assert asked["MessageAttributes"]["event"]["StringValue"] == "started"


@pytest.mark.parametrize("error", [REFUSED, UNREACHED])
def test_what_is_not_taken_is_an_error_to_try_again(error: Exception) -> None:
    with pytest.raises(PublishError, match="did not take"):
        topic(Client(error)).publish(message())
    with pytest.raises(PublishError, match="did not take"):
        EventBus(Client(error), "bus").put(decision())


def test_programs_get_the_decision_and_a_refused_entry_is_an_error() -> None:
    client = Client({"FailedEntryCount": 0, "Entries": [{"EventId": "1"}]})
    EventBus(client, "bus").put(decision())
    (entry,) = client.asked[0]["Entries"]
    detail = json.loads(entry["Detail"])
    assert (detail["id"], detail["reason"]) == (decision().id, decision().reason)
    assert entry["Source"] == "tunewright"
    refused = {"FailedEntryCount": 1, "Entries": [{"ErrorCode": "X", "ErrorMessage": "no"}]}
    with pytest.raises(PublishError, match="X: no"):
        EventBus(Client(refused), "bus").put(decision())


class Ssm:
    def __init__(self, values: dict[str, str]) -> None:
        self.values = values
        self.reads = 0

    def get_paginator(self, _: str) -> Any:
        return self

    def paginate(self, Path: str) -> Iterator[dict[str, Any]]:  # noqa: N803 - AWS's name
        self.reads += 1
        for name, value in self.values.items():
            if name.startswith(Path):
                yield {"Parameters": [{"Name": name, "Value": value}]}

    def get_parameter(self, Name: str, *, WithDecryption: bool) -> Any:  # noqa: N803
        assert WithDecryption
        self.reads += 1
        return {"Parameter": {"Value": self.values[Name]}}


def test_profiles_are_read_by_name_and_kept_for_a_minute() -> None:
    now = [0.0]
    ssm = Ssm({"/tw/profiles/gold": profile().model_dump_json(), "/other/profiles/x": "?"})
    profiles = SsmProfiles(ssm, "tw", clock=lambda: now[0])
    assert list(profiles) == ["gold"]
    assert profiles["gold"] == profile(name="gold")
    assert (len(profiles), "lead" in profiles, ssm.reads) == (1, False, 1)
    ssm.values["/tw/profiles/lead"] = profile().model_dump_json()
    now[0] = KEEP_SECONDS
    assert "lead" in profiles
    assert ssm.reads == 2


def test_a_parameter_that_is_no_profile_is_told_by_its_name() -> None:
    profiles = SsmProfiles(Ssm({"/tw/profiles/bad": '{"region": 3}'}), "tw")
    with pytest.raises(ValueError, match="/tw/profiles/bad is no profile"):
        len(profiles)


def test_a_secret_is_kept_for_a_minute() -> None:
    now = [0.0]
    ssm = Ssm({"hook": "https://hooks.slack.com/services/a"})
    secret = SsmSecret(ssm, "hook", clock=lambda: now[0])
    assert secret.read() == secret.read() == "https://hooks.slack.com/services/a"
    assert ssm.reads == 1
    now[0] = KEEP_SECONDS
    secret.read()
    assert ssm.reads == 2


@pytest.mark.parametrize(
    ("held", "thrown"), [("no", False), (" No\n", False), ("yes", True), ("until Monday", True)]
)
def test_the_switch_is_thrown_by_whatever_is_not_no(held: str, thrown: bool) -> None:
    client = Client({"Parameter": {"Value": held}})
    assert SsmSwitch(client, "tw").is_thrown() is thrown
    assert client.asked == [{"Name": "/tw/paused"}]


def test_a_switch_that_is_not_there_is_not_thrown() -> None:
    missing = ClientError({"Error": {"Code": "ParameterNotFound"}}, "GetParameter")
    assert not SsmSwitch(Client(missing), "tw").is_thrown()


@pytest.mark.parametrize("trouble", [REFUSED, UNREACHED])
def test_nobody_knows_of_a_switch_that_cannot_be_read(trouble: Exception) -> None:
    with pytest.raises(UnknownOutcomeError):
        SsmSwitch(Client(trouble), "tw").is_thrown()


class Slack(BaseHTTPRequestHandler):
    status, headers_out = 200, {}
    got: list[Any] = []

    def do_POST(self) -> None:
        length = int(self.headers["Content-Length"])
        self.got.append(json.loads(self.rfile.read(length)))
        self.send_response(self.status)
        for name, value in self.headers_out.items():
            self.send_header(name, value)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        return


@pytest.fixture
def slack() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), Slack)
    Slack.status, Slack.headers_out, Slack.got = 200, {}, []
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_message_is_posted_to_slack(slack: str) -> None:
    Webhook(allowed=slack).post(f"{slack}/services/a", {"text": "hello"})
    assert Slack.got == [{"text": "hello"}]


@pytest.mark.parametrize(
    ("status", "headers", "lasting", "wait"),
    [
        (429, {"Retry-After": "30"}, False, 30.0),
        (429, {}, False, None),
        (404, {}, True, None),
        (503, {}, False, None),
        (302, {"Location": "http://169.254.169.254/"}, False, None),
    ],
)
def test_what_slack_answers_tells_whether_to_try_again(
    slack: str, status: int, headers: dict[str, str], lasting: bool, wait: float | None
) -> None:
    Slack.status, Slack.headers_out = status, headers
    with pytest.raises(WebhookError, match=f"Slack answered {status}") as caught:
        Webhook(allowed=slack).post(f"{slack}/services/secret", {"text": "hello"})
    assert (caught.value.lasting, caught.value.retry_after) == (lasting, wait)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "https://hooks.slack.com.evil.example/a",
        "http://hooks.slack.com/a",
        "https://evil.example/hooks.slack.com",
        "file:///etc/passwd",
        "https://user@evil.example/",
    ],
)
def test_nothing_is_posted_anywhere_else(url: str) -> None:
    with pytest.raises(WebhookError, match="the webhook is not at"):
        Webhook().post(url, {})


def test_slack_that_cannot_be_reached_is_tried_again_and_keeps_its_address_to_itself() -> None:
    with pytest.raises(WebhookError, match="cannot be reached") as caught:
        Webhook(allowed="http://127.0.0.1:9").post("http://127.0.0.1:9/secret", {})
    assert not caught.value.lasting
    assert "secret" not in str(caught.value)


def test_one_bad_record_holds_up_no_other() -> None:
    seen: list[Any] = []

    def handle(body: Any) -> None:
        if body == {"n": 2}:
            raise RuntimeError("it went wrong")
        seen.append(body)

    deep = "[" * 200_000 + "]" * 200_000
    bodies = ['{"n": 1}', '{"n": 2}', "no json", '{"n": 3}', deep]
    records = [{"messageId": f"m{n}", "body": body} for n, body in enumerate(bodies)]
    answer = each_record({"Records": records}, handle)
    assert answer == {"batchItemFailures": [{"itemIdentifier": "m1"}]}
    assert seen == [{"n": 1}, None, {"n": 3}, None]


def test_a_stream_goes_on_from_the_change_that_failed() -> None:
    records = [{"dynamodb": {"NewImage": n, "SequenceNumber": f"s{n}"}} for n in range(3)]
    records.insert(1, {"dynamodb": {"SequenceNumber": "gone"}})
    seen: list[int] = []
    answer = each_change({"Records": records}, seen.append)
    assert answer == {"batchItemFailures": [{"itemIdentifier": "gone"}]}
    assert seen == [0]
    assert each_change({}, seen.append) == {"batchItemFailures": []}
