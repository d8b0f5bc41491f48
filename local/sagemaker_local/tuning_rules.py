"""What a CreateHyperParameterTuningJob may ask, one function per rule; warm start has its own."""

from collections.abc import Mapping, Sequence
from typing import Any

from sagemaker_local import autotune, ranges, tuning_jobs
from sagemaker_local.definitions import (
    ONE,
    SEVERAL,
    Definition,
    builtin_metrics,
    combined,
    definitions,
)
from sagemaker_local.errors import over_limit, validation
from sagemaker_local.objects import ObjectStoreError
from sagemaker_local.parts import Objects
from sagemaker_local.settings import Settings
from sagemaker_local.suggestions import grid_size
from sagemaker_local.training import builtin

Request = Mapping[str, Any]
MOST_RESOURCE = 20_000
MOST_WAIT = 3600
"""Seconds that a spot job may take whose built-in algorithm would have to begin anew."""
_ABOVE = ("HyperParameterTuningJobObjective", "ParameterRanges")
_WITHIN = ("TuningObjective", "HyperParameterRanges")
_EPOCHS = ("epochs", "numepochs", "n-epochs", "n_epochs", "num_epochs")
"""Static hyperparameters by which Hyperband knows the most that a trial may use."""


def check(settings: Settings, request: Request) -> None:
    """Apply every rule that needs no look at S3 nor at other jobs.

    Raises:
        ApiError: with the first rule that is broken.
    """
    _switch(settings, request)
    _one_kind_of_definition(request)
    _objectives_in_their_place(request)
    every = definitions(request)
    _several(request, every)
    _hints(request)
    for each in every:
        one_algorithm(each.members)
        _one_kind_of_resources(each.members)
    _strategy(request, every)
    _limits(settings, request, every)
    for each in every:
        ranges.check(each.ranges, each.static)
        _objective_is_measured(each.objective["MetricName"], each.members)
        spot_has_time(each.members)
    _enough_combinations(request, every)


def check_inputs(settings: Settings, objects: Objects, definition: Mapping[str, Any]) -> None:
    """Look whether every channel has a name of its own, and data.

    Raises:
        ApiError: two have the same name, or a channel's address holds nothing.
    """
    channels = definition.get("InputDataConfig", ())
    names = [channel["ChannelName"] for channel in channels]
    for name in names:
        if names.count(name) > 1:
            raise validation(f"The ChannelName [{name}] is given more than once.")
    for channel in channels:
        source = channel["DataSource"].get("S3DataSource")
        if source is None:
            continue
        uri, exact = source["S3Uri"], source["S3DataType"] != "S3Prefix"
        try:
            found = objects.exists(uri) if exact else objects.any_under(uri)
        except ObjectStoreError:
            found = False
        if not found:
            raise validation(
                f'No S3 objects found under S3 URL "{uri}" given in input data source. Please '
                "ensure that the bucket exists in the selected region "
                f"({settings.region}), that objects exist under that S3 prefix, and that the role "
                f'"{definition["RoleArn"]}" has "s3:ListBucket" permissions on the bucket.'
            )


def _switch(settings: Settings, request: Request) -> None:
    refuses = settings.warm_start_refuses
    if refuses == "everything":
        raise validation("The tuning job was refused, as this emulator was asked to refuse all.")
    if refuses == "all_warm_start" and "WarmStartConfig" in request:
        raise validation("Warm start is not supported for this tuning job.")


def _one_kind_of_definition(request: Request) -> None:
    if (ONE in request) == (SEVERAL in request):
        raise validation(
            "Either TrainingJobDefinition or TrainingJobDefinitions must be provided, not both."
        )


def _objectives_in_their_place(request: Request) -> None:
    """With one definition in the job's configuration, with several in each of them."""
    config = request["HyperParameterTuningJobConfig"]
    if ONE in request:
        _needs("", config, _ABOVE)
        _may_not_have(request[ONE], _WITHIN, "can only be provided within TrainingJobDefinitions")
        return
    _may_not_have(config, _ABOVE, "cannot be provided with TrainingJobDefinitions")
    for each in request[SEVERAL]:
        _needs(" in each of TrainingJobDefinitions", each, ("DefinitionName", *_WITHIN))


def _needs(where: str, found: Mapping[str, Any], members: Sequence[str]) -> None:
    for member in members:
        if member not in found:
            raise validation(f"{member} must be provided{where}.")


