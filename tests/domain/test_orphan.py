"""What is an orphan, when something is due about it, and what people are told."""

from decimal import Decimal
from typing import Any

import pytest

from tests.support.build import STUDY_ID, at, profile, study
from tests.support.estate import LOST, thing
from tunewright.adapters import mail, slack
from tunewright.domain.message import Level
from tunewright.domain.orphan import (
    GRACE,
    NOTICE,
    Due,
    Kind,
    Orphan,
    Thing,
    due,
    finding,
    found,
    is_orphan,
    removal,
)
from tunewright.domain.seen import Champion, Endpoint
from tunewright.domain.study import Phase, Study

LATER = at(GRACE.total_seconds())
DAY = NOTICE.total_seconds()


def judged(each: Thing, owner: Study | None = None, *records: Endpoint, **changes: Any) -> bool:
    given = {"stack": "tunewright", "now": LATER, **changes}
    return is_orphan(each, study=owner, records=records, **given)


def champion(**changes: Any) -> Champion:
    values: dict[str, Any] = {
        "endpoint": "tw-lost",
        "study_id": LOST,
        "model": f"tw-{LOST}-v1",
        "trial": "t",
        "metric": "m",
        "value": 1.0,
        "fingerprint": "f",
        "price_per_hour": Decimal(1),
        "since": at(0),
        "lease_ends": at(9),
    }
    return Champion(**{**values, **changes})


@pytest.mark.parametrize("kind", Kind)
def test_what_is_ours_and_has_no_study_is_an_orphan(kind: Kind) -> None:
    each = thing(kind)
    assert judged(each)
    assert judged(each.but(study=None))
    assert judged(each, study(phase=Phase.DONE))
    assert judged(each, study(phase=Phase.CANCELLED))
    assert not judged(each, study(phase=Phase.NEEDS_PERSON))


@pytest.mark.parametrize("kind", Kind)
def test_what_is_young_or_of_another_stack_or_of_nobody_is_none(kind: Kind) -> None:
    each = thing(kind)
    assert not judged(each, now=at(GRACE.total_seconds() - 1))
    assert not judged(each.but(stack="tunewright-2"))
    assert not judged(each.but(stack=None))


@pytest.mark.parametrize(
    "each",
    [
        *(thing(status=status) for status in ("Completed", "Stopping", "Stopped", "Failed")),
        thing(Kind.ENDPOINT, status="Deleting"),
    ],
)
def test_what_has_ended_or_is_ending_is_none(each: Thing) -> None:
    assert not judged(each)


def test_an_endpoint_with_a_champion_or_a_holder_of_its_own_is_none() -> None:
    each = thing(Kind.ENDPOINT)
    assert not judged(each, None, Endpoint(name="tw-lost", champion=champion()))
    assert not judged(each, None, Endpoint(name="tw-lost", holder="other-aaaaaa"))
    assert judged(each, None, Endpoint(name="tw-lost"))
    assert judged(each, None, Endpoint(name="tw-other", champion=champion()))
    assert judged(each.but(status="Failed"))


def test_a_model_that_is_a_champions_is_none() -> None:
    each = thing(Kind.MODEL)
    assert not judged(each, None, Endpoint(name="tw-any", champion=champion()))
    assert judged(each, None, Endpoint(name="tw-any", champion=champion(model="tw-x-aaaaaa-v1")))
    assert judged(each, None, Endpoint(name="tw-any", holder=LOST))
    assert judged(thing(), None, Endpoint(name="tw-any", champion=champion()))


@pytest.mark.parametrize(
    ("each", "owner", "price"),
    [
        (thing(), None, "0.46"),
        (thing(), study(profile=profile(prices={"ml.m5.xlarge": "1.00"})), "2.00"),
        (thing(Kind.ENDPOINT, count=1), None, "0.23"),
        (thing(instance="ml.odd.large"), None, None),
        (thing(instance=None), None, None),
        (thing(Kind.MODEL), None, "0"),
    ],
)
def test_what_it_costs_is_by_its_studys_prices_or_ours_or_unknown(
    each: Thing, owner: Study | None, price: str | None
) -> None:
    told = found(each, owner, LATER)
    assert told.price_per_hour == (None if price is None else Decimal(price))
    assert told.phase == (owner.phase if owner else None)
    assert (told.seen, told.told, told.warned, told.removing) == (LATER, None, None, None)


def orphan(kind: Kind = Kind.JOB, **changes: Any) -> Orphan:
    return found(thing(kind), None, LATER).but(**changes)


def test_it_is_told_of_first_and_removed_a_day_after_that_if_the_policy_says_so() -> None:
    fresh = orphan()
    told = fresh.but(told=at(0), warned=at(0))
    for removes in (False, True):
        assert due(fresh, removes=removes, now=at(9 * DAY)) is Due.TELL
    assert due(told, removes=True, now=at(DAY - 1)) is Due.WAIT
    assert due(told, removes=True, now=at(DAY)) is Due.REMOVE
    assert due(told, removes=False, now=at(9 * DAY)) is Due.WAIT


