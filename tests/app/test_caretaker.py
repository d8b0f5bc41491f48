"""Orphans are found once an hour, told of once, and go a day later if the policy says so."""

from datetime import timedelta
from typing import Any

import pytest

from tests.app.test_landlord import Deadly
from tests.support.build import at, document
from tests.support.estate import LOST, Board, Estate, thing
from tests.support.memory import MemoryOrphans
from tests.support.world import World
from tunewright.app.caretaker import AT_ONCE, FRESH, LOOKS, Caretaker
from tunewright.domain.errors import PublishError, RefusedError, UnknownOutcomeError
from tunewright.domain.orphan import GRACE, NOTICE, Kind
from tunewright.domain.seen import Champion, Endpoint
from tunewright.domain.steps.step import Step
from tunewright.domain.study import Phase

HOUR = timedelta(hours=1)


class House:
    """A world with a caretaker."""

    def __init__(self, estate: Estate, *, removes: bool = True, orphans: Any = None) -> None:
        self.world, self.estate, self.board = World(), estate, Board()
        self.orphans = MemoryOrphans() if orphans is None else orphans
        self.removes = removes
        self.world.time = at(GRACE.total_seconds() + 1)

    def visit(self, **changes: Any) -> None:
        given: dict[str, Any] = {
            "stack": "tunewright",
            "removes": self.removes,
            "studies": self.world.store,
            "endpoints": self.world.crowns,
            "orphans": self.orphans,
            "estate": self.estate,
            "topic": self.board,
            "bus": self.board,
            "clock": self.world,
        }
        Caretaker(**{**given, **changes}).visit()

    def wait(self, time: timedelta = HOUR) -> None:
        self.world.time += time
        self.visit()

    def told(self) -> list[str]:
        return [each.id.rpartition("/")[2] for each in self.board.messages]

    def known(self) -> list[str]:
        return [each.name for each in self.orphans.known()]


@pytest.mark.parametrize("kind", Kind)
def test_one_is_told_of_once_and_stays_by_default(kind: Kind) -> None:
    house = House(Estate(thing(kind)), removes=False)
    for _ in range(3):
        house.wait(NOTICE)
    assert house.told() == ["found"]
    assert [each.id for each in house.board.notices] == [house.board.messages[0].id]
    assert house.estate.removed == []
    assert len(house.known()) == 1


@pytest.mark.parametrize("kind", [Kind.JOB, Kind.MODEL])
def test_one_is_removed_a_day_after_people_were_told(kind: Kind) -> None:
    house = House(Estate(thing(kind)))
    house.visit()
    house.wait(NOTICE - HOUR)
    assert house.estate.removed == []
    house.wait()
    assert house.estate.removed == [thing(kind).name]
    assert house.told() == ["warned", "removed"]
    assert house.known() == []
    house.wait()
    assert house.told() == ["warned", "removed"]


def test_an_endpoint_goes_with_its_config_and_model_and_is_told_of_when_all_are_gone() -> None:
    model = thing(Kind.MODEL)
    house = House(Estate(thing(Kind.ENDPOINT), model))
    house.visit()
    assert house.known() == ["tw-lost"]  # The model is told of with it.
    house.wait(NOTICE)
    house.wait()  # It is still going.
    assert house.told() == ["warned"]
    del house.estate.things[Kind.ENDPOINT, "tw-lost"]
    house.wait()
    assert house.estate.removed == ["tw-lost", model.name]
    assert house.told() == ["warned", "removed"]
    assert house.known() == []


@pytest.mark.parametrize("rest", [None, thing(Kind.MODEL, stack="twin")])
def test_a_model_that_is_gone_or_anothers_does_not_go_with_its_endpoint(rest: Any) -> None:
    house = House(Estate(thing(Kind.ENDPOINT), *([rest] if rest else [])))
    house.visit()
    house.wait(NOTICE)
    del house.estate.things[Kind.ENDPOINT, "tw-lost"]
    house.wait()
    assert house.estate.removed == ["tw-lost"]
    assert house.told() == ["warned", "removed"]


