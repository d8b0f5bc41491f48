"""What is owed to the world, what is to go live, and what people have said."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from tunewright.domain.values import Value


class Doubt(Value):
    """A refusal that is not believed yet: an earlier try may have made the job.

    Attributes:
        words: SageMaker's words.
        until: When it is believed, if the job was not seen by then.
    """

    words: str
    until: datetime


class StartRound(Value):
    """Make the tuning job of the live round.

    Attributes:
        job: The tuning job's name.
        not_before: When it may be tried again; None for now.
        waits: How often SageMaker had no capacity for it.
        tries: Tries after the first; each is written before it is made.
        doubt: The refusal that is not believed yet; None while there is none.
    """

    kind: Literal["start_round"] = "start_round"
    job: str
    not_before: datetime | None = None
    waits: int = 0
    tries: int = 0
    doubt: Doubt | None = None


class StopRound(Value):
    """Stop the tuning job of the live round."""

    kind: Literal["stop_round"] = "stop_round"
    job: str


class DeployModel(Value):
    """Put a model behind the endpoint."""

    kind: Literal["deploy_model"] = "deploy_model"
    model: str
    endpoint: str


Action = Annotated[StartRound | StopRound | DeployModel, Field(discriminator="kind")]


class CommandKind(StrEnum):
    """What a person may tell a study."""

    PAUSE = "pause"
    RESUME = "resume"
    STOP = "stop"
    CANCEL = "cancel"
    APPROVE = "approve"
    REJECT = "reject"
    RESYNC = "resync"


class Command(Value):
    """A person's word; it is consumed once, in the transaction that acts on it."""

    id: str
    kind: CommandKind
    by: str
    at: datetime
    plan_hash: str | None = None


class Deployment(Value):
    """What is to go live; a person approves exactly this, by its hash.

    Attributes:
        model: The name of the model and of its endpoint config.
        endpoint: The endpoint's name.
        trial: The trial whose model it is.
        value: That trial's objective.
        artifact: The S3 URI of the model.
        image: The image that serves it.
        environment: The environment of the container that serves it.
        price_per_hour: What the endpoint costs, in US dollars.
        replaces: The model that was live when this was planned; None for none.
        why: What the gate said of it.
        hash: Names this plan and no other, not even one for the same model later on.
        answer: What a person answered when they were asked; None while nobody has.
        lease_ended: When its endpoint was deleted, for its lease had ended; None while it was not.
    """

    model: str
    endpoint: str
    trial: str
    value: float
    artifact: str
    image: str
    environment: dict[str, str] = {}
    price_per_hour: Decimal
    replaces: str | None = None
    why: str = ""
    hash: str
    answer: Command | None = None
    lease_ended: datetime | None = None