def _may_not_have(found: Mapping[str, Any], members: Sequence[str], why: str) -> None:
    for member in members:
        if member in found:
            raise validation(f"{member} {why}.")


def _several(request: Request, every: Sequence[Definition]) -> None:
    """What a job of several algorithms does not have."""
    if not combined(every):
        return
    if autotune.enabled(request):
        raise validation("Autotune cannot be enabled with TrainingJobDefinitions.")
    names = [each.name for each in every]
    if len(set(names)) < len(names):
        raise validation("The DefinitionName of each of TrainingJobDefinitions must be unique.")
    config = request["HyperParameterTuningJobConfig"]
    if config.get("TrainingJobEarlyStoppingType", "Off") != "Off":
        raise validation("TrainingJobEarlyStoppingType must be Off with TrainingJobDefinitions.")
    if "WarmStartConfig" in request:
        raise validation("WarmStartConfig cannot be provided with TrainingJobDefinitions.")


def _hints(request: Request) -> None:
    config = request["HyperParameterTuningJobConfig"]
    if config.get("ParameterRanges", {}).get("AutoParameters") and not autotune.enabled(request):
        raise validation("AutoParameters can only be provided when Autotune is enabled.")


def one_algorithm(definition: Mapping[str, Any]) -> None:
    """Look whether it is clear what trains: an image, for of algorithm resources there are none.

    Raises:
        ApiError: it is not, or it is such a resource.
    """
    asked = definition["AlgorithmSpecification"]
    if ("TrainingImage" in asked) == ("AlgorithmName" in asked):
        raise validation(
            "Either TrainingImage or AlgorithmName must be provided in AlgorithmSpecification, "
            "not both."
        )
    if "AlgorithmName" in asked:
        raise validation(
            f"Could not find the algorithm [{asked['AlgorithmName']}]: this emulator trains by a "
            "TrainingImage."
        )


def _one_kind_of_resources(definition: Mapping[str, Any]) -> None:
    asked = definition.get("HyperParameterTuningResourceConfig")
    if ("ResourceConfig" in definition) == (asked is not None):
        raise validation(
            "Either ResourceConfig or HyperParameterTuningResourceConfig must be provided in "
            "TrainingJobDefinition, not both."
        )
    if asked is None:
        return
    single = {"InstanceType", "InstanceCount", "VolumeSizeInGB"} & asked.keys()
    if ("InstanceConfigs" in asked) == bool(single):
        raise validation(
            "HyperParameterTuningResourceConfig must have either InstanceConfigs or InstanceType, "
            "InstanceCount and VolumeSizeInGB, not both."
        )


def _strategy(request: Request, every: Sequence[Definition]) -> None:
    config = request["HyperParameterTuningJobConfig"]
    if config["Strategy"] == "Hyperband":
        _hyperband(config, every)
    elif "StrategyConfig" in config:
        raise validation("StrategyConfig can only be provided with the strategy Hyperband.")
    if config["Strategy"] == "Grid":
        _grid(config, every)


def _hyperband(config: Mapping[str, Any], every: Sequence[Definition]) -> None:
    if config.get("TrainingJobEarlyStoppingType", "Off") != "Off":
        raise validation(
            "TrainingJobEarlyStoppingType must be Off with the strategy Hyperband, which stops "
            "training jobs by itself."
        )
    for each in every:
        lowest, highest = hyperband_resources(config, each)
        if highest is None:
            raise validation(
                "The strategy Hyperband needs MaxResource in HyperbandStrategyConfig, or one of "
                f"the static hyperparameters [{', '.join(_EPOCHS)}]."
            )
        if highest > MOST_RESOURCE:
            raise validation(
                f"The MaxResource [{highest}] of Hyperband must not be more than {MOST_RESOURCE}."
            )
        if lowest > highest:
            raise validation(
                f"The MinResource [{lowest}] of Hyperband must not be more than its MaxResource "
                f"[{highest}]."
            )


def hyperband_resources(
    config: Mapping[str, Any], definition: Definition
) -> tuple[int, int | None]:
    """The least and the most resource of a trial; None if nothing tells the most."""
    asked = config.get("StrategyConfig", {}).get("HyperbandStrategyConfig", {})
    lowest, highest = asked.get("MinResource", 1), asked.get("MaxResource")
    if highest is None:
        told = (definition.static[name] for name in _EPOCHS if name in definition.static)
        text = next(told, "").strip('"')
        highest = int(text) if text.isdigit() else None
    return lowest, highest


