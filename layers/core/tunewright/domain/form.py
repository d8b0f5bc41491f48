"""What a person may write, short or explicit, and its JSON Schema; what it means is `expand`'s.

The models here admit shapes; sentences for what does not fit are made in `read`, with the path of
the key as the person wrote it.
"""

import math
from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    WithJsonSchema,
    model_validator,
)

from tunewright.domain.spec import Event
from tunewright.domain.values import as_float, parse_duration, parse_money, parse_share

TAG_MARK = "‹"
"""Begins the tags of unions, so that they can be taken out of an error's path."""

SCHEMA_ID = "https://tunewright.dev/study.schema.json"


def _schema(kind: str | list[str], description: str, example: object) -> WithJsonSchema:
    return WithJsonSchema({"type": kind, "description": description, "examples": [example]})


Duration = Annotated[
    int,
    BeforeValidator(parse_duration),
    _schema(["string", "number"], "A number with s, m, h or d, or seconds.", "20m"),
]
Money = Annotated[
    Decimal,
    BeforeValidator(parse_money),
    _schema(["string", "number"], "An amount of US dollars.", "40 USD"),
]
Share = Annotated[
    float,
    BeforeValidator(parse_share),
    _schema(["string", "number"], "A percentage, or a number from 0 to 1.", "15%"),
]


def _finite(value: object) -> object:
    """Refuse what is no number that a computer can hold: .inf, .nan, and integers past them."""
    if isinstance(value, int | float) and not math.isfinite(as_float(value)):
        raise ValueError("must be a finite number")
    return value


Number = Annotated[int | float, BeforeValidator(_finite)]
Scalar = str | int | float | bool


