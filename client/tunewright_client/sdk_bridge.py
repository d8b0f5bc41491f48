"""Makes a study of a SageMaker SDK's tuner, version 2 or 3, without importing the SDK.

The SDK itself is asked what it would send: its call that creates the tuning job is made, and taken
from it before it leaves. What it uploads before that, such as the code of a script, is uploaded.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from botocore.client import BaseClient

_CREATE = "CreateHyperParameterTuningJob"
_NOT_OURS = ("HyperParameterTuningJobName", "Tags")
_DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    "": {
        "EnableNetworkIsolation": False,
        "EnableInterContainerTrafficEncryption": False,
        "EnableManagedSpotTraining": False,
        "Environment": {},
    },
    "OutputDataConfig": {"CompressionType": "GZIP", "KmsKeyId": ""},
}
"""What one version of the SDK says and the other leaves out, though it means the same."""


class NotTakenError(Exception):
    """The tuner did not ask for a tuning job."""


class _TakenError(Exception):
    def __init__(self, request: Mapping[str, Any]) -> None:
        super().__init__("the request was taken")
        self.request = request


def from_tuner(
    tuner: Any,  # noqa: ANN401 - a HyperparameterTuner of either SDK
    inputs: Any = None,  # noqa: ANN401 - whatever the tuner takes
    *,
    study: str,
    **keys: Any,  # noqa: ANN401 - further keys of a study
) -> dict[str, Any]:
    """Turn a `HyperparameterTuner` into a study, launching nothing.

    Args:
        tuner: The tuner, of the SageMaker Python SDK 2 (`fit`) or 3 (`tune`).
        inputs: Its channels, as they would be given to `fit` or `tune`.
        study: The name of the study, at most 14 of `a-z0-9-`.
        keys: Further keys of the study, such as `budget`, `stop` or `deploy`.

    Returns:
        The study's document, for `tunewright submit`, `plan` or the API.

    Raises:
        NotTakenError: The tuner asked for no tuning job.

    >>> # from_tuner(tuner, {"train": train_input}, study="churn", budget="40 USD")
    """
    start = getattr(tuner, "fit", None) or tuner.tune
    with _taking():
        try:
            start(inputs, wait=False)
        except _TakenError as taken:
            return {"study": study, "tuning_job": _plain(taken.request), **keys}
    raise NotTakenError("the tuner did not ask SageMaker for a tuning job: is it a tuner?")


@contextmanager
def _taking() -> Iterator[None]:
    """Take the one call from whichever client the SDK has; all others go where they would."""
    make = BaseClient._make_api_call  # noqa: SLF001

    def taking(self: Any, operation_name: str, api_params: Mapping[str, Any]) -> Any:  # noqa: ANN401
        if operation_name == _CREATE:
            raise _TakenError(api_params)
        return make(self, operation_name, api_params)

    BaseClient._make_api_call = taking  # noqa: SLF001
    try:
        yield
    finally:
        BaseClient._make_api_call = make  # noqa: SLF001


def _plain(request: Mapping[str, Any]) -> dict[str, Any]:
    """Say the same in the same way, whichever version of the SDK has said it."""
    plain = {key: value for key, value in request.items() if key not in _NOT_OURS}
    config = dict(plain["HyperParameterTuningJobConfig"])
    if "ParameterRanges" in config:
        ranges = config["ParameterRanges"]
        config["ParameterRanges"] = {kind: found for kind, found in ranges.items() if found}
    plain["HyperParameterTuningJobConfig"] = config
    if "TrainingJobDefinition" in plain:
        plain["TrainingJobDefinition"] = _definition(plain["TrainingJobDefinition"])
    return plain


def _definition(definition: Mapping[str, Any]) -> dict[str, Any]:
    plain = _without(definition, _DEFAULTS[""])
    asked = plain.pop("HyperParameterTuningResourceConfig", None)
    if asked is not None:
        plain["ResourceConfig"] = asked
    output = plain.get("OutputDataConfig", {})
    plain["OutputDataConfig"] = _without(output, _DEFAULTS["OutputDataConfig"])
    plain["InputDataConfig"] = sorted(
        plain.get("InputDataConfig", ()), key=lambda channel: str(channel["ChannelName"])
    )
    return plain


def _without(members: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: value
        for key, value in members.items()
        if key not in defaults or defaults[key] != value
    }
