"""Chooses from which rounds the next one learns, by AMT's rules of warm start; it asks nobody.

The rules are those of the developer guide's page on warm start, and the service's own error texts
where the page is silent. `forbidden` names each rule that a request would break.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from tunewright.domain.errors import Problem
from tunewright.domain.round import WarmStart
from tunewright.domain.spec import MAX_TRIALS_WARM
from tunewright.domain.values import Value

MAX_PARENTS = 5
MAX_CHANGES = 10

_TERMINAL = frozenset({"Completed", "Stopped", "Failed"})
_MAY_DIFFER = frozenset(
    {
        "AlgorithmSpecification",
        "InputDataConfig",
        "OutputDataConfig",
        "StaticHyperParameters",
        "RoleArn",
        "ResourceConfig",
        "HyperParameterTuningResourceConfig",
        "StoppingCondition",
        "VpcConfig",
        "EnableManagedSpotTraining",
        "CheckpointConfig",
    }
)
_LISTS = {
    "IntegerParameterRanges": "integer",
    "ContinuousParameterRanges": "continuous",
    "CategoricalParameterRanges": "categorical",
}


class Ancestor(Value):
    """A tuning job from which the next round could learn.

    Attributes:
        job: Its name.
        trials: How many training jobs it launched.
        holds_best: Whether the study's best trial is one of them.
    """

    job: str
    trials: int
    holds_best: bool = False


def plan_warm_start(
    ancestors: tuple[Ancestor, ...], outside: tuple[str, ...], trials: int
) -> WarmStart | None:
    """Choose the parents of a round: the best trial's job first, then the newest.

    Ancestors without trials have nothing to tell. The oldest are left out when there are more than
    AMT takes, or when their trials and the round's own would pass its limit.

    Args:
        ancestors: The study's closed rounds, oldest first.
        outside: Tuning jobs from before the study that its spec names.
        trials: How many trials the round may launch.

    Returns:
        The parents in AMT's terms; None when there is nothing to learn from.
    """
    useful = [each for each in reversed(ancestors) if each.trials > 0]
    ranked = sorted(useful, key=lambda each: not each.holds_best)
    room = MAX_PARENTS - len(outside)
    chosen: list[Ancestor] = []
    for each in ranked:
        total = sum(parent.trials for parent in chosen) + each.trials + trials
        if len(chosen) < room and total <= MAX_TRIALS_WARM:
            chosen.append(each)
    parents = (*(each.job for each in chosen), *outside)
    if not parents:
        return None
    # Jobs from outside may have seen other data; only the freer kind admits them.
    kind = "TransferLearning" if outside else "IdenticalDataAndAlgorithm"
    return WarmStart(parents=parents, kind=kind)


class Parent(Value):
    """A parent as AMT sees it: its request, its state, and how many jobs it launched."""

    request: dict[str, Any]
    status: str
    trials: int


def forbidden(child: Mapping[str, Any], parents: tuple[Parent, ...]) -> tuple[Problem, ...]:
    """Name every rule of warm start that a request breaks; nothing, if AMT should take it."""
    return tuple(_violations(child, parents))


def _violations(child: Mapping[str, Any], parents: tuple[Parent, ...]) -> Iterator[Problem]:
    where = ("WarmStartConfig", "ParentHyperParameterTuningJobs")
    if len(parents) > MAX_PARENTS:
        yield Problem(where, f"{len(parents)} parents are named; AMT takes {MAX_PARENTS}")
    if "TrainingJobDefinitions" in child:
        message = "a job of several algorithms cannot be warm-started"
        yield Problem(("TrainingJobDefinitions",), message)
        return
    strategy = child["HyperParameterTuningJobConfig"]["Strategy"]
    if strategy not in {"Bayesian", "Random"}:
        yield Problem(("Strategy",), f"warm start takes Bayesian and Random, not {strategy}")
    limits = child["HyperParameterTuningJobConfig"]["ResourceLimits"]
    total = limits.get("MaxNumberOfTrainingJobs", 0) + sum(each.trials for each in parents)
    if total > MAX_TRIALS_WARM:
        yield Problem(
            ("ResourceLimits", "MaxNumberOfTrainingJobs"),
            f"with its parents' trials it comes to {total}; AMT takes {MAX_TRIALS_WARM}",
        )
    for parent in parents:
        yield from _against(child, parent)


def _against(child: Mapping[str, Any], parent: Parent) -> Iterator[Problem]:
    name = str(parent.request["HyperParameterTuningJobName"])
    if parent.status not in _TERMINAL:
        yield Problem((name,), f"the parent is {parent.status}: it must have ended first")
    key = "HyperParameterTuningJobObjective"
    config, other = (
        child["HyperParameterTuningJobConfig"],
        parent.request["HyperParameterTuningJobConfig"],
    )
    if config[key] != other[key]:
        yield Problem((key,), f"the objective must be that of {name}")
    yield from _parameters(child, parent.request, name)
    identical = child["WarmStartConfig"]["WarmStartType"] == "IdenticalDataAndAlgorithm"
    yield from _fields(child, parent.request, name, identical=identical)


def _parameters(
    child: Mapping[str, Any], parent: Mapping[str, Any], name: str
) -> Iterator[Problem]:
    ours, theirs = _kinds(child), _kinds(parent)
    fixed, their_fixed = _fixed(child), _fixed(parent)
    missing = (theirs.keys() | their_fixed.keys()) - (ours.keys() | fixed.keys())
    extra = (ours.keys() | fixed.keys()) - (theirs.keys() | their_fixed.keys())
    if missing or extra:
        differ = ", ".join(sorted(missing | extra))
        yield Problem(
            ("ParameterRanges",),
            f"searched and fixed parameters together must have the names of {name}: {differ}",
        )
    for each in sorted(ours.keys() & theirs.keys()):
        if ours[each][0] != theirs[each][0]:
            yield Problem(
                ("ParameterRanges", each), f"was {theirs[each][0]} in {name} and must stay"
            )
    changes = count_changes(child, parent)
    if changes > MAX_CHANGES:
        yield Problem(
            ("StaticHyperParameters",),
            f"{changes} changes of fixed parameters against {name}; AMT takes {MAX_CHANGES}",
        )


def count_changes(child: Mapping[str, Any], parent: Mapping[str, Any]) -> int:
    """Count what AMT limits to ten: searched made fixed, and fixed values that changed.

    Every value of a category that is no longer searched counts; how a numeric range that becomes
    fixed is counted is not documented, and it is counted as two, like its bounds.
    """
    ours, fixed = _kinds(child), _fixed(child)
    theirs, their_fixed = _kinds(parent), _fixed(parent)
    frozen = sum(theirs[name][1] for name in theirs.keys() & fixed.keys() - ours.keys())
    # A changed value counts twice, as the documentation's own example does.
    changed = sum(
        2 for name in fixed.keys() & their_fixed.keys() if fixed[name] != their_fixed[name]
    )
    return frozen + changed


def _fields(
    child: Mapping[str, Any], parent: Mapping[str, Any], name: str, *, identical: bool
) -> Iterator[Problem]:
    ours, theirs = child["TrainingJobDefinition"], parent["TrainingJobDefinition"]
    for member in sorted((ours.keys() | theirs.keys()) - _MAY_DIFFER):
        if ours.get(member) != theirs.get(member):
            yield Problem(("TrainingJobDefinition", member), f"must be that of {name}")
    if identical:
        same = ("AlgorithmSpecification", "InputDataConfig")
        for member in same:
            if ours.get(member) != theirs.get(member):
                yield Problem(
                    ("TrainingJobDefinition", member),
                    f"must be that of {name} under IdenticalDataAndAlgorithm",
                )


def _kinds(request: Mapping[str, Any]) -> dict[str, tuple[str, int]]:
    """Name each searched parameter's kind, and the changes that fixing it would count."""
    ranges = request["HyperParameterTuningJobConfig"]["ParameterRanges"]
    return {
        entry["Name"]: (kind, len(entry["Values"]) if kind == "categorical" else 2)
        for member, kind in _LISTS.items()
        for entry in ranges.get(member, ())
    }


def _fixed(request: Mapping[str, Any]) -> dict[str, str]:
    held = request["TrainingJobDefinition"].get("StaticHyperParameters", {})
    return {name: value for name, value in held.items() if name != "_tuning_objective_metric"}
