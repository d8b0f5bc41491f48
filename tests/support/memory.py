"""Every store in memory, whole: for the tests, and as the measure of the others."""

import secrets
import threading
from collections import deque
from collections.abc import Hashable
from datetime import datetime
from decimal import Decimal
from typing import Generic, TypeVar

from tunewright.domain.errors import (
    ConflictError,
    NotFoundError,
    OverBudgetError,
    StaleVersionError,
)
from tunewright.domain.orphan import Orphan
from tunewright.domain.seen import Endpoint
from tunewright.domain.steps.hold import over_budget
from tunewright.domain.steps.step import Step
from tunewright.domain.study import Command, Decision, Study
from tunewright.domain.trial import Trial, merge


class MemoryStore:
    """Studies, decisions, trials and commands behind one lock, so that a commit is one step."""

    def __init__(self, *, monthly_budget: Decimal = Decimal(0)) -> None:
        self._lock = threading.RLock()
        self._monthly_budget = monthly_budget
        self.used: dict[str, Decimal] = {}
        self._studies: dict[str, Study] = {}
        self._keys: dict[str, tuple[str, str]] = {}
        self._decisions: dict[str, list[Decision]] = {}
        self._unpublished: dict[tuple[str, int], Decision] = {}
        self._trials: dict[str, Trial] = {}
        self._unfolded: set[str] = set()
        self._commands: dict[str, dict[str, Command]] = {}
        self._answered: dict[tuple[str, str], Command] = {}
        self.writes = 0

    def __contains__(self, study_id: str) -> bool:
        return study_id in self._studies

    def __len__(self) -> int:
        return len(self._studies)

    def create(self, step: Step, *, key: str, body_hash: str) -> Study:
        """Keep a new study, or return the one that the same key made before.

        Raises:
            ConflictError: The key was used for another body, or another key made the same id.
        """
        with self._lock:
            if key in self._keys:
                study_id, known_hash = self._keys[key]
                if known_hash != body_hash:
                    raise ConflictError("this Idempotency-Key was used for another spec before")
                return self._studies[study_id]
            if step.study.id in self._studies:
                raise ConflictError(f"there is a study {step.study.id} by another Idempotency-Key")
            self._keys[key] = (step.study.id, body_hash)
            return self._write(step, step.study.version)

    def load(self, study_id: str) -> Study:
        """Return a study as it was last written.

        Raises:
            NotFoundError: There is none.
        """
        with self._lock:
            if study_id not in self._studies:
                raise NotFoundError(f"there is no study {study_id}")
            return self._studies[study_id]

    def commit(self, step: Step, *, expected: int) -> Study:
        """Write a step: the study, its decisions, the marks it removed, the commands it answered.

        Raises:
            NotFoundError: There is no such study.
            StaleVersionError: Something that the step rests on is not what was read any more.
        """
        study_id = step.study.id
        with self._lock:
            held = self.load(study_id)
            if (held.version, held.rev) != (expected, step.study.rev):
                raise StaleVersionError(f"{study_id} is not at version {expected} any more")
            for trial in step.folded:
                if trial.name not in self._unfolded or self._trials[trial.name].rev != trial.rev:
                    raise StaleVersionError(f"{trial.name} has newer news")
            waiting = self._commands.get(study_id, {})
            if any(command.id not in waiting for command in step.consumed):
                raise StaleVersionError(f"a command to {study_id} is answered already")
            if step.charge is not None:
                used = self.used.get(step.charge.month, Decimal(0)) + step.charge.amount
                if step.charge.limited and 0 < self._monthly_budget < used:
                    raise OverBudgetError(over_budget(step.charge))
                self.used[step.charge.month] = used
            self._unfolded.difference_update(trial.name for trial in step.folded)
            for command in step.consumed:
                self._answered[study_id, command.id] = waiting.pop(command.id)
            return self._write(step, expected + 1)

    def _write(self, step: Step, version: int) -> Study:
        self.writes += 1
        written = step.study.but(version=version, rev=f"{self.writes}")
        self._studies[written.id] = written
        self._decisions.setdefault(written.id, []).extend(step.decisions)
        self._unpublished.update({(each.study_id, each.seq): each for each in step.decisions})
        return written

    def live(self) -> tuple[str, ...]:
        """Return the ids of all studies that are not over, or have a command that waits."""
        with self._lock:
            return tuple(
                each.id
                for each in self._studies.values()
                if not each.phase.is_over or self._commands.get(each.id)
            )

    def newest(self, limit: int, *, before: str | None = None) -> tuple[Study, ...]:
        """Return the newest studies; with `before`, those older than that one."""
        with self._lock:
            ordered = sorted(self._studies.values(), key=_age, reverse=True)
            if before is not None and before in self._studies:
                mark = _age(self._studies[before])
                ordered = [each for each in ordered if _age(each) < mark]
            return tuple(ordered[:limit])

    def decisions(self, study_id: str) -> tuple[Decision, ...]:
        """Return what was decided, oldest first."""
        with self._lock:
            return tuple(self._decisions.get(study_id, ()))

    def unpublished(self, *, before: datetime, limit: int) -> tuple[Decision, ...]:
        """Return marked decisions of all studies that were made before a time, oldest first."""
        with self._lock:
            due = [each for each in self._unpublished.values() if each.at < before]
            due.sort(key=lambda each: (each.at, each.study_id, each.seq))
            return tuple(due[:limit])

    def published(self, decision: Decision) -> bool:
        """Remove the mark of a decision, after people were told; False if it had none."""
        with self._lock:
            return self._unpublished.pop((decision.study_id, decision.seq), None) is not None

    def record(self, trial: Trial) -> bool:
        """Merge what was told into what is known; say whether that was news."""
        with self._lock:
            known = self._trials.get(trial.name)
            merged = merge(known, trial)
            if known is not None and merged == known:
                return False
            self._trials[trial.name] = merged.but(rev=merged.rev + 1)
            if merged.is_ended:
                self._unfolded.add(trial.name)
            self.writes += 1
            return True

    def unfolded(self, study_id: str, limit: int) -> tuple[Trial, ...]:
        """Return marked trials, those that ended first first."""
        with self._lock:
            marked = (self._trials[name] for name in self._unfolded)
            own = [trial for trial in marked if trial.study_id == study_id]
            own.sort(key=lambda trial: (trial.ended or trial.created, trial.name))
            return tuple(own[:limit])

    def of_study(self, study_id: str) -> tuple[Trial, ...]:
        """Return all trials of a study, by name."""
        with self._lock:
            own = (trial for trial in self._trials.values() if trial.study_id == study_id)
            return tuple(sorted(own, key=lambda trial: trial.name))

    def give(self, study_id: str, command: Command) -> Command:
        """Keep a command; return the one that is kept under its id."""
        with self._lock:
            answered = self._answered.get((study_id, command.id))
            if answered is not None:
                return answered
            return self._commands.setdefault(study_id, {}).setdefault(command.id, command)

    def waiting(self, study_id: str) -> tuple[Command, ...]:
        """Return the commands that are not answered, oldest first."""
        with self._lock:
            waiting = self._commands.get(study_id, {}).values()
            return tuple(sorted(waiting, key=lambda command: (command.at, command.id)))


