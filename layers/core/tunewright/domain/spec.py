"""A study as it was asked for, every key explicit; how a person may write it shorter is `form`."""

from collections.abc import Iterable, Iterator
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import Field

from tunewright.domain.objective import Objective
from tunewright.domain.space import SearchSpace
from tunewright.domain.values import Value

MAX_TRIALS_WARM = 500
"""AMT counts a job's trials and its parents' together; one of its pages says 500, another 750: the
lower one holds."""


class Event(StrEnum):
    """What a person may be told of."""

    STARTED = "started"
    NEW_BEST = "new_best"
    ROUND_DONE = "round_done"
    TROUBLE = "trouble"
    NEEDS_ME = "needs_me"
    DONE = "done"


class Strategy(StrEnum):
    """How AMT chooses points; the values are AMT's words."""

    BAYESIAN = "Bayesian"
    RANDOM = "Random"
    HYPERBAND = "Hyperband"
    GRID = "Grid"


class Input(Value):
    """One channel of training data; `extra` holds members of AWS's channel that have no key."""

    uri: str
    content_type: str | None = None
    extra: dict[str, Any] = {}


class Script(Value):
    """A person's own training script in a framework image; `source_dir` is a tar.gz in S3."""

    framework: str
    version: str
    entry_point: str
    source_dir: str


class Training(Value):
    """What one trial runs; exactly one of `algorithm`, `image` and `script` is given.

    Attributes:
        algorithm: A built-in algorithm as `name:version`.
        image: The URI of a training image.
        script: A script in a framework image.
        profile: What an administrator allows, by name.
        instance: The instance type.
        count: Instances of one trial.
        volume_gb: Disk of each instance.
        spot_max_wait: Seconds to wait at most for spot capacity and training; None for on-demand.
        max_run: Seconds that a trial may train.
        inputs: The channels, by name.
        fixed: Hyperparameters that are not searched.
        metrics: Regular expressions that find metrics in the log, by metric name.
        environment: Environment variables of the container.
        definition: Members of AWS's `TrainingJobDefinition` that have no key here.
    """

    algorithm: str | None = None
    image: str | None = None
    script: Script | None = None
    profile: str = "default"
    instance: str = "ml.m5.xlarge"
    count: int = 1
    volume_gb: int = 30
    spot_max_wait: int | None = None
    max_run: int = 3600
    inputs: dict[str, Input] = {}
    fixed: dict[str, str] = {}
    metrics: dict[str, str] = {}
    environment: dict[str, str] = {}
    definition: dict[str, Any] = {}


class Rounds(Value):
    """How the search is cut into tuning jobs.

    Attributes:
        max: Rounds; with `sizes` auto, max × trials is what the engine may divide.
        trials: Trials of one round; with `sizes` fixed at most so many.
        parallel: Trials at a time.
        strategy: How AMT chooses points.
        early_stopping: Whether AMT may stop a trial that falls behind.
        sizes: `auto`: the engine plans number and sizes, and gives one round all trials where they
            learn from each other and no range has room to move; `fixed`: each round has `trials`.
        seed: AMT's random seed; None for one derived from the study.
        parents: Tuning jobs from before the study, from which every round learns.
        config: Members of AWS's `HyperParameterTuningJobConfig` that have no key here.
    """

    max: int = 3
    trials: int = 20
    parallel: int = 3
    strategy: Strategy = Strategy.BAYESIAN
    early_stopping: bool = True
    sizes: Literal["auto", "fixed"] = "auto"
    seed: int | None = None
    parents: tuple[str, ...] = ()
    config: dict[str, Any] = {}


class Gain(Value):
    """How much better counts as better.

    `absolute`: in the metric's own units. `relative`: as a share of the value to be beaten.
    `spread`: as a share of how far the first trials' median lay behind the best.
    """

    kind: Literal["absolute", "relative", "spread"]
    amount: float


DEFAULT_GAIN = Gain(kind="spread", amount=0.02)


class NotImproving(Value):
    """Ends a round when its trials have stopped beating the best by enough."""

    rule: Literal["not_improving"] = "not_improving"
    trials: int = 15
    min_gain: Gain = DEFAULT_GAIN
    warm_up: int | None = None


