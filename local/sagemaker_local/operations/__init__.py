"""What the API can do: one function for each operation, found by its name in `OPERATIONS`.

Read in this order: `context`, `tuning`, `training`, `hosting`, `registry`, `tags`, `search`;
`listing` serves all lists.
"""

from collections.abc import Callable, Mapping
from typing import Any

from sagemaker_local.errors import ApiError
from sagemaker_local.operations import hosting, registry, search, tags, training, tuning
from sagemaker_local.operations.context import Context

Operation = Callable[[Context, Mapping[str, Any]], Mapping[str, Any] | None]

OPERATIONS: Mapping[str, Operation] = {
    "CreateHyperParameterTuningJob": tuning.create,
    "DescribeHyperParameterTuningJob": tuning.describe,
    "ListHyperParameterTuningJobs": tuning.list_jobs,
    "ListTrainingJobsForHyperParameterTuningJob": tuning.list_trials,
    "StopHyperParameterTuningJob": tuning.stop,
    "DeleteHyperParameterTuningJob": tuning.delete,
    "CreateTrainingJob": training.create,
    "DescribeTrainingJob": training.describe,
    "ListTrainingJobs": training.list_jobs,
    "StopTrainingJob": training.stop,
    "CreateModel": hosting.create_model,
    "DescribeModel": hosting.describe_model,
    "ListModels": hosting.list_models,
    "DeleteModel": hosting.delete_model,
    "CreateEndpointConfig": hosting.create_config,
    "DescribeEndpointConfig": hosting.describe_config,
    "ListEndpointConfigs": hosting.list_configs,
    "DeleteEndpointConfig": hosting.delete_config,
    "CreateEndpoint": hosting.create_endpoint,
    "DescribeEndpoint": hosting.describe_endpoint,
    "ListEndpoints": hosting.list_endpoints,
    "UpdateEndpoint": hosting.update_endpoint,
    "UpdateEndpointWeightsAndCapacities": hosting.update_weights,
    "DeleteEndpoint": hosting.delete_endpoint,
    "CreateModelPackageGroup": registry.create_group,
    "DescribeModelPackageGroup": registry.describe_group,
    "ListModelPackageGroups": registry.list_groups,
    "DeleteModelPackageGroup": registry.delete_group,
    "CreateModelPackage": registry.create_package,
    "DescribeModelPackage": registry.describe_package,
    "ListModelPackages": registry.list_packages,
    "UpdateModelPackage": registry.update_package,
    "DeleteModelPackage": registry.delete_package,
    "Search": search.search,
    "AddTags": tags.add,
    "ListTags": tags.list_tags,
    "DeleteTags": tags.delete,
}

__all__ = ["OPERATIONS", "Context", "Operation", "operation_named"]


def operation_named(name: str) -> Operation:
    """The operation of this name.

    Raises:
        ApiError: This emulator has none, though SageMaker may.
    """
    if name not in OPERATIONS:
        raise ApiError(
            "UnknownOperationException",
            f"This emulator does not run the operation '{name}'; it runs {', '.join(OPERATIONS)}.",
        )
    return OPERATIONS[name]