def test_what_is_gone_or_owned_again_is_forgotten_and_may_be_found_again() -> None:
    house = House(Estate(thing(), thing(Kind.ENDPOINT)))
    house.visit()
    del house.estate.things[Kind.JOB, thing().name]
    house.world.crowns.save(Endpoint(name="tw-lost", holder="other-aaaaaa"))
    house.wait()
    assert house.known() == []
    assert house.told() == ["warned", "warned"]
    record = house.world.crowns.load("tw-lost")
    house.world.crowns.save(record.but(holder=None))
    house.wait()
    assert house.told() == ["warned"] * 3
    assert len({each.id for each in house.board.messages}) == 3
    house.wait(NOTICE)
    assert house.estate.removed == ["tw-lost"]


def owned(house: House) -> str:
    """A live study that deploys to the endpoint."""
    return house.world.submit(document(deploy={"to": "lost", "lease": "1d"}))


def test_what_a_live_study_owns_is_none_and_nobody_looks_at_it_closely() -> None:
    house = House(Estate())
    mine = owned(house)
    names = {Kind.JOB: f"tw-{mine}-r01", Kind.MODEL: f"tw-{mine}-v1", Kind.ENDPOINT: "tw-other"}
    for kind, name in names.items():
        house.estate.things[kind, name] = thing(kind, name, study=mine)
    live = Champion(
        endpoint="tw-x", study_id=LOST, model=f"tw-{LOST}-v1", trial="t", metric="m", value=1.0,
        fingerprint="f", price_per_hour=1, since=at(0), lease_ends=at(10**7),
    )  # fmt: skip
    house.world.crowns.save(Endpoint(name="tw-x", champion=live))
    house.estate.things[Kind.MODEL, live.model] = thing(Kind.MODEL)
    house.visit()
    assert house.told() == []
    assert house.estate.looks == ["tw-other"]  # Its name tells of no study: its tags do.


def test_a_model_is_asked_for_at_the_endpoint_of_its_own_study_whatever_the_index_says() -> None:
    house = House(Estate())
    mine = owned(house)
    ended = house.world.store.load(mine)
    house.world.store.commit(Step(ended.but(phase=Phase.DONE)), expected=ended.version)
    model = f"tw-{mine}-v1"
    house.estate.things[Kind.MODEL, model] = thing(Kind.MODEL, model, study=mine)
    live = Champion(
        endpoint="tw-lost", study_id=mine, model=model, trial="t", metric="m", value=1.0,
        fingerprint="f", price_per_hour=1, since=at(0), lease_ends=at(10**7),
    )  # fmt: skip
    house.world.crowns.save(Endpoint(name="tw-lost", champion=live))
    house.world.crowns.due = lambda _now: ()  # type: ignore[method-assign]
    house.visit()
    assert house.told() == []


def test_an_endpoint_that_a_live_study_is_to_deploy_to_is_told_of_and_waits_for_it() -> None:
    house = House(Estate(thing(Kind.ENDPOINT)))
    owned(house)
    house.visit()
    house.wait(2 * NOTICE)
    assert house.told() == ["warned"]
    assert house.estate.removed == []


def test_a_study_that_came_back_within_the_day_keeps_its_job() -> None:
    house = House(Estate(thing()))
    house.visit()
    mine = owned(house)
    house.estate.things[Kind.JOB, thing().name] = thing(study=mine)
    house.wait(NOTICE)
    assert house.estate.removed == []
    assert house.known() == []


TROUBLE = UnknownOutcomeError("ThrottlingException", "Rate exceeded")


@pytest.mark.parametrize("what", ["list tuning-job", f"look tw-{LOST}-r01"])
def test_what_is_not_answered_keeps_no_other_waiting_and_is_looked_at_an_hour_later(
    what: str,
) -> None:
    house = House(Estate(thing(), thing(Kind.MODEL)))
    house.estate.trouble[what] = TROUBLE
    house.visit()
    assert house.known() == [thing(Kind.MODEL).name]
    house.estate.trouble.clear()
    house.wait()
    assert sorted(house.known()) == sorted([thing().name, thing(Kind.MODEL).name])


