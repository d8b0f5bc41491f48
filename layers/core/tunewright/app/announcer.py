"""Tells people and programs of decisions; each is told at least once, and its mark then removed."""

from tunewright.app.ports import Bus, Outbox, Secrets, StudyStore, Topic
from tunewright.domain.links import LASTS, Link, sign
from tunewright.domain.message import Message, message_of
from tunewright.domain.study import Decision

LINKS = "links"
"""The name of the key by which links are signed."""


class Announcer:
    """Publishes what was decided; it never publishes what was not written."""

    def __init__(
        self,
        studies: StudyStore,
        outbox: Outbox,
        topic: Topic,
        bus: Bus,
        *,
        secrets: Secrets | None = None,
        url: str = "",
    ) -> None:
        """Take what it tells by.

        Args:
            studies: The studies whose owners are told.
            outbox: The decisions to tell of.
            topic: Where people are told.
            bus: Where programs are told.
            secrets: Hold the key by which links are signed; without them there are none.
            url: The API's address, to which links lead; without it there are none.
        """
        self._studies = studies
        self._outbox = outbox
        self._topic = topic
        self._bus = bus
        self._secrets = secrets
        self._url = url.rstrip("/")

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
            self._topic.publish(self._with_link(message, decision))
        self._bus.put(decision)
        self._outbox.published(decision)

    def _with_link(self, message: Message, decision: Decision) -> Message:
        """Add the link to a question; told twice it is the same, for its time is the decision's."""
        if message.plan_hash is None or self._secrets is None or not self._url:
            return message
        link = Link(
            study_id=message.study_id, plan_hash=message.plan_hash, expires=decision.at + LASTS
        )
        token = sign(link, self._secrets.read_or_make(LINKS))
        return message.but(link=f"{self._url}/approvals/{token}")