def _grid(config: Mapping[str, Any], every: Sequence[Definition]) -> None:
    size = 0
    for each in every:
        if each.ranges.get("IntegerParameterRanges") or each.ranges.get(
            "ContinuousParameterRanges"
        ):
            raise validation("The strategy Grid only supports categorical parameter ranges.")
        if not each.ranges.get("CategoricalParameterRanges"):
            raise validation("The strategy Grid needs categorical parameter ranges.")
        size += grid_size(each.ranges)
    most = config["ResourceLimits"].get("MaxNumberOfTrainingJobs")
    if most is not None and most != size:
        raise validation(
            f"With the strategy Grid, MaxNumberOfTrainingJobs [{most}] must equal the number of "
            f"combinations of the categorical values [{size}]; it may be left out."
        )


def _limits(settings: Settings, request: Request, every: Sequence[Definition]) -> None:
    config = request["HyperParameterTuningJobConfig"]
    limits = config["ResourceLimits"]
    most, parallel = limits.get("MaxNumberOfTrainingJobs"), limits["MaxParallelTrainingJobs"]
    if config["Strategy"] == "Grid":
        most = sum(grid_size(each.ranges) for each in every)
    if most is not None and most > tuning_jobs.MOST_TRIALS:
        raise over_limit(
            "The account-level service limit 'Number of training jobs per hyperparameter tuning "
            f"job' is {tuning_jobs.MOST_TRIALS}, with a request of {most}."
        )
    if parallel > settings.parallel_cap:
        raise over_limit(
            "The account-level service limit 'Number of parallel training jobs per hyperparameter "
            f"tuning job' is {settings.parallel_cap}, with a request of {parallel}."
        )


def _enough_combinations(request: Request, every: Sequence[Definition]) -> None:
    config = request["HyperParameterTuningJobConfig"]
    # Autotune may end with fewer: it chose the ranges, so it answers for their size.
    if config["Strategy"] == "Grid" or autotune.enabled(request):
        return
    most = config["ResourceLimits"].get("MaxNumberOfTrainingJobs", 1)
    total = sum(ranges.combinations(each.ranges) for each in every)
    if total < most:
        raise validation(
            "You don't have enough combinations of hyperparameter ranges. The total number of "
            f"hyperparameter combinations for the provided ranges [{total}] must be equal or "
            f"greater than the value of MaxNumberOfJobs, [{most}]. Provide additional ranges."
        )


def _objective_is_measured(metric: str, definition: Mapping[str, Any]) -> None:
    given = definition["AlgorithmSpecification"].get("MetricDefinitions")
    known = builtin_metrics(definition)
    if known is None:
        if metric not in {entry["Name"] for entry in given or ()}:
            raise validation(
                "A metric is required for this hyperparameter tuning job objective. Provide a "
                "metric in the metric definitions."
            )
        return
    if given:
        raise validation(
            "You can't override the metric definitions for Amazon SageMaker algorithms. Please "
            "retry the request without specifying metric definitions."
        )
    if metric not in known:
        raise validation(
            f"The objective metric [{metric}] is not one of this algorithm's metrics: "
            f"[{', '.join(sorted(known))}]."
        )


def spot_has_time(definition: Mapping[str, Any]) -> None:
    """Look whether a spot job, and no other, says how long it may wait.

    Raises:
        ApiError: it does not, or waits for less than it may run, or for too long.
    """
    condition = definition["StoppingCondition"]
    waits = condition.get("MaxWaitTimeInSeconds")
    if not definition.get("EnableManagedSpotTraining", False):
        if waits is not None:
            raise validation(
                "MaxWaitTimeInSeconds can only be provided when EnableManagedSpotTraining is true."
            )
        return
    if waits is None or waits < condition.get("MaxRuntimeInSeconds", 86_400):
        raise validation(
            "With EnableManagedSpotTraining, MaxWaitTimeInSeconds must be provided, and be equal "
            "to or greater than MaxRuntimeInSeconds."
        )
    known = builtin(definition["AlgorithmSpecification"].get("TrainingImage", ""))
    if known is not None and not known.checkpoints and waits > MOST_WAIT:
        raise validation(
            f"MaxWaitTimeInSeconds above {MOST_WAIT} is not supported for the algorithm "
            f"{known.name}, which writes no checkpoints."
        )
