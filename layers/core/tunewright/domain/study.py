"""The state of a study, and what is recorded of it: decisions, owed actions, commands."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from pydantic import Field

from tunewright.domain import names
from tunewright.domain.actions import (
    Action,
    Command,
    CommandKind,
    Deployment,
    DeployModel,
    Doubt,
    StartRound,
    StopRound,
)
from tunewright.domain.budget import Counted, Ledger
from tunewright.domain.limits import WITHIN, Beyond
from tunewright.domain.profile import Profile
from tunewright.domain.round import Progress, Round, RoundStatus
from tunewright.domain.spec import DEFAULT_GAIN, Event, Gain, NotImproving, StudySpec, simple
from tunewright.domain.values import Value

__all__ = [
    "EVENTS",
    "SCHEMA",
    "Action",
    "Command",
    "CommandKind",
    "Decision",
    "DecisionKind",
    "DeployModel",
    "Deployment",
    "Doubt",
    "Incumbent",
    "Phase",
    "Standing",
    "StartRound",
    "StopRound",
    "Study",
]

SCHEMA = 1


class Phase(StrEnum):
    """What a study is doing."""

    SEARCHING = "searching"
    CHOOSING = "choosing"
    AWAITING_APPROVAL = "awaiting approval"
    DEPLOYING = "deploying"
    NEEDS_PERSON = "needs a person"
    DONE = "done"
    CANCELLED = "cancelled"
    FAILED = "failed"

    @property
    def is_over(self) -> bool:
        """Whether nothing more will be done."""
        return self in {Phase.DONE, Phase.CANCELLED, Phase.FAILED}

    @property
    def waits_for_person(self) -> bool:
        """Whether it goes on only when somebody says so."""
        return self in {Phase.NEEDS_PERSON, Phase.AWAITING_APPROVAL}


class Incumbent(Value):
    """The best trial of the study so far.

    Attributes:
        trial: Its name.
        round_number: The round that it belongs to.
        value: Its objective.
        parameters: Its searched parameters.
        model: The S3 URI of its model.
        breaks: The limits that it does not keep, for no trial keeps them all.
        beyond: By how much it does not keep them.
    """

    trial: str
    round_number: int
    value: float
    parameters: dict[str, str]
    model: str | None
    breaks: tuple[str, ...] = ()
    beyond: Beyond = WITHIN


class Hold(StrEnum):
    """What of the stack keeps a study from going on."""

    BUDGET = "budget"
    """The stack's budget of the month has no room for its next round."""
    PAUSED = "paused"
    """The stack is paused: it looks and stops, and starts nothing."""


class DecisionKind(StrEnum):
    """What kind of step was taken."""

    SUBMITTED = "submitted"
    ROUND_PLANNED = "round planned"
    ROUND_STARTED = "round started"
    ROUND_REFUSED = "round refused"
    WAITING = "waiting for capacity"
    HELD = "held"
    NEW_BEST = "new best"
    STOPPING = "stopping round"
    ROUND_DONE = "round done"
    REFINED = "ranges refined"
    SEARCH_ENDED = "search ended"
    SELECTED = "winner selected"
    DEPLOY_PLANNED = "deployment planned"
    APPROVAL_NEEDED = "approval needed"
    NOT_DEPLOYED = "not deployed"
    JUDGED_AGAIN = "judged again"
    DEPLOYED = "deployed"
    LEASE_ENDED = "lease ended"
    NEEDS_PERSON = "needs a person"
    COMMANDED = "commanded"
    RESYNCED = "resynced"
    DONE = "done"
    FAILED = "failed"


EVENTS: dict[DecisionKind, Event] = {
    DecisionKind.ROUND_STARTED: Event.STARTED,
    DecisionKind.NEW_BEST: Event.NEW_BEST,
    DecisionKind.ROUND_DONE: Event.ROUND_DONE,
    DecisionKind.REFINED: Event.ROUND_DONE,
    DecisionKind.SEARCH_ENDED: Event.ROUND_DONE,
    DecisionKind.NOT_DEPLOYED: Event.TROUBLE,
    DecisionKind.ROUND_REFUSED: Event.TROUBLE,
    DecisionKind.WAITING: Event.TROUBLE,
    DecisionKind.HELD: Event.TROUBLE,
    DecisionKind.APPROVAL_NEEDED: Event.NEEDS_ME,
    DecisionKind.NEEDS_PERSON: Event.NEEDS_ME,
    DecisionKind.DONE: Event.DONE,
    DecisionKind.LEASE_ENDED: Event.DONE,
    DecisionKind.FAILED: Event.TROUBLE,
}
"""Which decisions a person is told of, and as what."""


class Standing(Value):
    """Where a study stood when a decision was taken, for those who only hear of the decision.

    Attributes:
        study: Its name.
        metric: What is to be made better.
        best: The best objective so far; None while there is none.
        best_trial: The trial that has it.
        breaks: Whether that breaks a limit of the winner, for no trial keeps them all.
        rounds: Rounds that were begun.
        trials: Trials that have ended.
        spent: What they cost, in US dollars.
        limit: What may be spent; None for no limit.
        phase: What the study was doing.
    """

    study: str
    metric: str
    best: float | None = None
    best_trial: str | None = None
    breaks: bool = False
    rounds: int = 0
    trials: int = 0
    spent: Decimal = Decimal(0)
    limit: Decimal | None = None
    phase: Phase = Phase.SEARCHING


