"""Entry point of a training job with the built-in XGBoost; it is a process, not a library."""

import os
import re
import sys
import traceback
from typing import Any

from sagemaker_local.images.opt_ml import OptMl, UserError, end_with_parent, say
from sagemaker_local.images.xgboost_hyperparameters import (
    Hyperparameters,
    validate,
    validate_channels,
)


def main() -> int:
    """Train as the configuration says; return the exit code."""
    place = OptMl.here()
    try:
        hyperparameters = validate(place.config("hyperparameters"))
        channels = frozenset(place.config("inputdataconfig"))
        validate_channels(channels, hyperparameters)
        _train(place, hyperparameters, has_validation="validation" in channels)
    except UserError as error:
        return place.fail(f"ClientError: {error}")
    except Exception as error:  # noqa: BLE001 - whatever it was, the job has to tell
        traceback.print_exc()
        return place.fail(f"{type(error).__name__}: {error}")
    return 0


def _train(place: OptMl, told: Hyperparameters, *, has_validation: bool) -> None:
    # imported late: most mistakes are found before XGBoost is needed
    from sagemaker_local.images import xgboost_fit  # noqa: PLC0415
    from sagemaker_local.images.lean_xgboost import xgboost  # noqa: PLC0415

    threads = int(str(told.values.get("nthread", os.environ.get("OMP_NUM_THREADS") or 1)))
    fit = xgboost_fit.Fit(told, place, threads)
    try:
        train, validation = _read(place, told, threads, has_validation=has_validation)
        if told.folds:
            models = xgboost_fit.cross_validate(fit, train)
            names = [f"{xgboost_fit.MODEL}-{number}" for number in range(len(models))]
        else:
            models, names = [fit.run(train, validation)], [xgboost_fit.MODEL]
    except (xgboost.core.XGBoostError, ValueError) as error:
        traceback.print_exc()
        raise UserError(_first_line(str(error))) from error
    for model, name in zip(models, names, strict=True):
        xgboost_fit.save_model(model, place.model / name)


def _read(
    place: OptMl, told: Hyperparameters, threads: int, *, has_validation: bool
) -> tuple[Any, Any]:
    from sagemaker_local.images import xgboost_data  # noqa: PLC0415

    names = ["train", "validation"] if has_validation else ["train"]
    weighted = told.flag("csv_weights")
    rows = {name: xgboost_data.read_channel(place, name, csv_weights=weighted) for name in names}
    for name, part in rows.items():
        xgboost_data.check_labels(part, name, told.objective, told.classes)
    if told.folds and "validation" in rows:
        rows = {"train": xgboost_data.joined(rows["train"], rows["validation"])}
    columns = max(part.features.shape[1] for part in rows.values())
    data = {
        name: xgboost_data.matrix(part, name, threads=threads, columns=columns)
        for name, part in rows.items()
    }
    for name, part in data.items():
        say(f"{name}: {part.num_row()} rows, {part.num_col()} features")
    return data["train"], data.get("validation")


def _first_line(text: str) -> str:
    r"""The message of XGBoost, without the place in its source and without its stack.

    >>> _first_line("[18:00:00] a.cc:12: Check failed: label must be in [0,1]\nStack trace:")
    'Check failed: label must be in [0,1]'
    """
    first = text.strip().partition("\n")[0]
    return re.sub(r"^\[[0-9:]+\] \S+: ", "", first)


if __name__ == "__main__":
    end_with_parent()
    sys.exit(main())
