"""Finds orphans, tells of them, and removes them if the policy says so: once an hour, step by step.

It may die anywhere, come twice or late: each orphan has an item; people are told before that says
so, and a removal is written down before it is begun. What fails is looked at again in an hour.
"""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import cached_property, partial
from typing import Protocol

from tunewright.app.ports import Clock, EndpointStore, StudyStore, Topic
from tunewright.domain import names
from tunewright.domain.errors import NotFoundError
from tunewright.domain.message import Message
from tunewright.domain.orphan import (
    GRACE,
    Due,
    Kind,
    Notice,
    Orphan,
    Thing,
    due,
    finding,
    found,
    is_live,
    is_orphan,
    removal,
)
from tunewright.domain.seen import Endpoint
from tunewright.domain.study import Study
from tunewright.domain.values import LONGEST

LOOKS = 50
"""How many new suspects of a kind one visit looks at closely; the next one begins behind them, so
that what only looks like ours keeps nothing waiting for ever."""
AT_ONCE = 20
"""How many people are told of in one visit: more than that nobody reads."""
FRESH = timedelta(seconds=30)
"""How old a look may be on which something is removed: SageMaker does not know a late removal."""
_LOG = logging.getLogger(__name__)


class Estate(Protocol):
    """What SageMaker runs and keeps, whoever made it; every call is safe to do twice."""

    def older_than(self, kind: Kind, before: datetime) -> tuple[str, ...]:
        """List by name what was made before a time and has our prefix; jobs only if they run.

        Raises:
            UnknownOutcomeError: SageMaker does not answer now.
        """
        ...

    def look(self, kind: Kind, name: str) -> Thing | None:
        """Describe a thing with its tags; None if there is none.

        Raises:
            UnknownOutcomeError: SageMaker does not answer now.
        """
        ...

    def remove(self, thing: Thing) -> None:
        """Stop a job, have an endpoint deleted, delete a model with its config; if they are there.

        Raises:
            RefusedError: SageMaker does not do it.
            UnknownOutcomeError: Nobody can say whether it was done; also while it is changing.
        """
        ...


class OrphanStore(Protocol):
    """Keeps what is remembered of orphans; written by the caretaker alone."""

    def known(self) -> tuple[Orphan, ...]:
        """Return all of them, by kind and name."""
        ...

    def save(self, orphan: Orphan) -> Orphan:
        """Write what is known now; return it with its new version.

        Raises:
            StaleVersionError: It is not at the version it was read at any more.
        """
        ...

    def forget(self, orphan: Orphan) -> None:
        """Remove one that is no orphan any more.

        Raises:
            StaleVersionError: It is not at the version it was read at any more.
        """
        ...


class NoticeBoard(Protocol):
    """Every orphan, for programs."""

    def put_notice(self, notice: Notice) -> None:
        """Tell programs of an orphan.

        Raises:
            PublishError: It was not taken; it may be tried again.
        """
        ...


class Caretaker:
    """Looks for orphans."""

    def __init__(
        self,
        *,
        stack: str,
        removes: bool,
        studies: StudyStore,
        endpoints: EndpointStore,
        orphans: OrphanStore,
        estate: Estate,
        topic: Topic,
        bus: NoticeBoard,
        clock: Clock,
    ) -> None:
        """Take what it looks at and tells by; `removes` is the policy."""
        self._stack, self._removes = stack, removes
        self._studies, self._endpoints, self._orphans = studies, endpoints, orphans
        self._estate, self._topic, self._bus, self._clock = estate, topic, bus, clock

    def visit(self) -> None:
        """Look once; what goes wrong about one thing keeps no other waiting."""
        known = self._orphans.known()
        owners = self._owners()
        owners.served.update(each.model for each in known)
        for orphan in known:
            _isolated(partial(self._tend, orphan, owners), orphan.kind, orphan.name)
        remembered = {(each.kind, each.name) for each in known}
        for kind in Kind:
            listed: list[str] = []
            before = owners.now - GRACE
            _isolated(lambda: listed.extend(self._estate.older_than(kind, before)), kind)  # noqa: B023 - called at once
            suspects = [
                each
                for each in listed
                if (kind, each) not in remembered
                and not _isolated(partial(owners.vouch_for, kind, each), kind, each)
            ]
            for name in _turn(suspects, owners.now):
                _isolated(partial(self._examine, kind, name, owners), kind, name)

    def _owners(self) -> "_Owners":
        return _Owners(self._studies, self._endpoints, self._clock.now())

    def _examine(self, kind: Kind, name: str, owners: "_Owners") -> None:
        """Look closely at a suspect; if it is an orphan, write it down and tell of it."""
        if not owners.tellings:
            return
        thing = self._estate.look(kind, name)
        if thing is None or not self._is_orphan(thing, owners):
            return
        orphan = found(thing, owners.study(thing.study), self._clock.now())
        owners.served.add(orphan.model)
        self._tell(self._orphans.save(orphan), owners)

    def _tend(self, orphan: Orphan, owners: "_Owners") -> None:
        """Look at an orphan again, and do what is due."""
        looked = self._clock.now()
        thing = self._estate.look(orphan.kind, orphan.name)
        if thing is not None and thing.status == "Deleting":
            return  # The end of that is to be seen.
        if thing is None or not thing.is_alive:
            self._end(orphan, owners)
        elif not self._is_orphan(thing, owners):
            self._orphans.forget(orphan)
        else:
            match due(orphan, removes=self._removes, now=looked):
                case Due.TELL:
                    self._tell(orphan, owners)
                case Due.REMOVE:
                    self._remove(orphan, thing, looked)

    def _is_orphan(self, thing: Thing, owners: "_Owners") -> bool:
        return is_orphan(
            thing,
            stack=self._stack,
            study=owners.study(thing.study),
            records=owners.records(thing.kind, thing.name),
            now=owners.now,
        )

    def _tell(self, orphan: Orphan, owners: "_Owners") -> None:
        """Tell of an orphan, then write that down: dying in between tells it twice by one id."""
        if not owners.tellings:
            return
        owners.tellings -= 1
        self._publish(*finding(orphan, removes=self._removes))
        now = self._clock.now()
        warned = now if self._removes and not orphan.is_left_alone else None
        self._orphans.save(orphan.but(told=orphan.told or now, warned=warned))

    def _remove(self, orphan: Orphan, thing: Thing, looked: datetime) -> None:
        """Write down that it is removed, then remove it: whoever comes after us finishes that."""
        owners = self._owners()  # What was true when the visit began may be so no more.
        if not self._is_orphan(thing, owners) or owners.want(thing):
            return
        if orphan.removing is None:
            orphan = self._orphans.save(orphan.but(removing=owners.now))
        if self._clock.now() - looked > FRESH:
            return  # Others may have been here since: the next visit looks again.
        self._estate.remove(thing)
        if thing.kind is not Kind.ENDPOINT:  # That takes minutes: the next visit sees the end.
            self._end(orphan, owners)

    def _end(self, orphan: Orphan, owners: "_Owners") -> None:
        """Forget what is gone; what we removed is told of before, and leaves nothing behind."""
        if orphan.removing is not None:
            if orphan.model is not None:
                rest = self._estate.look(Kind.MODEL, orphan.model)
                if rest is not None and self._is_orphan(rest, owners):
                    self._estate.remove(rest)
            self._publish(*removal(orphan))
        self._orphans.forget(orphan)

    def _publish(self, message: Message, notice: Notice) -> None:
        self._topic.publish(message)
        self._bus.put_notice(notice)


