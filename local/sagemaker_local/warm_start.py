"""What a tuning job may inherit from its parents, one function per rule of warm start.

The rules are AWS's, read from its pages and its answers, and written without a look at any client:
what a client believes of warm start is here put to an independent test.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sagemaker_local import ranges, tuning_jobs
from sagemaker_local.definitions import SEVERAL
from sagemaker_local.errors import validation
from sagemaker_local.settings import Settings
from sagemaker_local.store import Document, Store
from sagemaker_local.values import TUNING_METRIC

MOST_PARENTS = 5
MOST_CHANGES = 10
_STRATEGIES = frozenset({"Bayesian", "Random"})
_MAY_DIFFER = (
    "AlgorithmSpecification",
    "InputDataConfig",
    "OutputDataConfig",
    "StaticHyperParameters",
    "RoleArn",
    "ResourceConfig",
    "StoppingCondition",
    "VpcConfig",
    "EnableManagedSpotTraining",
    "CheckpointConfig",
)
_FALSE_WHEN_ABSENT = ("EnableNetworkIsolation", "EnableInterContainerTrafficEncryption")


@dataclass(frozen=True)
class Side:
    """A tuning job as the rules see it, be it the child or a parent."""

    name: str
    objective: Mapping[str, str]
    tunable: Mapping[str, tuple[str, Mapping[str, Any]]]
    """Kind and range of each tunable hyperparameter."""
    static: Mapping[str, str]
    definition: Mapping[str, Any]
    status: str = "InProgress"
    trials: int = 0
    """Launched by a parent; the most that a child may launch."""


def check(settings: Settings, store: Store, request: Mapping[str, Any]) -> None:
    """Apply every rule to a request that has passed those of `tuning_rules`.

    Raises:
        ApiError: with the first rule that is broken.
    """
    warm = request.get("WarmStartConfig")
    if warm is None:
        return
    names = [e.get("HyperParameterTuningJobName") for e in warm["ParentHyperParameterTuningJobs"]]
    parents = _known_parents(store, names)
    child = _child(request)
    number_of_parents(parents)
    strategy_can(request["HyperParameterTuningJobConfig"]["Strategy"])
    for parent in parents:
        parent_has_ended(parent)
        same_objective(child, parent)
        same_names(child, parent)
        same_kinds(child, parent)
        few_changes(child, parent)
        only_some_fields_differ(child, parent)
        if warm["WarmStartType"] == "IdenticalDataAndAlgorithm":
            identical(child, parent)
        if settings.warm_start_refuses == "scaling":
            same_scaling(child, parent)
    few_trials(child, parents, settings.warm_start_cap)


def number_of_parents(parents: Sequence[Side]) -> None:
    """At most five; the parents of parents count only if they are named too."""
    if not 1 <= len(parents) <= MOST_PARENTS:
        raise validation(
            f"The number of parent tuning jobs, [{len(parents)}], must be between 1 and "
            f"{MOST_PARENTS}."
        )


def strategy_can(strategy: str) -> None:
    """Only searches that learn, or do not mind, can start warm."""
    if strategy not in _STRATEGIES:
        raise validation(f"Warm start is not supported with the strategy {strategy}.")


def parent_has_ended(parent: Side) -> None:
    """A parent must be over; one that is stopping is not."""
    if parent.status not in tuning_jobs.TERMINAL:
        raise validation(
            f"The parent tuning job [{parent.name}] is in status [{parent.status}]. Parent tuning "
            "jobs must be in a terminal state: [Completed, Failed, Stopped]."
        )


def same_objective(child: Side, parent: Side) -> None:
    """Metric and direction stay."""
    mine = (child.objective["MetricName"], child.objective["Type"])
    theirs = (parent.objective["MetricName"], parent.objective["Type"])
    if mine != theirs:
        raise validation(
            "The objective metric must be the same in the current and all parent tuning jobs. The "
            f"current one is {mine[1]} [{mine[0]}], that of [{parent.name}] is {theirs[1]} "
            f"[{theirs[0]}]."
        )


def same_names(child: Side, parent: Side) -> None:
    """No hyperparameter is dropped, none added; tunable may become static and back."""
    if child.tunable.keys() | child.static.keys() != parent.tunable.keys() | parent.static.keys():
        raise validation(
            "The set of tunable plus static HyperParameter names is not the same across current "
            "and parent tuning jobs. Please ensure this set is constant when warm starting. Note "
            "that previously static HyperParameters can be tuned in warm start jobs and vice versa."
        )


def same_kinds(child: Side, parent: Side) -> None:
    """What is tuned in both is of the same kind in both."""
    for name in sorted(child.tunable.keys() & parent.tunable.keys()):
        mine, theirs = child.tunable[name][0], parent.tunable[name][0]
        if mine != theirs:
            raise validation(
                f"The type of the hyperparameter [{name}] changed from {theirs} in the parent "
                f"tuning job [{parent.name}] to {mine}. Types must not change when warm starting."
            )


def few_changes(child: Side, parent: Side) -> None:
    """Static values that are new, or new as static, are at most ten."""
    count = changes(child, parent)
    if count > MOST_CHANGES:
        raise validation(
            "The number of changes from tunable to static hyperparameters plus changes in the "
            f"values of static hyperparameters, [{count}] against the parent tuning job "
            f"[{parent.name}], must not be more than {MOST_CHANGES}."
        )


def changes(child: Side, parent: Side) -> int:
    """Count as AWS's example does: a category is one change for each value it could have had.

    Fixing {red, blue} is two, and so is red becoming blue. AWS does not say what fixing a number
    counts; it has no values to count, so it is one.
    """
    count = 0
    for name, value in child.static.items():
        if name in parent.tunable:
            kind, entry = parent.tunable[name]
            count += len(entry["Values"]) if kind == "Categorical" else 1
        elif parent.static.get(name, value) != value:
            count += 2
    return count


def only_some_fields_differ(child: Side, parent: Side) -> None:
    """Outside a fixed list of members, the definition of the trials stays as it is."""
    mine, theirs = _fixed_members(child.definition), _fixed_members(parent.definition)
    if mine != theirs:
        allowed = ", ".join(name[:1].lower() + name[1:] for name in _MAY_DIFFER)
        raise validation(
            "The TrainingJobDefinition is not the same across current and parent tuning jobs. Only "
            "the following fields in TrainingJobDefinition are allowed to change: "
            f"[{allowed}]"
        )


def identical(child: Side, parent: Side) -> None:
    """With IdenticalDataAndAlgorithm, the image and the input data stay."""
    if _algorithm(child) != _algorithm(parent):
        raise validation(
            "With the warm start type IdenticalDataAndAlgorithm, the training image must be the "
            f"same as in the parent tuning job [{parent.name}]."
        )
    if _inputs(child) != _inputs(parent):
        raise validation(
            "With the warm start type IdenticalDataAndAlgorithm, the input data must be the same "
            f"as in the parent tuning job [{parent.name}]."
        )


def same_scaling(child: Side, parent: Side) -> None:
    """A rule that AWS may or may not have; the settings decide."""
    for name in sorted(child.tunable.keys() & parent.tunable.keys()):
        mine, theirs = (
            side.tunable[name][1].get("ScalingType", "Auto") for side in (child, parent)
        )
        if mine != theirs:
            raise validation(
                f"The ScalingType of the hyperparameter [{name}] changed from {theirs} in the "
                f"parent tuning job [{parent.name}] to {mine}."
            )


def few_trials(child: Side, parents: Sequence[Side], cap: int) -> None:
    """All trials of the parents count with those still to come."""
    total = child.trials + sum(parent.trials for parent in parents)
    if total > cap:
        raise validation(
            "The total number of training jobs of the current and all parent tuning jobs, "
            f"[{total}], must not be more than {cap} when warm starting."
        )


def _known_parents(store: Store, names: Sequence[str | None]) -> list[Side]:
    found = []
    for name in names:
        document = store.get(tuning_jobs.KIND, name) if name else None
        if document is None:
            raise validation(f"The parent tuning job [{name}] could not be found.")
        if SEVERAL in document:
            raise validation(
                f"The parent tuning job [{name}] has TrainingJobDefinitions; warm start takes "
                "parents of one algorithm only."
            )
        found.append(_parent(document))
    return found


def _child(request: Mapping[str, Any]) -> Side:
    config = request["HyperParameterTuningJobConfig"]
    return Side(
        name=request["HyperParameterTuningJobName"],
        **_compared(config, request["TrainingJobDefinition"]),
        trials=config["ResourceLimits"].get("MaxNumberOfTrainingJobs", tuning_jobs.MOST_TRIALS),
    )


def _parent(document: Document) -> Side:
    return Side(
        name=document["HyperParameterTuningJobName"],
        **_compared(document["HyperParameterTuningJobConfig"], document["_definition"]),
        status=document["HyperParameterTuningJobStatus"],
        trials=document["_launched"],
    )


def _compared(config: Mapping[str, Any], definition: Mapping[str, Any]) -> dict[str, Any]:
    static = definition.get("StaticHyperParameters", {})
    return {
        "objective": config["HyperParameterTuningJobObjective"],
        "tunable": {e["Name"]: (kind, e) for kind, e in ranges.each(config["ParameterRanges"])},
        "static": {name: value for name, value in static.items() if name != TUNING_METRIC},
        "definition": definition,
    }


def _fixed_members(definition: Mapping[str, Any]) -> dict[str, Any]:
    defaults: dict[str, Any] = dict.fromkeys(_FALSE_WHEN_ABSENT, False)
    return {k: v for k, v in {**defaults, **definition}.items() if k not in _MAY_DIFFER}


def _algorithm(side: Side) -> tuple[str | None, str | None]:
    specification = side.definition["AlgorithmSpecification"]
    return specification.get("TrainingImage"), specification.get("AlgorithmName")


def _inputs(side: Side) -> dict[str, Any]:
    return {
        channel["ChannelName"]: channel["DataSource"].get("S3DataSource", {}).get("S3Uri")
        for channel in side.definition.get("InputDataConfig", ())
    }
