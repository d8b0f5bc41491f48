"""Reads a raw CreateHyperParameterTuningJob request into the same study as the keys would make.

Members that have keys of their own become those keys; all others are kept as they are, so that
every feature of AMT stays in reach.
"""

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from tunewright.domain import algorithms
from tunewright.domain.errors import Problem
from tunewright.domain.objective import Goal, Objective
from tunewright.domain.shapes import CONFIG, DEFINITION, misshapen
from tunewright.domain.space import (
    CategoricalRange,
    ContinuousRange,
    IntegerRange,
    Scaling,
    SearchSpace,
    choose_scaling,
)
from tunewright.domain.spec import Input, Rounds, Strategy, Training
from tunewright.domain.values import as_float

OBJECTIVE_METRIC = "_tuning_objective_metric"
SERVICE_METRIC = "ObjectiveMetric"
_CONFIG = "HyperParameterTuningJobConfig"
_DEFINITION = "TrainingJobDefinition"
_OURS = {
    "HyperParameterTuningJobName": "names are computed",
    "WarmStartConfig": "each round warm-starts from the rounds before it; "
    "name earlier jobs of yours in rounds.parents",
    "Tags": "tags are set by the stack",
}


class RawStudy(NamedTuple):
    """The parts of a study that a raw request tells."""

    objective: Objective
    training: Training
    search_space: SearchSpace
    rounds: Rounds


def read_tuning_job(raw: Mapping[str, Any], problems: list[Problem]) -> RawStudy | None:
    """Read a raw request; None if a part is missing without which there is no study."""
    path = ("tuning_job",)
    for member in sorted(raw.keys() - {_CONFIG, _DEFINITION, *_OURS}):
        problems.append(Problem((*path, member), _unusable(member)))
    if raw.get("WarmStartConfig"):
        problems.append(Problem((*path, "WarmStartConfig"), _OURS["WarmStartConfig"]))
    before = len(problems)
    reader = _Reader(problems)
    config = reader.mapping(raw, _CONFIG, path)
    definition = reader.mapping(raw, _DEFINITION, path)
    problems.extend(misshapen(config, CONFIG, (*path, _CONFIG)))
    problems.extend(misshapen(definition, DEFINITION, (*path, _DEFINITION)))
    if len(problems) > before:
        return None
    config_path, definition_path = (*path, _CONFIG), (*path, _DEFINITION)
    objective = _objective(config, reader, config_path)
    space = _space(config, reader, config_path)
    rounds = _rounds(config, reader, config_path)
    training = _training(definition, reader, definition_path)
    if len(problems) > before or objective is None or training is None:
        return None
    return RawStudy(objective, training, space, rounds)


def _unusable(member: str) -> str:
    if member == "TrainingJobDefinitions":
        return "several definitions cannot be warm-started; give one TrainingJobDefinition"
    if member == "Autotune":
        return "Autotune chooses ranges by itself; give ParameterRanges"
    return "CreateHyperParameterTuningJob has no such member"


class _Reader:
    """Reads members, and notes what is missing or of another kind."""

    def __init__(self, problems: list[Problem]) -> None:
        self._problems = problems

    def mapping(self, holder: Mapping[str, Any], key: str, path: tuple[str, ...]) -> dict[str, Any]:
        value = holder.get(key)
        if isinstance(value, Mapping):
            return dict(value)
        wrong = "is required" if value is None else "must be a mapping"
        self.note((*path, key), f"{wrong}: AWS takes it as a mapping of members to values")
        return {}

    def text(self, holder: Mapping[str, Any], key: str, path: tuple[str, ...]) -> str:
        value = holder.get(key)
        if isinstance(value, str) and value:
            return value
        self.note((*path, key), "is required, as a text")
        return ""

    def number(
        self, holder: Mapping[str, Any], key: str, path: tuple[str, ...], default: int
    ) -> int:
        value = holder.get(key, default)
        if isinstance(value, int) and not isinstance(value, bool) and value >= 1:
            return value
        self.note((*path, key), f"{value!r} is not a whole number of at least 1")
        return default

    def note(self, path: tuple[str | int, ...], message: str) -> None:
        self._problems.append(Problem(path, message))