class Decision(Value):
    """A recorded step of the brain: what, why, and the numbers that it rests on.

    Attributes:
        study_id: The study.
        seq: 1, 2, … within the study.
        at: When it was decided.
        kind: What kind of step.
        round_number: The round that it is about; 0 for none.
        reason: The step and its reason in one sentence; the same sentence everywhere.
        numbers: What the reason rests on.
        standing: Where the study stood.
    """

    study_id: str
    seq: int
    at: datetime
    kind: DecisionKind
    round_number: int
    reason: str
    numbers: dict[str, Any] = {}
    standing: Standing

    @property
    def id(self) -> str:
        """Names the decision and no other: who has seen it need not see it again."""
        return f"{self.study_id}/{self.seq:05d}"


class Study(Value):
    """A study as it stands: its spec, its profile when it was submitted, and all that came of it.

    Attributes:
        id: Computed from stack, caller and idempotency key.
        stack: The stack that owns it.
        submitted_by: Who submitted it.
        submitted: When.
        spec: What was submitted.
        profile: What it may use, as it stood at the submission.
        phase: What it is doing.
        paused: Whether no new round may be started.
        rounds: All rounds; of refused attempts only the last.
        ledger: Its money and trials.
        incumbent: Its best trial.
        ending: Why the search ended, or is to end; None while it goes on.
        owed: What is still to be done to the world.
        deployment: What is to go live.
        selected: Whether the incumbent was chosen by the spec's own words for the winner.
        resume_to: The phase to which a person's `resume` leads back from `needs a person`.
        held: What of the stack keeps it from going on, as people were told; None if nothing does.
        counted: What the stack's monthly budget counts of it.
        decisions: How many decisions were recorded.
        version: Rises with every write.
        rev: Names the write that it came from; the store's, and with the version its condition.
    """

    schema_version: int = SCHEMA
    id: str
    stack: str
    submitted_by: str
    submitted: datetime
    spec: StudySpec
    profile: Profile
    phase: Phase = Phase.SEARCHING
    paused: bool = False
    rounds: tuple[Round, ...] = ()
    ledger: Ledger = Ledger()
    incumbent: Incumbent | None = None
    ending: str | None = None
    owed: tuple[Action, ...] = ()
    deployment: Deployment | None = None
    selected: bool = False
    resume_to: Phase | None = None
    held: Hold | None = None
    counted: Counted = Counted()
    decisions: int = 0
    version: int = 1
    rev: str = Field(default="", exclude=True)

    @property
    def live(self) -> Round | None:
        """The round whose tuning job is, or may become, alive."""
        return self.rounds[-1] if self.rounds and self.rounds[-1].is_live else None

    @property
    def closed(self) -> tuple[Round, ...]:
        """The rounds whose tuning jobs have ended."""
        return tuple(each for each in self.rounds if each.status is RoundStatus.CLOSED)

    @property
    def gain(self) -> Gain:
        """What counts as an improvement: the word of the not_improving rule, or the default."""
        for rule in simple(self.spec.stop):
            if isinstance(rule, NotImproving):
                return rule.min_gain
        return DEFAULT_GAIN

    @property
    def progress(self) -> Progress:
        """The newest round's progress; an empty one before the first."""
        return self.rounds[-1].progress if self.rounds else Progress()

    @property
    def spent(self) -> Decimal:
        """What all ended trials cost, those of the live round included."""
        live = self.live
        return self.ledger.spent + (live.progress.spent if live else Decimal(0))

    @property
    def standing(self) -> Standing:
        """Where it stands now, in short."""
        best = self.incumbent
        return Standing(
            study=self.spec.study,
            metric=self.spec.objective.metric,
            best=best.value if best else None,
            best_trial=best.trial if best else None,
            breaks=best is not None and bool(best.breaks),
            rounds=len(self.rounds),
            trials=sum(each.progress.finished for each in self.rounds),
            spent=self.spent,
            limit=self.profile.budget(self.spec),
            phase=self.phase,
        )

    @property
    def tags(self) -> dict[str, str]:
        """The tags of everything that is made for it."""
        return names.tags(self.stack, self.id)

    def with_live(self, live: Round) -> "Study":
        """Replace the live round."""
        return self.but(rounds=(*self.rounds[:-1], live))

    def without_live(self) -> "Study":
        """Forget the live round, of which nothing was launched, and what was owed to it."""
        return self.but(rounds=self.rounds[:-1], ledger=self.ledger.release(), owed=())

    def due(self, now: datetime) -> Action | None:
        """Return the first owed action that may be done now; a paused study starts no round."""
        for action in self.owed:
            if not (self.paused and isinstance(action, StartRound)) and not _waits(action, now):
                return action
        return None

    @property
    def doubt(self) -> Doubt | None:
        """The refusal of the live round that is not believed yet; None if there is none."""
        found = (each.doubt for each in self.owed if isinstance(each, StartRound))
        return next(found, None)

    def waits_for_capacity(self, now: datetime) -> bool:
        """Whether SageMaker is not asked again yet: it had no capacity, or its no is doubted."""
        return any(_waits(each, now) for each in self.owed)


def _waits(action: Action, now: datetime) -> bool:
    if not isinstance(action, StartRound):
        return False
    later = action.not_before is not None and action.not_before > now
    return later or action.doubt is not None