class Form(BaseModel):
    """A part of a spec as it may be written; an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class DirectionForm(Form):
    """What is to be more or less: `maximize: METRIC` or `minimize: METRIC`."""

    maximize: str | None = Field(None, min_length=1, max_length=255)
    minimize: str | None = Field(None, min_length=1, max_length=255)

    @model_validator(mode="after")
    def _one_direction(self) -> "DirectionForm":
        if (self.maximize is None) == (self.minimize is None):
            raise ValueError("give exactly one of maximize: METRIC and minimize: METRIC")
        return self


class ObjectiveForm(DirectionForm):
    """What is to be made better: `maximize: METRIC` or `minimize: METRIC`."""

    target: Number | None = Field(None, description="A value at which the search ends.")


class InputForm(Form):
    """One channel, explicitly."""

    uri: str
    content_type: str | None = None
    extra: dict[str, Any] = {}


def _input_kind(value: object) -> str:
    return f"{TAG_MARK}full" if isinstance(value, Mapping | InputForm) else f"{TAG_MARK}uri"


ChannelForm = Annotated[
    Annotated[str, Tag(f"{TAG_MARK}uri")] | Annotated[InputForm, Tag(f"{TAG_MARK}full")],
    Discriminator(_input_kind),
]


class ScriptForm(Form):
    """A script of the person's own in one of AWS's framework images."""

    framework: str
    version: str | None = None
    entry_point: str
    source_dir: str = Field(description="A folder, which the client uploads, or a tar.gz in S3.")


class SpotForm(Form):
    """Spot instances; waiting and training together take `max_wait` at most."""

    max_wait: Duration


def _spot_kind(value: object) -> str:
    return f"{TAG_MARK}full" if isinstance(value, Mapping | SpotForm) else f"{TAG_MARK}flag"


class TrainingForm(Form):
    """What one trial runs."""

    algorithm: str | None = Field(None, examples=["xgboost:1.7-1"])
    image: str | None = Field(None, max_length=255)
    script: ScriptForm | None = None
    profile: str | None = None
    instance: str | None = Field(None, examples=["ml.m5.xlarge"])
    count: int | None = Field(None, ge=1, le=1000)
    volume_gb: int | None = Field(None, ge=1, le=16384)
    spot: (
        Annotated[
            Annotated[bool, Tag(f"{TAG_MARK}flag")] | Annotated[SpotForm, Tag(f"{TAG_MARK}full")],
            Discriminator(_spot_kind),
        ]
        | None
    ) = None
    max_run: Duration | None = None
    inputs: dict[str, ChannelForm] = {}
    fixed: dict[str, Scalar] = {}
    metrics: dict[str, str] = {}
    environment: dict[str, Scalar] = {}
    definition: dict[str, Any] = {}


class RangeForm(Form):
    """A numeric range, explicitly."""

    range: list[Number] | None = Field(None, min_length=2, max_length=2)
    type: Literal["continuous", "integer"] | None = None
    log: bool | None = None
    scaling: Literal["auto", "linear", "log", "reverse_log"] | None = None
    never_beyond: list[Number] | None = Field(None, min_length=2, max_length=2)


class ChoiceForm(Form):
    """One of some words."""

    choose: list[Scalar] = Field(min_length=1, max_length=30)


def _range_kind(value: object) -> str:
    if isinstance(value, list | tuple):
        return f"{TAG_MARK}pair"
    if isinstance(value, ChoiceForm) or (isinstance(value, Mapping) and "choose" in value):
        return f"{TAG_MARK}choice"
    return f"{TAG_MARK}range"


ParameterForm = Annotated[
    Annotated[list[Number], Field(min_length=2, max_length=2), Tag(f"{TAG_MARK}pair")]
    | Annotated[ChoiceForm, Tag(f"{TAG_MARK}choice")]
    | Annotated[RangeForm, Tag(f"{TAG_MARK}range")],
    Discriminator(_range_kind),
]


class RoundsForm(Form):
    """How the search is cut into tuning jobs."""

    max: int | None = Field(None, ge=1, le=6)
    trials: int | None = Field(None, ge=1, le=750)
    parallel: int | None = Field(None, ge=1, le=100)
    strategy: Literal["bayesian", "random", "hyperband", "grid"] | None = None
    early_stopping: bool | None = None
    sizes: Literal["auto", "fixed"] | None = None
    seed: int | None = Field(None, ge=0, le=2**31 - 1)
    parents: list[str] = Field([], max_length=4, description="Tuning jobs of yours to learn from.")
    config: dict[str, Any] = {}


class NotImprovingForm(Form):
    """Ends a round that has stopped beating the best."""

    trials: int | None = Field(None, ge=1)
    min_gain: str | Number | None = Field(None, examples=[0.001, "1%", "2% of spread"])
    warm_up: int | None = Field(None, ge=0)


class RegretForm(Form):
    """Ends a round whose ranges probably hold nothing better that would be worth finding."""

    below: str | Number | None = Field(None, examples=[0.001, "1%", "5% of spread"])
    chance: Share | None = None
    warm_up: int | None = Field(None, ge=0)


class FailuresForm(Form):
    """Ends a round of which too many trials fail."""

    share: Share | None = None
    after: int | None = Field(None, ge=1)


class NoMetricForm(Form):
    """Ends a round whose trials never give the objective."""

    after: int | None = Field(None, ge=1)


class SimpleRuleForm(Form):
    """One stopping rule: exactly one key."""

    not_improving: NotImprovingForm | None = None
    regret: RegretForm | None = None
    failures: FailuresForm | None = None
    no_metric: NoMetricForm | None = None
    wall_clock: Duration | None = None
    spend: Money | None = None
    target: Number | None = None
    trials: int | None = Field(None, ge=1)

    @model_validator(mode="after")
    def _one_rule(self) -> "SimpleRuleForm":
        if len(self.model_fields_set) != 1:
            rules = ", ".join(type(self).model_fields)
            raise ValueError(f"a rule is a mapping with exactly one of the keys {rules}")
        return self


class RuleForm(SimpleRuleForm):
    """One stopping rule: exactly one key; `all` fires when each of its rules does."""

    all: list[SimpleRuleForm] | None = Field(None, min_length=2, max_length=8)


class RulesForm(Form):
    """Stopping rules by themselves, under which a record is replayed."""

    stop: list[RuleForm] = Field(min_length=1, max_length=20)


class RefineWhenForm(Form):
    """When another round is worth it."""

    gain_above: Number | None = None


class RefineForm(Form):
    """How and when ranges are refined."""

    when: RefineWhenForm | None = None
    keep_exploring: Share | None = None


def _event(text: object) -> Event:
    try:
        return Event(str(text))
    except ValueError as error:
        raise ValueError(f"{text!r} is none of {', '.join(Event)}") from error


class NotifyForm(Form):
    """What a person is told of."""

    events: list[Annotated[Event, BeforeValidator(_event)]]


class WinnerForm(Form):
    """Which of the trials wins: by limits on metrics, `cost` or `seconds`, and by what counts."""

    subject_to: dict[str, str] = Field({}, examples=[{"validation:logloss": "<= 0.3"}])
    within: str | Number | None = Field(None, examples=[0.001, "1%", "noise", "knee"])
    prefer: DirectionForm | None = None


class DeployWhenForm(Form):
    """What the winner must be better than."""

    better_than_live_by: Number | None = Field(None, ge=0)


class DeployForm(Form):
    """Where the winner goes."""

    to: str
    instance: str | None = None
    count: int | None = Field(None, ge=1, le=1000)
    when: DeployWhenForm | None = None
    approve: bool | None = None
    lease: Duration | None = None


class StudyForm(Form):
    """A study: what to make better, what to run, what may be tried, and for how much."""

    model_config = ConfigDict(title="Tunewright study", json_schema_extra={"$id": SCHEMA_ID})

    study: str
    objective: ObjectiveForm | None = None
    training: TrainingForm | None = None
    search_space: dict[str, ParameterForm] | None = None
    rounds: RoundsForm | None = None
    tuning_job: dict[str, Any] | None = Field(
        None,
        description="A raw CreateHyperParameterTuningJob request, instead of objective, training, "
        "search_space and rounds.",
    )
    budget: Money | None = None
    stop: list[RuleForm] | None = None
    refine: RefineForm | None = None
    notify: NotifyForm | None = None
    winner: WinnerForm | None = None
    deploy: DeployForm | None = None


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of a spec file, for editors and for other programs."""
    schema = StudyForm.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
