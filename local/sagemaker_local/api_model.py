"""Botocore's own description of the SageMaker API, loaded once; it checks and answers nothing."""

from functools import cache
from typing import Any

import botocore.loaders
import botocore.model

API_VERSION = "2017-07-24"


@cache
def service_model() -> Any:  # noqa: ANN401 - botocore carries no types
    """The model of `sagemaker`, from the botocore that is installed."""
    loader = botocore.loaders.Loader()
    return botocore.model.ServiceModel(
        loader.load_service_model("sagemaker", "service-2", API_VERSION), "sagemaker"
    )


@cache
def error_model(code: str) -> Any | None:  # noqa: ANN401 - botocore carries no types
    """The shape of an error; None for one that the model does not have, though AWS does."""
    return next((each for each in service_model().error_shapes if each.name == code), None)


@cache
def operation_model(name: str) -> Any | None:  # noqa: ANN401 - botocore carries no types
    """The model of one operation; None when SageMaker has no such operation."""
    try:
        return service_model().operation_model(name)
    except botocore.model.OperationNotFoundError:
        return None