def _objective(config: dict[str, Any], reader: _Reader, path: tuple[str, ...]) -> Objective | None:
    key = "HyperParameterTuningJobObjective"
    told = reader.mapping(config, key, path)
    config.pop(key, None)
    metric = reader.text(told, "MetricName", (*path, key))
    goal = {"Maximize": Goal.MAXIMIZE, "Minimize": Goal.MINIMIZE}.get(str(told.get("Type")))
    if goal is None:
        reader.note((*path, key, "Type"), f"{told.get('Type')!r} is neither Maximize nor Minimize")
        return None
    return Objective(metric=metric, goal=goal)


def _space(config: dict[str, Any], reader: _Reader, path: tuple[str, ...]) -> SearchSpace:
    lists = reader.mapping(config, "ParameterRanges", path)
    config.pop("ParameterRanges", None)
    where = (*path, "ParameterRanges")
    ranges: list[ContinuousRange | IntegerRange | CategoricalRange] = []
    for kind in ("Continuous", "Integer", "Categorical"):
        key = f"{kind}ParameterRanges"
        for index, entry in enumerate(lists.pop(key, None) or ()):
            found = _range(kind, entry, reader, (*where, key, index))
            if found is not None:
                ranges.append(found)
    for stray in lists:
        reader.note((*where, stray), _unusable("Autotune"))
    return SearchSpace(ranges=tuple(ranges))


def _range(
    kind: str,
    entry: Mapping[str, Any],
    reader: _Reader,
    path: tuple[str | int, ...],
) -> ContinuousRange | IntegerRange | CategoricalRange | None:
    try:
        name = str(entry["Name"])
        if kind == "Categorical":
            words = tuple(entry["Values"] or ())
            return CategoricalRange(name=name, choices=words, hard_choices=words)
        number = int if kind == "Integer" else float
        low, high = number(entry["MinValue"]), number(entry["MaxValue"])
    except KeyError as error:
        reader.note(path, f"lacks the member {error.args[0]}")
        return None
    except (TypeError, ValueError, OverflowError):
        reader.note(path, f"{entry!r} is no {kind.lower()} range: bounds are numbers in texts")
        return None
    if not (math.isfinite(as_float(low)) and math.isfinite(as_float(high))):
        reader.note(path, "a bound must be a finite number")
        return None
    scaling = entry.get("ScalingType", "Auto")
    if scaling not in {"Auto", *Scaling}:
        reader.note(path, f"{scaling!r} is none of Auto, {', '.join(Scaling)}")
        return None
    chosen = choose_scaling(low, high) if scaling == "Auto" else Scaling(scaling)
    if kind == "Integer":
        return IntegerRange(
            name=name,
            low=int(low),
            high=int(high),
            hard_low=int(low),
            hard_high=int(high),
            scaling=chosen,
            auto_scaling=scaling == "Auto",
        )
    return ContinuousRange(
        name=name,
        low=low,
        high=high,
        hard_low=low,
        hard_high=high,
        scaling=chosen,
        auto_scaling=scaling == "Auto",
    )


def _rounds(config: dict[str, Any], reader: _Reader, path: tuple[str, ...]) -> Rounds:
    limits = reader.mapping(config, "ResourceLimits", path)
    where = (*path, "ResourceLimits")
    strategy = config.pop("Strategy", None)
    if strategy not in set(Strategy):
        reader.note((*path, "Strategy"), f"{strategy!r} is none of {', '.join(Strategy)}")
        strategy = Strategy.BAYESIAN
    rounds = Rounds(
        trials=reader.number(limits, "MaxNumberOfTrainingJobs", where, Rounds().trials),
        parallel=reader.number(limits, "MaxParallelTrainingJobs", where, 1),
        strategy=Strategy(strategy),
        early_stopping=config.pop("TrainingJobEarlyStoppingType", "Off") == "Auto",
        seed=config.pop("RandomSeed", None),
    )
    config.pop("ResourceLimits", None)
    rest = {key: value for key, value in limits.items() if key == "MaxRuntimeInSeconds"}
    return rounds.but(config={**config, **({"ResourceLimits": rest} if rest else {})})


