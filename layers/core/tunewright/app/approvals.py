"""Answers by link: what a person is asked, and the one answer that each plan has."""

from dataclasses import dataclass
from enum import StrEnum

from tunewright.app.announcer import LINKS
from tunewright.app.ports import Clock, EndpointStore, Secrets, StudyStore
from tunewright.app.studies import Studies
from tunewright.domain.errors import ConflictError, NotFoundError
from tunewright.domain.links import BadLinkError, Flaw, Link, read
from tunewright.domain.seen import Champion
from tunewright.domain.study import Command, CommandKind, Deployment, Phase, Study


class Trouble(StrEnum):
    """Why a link cannot be answered."""

    NOT_WHOLE = "not whole"
    OTHER_KEY = "another key"
    EXPIRED = "expired"
    NO_STUDY = "no such study"
    OVER = "the study is over"
    SUPERSEDED = "another plan"


class CannotAnswerError(Exception):
    """A link cannot be answered.

    Attributes:
        trouble: Why.
        study: The study, where the link could be read so far.
    """

    def __init__(self, trouble: Trouble, study: Study | None = None) -> None:
        super().__init__(f"the link cannot be answered: {trouble}")
        self.trouble = trouble
        self.study = study


@dataclass(frozen=True, slots=True)
class Question:
    """What a person is asked by a link.

    Attributes:
        study: The study that asks.
        planned: What would go live.
        champion: What one of our studies has live there; None if that is not what would go.
        answer: What was answered; None while nothing was.
    """

    study: Study
    planned: Deployment
    champion: Champion | None
    answer: Command | None


_TROUBLES = {
    Flaw.NOT_WHOLE: Trouble.NOT_WHOLE,
    Flaw.OTHER_KEY: Trouble.OTHER_KEY,
    Flaw.EXPIRED: Trouble.EXPIRED,
}


class Approvals:
    """Shows what a link asks, and takes its answer."""

    def __init__(
        self,
        *,
        studies: Studies,
        store: StudyStore,
        endpoints: EndpointStore,
        secrets: Secrets,
        clock: Clock,
    ) -> None:
        self._studies = studies
        self._store = store
        self._endpoints = endpoints
        self._secrets = secrets
        self._clock = clock

    def ask(self, token: str) -> Question:
        """Return what a link asks; nothing is changed by it.

        Raises:
            CannotAnswerError: It asks nothing, or nothing any more.
        """
        study, planned = self._planned(self._read(token))
        known = self._endpoints.load(planned.endpoint).champion
        champion = known if known is not None and known.model == planned.replaces else None
        return Question(study=study, planned=planned, champion=champion, answer=planned.answer)

    def answer(self, token: str, kind: CommandKind, *, by: str) -> Command:
        """Answer a link.

        Args:
            token: The link's token.
            kind: Approve, or reject.
            by: Who answers, as far as is known.

        Returns:
            The answer that counts: this one, or the one that was first.

        Raises:
            CannotAnswerError: It asks nothing, or nothing any more.
        """
        link = self._read(token)
        study, planned = self._planned(link)
        try:
            return self._studies.answer(study.id, kind, by=by, plan_hash=planned.hash)
        except ConflictError as error:  # It ended between two looks.
            raise CannotAnswerError(Trouble.OVER, study) from error

    def _read(self, token: str) -> Link:
        try:
            return read(token, self._secrets.read(LINKS), self._clock.now())
        except BadLinkError as error:
            raise CannotAnswerError(_TROUBLES[error.flaw], self._study(error.link)) from error

    def _study(self, link: Link | None) -> Study | None:
        try:
            return None if link is None else self._store.load(link.study_id)
        except NotFoundError:
            return None

    def _planned(self, link: Link) -> tuple[Study, Deployment]:
        """Return the plan that a link is for, if the study still has it and can still be told."""
        try:
            study = self._store.load(link.study_id)
        except NotFoundError as error:
            raise CannotAnswerError(Trouble.NO_STUDY) from error
        planned = study.deployment
        if planned is None or planned.hash != link.plan_hash:
            trouble = Trouble.OVER if study.phase.is_over else Trouble.SUPERSEDED
            raise CannotAnswerError(trouble, study)
        if planned.answer is None and study.phase is not Phase.AWAITING_APPROVAL:
            trouble = Trouble.OVER if study.phase.is_over else Trouble.SUPERSEDED
            raise CannotAnswerError(trouble, study)
        return study, planned
