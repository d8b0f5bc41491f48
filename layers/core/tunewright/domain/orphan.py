"""Judges what carries this stack's tag and has no owner: what is one, what is due, what is said.

An orphan is told of first. It is removed, if the policy says so, when it was told of long enough
ago and is one still.
"""

from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from tunewright.domain import names
from tunewright.domain.message import Level, Message
from tunewright.domain.prices import price_per_second
from tunewright.domain.seen import Endpoint
from tunewright.domain.spec import Event
from tunewright.domain.study import Phase, Study
from tunewright.domain.values import Value, show_duration, show_money

GRACE = timedelta(hours=1)
"""How old a thing must be: what is made may be there before the table tells of it, a deployment
takes up to an hour until it is done or given up, and a restored table needs time to adopt."""
NOTICE = timedelta(hours=24)
"""How long ago people must have been told that a thing will be removed: a day, to say no in."""
_HOUR, _DIGITS = 3600, 6


class Kind(StrEnum):
    """What kind of thing may be an orphan."""

    JOB = "tuning-job"
    ENDPOINT = "endpoint"
    MODEL = "model"

    @property
    def words(self) -> str:
        """The kind as a person says it."""
        return self.value.replace("-", " ")


class Due(StrEnum):
    """What is to be done about an orphan now."""

    TELL = "tell"
    REMOVE = "remove"
    WAIT = "wait"


class Thing(Value):
    """A tuning job, an endpoint or a model as SageMaker describes it, with its tags.

    Attributes:
        kind: What it is.
        name: Its name.
        created: When it was made.
        status: Its status, as SageMaker words it; empty for a model, which has none.
        stack: The stack that its tag names; None if none does.
        study: The study that its tag names; None if none does.
        model: What an endpoint serves: its config, which has the name of the model.
        instance: The instance type that it runs on; None if it runs on none, or on several.
        count: How many of these it may run on at a time.
    """

    kind: Kind
    name: str
    created: datetime
    status: str = ""
    stack: str | None = None
    study: str | None = None
    model: str | None = None
    instance: str | None = None
    count: int = 0

    @property
    def is_alive(self) -> bool:
        """Whether it runs, or is there: what is ending or being deleted needs nobody any more."""
        if self.kind is Kind.JOB:
            return self.status == "InProgress"
        return self.status != "Deleting"


class Orphan(Value):
    """What the table remembers of an orphan.

    Attributes:
        kind: What it is.
        name: Its name.
        study: The study that its tag names; None if none does.
        phase: What that study is doing; None if it is not in the table.
        model: What an endpoint serves; None for others.
        created: When it was made.
        price_per_hour: What it costs at most, in US dollars; None if nobody knows.
        seen: When it was first seen to be one.
        told: When people were told; None if they were not.
        warned: When people were told that it will be removed; None if they were not.
        removing: When its removal was decided; None if it was not.
        version: Rises with every write; 0 before the first.
    """

    kind: Kind
    name: str
    study: str | None
    phase: Phase | None
    model: str | None
    created: datetime
    price_per_hour: Decimal | None
    seen: datetime
    told: datetime | None = None
    warned: datetime | None = None
    removing: datetime | None = None
    version: int = 0

    @property
    def is_left_alone(self) -> bool:
        """Whether it serves what no study made: somebody has put it to another use."""
        return self.kind is Kind.ENDPOINT and names.parse_model(self.model or "") is None

    @property
    def id(self) -> str:
        """Names this orphan and no other, also not the same thing when it is one again."""
        return f"{self.kind.value}/{self.name}/{self.seen:%Y%m%dT%H%M%S}"


class Notice(Value):
    """What programs are told of an orphan, on the bus.

    Attributes:
        id: Whoever has seen it need not see it again.
        at: When it was found, or its removal decided.
        event: `found`, `warned` if it will be removed, or `removed`.
        orphan: What is known of it.
        reason: What people are told, in one sentence.
    """

    id: str
    at: datetime
    event: str
    orphan: Orphan
    reason: str


def is_orphan(
    thing: Thing, *, stack: str, study: Study | None, records: tuple[Endpoint, ...], now: datetime
) -> bool:
    """Say whether a thing of this stack has no owner.

    Args:
        thing: The thing as it is now.
        stack: This stack: what another stack's tag names is not ours, whatever its name.
        study: The study that its tag names; None if it is not in the table.
        records: The records of endpoints that may know it as live.
        now: The time.
    """
    if thing.stack != stack or not thing.is_alive or now - thing.created < GRACE:
        return False
    if study is not None and not study.phase.is_over:
        return False
    return not any(is_live(thing.kind, thing.name, each) for each in records)


def is_live(kind: Kind, name: str, record: Endpoint) -> bool:
    """Whether the record of an endpoint knows a thing as live: itself, or what is its champion."""
    if kind is Kind.ENDPOINT:
        return record.name == name and (record.champion or record.holder) is not None
    champion = record.champion
    return kind is Kind.MODEL and champion is not None and champion.model == name


def found(thing: Thing, study: Study | None, now: datetime) -> Orphan:
    """Write down an orphan that nobody has seen before."""
    return Orphan(
        kind=thing.kind,
        name=thing.name,
        study=thing.study,
        phase=study.phase if study else None,
        model=thing.model,
        created=thing.created,
        price_per_hour=_price(thing, study),
        seen=now,
    )


def _price(thing: Thing, study: Study | None) -> Decimal | None:
    if thing.kind is Kind.MODEL:
        return Decimal(0)
    if thing.instance is None:
        return None
    try:
        price = price_per_second(thing.instance, study.profile.prices if study else {})
    except KeyError:
        return None
    return round(price * _HOUR * thing.count, _DIGITS)