def _training(
    definition: dict[str, Any], reader: _Reader, path: tuple[str, ...]
) -> Training | None:
    specification = reader.mapping(definition, "AlgorithmSpecification", path)
    definition.pop("AlgorithmSpecification", None)
    image = reader.text(specification, "TrainingImage", (*path, "AlgorithmSpecification"))
    if not image:
        return None
    known = algorithms.recognise(image)
    fixed = {
        str(key): str(value) for key, value in _pop(definition, "StaticHyperParameters").items()
    }
    fixed.pop(OBJECTIVE_METRIC, None)
    script_mode = "sagemaker_program" in fixed
    builtin = known is not None and not script_mode
    metrics = {
        str(each.get("Name")): str(each.get("Regex"))
        for each in specification.pop("MetricDefinitions", None) or ()
        if each.get("Name") != SERVICE_METRIC
    }
    resources = _resources(definition)
    for member in sorted({"InstanceConfigs", "InstanceGroups"} & resources.keys()):
        message = "money is counted by one instance type: give InstanceType and InstanceCount"
        reader.note((*path, "ResourceConfig", member), message)
    stopping = _pop(definition, "StoppingCondition")
    spot = definition.pop("EnableManagedSpotTraining", False)
    definition.pop("OutputDataConfig", None)  # the profile says where output goes
    role = definition.get("RoleArn")  # kept: the profile must allow it by name
    rest = {key: value for key, value in definition.items() if value not in ({}, [], None)}
    if specification.get("TrainingInputMode", "File") != "File":
        rest["AlgorithmSpecification"] = {"TrainingInputMode": specification["TrainingInputMode"]}
    inputs = {
        str(channel.get("ChannelName")): _input(channel)
        for channel in rest.pop("InputDataConfig", ())
    }
    environment = {str(k): str(v) for k, v in (rest.pop("Environment", None) or {}).items()}
    run = reader.number(stopping, "MaxRuntimeInSeconds", (*path, "StoppingCondition"), 86400)
    return Training(
        algorithm=f"{known[0].name}:{known[1]}" if builtin and known else None,
        image=None if builtin else image,
        instance=resources.get("InstanceType") or "ml.m5.xlarge",
        count=resources.get("InstanceCount") or 1,
        volume_gb=resources.get("VolumeSizeInGB") or 30,
        spot_max_wait=stopping.get("MaxWaitTimeInSeconds", run) if spot else None,
        max_run=run,
        inputs=inputs,
        fixed=fixed,
        metrics={} if builtin else metrics,
        environment=environment,
        definition={**rest, **({"RoleArn": role} if role else {})},
    )


def _pop(holder: dict[str, Any], key: str) -> dict[str, Any]:
    return dict(holder.pop(key, None) or {})


def _resources(definition: dict[str, Any]) -> dict[str, Any]:
    """Read the instances from whichever of the two members the SDK used."""
    tuning = _pop(definition, "HyperParameterTuningResourceConfig")
    plain = _pop(definition, "ResourceConfig")
    return tuning or plain


def _input(channel: Mapping[str, Any]) -> Input:
    rest = {
        key: value for key, value in channel.items() if key not in {"ChannelName", "ContentType"}
    }
    source = (rest.get("DataSource") or {}).get("S3DataSource") or {}
    plain = source.keys() <= {"S3Uri", "S3DataType", "S3DataDistributionType"} and (
        source.get("S3DataType", "S3Prefix") == "S3Prefix"
        and source.get("S3DataDistributionType", "FullyReplicated") == "FullyReplicated"
    )
    if plain:
        rest.pop("DataSource", None)
    return Input(
        uri=str(source.get("S3Uri", "")),
        content_type=channel.get("ContentType") or None,
        extra=rest,
    )