def _isolated(act: Callable[[], object], *what: str) -> bool:
    """Do something for one thing; False if it failed, which the next visit makes up for."""
    try:
        return bool(act())
    except Exception:  # noqa: BLE001 - whatever it is, the others go on
        _LOG.exception("could not look at %s; the next visit does", " ".join(what))
        return False


def _turn(suspects: list[str], now: datetime) -> list[str]:
    """Take so many of the suspects, each hour others."""
    if len(suspects) <= LOOKS:
        return suspects
    start = int(now.timestamp() // 3600) * LOOKS % len(suspects)
    return (suspects[start:] + suspects[:start])[:LOOKS]


class _Owners:
    """What the table knows, read at most once; and what a visit keeps in mind."""

    def __init__(self, studies: StudyStore, endpoints: EndpointStore, now: datetime) -> None:
        self.now = now
        self.tellings = AT_ONCE
        self.served: set[str | None] = set()
        self._store, self._endpoints = studies, endpoints
        self._read: dict[str, Study | None] = {}

    def study(self, study_id: str | None) -> Study | None:
        """Return a study; None if it is not in the table."""
        if study_id is None:
            return None
        if study_id not in self._read:
            try:
                self._read[study_id] = self._store.load(study_id)
            except NotFoundError:
                self._read[study_id] = None
        return self._read[study_id]

    @cached_property
    def _leased(self) -> tuple[Endpoint, ...]:
        """Every endpoint with a champion, by whatever time its lease ends."""
        for_ever = self.now + timedelta(seconds=2 * LONGEST)
        return tuple(self._endpoints.load(each) for each in self._endpoints.due(for_ever))

    def records(self, kind: Kind, name: str) -> tuple[Endpoint, ...]:
        """Return the records of endpoints that may know a thing as live."""
        if kind is Kind.ENDPOINT:
            return (self._endpoints.load(name),)
        if kind is Kind.JOB:
            return ()
        study = self.study(names.parse_model(name))
        deploy = study.spec.deploy if study else None
        if deploy is None:
            return self._leased
        return (*self._leased, self._endpoints.load(names.endpoint(deploy.to)))

    def vouch_for(self, kind: Kind, name: str) -> bool:
        """Whether a thing's name alone shows that somebody owns it, so that nobody need look."""
        if kind is Kind.MODEL and name in self.served:
            return True  # It is told of with the endpoint that serves it.
        if kind is not Kind.ENDPOINT:  # Whose name tells of no study.
            parsed = names.parse_tuning_job(name)
            study = self.study(parsed.study_id if parsed else names.parse_model(name))
            if study is not None and not study.phase.is_over:
                return True
        return any(is_live(kind, name, each) for each in self.records(kind, name))

    def want(self, thing: Thing) -> bool:
        """Whether a live study is to deploy to an endpoint: it will judge what is there."""
        if thing.kind is not Kind.ENDPOINT:
            return False
        live = (self._store.load(each).spec.deploy for each in self._store.live())
        return any(each is not None and names.endpoint(each.to) == thing.name for each in live)
