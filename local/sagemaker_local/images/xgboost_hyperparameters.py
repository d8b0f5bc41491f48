"""The hyperparameters of one job, validated as the built-in XGBoost does; it trains nothing."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sagemaker_local.images.opt_ml import UserError
from sagemaker_local.images.rules import Value, read
from sagemaker_local.images.xgboost_names import is_maximized
from sagemaker_local.images.xgboost_rules import ALIASES, RULES

REQUIRED = "num_round"
NOT_FOR_BOOSTER = frozenset(
    {
        "num_round",
        "csv_weights",
        "early_stopping_rounds",
        "eval_metric",
        "save_model_on_termination",
        "use_dask_gpu_training",
        "deterministic_histogram",
        "_kfold",
        "_num_cv_round",
        "_tuning_objective_metric",
    }
)
CHANNELS = frozenset({"train", "validation", "code"})


@dataclass(frozen=True)
class Hyperparameters:
    """Validated hyperparameters, each of its own type."""

    values: Mapping[str, Value]

    @property
    def rounds(self) -> int:
        """How many rounds of boosting."""
        return int(str(self.values[REQUIRED]))

    @property
    def patience(self) -> int | None:
        """Rounds without a gain after which training stops."""
        value = self.values.get("early_stopping_rounds")
        return None if value is None else int(str(value))

    @property
    def folds(self) -> int | None:
        """Parts of a cross-validation, if one is asked for."""
        value = self.values.get("_kfold")
        return None if value is None else int(str(value))

    @property
    def repeats(self) -> int:
        """How often the cross-validation is done."""
        return int(str(self.values.get("_num_cv_round", 1)))

    @property
    def objective(self) -> str:
        """The loss; XGBoost has another name for an old one."""
        value = str(self.values.get("objective", "reg:squarederror"))
        return "reg:squarederror" if value == "reg:linear" else value

    @property
    def classes(self) -> int:
        """How many classes there are to tell apart."""
        return int(str(self.values.get("num_class", 2)))

    @property
    def tuned_metric(self) -> str | None:
        """Metric of the tuning job, without the name of its channel."""
        value = self.values.get("_tuning_objective_metric")
        return None if value is None else str(value).removeprefix("validation:")

    @property
    def metrics(self) -> tuple[str, ...]:
        """Everything that is evaluated, the metric of the tuning job included."""
        asked = self.values.get("eval_metric", ())
        named = set(asked) if isinstance(asked, tuple) else set()
        return tuple(sorted(named | ({self.tuned_metric} if self.tuned_metric else set())))

    @property
    def watched_metric(self) -> str | None:
        """Metric that decides about early stopping."""
        asked = self.values.get("eval_metric", ())
        return self.tuned_metric or (str(asked[-1]) if isinstance(asked, tuple) and asked else None)

    @property
    def watched_is_maximized(self) -> bool:
        """Whether more of that metric is better."""
        return self.watched_metric is not None and is_maximized(self.watched_metric)

    def native_name(self, metric: str) -> str:
        """What XGBoost calls a metric: one of them has a parameter in its name."""
        if metric != "tweedie-nloglik":
            return metric
        return f"{metric}@{self.values.get('tweedie_variance_power', 1.5):g}"

    def flag(self, name: str) -> bool:
        """Whether a switch is on."""
        return str(self.values.get(name, "false")) in {"1", "true"}

    def booster(self, threads: int) -> dict[str, Any]:
        """Parameters for XGBoost itself."""
        own = {name: value for name, value in self.values.items() if name not in NOT_FOR_BOOSTER}
        own["objective"] = self.objective
        return {"nthread": threads, "verbosity": 1, **own}


def validate(texts: Mapping[str, str]) -> Hyperparameters:
    """Read all hyperparameters; the first that is wrong is the user's error."""
    values = read(texts, RULES, required=(REQUIRED,), aliases=ALIASES)
    _validate_together(values)
    return Hyperparameters(values)


def validate_channels(names: frozenset[str], hyperparameters: Hyperparameters) -> None:
    """Check that the data that will be needed are there, and no others."""
    for name in sorted(names - CHANNELS):
        raise UserError(f"Extraneous channel found: {name}")
    if "train" not in names:
        raise UserError("Missing required channel: train")
    if "validation" not in names and hyperparameters.tuned_metric and not hyperparameters.folds:
        raise UserError(
            "Missing required channel: validation (the tuning objective is measured on it)"
        )


def _validate_together(values: Mapping[str, Value]) -> None:
    objective = str(values.get("objective", "reg:squarederror"))
    metrics = values.get("eval_metric", ())
    named = {str(name) for name in metrics} if isinstance(metrics, tuple) else set()
    if objective.startswith("multi:") and "num_class" not in values:
        raise UserError(f"Hyperparameter num_class is required by the objective {objective}")
    if not objective.startswith("multi:") and "num_class" in values:
        raise UserError("Hyperparameter num_class is only for multi-class objectives")
    if "auc" in named and not objective.startswith(("binary:", "rank:")):
        raise UserError(f"Metric auc is not for the objective {objective}")
    if "aft-nloglik" in named and objective != "survival:aft":
        raise UserError(f"Metric aft-nloglik is not for the objective {objective}")
    method = values.get("tree_method")
    if "monotone_constraints" in values and method not in {None, "exact", "hist"}:
        raise UserError("Hyperparameter monotone_constraints needs tree_method exact or hist")
    if method == "gpu_hist" or values.get("use_dask_gpu_training") == "true":
        raise UserError("there is no GPU on this machine: use tree_method hist")
