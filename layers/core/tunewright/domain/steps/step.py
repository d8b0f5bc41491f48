"""What a step is: the study after it, the decisions that it records, and what it has consumed."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from tunewright.domain.budget import Charge
from tunewright.domain.gates import Live
from tunewright.domain.seen import LeaseEnd, RoundSeen
from tunewright.domain.study import Command, Decision, DecisionKind, Study
from tunewright.domain.trial import Trial


class View(StrEnum):
    """What the brain may have to look at before it can decide."""

    TRIALS = "trials"
    """All trials of the study, from the table."""
    ROUND = "round"
    """The live round's tuning job, from SageMaker."""
    LISTING = "listing"
    """The training jobs of the live round, from SageMaker: some are not in the table."""
    ENDPOINT = "endpoint"
    """What is live where the study deploys to."""
    EVERYTHING = "everything"
    """The training jobs of all rounds, from SageMaker, whatever was missing of them recorded."""


@dataclass(frozen=True, slots=True)
class EndpointSeen:
    """What is live at an endpoint, and the fingerprint of the study's validation data."""

    live: Live | None
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Observation:
    """What is known when the brain is asked; None where nobody has looked.

    Attributes:
        unfolded: Trials whose news the study does not hold yet.
        commands: What people have said, oldest first.
        trials: All trials of the study.
        round: The live round's tuning job.
        listed: Whether all training jobs of the live round were looked at just now.
        endpoint: What is live where the study deploys to.
        relisted: Whether the training jobs of all rounds were looked at just now.
        lease: What the deployer tells of the end of the study's lease.
    """

    unfolded: tuple[Trial, ...] = ()
    commands: tuple[Command, ...] = ()
    trials: tuple[Trial, ...] | None = None
    round: RoundSeen | None = None
    listed: bool = False
    endpoint: EndpointSeen | None = None
    relisted: bool = False
    lease: LeaseEnd | None = None


@dataclass(frozen=True, slots=True)
class Look:
    """The brain cannot decide before it has looked at this."""

    view: View


@dataclass(frozen=True, slots=True)
class Step:
    """One step: everything that is written in one transaction.

    Attributes:
        study: The study after the step.
        decisions: What is recorded of it.
        folded: Trials whose mark is to be removed.
        consumed: Commands that are answered.
        charge: What the stack's monthly budget counts of it; None where that does not change.
    """

    study: Study
    decisions: tuple[Decision, ...] = ()
    folded: tuple[Trial, ...] = ()
    consumed: tuple[Command, ...] = field(default=())
    charge: Charge | None = None

    def with_study(self, **changes: Any) -> "Step":  # noqa: ANN401 - the study's fields
        """Change the study."""
        return replace(self, study=self.study.but(**changes))

    def tell(
        self,
        kind: DecisionKind,
        reason: str,
        now: datetime,
        *,
        round_number: int = 0,
        numbers: Mapping[str, Any] | None = None,
    ) -> "Step":
        """Record a decision."""
        seq = self.study.decisions + 1
        decision = Decision(
            study_id=self.study.id,
            seq=seq,
            at=now,
            kind=kind,
            round_number=round_number,
            reason=reason,
            numbers=dict(numbers or {}),
            standing=self.study.standing,
        )
        return replace(
            self,
            study=self.study.but(decisions=seq),
            decisions=(*self.decisions, decision),
        )