@pytest.mark.parametrize("error", [TROUBLE, RefusedError("AccessDeniedException", "no")])
def test_a_removal_that_fails_is_tried_again_each_hour_and_told_of_when_it_is_done(
    error: Exception,
) -> None:
    house = House(Estate(thing()))
    house.visit()
    house.estate.trouble[f"remove {thing().name}"] = error
    house.wait(NOTICE)
    house.wait()
    assert house.told() == ["warned"]
    house.estate.trouble.clear()
    house.wait()
    assert house.told() == ["warned", "removed"]


def test_a_look_that_has_grown_old_removes_nothing() -> None:
    house = House(Estate(thing()))
    house.visit()

    class Slow(MemoryOrphans):
        def save(self, orphan: Any) -> Any:
            house.world.time += 2 * FRESH
            return house.orphans.save(orphan)

        def known(self) -> Any:
            return house.orphans.known()

    house.world.time += NOTICE
    house.visit(orphans=Slow())
    assert house.estate.removed == []
    house.wait()
    assert house.estate.removed == [thing().name]


def test_nobody_is_sent_more_than_a_handful_at_once_and_nothing_is_left_out() -> None:
    jobs = [thing(Kind.JOB, f"tw-lost{n}-aaaaaa-r01") for n in range(2 * AT_ONCE + 1)]
    house = House(Estate(*jobs))
    sizes = []
    for _ in range(3):
        house.wait()
        sizes.append(len(house.told()))
    assert sizes == [AT_ONCE, 2 * AT_ONCE, 2 * AT_ONCE + 1]
    house.removes = False
    assert len(set(house.known())) == len(jobs)


def test_those_who_were_told_under_the_other_policy_are_told_a_handful_at_a_time() -> None:
    jobs = [thing(Kind.JOB, f"tw-lost{n}-aaaaaa-r01") for n in range(AT_ONCE + 1)]
    house = House(Estate(*jobs), removes=False)
    house.wait()
    house.wait()
    house.removes = True
    house.wait()
    assert house.told().count("warned") == AT_ONCE
    house.wait()
    assert house.told().count("warned") == AT_ONCE + 1


def test_what_only_looks_like_ours_keeps_no_orphan_waiting_for_ever() -> None:
    twins = [thing(Kind.JOB, f"tw-twin{n}-aaaaaa-r01", stack="twin") for n in range(3 * LOOKS)]
    house = House(Estate(*twins, thing()))
    for _ in range(4):
        house.estate.looks.clear()
        house.wait()
        assert len(house.estate.looks) <= LOOKS + 1
    assert house.known() == [thing().name]
    assert house.told() == ["warned"]


def test_what_could_not_be_told_is_told_an_hour_later_under_the_same_id() -> None:
    house = House(Estate(thing()))
    house.board.refuses = PublishError("SNS is not there")
    house.visit()
    (seen,) = house.orphans.known()
    assert seen.told is None
    house.board.refuses = None
    house.wait()
    (message,) = house.board.messages
    assert message.id == f"{seen.id}/warned"


DEATHS = [
    f"{when} {what}"
    for when in ("before", "after")
    for what in ("save", "publish", "put_notice", "remove", "forget")
]


@pytest.mark.parametrize("death", DEATHS)
@pytest.mark.parametrize("later", [timedelta(0), NOTICE])
def test_whoever_dies_anywhere_is_made_up_for(death: str, later: timedelta) -> None:
    house = House(Estate(thing()))
    dies: list[str] = []
    if later:
        house.visit()
    dies.append(death)
    parts = {
        "orphans": Deadly(house.orphans, dies),
        "estate": Deadly(house.estate, dies),
        "topic": Deadly(house.board, dies),
        "bus": Deadly(house.board, dies),
    }
    house.world.time += later
    house.visit(**parts)
    dies.clear()
    for _ in range(2):
        house.wait(NOTICE)
    assert house.known() == []
    assert house.estate.removed == [thing().name]
    ids = {each.id.rpartition("/")[2] for each in house.board.messages}
    assert ids == {each.event for each in house.board.notices} == {"warned", "removed"}
    assert len({each.id for each in house.board.messages}) == 2
