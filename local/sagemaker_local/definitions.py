"""What the trials of a tuning job are made by: one training job definition, or up to ten of them.

A request and the job that comes of it hold their definitions alike, so both can be read here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sagemaker_local.parts import Goal
from sagemaker_local.training import builtin, builtin_metric_definitions

ONE, SEVERAL = "TrainingJobDefinition", "TrainingJobDefinitions"


@dataclass(frozen=True)
class Definition:
    """A training job definition with the objective and the ranges that are its own.

    Attributes:
        name: Its DefinitionName; None for the only one of a job with one algorithm.
        members: The definition, as AWS's API has it.
        objective: Metric and direction.
        ranges: What is searched.
    """

    name: str | None
    members: Mapping[str, Any]
    objective: Mapping[str, str]
    ranges: Mapping[str, Any]

    @property
    def goal(self) -> Goal:
        """The direction."""
        return "Maximize" if self.objective["Type"] == "Maximize" else "Minimize"

    @property
    def static(self) -> Mapping[str, str]:
        """Hyperparameters that are the same in every trial."""
        found: Mapping[str, str] = self.members.get("StaticHyperParameters", {})
        return found


def definitions(of: Mapping[str, Any]) -> list[Definition]:
    """The definitions of a request or of a job, in their order."""
    if ONE in of:
        config = of["HyperParameterTuningJobConfig"]
        objective = config["HyperParameterTuningJobObjective"]
        return [Definition(None, of[ONE], objective, config.get("ParameterRanges", {}))]
    return [
        Definition(
            name=each["DefinitionName"],
            members=each,
            objective=each["TuningObjective"],
            ranges=each.get("HyperParameterRanges", {}),
        )
        for each in of[SEVERAL]
    ]


def of_trial(job: Mapping[str, Any], trial: Mapping[str, Any]) -> Definition:
    """The definition that a trial was made by."""
    name = trial.get("_definition_name")
    return next(each for each in definitions(job) if each.name == name)


def turn(count: int, number: int) -> tuple[int, int]:
    """Whose turn a trial is, and its number among those of that definition; both from 0.

    AWS does not say how it shares trials out among several algorithms; here they take turns.

    >>> [turn(2, number) for number in range(4)]
    [(0, 0), (1, 0), (0, 1), (1, 1)]
    """
    return number % count, number // count


def goodness(objective: Mapping[str, str], value: float) -> float:
    """A value by which trials of any direction compare: more is better."""
    return value if objective["Type"] == "Maximize" else -value


def is_builtin(definition: Mapping[str, Any]) -> bool:
    """Whether the trials run an algorithm of SageMaker rather than a script in its image."""
    image = definition["AlgorithmSpecification"].get("TrainingImage", "")
    script = "sagemaker_program" in definition.get("StaticHyperParameters", {})
    return builtin(image) is not None and not script


def builtin_metrics(definition: Mapping[str, Any]) -> dict[str, str] | None:
    """The metrics of a built-in algorithm and their patterns; None for other training code."""
    if not is_builtin(definition):
        return None
    image = definition["AlgorithmSpecification"]["TrainingImage"]
    return dict(builtin_metric_definitions(image) or ())


def resources(definition: Mapping[str, Any]) -> dict[str, Any]:
    """The instances of a trial, in whichever of the two ways they were asked for."""
    if "ResourceConfig" in definition:
        return dict(definition["ResourceConfig"])
    asked = definition.get("HyperParameterTuningResourceConfig", {})
    first = asked.get("InstanceConfigs", [asked])[0]
    members = ("InstanceType", "InstanceCount", "VolumeSizeInGB")
    chosen = {key: first[key] for key in members if key in first}
    if "VolumeKmsKeyId" in asked:
        chosen["VolumeKmsKeyId"] = asked["VolumeKmsKeyId"]
    return {"VolumeSizeInGB": 30, **chosen}


def combined(all_of: Sequence[Definition]) -> bool:
    """Whether there are several algorithms, which warm start and early stopping do not have."""
    return len(all_of) > 1 or all_of[0].name is not None