def test_whoever_was_told_under_the_other_policy_is_told_again_before_anything_goes() -> None:
    told = orphan(told=at(0))
    assert due(told, removes=False, now=at(9 * DAY)) is Due.WAIT
    assert due(told, removes=True, now=at(9 * DAY)) is Due.TELL
    assert due(told.but(warned=at(9 * DAY)), removes=True, now=at(10 * DAY)) is Due.REMOVE
    ids = [finding(told, removes=removes)[0].id for removes in (False, True)]
    assert len(set(ids)) == 2


def test_an_endpoint_that_serves_what_no_study_made_is_never_removed() -> None:
    bought = orphan(Kind.ENDPOINT, model="bought", told=at(0))
    assert bought.is_left_alone
    assert due(bought, removes=True, now=at(9 * DAY)) is Due.WAIT
    message, notice = finding(bought, removes=True)
    assert message.lines[-1] == "It serves bought, which no study made, and is left alone"
    assert notice.event == "found"
    assert [about for about, _ in message.commands] == ["Delete it"]
    assert not orphan(Kind.ENDPOINT).is_left_alone


def test_people_are_told_what_it_is_how_old_what_it_costs_and_what_to_type() -> None:
    message, notice = finding(orphan(phase=Phase.DONE), removes=False)
    job = f"tw-{LOST}-r01"
    assert message.title == f"{job} · a tuning job without an owner"
    assert message.lines == (
        f"The tuning job {job} runs, and its study {LOST} is over (done)",
        "It is 1 h old and costs $0.46 an hour at most",
        "It is not removed by itself: the stack's OrphanPolicy is tell",
    )
    stop = "aws sagemaker stop-hyper-parameter-tuning-job --hyper-parameter-tuning-job-name"
    assert message.commands == (
        ("Stop it", f"{stop} {job}"),
        ("See why", f"tunewright why {LOST}"),
    )
    assert message.level is Level.TROUBLE
    assert message.id == notice.id == f"tuning-job/{job}/20260101T010000/found"
    assert notice.reason == message.lines[0]


def test_an_endpoint_is_told_of_with_its_config_and_its_model() -> None:
    message, _ = finding(orphan(Kind.ENDPOINT, price_per_hour=None), removes=True)
    assert message.title == "tw-lost · an endpoint without an owner"
    assert message.lines == (
        f"The endpoint tw-lost is up, and its study {LOST} is not in the table",
        "It is 1 h old; what it costs is not known",
        "It is deleted 24 hours after this, unless it has an owner by then",
    )
    assert [command.rpartition(" ")[2] for _, command in message.commands] == [
        "tw-lost",
        f"tw-{LOST}-v1",
        f"tw-{LOST}-v1",
    ]
    assert dict(message.facts)["An hour"] == "unknown"


def test_a_model_costs_nothing_and_has_a_config() -> None:
    message, _ = finding(orphan(Kind.MODEL, study=None), removes=True)
    assert message.lines[0] == f"The model tw-{LOST}-v1 is there, and no tag names its study"
    assert message.lines[1] == "It is 1 h old and costs nothing as long as nothing serves it"
    assert [about for about, _ in message.commands] == ["Delete it", "Its config"]
    assert message.study_id == "unknown"


@pytest.mark.parametrize(
    ("kind", "line"),
    [
        (Kind.JOB, f"The tuning job tw-{LOST}-r01 is stopped"),
        (Kind.MODEL, f"The model tw-{LOST}-v1 is deleted"),
        (
            Kind.ENDPOINT,
            f"The endpoint tw-lost is deleted, with its config and model tw-{LOST}-v1",
        ),
    ],
)
def test_people_are_told_what_was_removed_and_that_they_were_told_before(
    kind: Kind, line: str
) -> None:
    gone = orphan(kind, told=at(0), warned=at(0), removing=at(DAY))
    message, notice = removal(gone)
    assert message.lines == (
        line,
        "People were told on 2026-01-01 at 00:00 UTC that it would be, and it had no owner on "
        "2026-01-02 at 00:00 UTC",
    )
    assert (notice.event, notice.at, message.level) == ("removed", at(DAY), Level.NEWS)
    assert not message.commands
    never = removal(orphan(kind))[1]
    assert never.at == LATER


@pytest.mark.parametrize("kind", Kind)
def test_it_reads_well_as_a_mail_and_in_slack(kind: Kind) -> None:
    message, _ = finding(orphan(kind, study=STUDY_ID), removes=True)
    assert mail.subject(message).startswith("[trouble] tw-")
    assert mail.body(message).endswith(f"\nstudy {STUDY_ID}, orphan {message.id}\n")
    blocks = slack.render(message)["blocks"]
    assert f"orphan {message.id}" in blocks[-1]["elements"][0]["text"]
    assert "aws sagemaker" in blocks[-2]["elements"][0]["text"]
