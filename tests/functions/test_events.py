"""The payloads of events/, each through its door: its name says what comes of it."""

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.support.estate import thing
from tests.support.rehearsal import WEBHOOK, Rehearsal
from tests.support.template import PATH, matches, of_type, written
from tunewright.app.ports import Wake
from tunewright.domain.round import RoundStatus

ROOT = PATH.parent
FILES = sorted((ROOT / "events").glob("*/*.json"))
RULES = {
    "on_training_job": "TrialEndedRule",
    "on_wake": "RoundEndedRule",
    "on_deploy": "EndpointChangedRule",
}
NOTHING_FAILED = {"batchItemFailures": []}


def outcome(path: Path) -> str:
    return path.stem.partition("--")[0]


def name(path: Path) -> str:
    return f"{path.parent.name}/{path.stem}"


def read(path: Path) -> Any:
    return json.loads(path.read_text())


def there(path: Path) -> bool:
    return (ROOT / f"functions/{path.parent.name}.py").exists()


@pytest.fixture
def rehearsal(monkeypatch: pytest.MonkeyPatch) -> Rehearsal:
    return Rehearsal(monkeypatch)


def ignores_it(at: Rehearsal, path: Path) -> None:
    before = at.effects()
    assert at.feed(path.parent.name, read(path)) == NOTHING_FAILED
    assert at.effects() == before
    assert at.heard == []


def records_the_trial(at: Rehearsal, path: Path) -> None:
    assert at.feed(path.parent.name, read(path)) == NOTHING_FAILED
    assert [trial.name for trial in at.world.store.of_study(at.study_id)] == [at.trial]
    assert at.world.wakes.take(timeout=0) == Wake(at.study_id, look=False)


def advances(at: Rehearsal, path: Path) -> None:
    at.world.recorder.record(at.trial)
    assert at.feed(path.parent.name, read(path)) == NOTHING_FAILED
    assert at.heard == [("advance", at.study_id, False)]
    assert at.world.store.load(at.study_id).incumbent is not None


def advances_and_looks(at: Rehearsal, path: Path) -> None:
    at.world.end_job()
    assert at.feed(path.parent.name, read(path)) == NOTHING_FAILED
    assert at.heard == [("advance", at.study_id, True)]
    first = at.world.store.load(at.study_id).rounds[0]
    assert first.status is not RoundStatus.RUNNING


def tends_it(at: Rehearsal, path: Path) -> None:
    assert at.feed(path.parent.name, read(path)) == NOTHING_FAILED
    assert at.heard == [("tend", at.study_id)]


def wakes_live_studies(at: Rehearsal, path: Path) -> None:
    at.feed(path.parent.name, read(path))
    assert at.world.wakes.take(timeout=0) == Wake(at.study_id, look=True)


def looks_for_orphans(at: Rehearsal, path: Path) -> None:
    lost = thing(created=at.world.now() - timedelta(hours=2))
    at.estate.things[lost.kind, lost.name] = lost
    at.feed(path.parent.name, read(path))
    assert [call for call, _ in at.sent] == ["sns:publish", "events:put_events"]
    assert [(each.name, each.told is None) for each in at.orphans.known()] == [(lost.name, False)]


def tells_of_it(at: Rehearsal, path: Path) -> None:
    later = at.world.now() + timedelta(days=1)
    before = at.world.store.unpublished(before=later, limit=99)
    assert at.feed(path.parent.name, read(path)) == NOTHING_FAILED
    assert [call for call, _ in at.sent] == ["sns:publish", "events:put_events"]
    after = at.world.store.unpublished(before=later, limit=99)
    assert len(before) - len(after) == 1


def shows_it_in_slack(at: Rehearsal, path: Path) -> None:
    at.feed(path.parent.name, read(path))
    ((url, payload),) = at.sent
    assert url == WEBHOOK
    assert "churn" in json.dumps(payload)


def answers(status: int) -> Callable[[Rehearsal, Path], None]:
    def answers_with(at: Rehearsal, path: Path) -> None:
        answer = at.feed(path.parent.name, read(path))
        assert answer["statusCode"] == status, answer

    return answers_with


def refuses_it(at: Rehearsal, path: Path) -> None:
    before = at.effects()
    answer = at.feed(path.parent.name, read(path))
    assert 400 <= answer["statusCode"] < 500, answer
    assert at.effects() == before


OUTCOMES: dict[str, Callable[[Rehearsal, Path], None]] = {
    "ignores_it": ignores_it,
    "records_the_trial": records_the_trial,
    "advances": advances,
    "advances_and_looks": advances_and_looks,
    "tends_it": tends_it,
    "tends_the_holder": tends_it,
    "wakes_live_studies": wakes_live_studies,
    "tells_of_it": tells_of_it,
    "looks_for_orphans": looks_for_orphans,
    "shows_it_in_slack": shows_it_in_slack,
    "refuses_it": refuses_it,
    **{f"answers_{status}": answers(status) for status in (200, 201, 400, 404)},
}


@pytest.mark.parametrize("path", [path for path in FILES if there(path)], ids=name)
def test_a_payload_has_the_outcome_of_its_name(path: Path, rehearsal: Rehearsal) -> None:
    OUTCOMES[outcome(path)](rehearsal, path)


def test_each_function_has_payloads_and_nothing_else_has() -> None:
    handlers = {
        each["Handler"].partition(".")[0]
        for each in of_type(written(), "AWS::Serverless::Function").values()
    }
    assert {path.parent.name for path in FILES} == handlers
    assert {outcome(path) for path in FILES} == OUTCOMES.keys()


@pytest.mark.parametrize("path", [path for path in FILES if path.parent.name in RULES], ids=name)
def test_a_rule_lets_through_what_its_door_takes_and_holds_back_what_it_ignores(
    path: Path,
) -> None:
    rule = of_type(written(), "AWS::Events::Rule")[RULES[path.parent.name]]
    pattern = json.loads(
        json.dumps(rule["EventPattern"]).replace('{"Ref": "AWS::StackName"}', '"tunewright"')
    )
    body = json.loads(read(path)["Records"][0]["body"])
    if "detail" in body:
        assert matches(pattern, body) == (outcome(path) != "ignores_it")
    else:
        assert body["study"]
