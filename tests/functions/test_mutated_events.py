"""Every field of SageMaker's events missing, null, of another type, nested or huge: no door breaks.

What a door makes of a broken event is what it makes of the whole one, or nothing. What is not ours
stays so, whatever is broken in it.
"""

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.functions.test_events import FILES, NOTHING_FAILED, name, read
from tests.support.rehearsal import Rehearsal
from tests.support.template import PATH

DOORS = ("on_training_job", "on_wake", "on_deploy")
WHOLE = [path for path in FILES if path.parent.name in DOORS]
MARK = "\u241fhere\u241f"
MISSING = object()
VALUES: dict[str, Any] = {
    "missing": MISSING,
    "null": None,
    "true": True,
    "a whole number": 7,
    "a negative one": -1,
    "a fraction": 1592411992203.5,
    "text": "Completed",
    "no text": "",
    "a time": "2021-02-24T17:00:14Z",
    "a list": ["Completed", None],
    "pairs": [{"Key": "tunewright:stack", "Value": "tunewright"}, {"Key": None}, 3],
    "a map": {"tunewright:stack": {"tunewright:stack": "tunewright"}},
    "odd letters": "tw-\u0000\u202e\ud800",
    "long text": "tw-" + "x" * 200_000,
}
RAW = {
    "a huge number": "9" * 5000,
    "an infinite one": "1e999",
    "not a number": "NaN",
    "nested lists": "[" * 300 + "]" * 300,
    "nested maps": '{"a":' * 300 + "1" + "}" * 300,
}
"""Values that are easier written than built."""
DEEP = {
    "lists": "[" * 100_000 + "]" * 100_000,
    "maps": '{"a":' * 20_000 + "1" + "}" * 20_000,
}
"""Nested deeper than Python's reader of JSON goes."""


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Name every field of an event, the event itself first."""
    yield path
    if isinstance(value, dict | list):
        for key, each in value.items() if isinstance(value, dict) else enumerate(value):
            yield from places(each, (*path, key))


def put(event: Any, place: tuple[Any, ...], value: Any) -> Any:
    if not place:
        return value
    changed = copy.deepcopy(event)
    at = changed
    for key in place[:-1]:
        at = at[key]
    if value is MISSING:
        del at[place[-1]]
    else:
        at[place[-1]] = value
    return changed


def mutants(event: Any) -> Iterator[tuple[str, str]]:
    """Give each broken event as the text that stands in the queue."""
    for place in places(event):
        where = ".".join(str(key) for key in place) or "the event"
        for words, value in VALUES.items():
            if place or value is not MISSING:
                yield f"{where}: {words}", json.dumps(put(event, place, value))
        marked = json.dumps(put(event, place, MARK))
        for words, raw in RAW.items():
            yield f"{where}: {words}", marked.replace(json.dumps(MARK), raw)
        yield f"{where}: wrapped", marked.replace(json.dumps(MARK), json.dumps([event]))


def batch(path: Path, body: str) -> Any:
    event = read(path)
    event["Records"][0]["body"] = body
    return event


def judged_by(path: Path) -> tuple[str, ...]:
    """Name the fields for which a payload is ignored: another value there makes it one of ours."""
    return {
        "ignores_it--another_stack": ("Tags",),
        "ignores_it--under_way": ("Status",),
        "advances--our_own_message": ("look",),
    }.get(path.stem, ())


@pytest.fixture
def rehearsal(monkeypatch: pytest.MonkeyPatch) -> Rehearsal:
    return Rehearsal(monkeypatch)


@pytest.mark.parametrize("path", WHOLE, ids=name)
def test_a_broken_event_is_taken_for_what_it_is_or_for_nothing(
    path: Path, rehearsal: Rehearsal, capsys: pytest.CaptureFixture[str]
) -> None:
    function = path.parent.name
    # Twice, for what the first delivery does the second must not do again.
    rehearsal.feed(function, read(path))
    rehearsal.feed(function, read(path))
    wanted, before = set(rehearsal.heard), rehearsal.effects()
    count = 0
    for words, body in mutants(json.loads(read(path)["Records"][0]["body"])):
        rehearsal.heard.clear()
        assert rehearsal.feed(function, batch(path, body)) == NOTHING_FAILED, words
        if any(why in words for why in judged_by(path)):
            before = rehearsal.effects()
        else:
            assert {each for each in rehearsal.heard if each[1] == rehearsal.study_id} <= wanted
            assert rehearsal.effects() == before, words
        count += 1
    assert count > 30
    assert "Traceback" not in capsys.readouterr().out


@pytest.mark.parametrize("raw", DEEP.values(), ids=DEEP)
@pytest.mark.parametrize("function", DOORS)
def test_a_body_that_is_nested_too_deep_keeps_no_other_waiting(
    function: str, raw: str, rehearsal: Rehearsal
) -> None:
    good = next(path for path in WHOLE if path.parent.name == function and "captured" in path.stem)
    event = read(good)
    event["Records"].insert(0, {**event["Records"][0], "messageId": "poisoned", "body": raw})
    before = rehearsal.effects()
    assert rehearsal.feed(function, event) == NOTHING_FAILED
    assert rehearsal.heard or rehearsal.effects() != before


@pytest.mark.parametrize("body", [None, "", "null", "[]", '"', "\ud800", 7, {"detail": {}}])
@pytest.mark.parametrize("function", DOORS)
def test_a_body_that_is_no_event_is_nothing_to_do(
    function: str, body: Any, rehearsal: Rehearsal
) -> None:
    before = rehearsal.effects()
    event = {"Records": [{"messageId": "1", "body": body}, {"messageId": "2"}]}
    assert rehearsal.feed(function, event) == NOTHING_FAILED
    assert rehearsal.effects() == before


def test_payloads_are_where_the_tests_look() -> None:
    assert len(WHOLE) >= 15
    assert {path.parent.parent for path in WHOLE} == {PATH.parent / "events"}
