"""Tells people and programs of decisions; each is told at least once, and its mark then removed."""

from tunewright.app.ports import Bus, Outbox, StudyStore, Topic
from tunewright.domain.message import message_of
from tunewright.domain.study import Decision


class Announcer:
    """Publishes what was decided; it never publishes what was not written."""

    def __init__(self, studies: StudyStore, outbox: Outbox, topic: Topic, bus: Bus) -> None:
        self._studies = studies
        self._outbox = outbox
        self._topic = topic
        self._bus = bus

    def announce(self, decision: Decision) -> None:
        """Tell of a decision, then remove its mark.

        Dying in between tells it twice: who has seen its id need not see it again.

        Raises:
            NotFoundError: There is no such study.
            PublishError: It was not told; its mark stays, and the sweep will try again.
        """
        told = self._studies.load(decision.study_id).spec.notify
        message = message_of(decision, told)
        if message is not None:
            self._topic.publish(message)
        self._bus.put(decision)
        self._outbox.published(decision)
