"""Trials: a conditional upsert that only ever adds to what is known."""

from itertools import islice
from typing import Any

from tunewright.adapters.dynamodb import items
from tunewright.adapters.dynamodb.definition import UNFOLDED
from tunewright.adapters.dynamodb.table import ConditionError, Table
from tunewright.adapters.dynamodb.types import typed
from tunewright.domain.errors import StaleVersionError
from tunewright.domain.trial import Trial, merge

_RACES = 20
"""Races that one record may lose: more than there are writers of one trial."""


class DynamoTrials:
    """Keeps trials; a trial with news for its study is marked until the study holds it."""

    def __init__(self, client: Any, name: str) -> None:  # noqa: ANN401 - boto3 carries no types
        self._table = Table(client, name)

    def record(self, trial: Trial) -> bool:
        """Merge what was told into what is known; say whether that was news.

        Raises:
            StaleVersionError: Others were first, again and again.
        """
        item = self._table.get(items.trial_key(trial.study_id, trial.name))
        sent: Trial | None = None
        for _ in range(_RACES):
            known = items.read_trial(item) if item is not None else None
            merged = merge(known, trial)
            if known is not None and merged == known:
                return known == sent  # It may be our own, whose answer was lost.
            sent = merged.but(rev=merged.rev + 1)
            try:
                self._put(sent, known)
            except ConditionError as lost:
                item = lost.items[0]
            else:
                return True
        raise StaleVersionError(f"others are recording {trial.name}")

    def _put(self, trial: Trial, known: Trial | None) -> None:
        if known is None:
            self._table.put(items.trial_item(trial), "attribute_not_exists(pk)")
        else:
            self._table.put(items.trial_item(trial), "rev = :rev", typed({":rev": known.rev}))

    def unfolded(self, study_id: str, limit: int) -> tuple[Trial, ...]:
        """Return marked trials, those that ended first first, as they are now."""
        values = typed({":pk": items.trial_partition(study_id)})
        marked = self._table.query("pk = :pk", values, index=UNFOLDED, limit=limit)
        return tuple(items.read_trial(each) for each in islice(marked, limit))

    def of_study(self, study_id: str) -> tuple[Trial, ...]:
        """Return all trials of a study, by name."""
        values = typed({":pk": items.trial_partition(study_id)})
        return tuple(items.read_trial(each) for each in self._table.query("pk = :pk", values))
