"""Studies and their decisions; a commit is one transaction on the version and rev of the study."""

import secrets
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from tunewright.adapters.dynamodb import items
from tunewright.adapters.dynamodb.definition import EXPIRES, STANDING, UNFOLDED, WAITING
from tunewright.adapters.dynamodb.table import ConditionError, Table, UnknownError
from tunewright.adapters.dynamodb.types import Item, typed
from tunewright.domain.budget import Charge
from tunewright.domain.errors import (
    ConflictError,
    NotFoundError,
    OverBudgetError,
    StaleVersionError,
)
from tunewright.domain.steps.hold import over_budget
from tunewright.domain.steps.step import Step
from tunewright.domain.study import Command, Decision, Study
from tunewright.domain.trial import Trial

_NEW = "attribute_not_exists(pk)"
_UNCHANGED = "version = :version AND rev = :rev"


class DynamoStudies:
    """Keeps studies with their decisions.

    Args:
        client: boto3's low-level client of DynamoDB.
        name: The table's name.
        monthly_budget: US dollars that all studies together may use in a month; 0 for no limit.
        rev: Makes a rev: random, so that no two writes ever have the same.
    """

    def __init__(
        self,
        client: Any,  # noqa: ANN401 - boto3 carries no types
        name: str,
        *,
        monthly_budget: Decimal = Decimal(0),
        rev: Callable[[], str] = lambda: secrets.token_hex(8),
    ) -> None:
        self._table = Table(client, name)
        self._monthly_budget = monthly_budget
        self._rev = rev

    def create(self, step: Step, *, key: str, body_hash: str) -> Study:
        """Keep a new study, or return the one that the same key made before.

        Raises:
            ConflictError: The key was used for another body, or another key made the same id.
        """
        study = step.study.but(rev=self._rev())
        submission = items.submission_item(key, body_hash, study.id)
        try:
            self._table.transact(
                [
                    self._table.put_of(submission, _NEW),
                    self._table.put_of(items.study_item(study), _NEW),
                    *self._told(step),
                ]
            )
        except ConditionError as error:
            known = error.items[0]
            if known is None:
                taken = f"there is a study {study.id} by another Idempotency-Key"
                raise ConflictError(taken) from error
            if known["body_hash"] != submission["body_hash"]:
                used = "this Idempotency-Key was used for another spec before"
                raise ConflictError(used) from error
            return self.load(known["study_id"]["S"])
        return study

    def load(self, study_id: str) -> Study:
        """Return a study as it was last written.

        Raises:
            NotFoundError: There is none.
        """
        item = self._table.get(items.study_key(study_id))
        if item is None:
            raise NotFoundError(f"there is no study {study_id}")
        return items.read_study(item)

    def commit(self, step: Step, *, expected: int) -> Study:
        """Write a step: the study, its decisions, the marks it removed, the commands it answered.

        Raises:
            NotFoundError: There is no such study.
            StaleVersionError: Something that the step rests on is not what was read any more.
            OverBudgetError: The stack's budget of the month has no room for the step's charge.
        """
        read, study_id = step.study.rev, step.study.id
        written = step.study.but(version=expected + 1, rev=self._rev())
        unchanged = typed({":version": expected, ":rev": read})
        try:
            self._table.transact(
                [
                    self._table.put_of(items.study_item(written), _UNCHANGED, unchanged),
                    *self._told(step),
                    *(self._unmark(trial) for trial in step.folded),
                    *(self._answer(study_id, command) for command in step.consumed),
                    *self._charged(step.charge),
                ]
            )
        except ConditionError as error:
            held, there = error.held[0], error.items[0]
            if step.charge is not None and error.held.index(False) == len(error.held) - 1:
                raise OverBudgetError(over_budget(step.charge)) from error
            if not held and there is None:
                raise NotFoundError(f"there is no study {study_id}") from error
            if there is not None and there["rev"]["S"] == written.rev:
                return written  # It was sent twice, and done the first time.
            what = "a trial has newer news" if held else f"it is not at version {expected} any more"
            raise StaleVersionError(f"{study_id}: {what}") from error
        except UnknownError as error:  # Version and rev tell whoever loads it what came of it.
            raise StaleVersionError(f"{study_id}: no answer to a write") from error
        return written

    def live(self) -> tuple[str, ...]:
        """Return the ids of all studies that are not over, or have a command that waits.

        What was submitted or said just now may be missing.
        """
        found: dict[str, None] = {}
        for each in (items.LIVE, items.ASKED):
            values = typed({":standing": each})
            rows = self._table.query(f"{STANDING} = :standing", values, index=STANDING, late=True)
            found |= dict.fromkeys(items.study_id_of(row) for row in rows)
        return tuple(found)

    def newest(self, limit: int, *, before: str | None = None) -> tuple[Study, ...]:
        """Return the newest studies; with `before`, those older than that one.

        The index knows live studies and those that are over apart: the newest of both are read.
        """
        mark = None
        if before is not None:
            held = self._table.get(items.study_key(before))
            mark = None if held is None else items.age_of(held)
        rows = [row for each in (items.LIVE, items.OVER) for row in self._aged(each, mark, limit)]
        rows.sort(key=items.age_of, reverse=True)
        found = (self._table.get(items.study_key(items.study_id_of(row))) for row in rows[:limit])
        return tuple(items.read_study(item) for item in found if item is not None)

    def _aged(self, standing: str, mark: tuple[str, str] | None, limit: int) -> list[Item]:
        condition, values = f"{STANDING} = :standing", {":standing": standing}
        if mark is not None:
            condition, values = f"{condition} AND submitted <= :mark", {**values, ":mark": mark[0]}
        rows: list[Item] = []
        for row in self._table.query(
            condition, typed(values), index=STANDING, late=True, limit=limit + 1, forward=False
        ):
            if mark is None or items.age_of(row) < mark:
                rows.append(row)
            if len(rows) == limit:
                break
        return rows

    def decisions(self, study_id: str) -> tuple[Decision, ...]:
        """Return what was decided, oldest first."""
        values = typed({":pk": items.decision_partition(study_id)})
        return tuple(items.read_decision(each) for each in self._table.query("pk = :pk", values))

    def _told(self, step: Step) -> list[dict[str, Any]]:
        """Put the decisions without a condition: the study's own holds for all of them.

        A decision that a restored table kept, although its study went back, is written over.
        """
        return [self._table.put_of(items.decision_item(each)) for each in step.decisions]

    def _charged(self, charge: Charge | None) -> list[dict[str, Any]]:
        """Count a charge in its month, if that has room; sent twice, the study's condition fails.

        Raises:
            OverBudgetError: It is more than the budget of a whole month.
        """
        if charge is None:
            return []
        key, values = items.month_key(charge.month), {":amount": charge.amount}
        if not charge.limited or not self._monthly_budget:
            return [self._table.update_of(key, "ADD used :amount", None, typed(values))]
        room = self._monthly_budget - charge.amount
        if room < 0:
            raise OverBudgetError(over_budget(charge))
        condition = "attribute_not_exists(used) OR used <= :room"
        values |= {":room": room}
        return [self._table.update_of(key, "ADD used :amount", condition, typed(values))]

    def _unmark(self, trial: Trial) -> dict[str, Any]:
        """Remove the mark of a folded trial, unless there is newer news than what was folded.

        If there is, nothing of the step is written: the step is decided again from the news. A
        trial has only so much news, so this ends.
        """
        return self._table.update_of(
            items.trial_key(trial.study_id, trial.name),
            f"REMOVE {UNFOLDED}",
            f"rev = :rev AND attribute_exists({UNFOLDED})",
            typed({":rev": trial.rev}),
        )

    def _answer(self, study_id: str, command: Command) -> dict[str, Any]:
        """Take a command off those that wait; it is kept for a while, so as to be given once."""
        return self._table.update_of(
            items.command_key(study_id, command.id),
            f"REMOVE {WAITING}, {STANDING} SET {EXPIRES} = :expires",
            f"attribute_exists({WAITING})",
            typed({":expires": items.expiry(command)}),
        )