def _age(study: Study) -> tuple[datetime, str]:
    return study.submitted, study.id


Item = TypeVar("Item", bound=Hashable)


class MemoryQueue(Generic[Item]):
    """Items in the order of their arrival; equal ones that wait together are one."""

    def __init__(self) -> None:
        self._items: deque[Item] = deque()
        self._filled = threading.Condition()

    def __len__(self) -> int:
        return len(self._items)

    def put(self, item: Item) -> None:
        """Queue an item, unless an equal one waits already."""
        with self._filled:
            if item not in self._items:
                self._items.append(item)
                self._filled.notify()

    def take(self, timeout: float) -> Item | None:
        """Take the oldest item; None if none comes within so many seconds."""
        with self._filled:
            self._filled.wait_for(lambda: self._items, timeout)
            return self._items.popleft() if self._items else None


class MemorySwitch:
    """A kill switch that a test throws."""

    def __init__(self) -> None:
        self.thrown = False

    def is_thrown(self) -> bool:
        """Say whether the stack is paused."""
        return self.thrown


class MemoryEndpoints:
    """What is known of endpoints, by name."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._endpoints: dict[str, Endpoint] = {}

    def __contains__(self, name: str) -> bool:
        return name in self._endpoints

    def load(self, name: str) -> Endpoint:
        """Return what is known of an endpoint; at version 0, if that is nothing."""
        return self._endpoints.get(name, Endpoint(name=name))

    def save(self, endpoint: Endpoint) -> Endpoint:
        """Write what is known now.

        Raises:
            StaleVersionError: It is not at the version it was read at any more.
        """
        with self._lock:
            if self.load(endpoint.name).version != endpoint.version:
                raise StaleVersionError(f"{endpoint.name} is not at that version any more")
            written = endpoint.but(version=endpoint.version + 1)
            self._endpoints[endpoint.name] = written
            return written

    def due(self, now: datetime) -> tuple[str, ...]:
        """Return the names of the endpoints whose lease has ended by now, the oldest first."""
        ends = sorted(
            (each.champion.lease_ends, each.name)
            for each in self._endpoints.values()
            if each.champion is not None
        )
        return tuple(name for end, name in ends if end <= now)


class MemoryOrphans:
    """What is remembered of orphans, by kind and name."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._orphans: dict[tuple[str, str], Orphan] = {}

    def known(self) -> tuple[Orphan, ...]:
        """Return all of them, by kind and name."""
        return tuple(self._orphans[key] for key in sorted(self._orphans))

    def _check(self, orphan: Orphan) -> tuple[str, str]:
        key = orphan.kind.value, orphan.name
        held = self._orphans.get(key)
        if orphan.version != (held.version if held else 0):
            raise StaleVersionError(f"{orphan.id} is not at that version any more")
        return key

    def save(self, orphan: Orphan) -> Orphan:
        """Write what is known now.

        Raises:
            StaleVersionError: It is not at the version it was read at any more.
        """
        with self._lock:
            key = self._check(orphan)
            self._orphans[key] = orphan.but(version=orphan.version + 1)
            return self._orphans[key]

    def forget(self, orphan: Orphan) -> None:
        """Remove one that is no orphan any more.

        Raises:
            StaleVersionError: It is not at the version it was read at any more.
        """
        with self._lock:
            self._orphans.pop(self._check(orphan), None)


class MemorySecrets:
    """The stack's own secrets, by name."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._keys: dict[str, bytes] = {}

    def read(self, name: str) -> bytes | None:
        """Return a key; None if nobody has made it yet."""
        return self._keys.get(name)

    def read_or_make(self, name: str) -> bytes:
        """Return a key of 32 random bytes; whoever needs it first makes it."""
        with self._lock:
            return self._keys.setdefault(name, secrets.token_bytes(32))
