"""What SageMaker runs, as a test says; it removes what it is told to, and notes that."""

from datetime import datetime
from typing import Any

from tests.support.build import at
from tunewright.domain.message import Message
from tunewright.domain.orphan import Kind, Notice, Thing

LOST = "lost-aaaaaa"


def thing(kind: Kind = Kind.JOB, name: str = "", **changes: Any) -> Thing:
    """A thing of a study that nobody has ever heard of, as old as the time."""
    known = {
        Kind.JOB: {"name": f"tw-{LOST}-r01", "status": "InProgress"},
        Kind.ENDPOINT: {"name": "tw-lost", "status": "InService", "model": f"tw-{LOST}-v1"},
        Kind.MODEL: {"name": f"tw-{LOST}-v1"},
    }[kind]
    runs = {} if kind is Kind.MODEL else {"instance": "ml.m5.xlarge", "count": 2}
    values: dict[str, Any] = {
        "kind": kind,
        "created": at(0),
        "stack": "tunewright",
        "study": LOST,
        **known,
        **runs,
        **({"name": name} if name else {}),
    }
    return Thing(**{**values, **changes})


class Estate:
    """Things by kind and name; a call fails if a test has given it an error."""

    def __init__(self, *things: Thing) -> None:
        self.things = {(each.kind, each.name): each for each in things}
        self.trouble: dict[str, Exception] = {}
        self.looks: list[str] = []
        self.removed: list[str] = []

    def _fail(self, *what: str) -> None:
        error = self.trouble.get(" ".join(what))
        if error is not None:
            raise error

    def older_than(self, kind: Kind, before: datetime) -> tuple[str, ...]:
        self._fail("list", kind)
        return tuple(
            name
            for (of, name), each in self.things.items()
            if of is kind and each.created < before and each.is_alive
        )

    def look(self, kind: Kind, name: str) -> Thing | None:
        self.looks.append(name)
        self._fail("look", name)
        return self.things.get((kind, name))

    def remove(self, thing: Thing) -> None:
        self._fail("remove", thing.name)
        self.removed.append(thing.name)
        if thing.kind is Kind.MODEL:
            del self.things[thing.kind, thing.name]
        else:
            status = "Stopping" if thing.kind is Kind.JOB else "Deleting"
            self.things[thing.kind, thing.name] = thing.but(status=status)


class Board:
    """A topic and a bus that keep what they are told; `refuses` is raised instead."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.notices: list[Notice] = []
        self.refuses: Exception | None = None

    def publish(self, message: Message) -> None:
        if self.refuses is not None:
            raise self.refuses
        self.messages.append(message)

    def put_notice(self, notice: Notice) -> None:
        self.notices.append(notice)
