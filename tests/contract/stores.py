"""The stores under contract, and what goes into them."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from tests.support.build import at, document, profile
from tests.support.memory import MemoryEndpoints, MemoryOrphans, MemorySecrets, MemoryStore
from tunewright.adapters.dynamodb import (
    DynamoCommands,
    DynamoEndpoints,
    DynamoOrphans,
    DynamoOutbox,
    DynamoSecrets,
    DynamoStudies,
    DynamoTrials,
)
from tunewright.app.caretaker import OrphanStore
from tunewright.app.ports import (
    CommandStore,
    EndpointStore,
    Outbox,
    Secrets,
    StudyStore,
    TrialStore,
)
from tunewright.domain.expand import expand
from tunewright.domain.steps.step import Step
from tunewright.domain.study import Command, CommandKind, DecisionKind, Study

STUDY = "churn-aaaaaa"
MONTHLY_BUDGET = Decimal(1000)


@dataclass(frozen=True)
class Stores:
    """One answer to every port; what it does not have itself it asks them for, as `World` does."""

    studies: StudyStore
    trials: TrialStore
    commands: CommandStore
    endpoints: EndpointStore
    outbox: Outbox
    secrets: Secrets
    orphans: OrphanStore

    def __getattr__(self, name: str) -> Any:
        for store in (self.studies, self.trials, self.commands, self.outbox):
            if hasattr(store, name):
                return getattr(store, name)
        raise AttributeError(name)


def in_memory() -> Stores:
    store = MemoryStore(monthly_budget=MONTHLY_BUDGET)
    endpoints, orphans = MemoryEndpoints(), MemoryOrphans()
    return Stores(store, store, store, endpoints, store, MemorySecrets(), orphans)


def in_table(client: Any, table: str) -> Stores:
    return Stores(
        DynamoStudies(client, table, monthly_budget=MONTHLY_BUDGET),
        DynamoTrials(client, table),
        DynamoCommands(client, table),
        DynamoEndpoints(client, table),
        DynamoOutbox(client, table),
        DynamoSecrets(client, table),
        DynamoOrphans(client, table),
    )


def study(study_id: str = STUDY, **changes: Any) -> Study:
    made = Study(
        id=study_id,
        stack="tunewright",
        submitted_by="ana",
        submitted=at(0),
        spec=expand(document()),
        profile=profile(),
    )
    return made.but(**changes)


def told(before: Study, reason: str = "because", *, seconds: float = 0, **changes: Any) -> Step:
    """A step that records one decision."""
    step = Step(before.but(**changes))
    return step.tell(DecisionKind.COMMANDED, reason, at(seconds), numbers={"n": 1, "x": 0.1})


def submit(stores: Stores, study_id: str = STUDY) -> Study:
    return stores.studies.create(told(study(study_id)), key=study_id, body_hash="body")


def command(number: int, **changes: Any) -> Command:
    values: dict[str, Any] = {
        "id": f"c{number}",
        "kind": CommandKind.PAUSE,
        "by": "ana",
        "at": at(number),
    }
    return Command(**{**values, **changes})
