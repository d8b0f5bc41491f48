"""What a CreateHyperParameterTuningJob may ask, one function per rule; warm start has its own."""

from collections.abc import Mapping
from typing import Any

from sagemaker_local import ranges, tuning_jobs
from sagemaker_local.errors import over_limit, validation
from sagemaker_local.objects import ObjectStoreError
from sagemaker_local.parts import Objects
from sagemaker_local.settings import Settings
from sagemaker_local.suggestions import grid_size

Request = Mapping[str, Any]
_RUN = ("Bayesian", "Random", "Grid")


def check(settings: Settings, request: Request) -> None:
    """Apply every rule that needs no look at S3 nor at other jobs.

    Raises:
        ApiError: with the first rule that is broken.
    """
    _switch(settings, request)
    _run_here(request)
    _one_definition(request)
    _one_objective(request)
    _one_kind_of_resources(request)
    _strategy(request)
    _limits(settings, request)
    config, definition = request["HyperParameterTuningJobConfig"], request["TrainingJobDefinition"]
    ranges.check(config["ParameterRanges"], definition.get("StaticHyperParameters", {}))
    _enough_combinations(config)
    _objective_is_measured(config["HyperParameterTuningJobObjective"]["MetricName"], definition)
    _spot_has_time(definition)


def check_inputs(settings: Settings, objects: Objects, definition: Mapping[str, Any]) -> None:
    """Look whether every channel has data.

    Raises:
        ApiError: a channel's address holds nothing.
    """
    for channel in definition.get("InputDataConfig", ()):
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


def _run_here(request: Request) -> None:
    """Say clearly what AWS runs and this emulator does not."""
    if request.get("Autotune", {}).get("Mode") == "Enabled":
        raise validation("This emulator does not run Autotune; please give ranges and limits.")
    if "TrainingJobDefinitions" in request and "TrainingJobDefinition" not in request:
        raise validation(
            "This emulator does not run tuning jobs of several algorithms; please use "
            "TrainingJobDefinition instead of TrainingJobDefinitions."
        )
    strategy = request["HyperParameterTuningJobConfig"]["Strategy"]
    if strategy not in _RUN:
        raise validation(
            f"This emulator does not run the strategy {strategy}; it runs {', '.join(_RUN)}."
        )


def _one_definition(request: Request) -> None:
    if ("TrainingJobDefinition" in request) == ("TrainingJobDefinitions" in request):
        raise validation(
            "Either TrainingJobDefinition or TrainingJobDefinitions must be provided, not both."
        )


def _one_objective(request: Request) -> None:
    config, definition = request["HyperParameterTuningJobConfig"], request["TrainingJobDefinition"]
    for member in ("TuningObjective", "HyperParameterRanges"):
        if member in definition:
            raise validation(f"{member} can only be provided within TrainingJobDefinitions.")
    if "HyperParameterTuningJobObjective" not in config:
        raise validation("HyperParameterTuningJobObjective must be provided.")
    if "ParameterRanges" not in config:
        raise validation("ParameterRanges must be provided.")


def _one_kind_of_resources(request: Request) -> None:
    definition = request["TrainingJobDefinition"]
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


def _strategy(request: Request) -> None:
    config = request["HyperParameterTuningJobConfig"]
    if "StrategyConfig" in config:
        raise validation("StrategyConfig can only be provided with the strategy Hyperband.")
    if config["Strategy"] != "Grid":
        return
    found = config["ParameterRanges"]
    if found.get("IntegerParameterRanges") or found.get("ContinuousParameterRanges"):
        raise validation("The strategy Grid only supports categorical parameter ranges.")
    if not found.get("CategoricalParameterRanges"):
        raise validation("The strategy Grid needs categorical parameter ranges.")
    most, size = config["ResourceLimits"].get("MaxNumberOfTrainingJobs"), grid_size(found)
    if most is not None and most != size:
        raise validation(
            f"With the strategy Grid, MaxNumberOfTrainingJobs [{most}] must equal the number of "
            f"combinations of the categorical values [{size}]; it may be left out."
        )


def _limits(settings: Settings, request: Request) -> None:
    limits = request["HyperParameterTuningJobConfig"]["ResourceLimits"]
    most, parallel = limits.get("MaxNumberOfTrainingJobs"), limits["MaxParallelTrainingJobs"]
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


def _enough_combinations(config: Mapping[str, Any]) -> None:
    if config["Strategy"] == "Grid":
        return
    most = config["ResourceLimits"].get("MaxNumberOfTrainingJobs", 1)
    total = ranges.combinations(config["ParameterRanges"])
    if total < most:
        raise validation(
            "You don't have enough combinations of hyperparameter ranges. The total number of "
            f"hyperparameter combinations for the provided ranges [{total}] must be equal or "
            f"greater than the value of MaxNumberOfJobs, [{most}]. Provide additional ranges."
        )


def _objective_is_measured(metric: str, definition: Mapping[str, Any]) -> None:
    given = definition["AlgorithmSpecification"].get("MetricDefinitions")
    known = tuning_jobs.builtin_metrics(definition)
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


def _spot_has_time(definition: Mapping[str, Any]) -> None:
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