class Regret(Value):
    """Ends a round when its ranges probably hold nothing better that would be worth finding.

    Attributes:
        below: The gain that would not be worth finding.
        chance: How probable it must be that no more than that is there.
        warm_up: Scored trials that the round must have before; None for what explores enough.
    """

    rule: Literal["regret"] = "regret"
    below: Gain = Gain(kind="spread", amount=0.05)
    chance: float = 0.9
    warm_up: int | None = None


class Failures(Value):
    """Ends a round when too many of its trials fail."""

    rule: Literal["failures"] = "failures"
    share: float = 0.5
    after: int = 5


class NoMetric(Value):
    """Ends a round whose trials complete without ever giving the objective."""

    rule: Literal["no_metric"] = "no_metric"
    after: int = 3


class WallClock(Value):
    """Ends the search when it has taken too long; `limit` in seconds."""

    rule: Literal["wall_clock"] = "wall_clock"
    limit: int


class Spend(Value):
    """Ends the search when it has cost enough; unlike the budget, running trials may pass it."""

    rule: Literal["spend"] = "spend"
    limit: Decimal


class Target(Value):
    """Ends the search when the best is good enough."""

    rule: Literal["target"] = "target"
    value: float


class Trials(Value):
    """Ends the search when the study has so many trials; in `all`, what must be seen before."""

    rule: Literal["trials"] = "trials"
    limit: int


SimpleRule = Annotated[
    NotImproving | Regret | Failures | NoMetric | WallClock | Spend | Target | Trials,
    Field(discriminator="rule"),
]


class All(Value):
    """Fires when each of its rules does, and ends what the mildest of them ends."""

    rule: Literal["all"] = "all"
    rules: tuple[SimpleRule, ...]


Rule = Annotated[
    NotImproving | Regret | Failures | NoMetric | WallClock | Spend | Target | Trials | All,
    Field(discriminator="rule"),
]
"""Of the rules of a study any may fire: with `all` among them, whatever and and or can say."""


def simple(rules: Iterable[Rule]) -> Iterator[SimpleRule]:
    """Give the rules of a list, and those that are parts of others."""
    for rule in rules:
        if isinstance(rule, All):
            yield from rule.rules
        else:
            yield rule


DEFAULT_RULES: tuple[NotImproving | Failures | NoMetric, ...] = (
    NotImproving(),
    Failures(),
    NoMetric(),
)


class Refine(Value):
    """When another round is worth it, and how much of it goes on exploring.

    Attributes:
        gain_above: The expected gain, in the metric's units, below which the search ends, as it
            does where none at all is expected; None for the gain that the not_improving rule asks
            for.
        keep_exploring: The share of the old ranges that a refined round keeps looking at.
    """

    gain_above: float | None = None
    keep_exploring: float = 0.15


class Bound(Value):
    """A limit that a winner keeps: of a metric, of `cost` (US dollars) or `seconds` (billed)."""

    quantity: str
    at_most: float | None = None
    at_least: float | None = None


class Winner(Value):
    """Which of the trials wins.

    Attributes:
        subject_to: The limits that it keeps.
        within: How far behind the best a trial may be and still be preferred: a gain, the noise
            that the surrogate measured, or as far as the knee of the Pareto front.
        prefer: What counts among those; None for the objective alone.
    """

    subject_to: tuple[Bound, ...] = ()
    within: Gain | Literal["noise", "knee"] = DEFAULT_GAIN
    prefer: Objective | None = None


class Deploy(Value):
    """Where the winner goes, and on what conditions.

    Attributes:
        to: The endpoint's name, without our prefix.
        instance: Its instance type.
        count: Its number of instances.
        better_than_live_by: What the winner must gain on the live model.
        approve: Whether a person must say yes first.
        lease: Seconds after which the endpoint is deleted, unless a newer deployment replaces it.
    """

    to: str
    instance: str = "ml.m5.large"
    count: int = 1
    better_than_live_by: float = 0.0
    approve: bool = False
    lease: int = 7 * 86400


class StudySpec(Value):
    """What the user submitted, whole and explicit; it never changes."""

    study: str
    objective: Objective
    training: Training
    search_space: SearchSpace
    rounds: Rounds = Rounds()
    budget: Decimal | None = None
    stop: tuple[Rule, ...] = DEFAULT_RULES
    refine: Refine = Refine()
    notify: tuple[Event, ...] = tuple(Event)
    winner: Winner = Winner()
    deploy: Deploy | None = None
