"""The training of the built-in XGBoost: rounds, their log lines, the model; it reads no data."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sagemaker_local.images.lean_xgboost import xgboost
from sagemaker_local.images.opt_ml import OptMl, UserError, say
from sagemaker_local.images.xgboost_hyperparameters import Hyperparameters
from sagemaker_local.images.xgboost_metrics import OWN, own_metric

MODEL = "xgboost-model"
CHECKPOINT = re.compile(r"xgboost-checkpoint\.([0-9]+)")
CHECKPOINTS_KEPT = 5


@dataclass(frozen=True)
class Fit:
    """One training of one model."""

    hyperparameters: Hyperparameters
    place: OptMl
    threads: int

    def run(self, train: Any, validation: Any | None) -> Any:  # noqa: ANN401
        """Train; return the model of the last round, or the best one if asked to stop early."""
        told = self.hyperparameters
        keeps_checkpoints = bool(self.place.config("checkpointconfig"))
        begun, start = _last_checkpoint(self.place) if keeps_checkpoints else (None, 0)
        if start:
            say(f"resumed from checkpoint {start - 1}")
        callbacks: list[Any] = [Announcer(start)]
        if keeps_checkpoints:
            callbacks.append(Saver(self.place.checkpoints, start, checkpoints=True))
        if told.flag("save_model_on_termination"):
            callbacks.append(Saver(self.place.model, start, checkpoints=False))
        if told.patience is not None:
            callbacks.append(self._patience("train" if validation is None else "validation"))
        watched = [(train, "train")]
        if validation is not None:
            watched.append((validation, "validation"))
        return xgboost.train(
            self.parameters(),
            train,
            num_boost_round=max(0, told.rounds - start),
            evals=watched,
            custom_metric=own_metric(told.metrics, told.objective),
            callbacks=callbacks,
            xgb_model=begun,
            verbose_eval=False,
        )

    def parameters(self) -> dict[str, Any]:
        """Parameters for XGBoost, with the metrics it has itself."""
        told = self.hyperparameters
        parameters = told.booster(self.threads)
        native = [told.native_name(name) for name in told.metrics if name not in OWN]
        if native:
            parameters["eval_metric"] = native
        elif told.metrics:
            parameters["disable_default_eval_metric"] = 1
        return parameters

    def _patience(self, channel: str) -> Any:  # noqa: ANN401
        told = self.hyperparameters
        return xgboost.callback.EarlyStopping(
            rounds=told.patience,
            metric_name=told.native_name(told.watched_metric) if told.watched_metric else None,
            data_name=channel,
            maximize=told.watched_is_maximized if told.watched_metric else None,
            save_best=told.values.get("booster") != "gblinear",  # a linear model has no rounds
        )


class Announcer(xgboost.callback.TrainingCallback):
    """Prints one line of metrics per round, as SageMaker's metric definitions expect it."""

    def __init__(self, start: int) -> None:
        super().__init__()
        self._start = start

    def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:  # noqa: ANN401, ARG002
        """Print the round; never stop the training."""
        say(metrics_line(self._start + epoch, evals_log))
        return False


class Saver(xgboost.callback.TrainingCallback):
    """Saves the model after each round, as checkpoints or as the model itself."""

    def __init__(self, folder: Path, start: int, *, checkpoints: bool) -> None:
        super().__init__()
        self._folder = folder
        self._start = start
        self._checkpoints = checkpoints

    def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:  # noqa: ANN401, ARG002
        """Save; never stop the training."""
        if not self._checkpoints:
            save_model(model, self._folder / MODEL)
            return False
        number = self._start + epoch
        save_model(model, self._folder / f"xgboost-checkpoint.{number}")
        stale = self._folder / f"xgboost-checkpoint.{number - CHECKPOINTS_KEPT}"
        stale.unlink(missing_ok=True)
        return False


def metrics_line(number: int, evals_log: Any) -> str:  # noqa: ANN401
    r"""A round as one line.

    >>> metrics_line(0, {"train": {"auc": [0.5]}, "validation": {"auc": [0.791669]}})
    '[0]\ttrain-auc:0.50000\tvalidation-auc:0.79167'
    """
    parts = [f"[{number}]"]
    for channel, metrics in evals_log.items():
        parts += [f"{channel}-{name}:{values[-1]:.5f}" for name, values in metrics.items()]
    return "\t".join(parts)


def save_model(model: Any, path: Path) -> None:  # noqa: ANN401
    """Save a model in one step, so that a sudden end leaves the one before."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.unfinished")
    unfinished.write_bytes(model.save_raw(raw_format="ubj"))
    unfinished.replace(path)


def cross_validate(fit: Fit, data: Any) -> list[Any]:  # noqa: ANN401
    """Train one model per fold and repetition; print the mean of their metrics in one line."""
    told = fit.hyperparameters
    random = np.random.default_rng(int(str(told.values.get("seed", 0))))
    models, results = [], []
    for _ in range(told.repeats):
        folds = _folds(data, told, random)
        for fold in folds:
            rest = np.setdiff1d(np.arange(data.num_row()), fold)
            log: dict[str, Any] = {}
            train, validation = data.slice(rest), data.slice(fold)
            models.append(
                xgboost.train(
                    fit.parameters(),
                    train,
                    num_boost_round=told.rounds,
                    evals=[(train, "train"), (validation, "validation")],
                    custom_metric=own_metric(told.metrics, told.objective),
                    evals_result=log,
                    verbose_eval=False,
                )
            )
            results.append(log)
    say(metrics_line(told.rounds, _means(results)))
    return models


def _folds(data: Any, told: Hyperparameters, random: Any) -> list[Any]:  # noqa: ANN401
    """Parts of the rows at random, with each class in each part as far as there are enough."""
    order = random.permutation(data.num_row())
    if told.objective.startswith(("binary:", "multi:")):
        order = order[np.argsort(data.get_label()[order], kind="stable")]
        return [np.sort(order[number :: told.folds or 2]) for number in range(told.folds or 2)]
    return list(np.array_split(order, told.folds or 2))


def _means(results: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        channel: {
            name: [float(np.mean([result[channel][name][-1] for result in results]))]
            for name in metrics
        }
        for channel, metrics in results[0].items()
    }


def _last_checkpoint(place: OptMl) -> tuple[str | None, int]:
    found = {}
    for path in place.checkpoints.glob("xgboost-checkpoint.*"):
        if match := CHECKPOINT.fullmatch(path.name):
            found[int(match.group(1))] = path
    if not found:
        return None, 0
    number = max(found)
    try:
        xgboost.Booster().load_model(bytearray(found[number].read_bytes()))
    except xgboost.core.XGBoostError as error:
        raise UserError(f"{found[number].name} is not a model of XGBoost") from error
    return str(found[number]), number + 1
