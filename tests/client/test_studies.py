"""The commands against the API over real HTTP: signed, shown, and with honest exit codes."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from click.testing import CliRunner

from tests.support.build import document
from tests.support.caller import api_of
from tests.support.world import World
from tunewright_client.cli import main
from tunewright_client.cli_studies import exit_code
from tunewright_client.show_studies import what_if_lines


class Gateway:
    """Serves the API on a port, and refuses what is not signed, as the gateway does."""

    def __init__(self) -> None:
        self.world = World()
        api = api_of(self.world)
        signed: list[str] = []
        self.signed = signed

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._answer(None)

            def do_POST(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                self._answer(self.rfile.read(length).decode() or None)

            def _answer(self, body: str | None) -> None:
                signature = self.headers.get("Authorization", "")
                signed.append(signature)
                if "/execute-api/aws4_request" not in signature:
                    return self._send(403, '{"message": "Missing Authentication Token"}')
                parts = urlsplit(self.path)
                answer = api.handle(
                    {
                        "httpMethod": self.command,
                        "path": parts.path,
                        "headers": dict(self.headers),
                        "queryStringParameters": dict(parse_qsl(parts.query)),
                        "body": body,
                        "requestContext": {
                            "requestId": f"r{len(signed)}",
                            "identity": {"userArn": "arn:aws:iam::123456789012:user/ana"},
                        },
                    }
                )
                return self._send(answer["statusCode"], answer["body"])

            def _send(self, status: int, text: str) -> None:
                self.send_response(status)
                self.send_header("Content-Length", str(len(text.encode())))
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, *_: Any) -> None:
                return

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.environment = {
            "TUNEWRIGHT_API": self.url,
            "AWS_ACCESS_KEY_ID": "key",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_REGION": "eu-west-1",
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def run(self, *arguments: str, **changes: str | None) -> tuple[int, str, str]:
        environment = {**self.environment, **changes}
        result = CliRunner().invoke(main, arguments, env=environment)
        return result.exit_code, result.stdout, result.stderr


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    made = Gateway()
    thread = threading.Thread(target=made.server.serve_forever)
    thread.start()
    yield made
    made.server.shutdown()
    thread.join()
    made.server.server_close()


def spec_file(folder: Path, **changes: Any) -> str:
    path = folder / "study.yaml"
    path.write_text(json.dumps(document(**changes)))
    return str(path)


def test_a_file_is_submitted_once_and_again_only_when_asked(
    gateway: Gateway, tmp_path: Path
) -> None:
    path = spec_file(tmp_path)
    code, out, err = gateway.run("submit", path)
    assert (code, err) == (0, "")
    study_id = out.split()[0]
    assert "is searching; tunewright watch" in out
    assert gateway.run("submit", path)[1].split()[0] == study_id
    assert gateway.run("submit", "--again", path)[1].split()[0] != study_id
    assert len(gateway.world.store) == 2
    assert "Credential=key/" in gateway.signed[0]
    assert "/eu-west-1/execute-api/aws4_request" in gateway.signed[0]


def test_a_broken_file_is_never_sent(gateway: Gateway, tmp_path: Path) -> None:
    code, _, err = gateway.run("submit", spec_file(tmp_path, study="No Name"))
    assert code == 4
    assert "is no study name" in err
    assert not gateway.signed


def test_studies_trials_and_decisions_are_shown(gateway: Gateway, tmp_path: Path) -> None:
    assert "no studies yet" in gateway.run("list")[1]
    study_id = gateway.run("submit", spec_file(tmp_path))[1].split()[0]
    gateway.world.advance(study_id)
    assert "no trials yet" in gateway.run("trials", study_id)[1]
    for value in (0.7, 0.91):
        gateway.world.recorder.record(gateway.world.run_trial(value))
    gateway.world.advance(study_id)
    head, row = gateway.run("list")[1].splitlines()
    assert head.split() == ["STUDY", "ROUND", "BEST", "TRIALS", "SPENT/BUDGET", "STATE"]
    assert row.split() == [study_id, "1", "0.91", "2", "$0.0036/$20.00", "searching"]
    shown = gateway.run("show", study_id)[1]
    assert "maximize validation:auc: best 0.91 by tw-" in shown
    assert "2/8" in shown
    assert ", but " not in shown
    rows = gateway.run("trials", study_id, "--sort", "objective", "--desc")[1].splitlines()
    assert [line.split()[2] for line in rows[1:]] == ["0.91", "0.7"]
    assert "max_depth" in rows[0]
    why = gateway.run("why", study_id)[1]
    assert "#1   " in why
    assert "round planned: round 1 is planned" in why
    told = json.loads(gateway.run("why", study_id, "--json")[1])
    assert told[0]["kind"] == "submitted"
    assert json.loads(gateway.run("show", study_id, "--json")[1])["id"] == study_id


def test_a_best_that_breaks_a_limit_is_shown_with_it(gateway: Gateway, tmp_path: Path) -> None:
    limited = spec_file(tmp_path, winner={"subject_to": {"seconds": "<= 5"}})
    study_id = gateway.run("submit", limited)[1].split()[0]
    gateway.world.advance(study_id)
    gateway.world.recorder.record(gateway.world.run_trial(0.91))
    gateway.world.advance(study_id)
    shown = gateway.run("show", study_id)[1].splitlines()
    assert shown[1].endswith(", but seconds is 28, not <= 5")
    assert "0.91, beyond the limits  1 " in gateway.run("list")[1].splitlines()[1]


def test_other_rules_are_tried_on_the_record(gateway: Gateway, tmp_path: Path) -> None:
    path = spec_file(tmp_path, rounds={"max": 1, "trials": 8, "parallel": 1})
    study_id = gateway.run("submit", path)[1].split()[0]
    gateway.world.advance(study_id)
    for value in (0.7, 0.9, 0.8, 0.8, 0.8, 0.95):
        gateway.world.recorder.record(gateway.world.run_trial(value))
    gateway.world.advance(study_id)
    rule = "not_improving: {trials: 2, min_gain: 0.001, warm_up: 2}"
    code, out, _ = gateway.run("whatif", study_id, rule, "spend: 1000 USD")
    assert code == 0
    assert out.startswith("5 of 6 trials, $")
    assert "; validation:auc 0.9, worse by 0.05" in out
    assert "  round 1 after 5 trials, not_improving: no gain above 0.001 over 0.9" in out
    assert json.loads(gateway.run("whatif", study_id, rule, "--json")[1])["trials"] == 5
    out = gateway.run("whatif", study_id, "failures: {share: 90%}")[1]
    assert "none of these rules would have fired" in out
    code, _, err = gateway.run("whatif", study_id, "patience: 3")
    assert (code, "there is no such key" in err) == (4, True)
    code, _, err = gateway.run("whatif", study_id, "{not_improving")
    assert (code, "is no YAML" in err) == (4, True)


def test_a_round_that_other_rules_would_not_have_ended_is_told() -> None:
    found = {"sentence": "all the same", "firings": [], "unknown_after": [2]}
    assert what_if_lines(found)[-1] == (
        "  round 2 would have gone on: what more trials would have found is not recorded"
    )


def test_commands_reach_the_study(gateway: Gateway, tmp_path: Path) -> None:
    study_id = gateway.run("submit", spec_file(tmp_path))[1].split()[0]
    gateway.world.advance(study_id)
    assert gateway.run("pause", study_id)[:2] == (
        0,
        f"{study_id} is told to pause; it was searching\n",
    )
    assert gateway.world.advance(study_id).paused
    assert "(paused)" in gateway.run("list")[1]


def test_the_plan_that_is_shown_is_approved(gateway: Gateway, tmp_path: Path) -> None:
    rounds = {"max": 1, "trials": 4, "parallel": 2}
    path = spec_file(tmp_path, rounds=rounds, deploy={"to": "p", "approve": True})
    study_id = gateway.run("submit", path)[1].split()[0]
    gateway.world.advance(study_id)
    code, _, err = gateway.run("approve", study_id)
    assert (code, err) == (4, f"{study_id} asks for no approval\n")
    gateway.world.run_round(study_id)
    assert gateway.run("watch", study_id)[0] == 2
    assert gateway.run("approve", study_id)[0] == 0
    assert gateway.world.advance(study_id).phase.value == "deploying"


def test_whoever_answers_a_plan_second_is_told_the_first(gateway: Gateway, tmp_path: Path) -> None:
    rounds = {"max": 1, "trials": 4, "parallel": 2}
    path = spec_file(tmp_path, rounds=rounds, deploy={"to": "p", "approve": True})
    study_id = gateway.run("submit", path)[1].split()[0]
    gateway.world.advance(study_id)
    gateway.world.run_round(study_id)
    assert gateway.run("reject", study_id)[0] == 0
    code, _, err = gateway.run("approve", study_id)
    assert code == 4
    assert "user/ana answered this plan first, at 00:02 UTC: reject" in err
    gateway.world.advance(study_id)
    assert "; rejected by arn:" in gateway.run("show", study_id)[1]


def test_a_study_that_is_done_is_resynced(gateway: Gateway, tmp_path: Path) -> None:
    path = spec_file(tmp_path, rounds={"max": 1, "trials": 4, "parallel": 2})
    study_id = gateway.run("submit", path)[1].split()[0]
    gateway.world.advance(study_id)
    gateway.world.run_round(study_id)
    code, out, _ = gateway.run("resync", study_id)
    assert (code, out) == (0, f"{study_id} is told to resync; it was done\n")
    gateway.world.advance(study_id)
    assert "resynced: arn:aws" in gateway.run("why", study_id)[1]
    assert "nothing differed" in gateway.run("why", study_id)[1]


def test_a_study_is_watched_until_it_is_done(gateway: Gateway, tmp_path: Path) -> None:
    path = spec_file(tmp_path, rounds={"max": 1, "trials": 4, "parallel": 2})
    study_id = gateway.run("submit", path)[1].split()[0]
    gateway.world.advance(study_id)
    gateway.world.run_round(study_id)
    code, out, _ = gateway.run("watch", study_id)
    assert code == 0
    assert "done: the best model is that of" in out


def test_what_the_api_says_no_to_is_told_and_is_no_success(
    gateway: Gateway, tmp_path: Path
) -> None:
    code, _, err = gateway.run("show", "none-aaaaaa")
    assert (code, err) == (4, "not_found: there is no study none-aaaaaa\n")
    training = {**document()["training"], "profile": "gold"}
    code, _, err = gateway.run("submit", spec_file(tmp_path, training=training))
    assert code == 4
    assert "not_allowed" in err
    assert "there is no profile gold" in err


def test_without_credentials_or_a_server_a_person_is_told(gateway: Gateway, tmp_path: Path) -> None:
    nothing = {
        "AWS_ACCESS_KEY_ID": None,
        "AWS_SECRET_ACCESS_KEY": None,
        "HOME": str(tmp_path),
        "AWS_CONFIG_FILE": str(tmp_path / "none"),
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "none"),
    }
    code, _, err = gateway.run("list", **nothing)
    assert (code, err) == (5, "no_credentials: no AWS credentials were found to sign with\n")
    code, _, err = gateway.run("list", TUNEWRIGHT_API="http://127.0.0.1:9")
    assert code == 5
    assert "cannot be reached" in err
    code, _, err = gateway.run("list", TUNEWRIGHT_API=None)
    assert code == 2
    assert "--api" in err


@pytest.mark.parametrize(
    ("phase", "ending", "code"),
    [
        ("searching", None, None),
        ("deploying", None, None),
        ("done", "all 4 rounds are done", 0),
        ("done", "$0.10 is left, and the least round of 4 trials can cost $0.19", 3),
        ("needs a person", None, 2),
        ("awaiting approval", None, 2),
        ("failed", None, 5),
        ("cancelled", "cancelled", 5),
    ],
)
def test_an_exit_code_says_how_it_went(phase: str, ending: str | None, code: int | None) -> None:
    assert exit_code({"phase": phase, "ending": ending}) == code
