"""Every decision that was written is told at least once, and none that was not written."""

from tests.support.build import document
from tests.support.world import World
from tunewright.app.announcer import Announcer
from tunewright.app.ports import Wake
from tunewright.app.sweeper import AT_ONCE, Sweeper
from tunewright.domain.errors import PublishError
from tunewright.domain.message import Message
from tunewright.domain.study import Decision


class Listener:
    """A topic and a bus that keep what they are told, and refuse when a test says so."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.decisions: list[Decision] = []
        self.refuse_message = self.refuse_decision = False

    def publish(self, message: Message) -> None:
        if self.refuse_message:
            raise PublishError("SNS is not there")
        self.messages.append(message)

    def put(self, decision: Decision) -> None:
        if self.refuse_decision:
            raise PublishError("EventBridge is not there")
        self.decisions.append(decision)


def made() -> tuple[World, Listener, Announcer, Sweeper, str]:
    world, heard = World(), Listener()
    announcer = Announcer(world.store, world.store, heard, heard)
    sweeper = Sweeper(
        studies=world.store,
        outbox=world.store,
        wakes=world.wakes,
        endpoints=world.crowns,
        leases=world.leases,
        announcer=announcer,
        clock=world,
    )
    study_id = world.submit(document(notify={"events": ["started"]}))
    world.advance(study_id)
    return world, heard, announcer, sweeper, study_id


def test_a_sweep_wakes_every_live_study_and_tells_what_is_overdue() -> None:
    world, heard, _, sweeper, study_id = made()
    world.wakes.take(timeout=0)
    sweeper.sweep()
    assert world.wakes.take(timeout=0) == Wake(study_id, look=True)
    assert not heard.decisions  # the stream may still be about to tell them
    world.pass_time(61)
    sweeper.sweep()
    assert [each.id for each in heard.decisions] == [
        each.id for each in world.store.decisions(study_id)
    ]
    assert [message.event.value for message in heard.messages] == ["started"]
    sweeper.sweep()
    assert len(heard.messages) == 1


def test_what_could_not_be_told_stays_to_be_told() -> None:
    world, heard, _, sweeper, _ = made()
    world.pass_time(61)
    heard.refuse_message = True
    sweeper.sweep()
    left = world.store.unpublished(before=world.now(), limit=AT_ONCE)
    assert [each.kind.value for each in left] == ["round started"]
    heard.refuse_message, heard.refuse_decision = False, True
    sweeper.sweep()
    assert len(world.store.unpublished(before=world.now(), limit=AT_ONCE)) == 1
    heard.refuse_decision = False
    sweeper.sweep()
    assert not world.store.unpublished(before=world.now(), limit=AT_ONCE)
    ids = [message.id for message in heard.messages]
    assert len(ids) == 2  # told twice, for the first time it was not sure…
    assert len(set(ids)) == 1  # …and known by its id


def test_a_decision_that_comes_twice_is_told_twice_under_one_id() -> None:
    world, heard, announcer, _, study_id = made()
    decision = world.store.decisions(study_id)[0]
    announcer.announce(decision)
    announcer.announce(decision)
    assert [each.id for each in heard.decisions] == [decision.id, decision.id]