def due(orphan: Orphan, *, removes: bool, now: datetime) -> Due:
    """Say what is to be done about what is an orphan still.

    Args:
        orphan: What is remembered of it.
        removes: Whether the policy is to remove orphans; who was told of one under the other
            policy is told again, for a removal is never a surprise.
        now: The time.
    """
    if orphan.told is None or (removes and orphan.warned is None and not orphan.is_left_alone):
        return Due.TELL
    if removes and orphan.warned is not None and now - orphan.warned >= NOTICE:
        return Due.REMOVE
    return Due.WAIT


def finding(orphan: Orphan, *, removes: bool) -> tuple[Message, Notice]:
    """Write what people and programs are told of one that was found; twice it is the same."""
    warned = removes and not orphan.is_left_alone
    message = _message(
        orphan,
        event="warned" if warned else "found",
        title=f"{orphan.name} · {_article(orphan.kind)} without an owner",
        lines=(_why(orphan), _cost(orphan), _what_comes(orphan, removes=removes)),
        commands=_by_hand(orphan),
    )
    return message, _notice(orphan, message, orphan.seen)


def removal(orphan: Orphan) -> tuple[Message, Notice]:
    """Write what people and programs are told of one that was removed; twice it is the same."""
    warned, removing = orphan.warned or orphan.seen, orphan.removing or orphan.seen
    done = "stopped" if orphan.kind is Kind.JOB else "deleted"
    also = f", with its config and model {orphan.model}" if orphan.model else ""
    message = _message(
        orphan,
        event="removed",
        title=f"{orphan.name} · the {orphan.kind.words} without an owner is {done}",
        lines=(
            f"The {orphan.kind.words} {orphan.name} is {done}{also}",
            f"People were told on {warned:%Y-%m-%d at %H:%M} UTC that it would be, and it had no "
            f"owner on {removing:%Y-%m-%d at %H:%M} UTC",
        ),
        commands=(),
    )
    return message, _notice(orphan, message, removing)


def _message(
    orphan: Orphan,
    *,
    event: str,
    title: str,
    lines: tuple[str, ...],
    commands: tuple[tuple[str, str], ...],
) -> Message:
    price = orphan.price_per_hour
    known = orphan.phase is not None and orphan.study is not None
    return Message(
        id=f"{orphan.id}/{event}",
        study_id=orphan.study or "unknown",
        event=Event.TROUBLE,
        level=Level.TROUBLE if event != "removed" else Level.NEWS,
        title=title,
        lines=lines,
        facts=(
            ("Made", f"{orphan.created:%Y-%m-%d %H:%M} UTC"),
            ("An hour", "unknown" if price is None else show_money(price)),
        ),
        commands=(*commands, ("See why", f"tunewright why {orphan.study}")) if known else commands,
        about="orphan",
    )


def _notice(orphan: Orphan, message: Message, at: datetime) -> Notice:
    event = message.id.rpartition("/")[2]
    return Notice(id=message.id, at=at, event=event, orphan=orphan, reason=message.lines[0])


def _article(kind: Kind) -> str:
    return f"an {kind.words}" if kind is Kind.ENDPOINT else f"a {kind.words}"


def _why(orphan: Orphan) -> str:
    verb = {Kind.JOB: "runs", Kind.ENDPOINT: "is up", Kind.MODEL: "is there"}[orphan.kind]
    if orphan.study is None:
        return f"The {orphan.kind.words} {orphan.name} {verb}, and no tag names its study"
    where = "not in the table" if orphan.phase is None else f"over ({orphan.phase.value})"
    return f"The {orphan.kind.words} {orphan.name} {verb}, and its study {orphan.study} is {where}"


def _cost(orphan: Orphan) -> str:
    minutes = (orphan.seen - orphan.created) // timedelta(minutes=1)
    age = f"It is {show_duration(60 * minutes)} old"
    if orphan.kind is Kind.MODEL:
        return f"{age} and costs nothing as long as nothing serves it"
    if orphan.price_per_hour is None:
        return f"{age}; what it costs is not known"
    most = " at most" if orphan.kind is Kind.JOB else ""
    return f"{age} and costs {show_money(orphan.price_per_hour)} an hour{most}"


def _what_comes(orphan: Orphan, *, removes: bool) -> str:
    if orphan.is_left_alone:
        return f"It serves {orphan.model}, which no study made, and is left alone"
    if not removes:
        return "It is not removed by itself: the stack's OrphanPolicy is tell"
    done = "stopped" if orphan.kind is Kind.JOB else "deleted"
    return f"It is {done} {NOTICE.days * 24} hours after this, unless it has an owner by then"


def _by_hand(orphan: Orphan) -> tuple[tuple[str, str], ...]:
    """Say what a person types to remove one; never that which deletes a tuning job's entry."""
    if orphan.kind is Kind.JOB:
        stop = "aws sagemaker stop-hyper-parameter-tuning-job --hyper-parameter-tuning-job-name"
        return (("Stop it", f"{stop} {orphan.name}"),)
    name = orphan.name if orphan.kind is Kind.MODEL else orphan.model
    config = ("Its config", f"aws sagemaker delete-endpoint-config --endpoint-config-name {name}")
    model = f"aws sagemaker delete-model --model-name {name}"
    if orphan.kind is Kind.MODEL:
        return (("Delete it", model), config)
    endpoint = ("Delete it", f"aws sagemaker delete-endpoint --endpoint-name {orphan.name}")
    return (endpoint,) if orphan.is_left_alone else (endpoint, config, ("Its model", model))
