"""What each hyperparameter of the built-in XGBoost may be; it validates one at a time."""

from collections.abc import Callable
from dataclasses import dataclass

from sagemaker_local.images.xgboost_names import OBJECTIVES, TUNED, is_metric

Value = str | int | float | tuple[str, ...]


@dataclass(frozen=True)
class Rule:
    """How to read a value, which values are right, and how to tell what is right."""

    read: Callable[[str], Value]
    accepts: Callable[[Value], bool]
    right: str


def integer(low: int | None = None, high: int | None = None) -> Rule:
    """A whole number within bounds."""
    return Rule(int, lambda value: _within(value, low, high), _interval(low, high))


def number(
    low: float | None = None,
    high: float | None = None,
    *,
    open_low: bool = False,
    open_high: bool = False,
) -> Rule:
    """A number within bounds, each of which may be excluded."""

    def accepts(value: Value) -> bool:
        excluded = (open_low and value == low) or (open_high and value == high)
        return _within(value, low, high) and not excluded

    return Rule(float, accepts, _interval(low, high, open_low=open_low, open_high=open_high))


def one_of(*choices: str) -> Rule:
    """One of a few words."""
    return Rule(str, lambda value: value in choices, f"[{', '.join(choices)}]")


def words() -> Rule:
    """A list of metrics, with commas."""

    def read(text: str) -> Value:
        return tuple(part for part in (piece.strip() for piece in text.split(",")) if part)

    def accepts(value: Value) -> bool:
        return isinstance(value, tuple) and bool(value) and all(map(is_metric, value))

    return Rule(read, accepts, "the metrics of XGBoost, with commas between them")


def brackets() -> Rule:
    """A structure in brackets, which XGBoost itself reads."""

    def accepts(value: Value) -> bool:
        text = str(value).strip()
        return text[:1] + text[-1:] in {"()", "[]"}

    return Rule(str, accepts, "a list in brackets")


def _within(value: Value, low: float | None, high: float | None) -> bool:
    if not isinstance(value, (int, float)) or value != value:  # noqa: PLR0124 - not a number
        return False
    return (low is None or value >= low) and (high is None or value <= high)


def _interval(
    low: float | None, high: float | None, *, open_low: bool = False, open_high: bool = False
) -> str:
    left = "(-inf" if low is None else f"{'(' if open_low else '['}{low}"
    right = "+inf)" if high is None else f"{high}{')' if open_high else ']'}"
    return f"{left}, {right}"


FRACTION = number(0, 1)
SHARE = number(0, 1, open_low=True)
POSITIVE = number(0, open_low=True)
NOT_NEGATIVE = number(0)
SWITCH = integer(0, 1)

RULES: dict[str, Rule] = {
    "num_round": integer(1),
    "csv_weights": SWITCH,
    "early_stopping_rounds": integer(1),
    "booster": one_of("gbtree", "gblinear", "dart"),
    "verbosity": integer(0, 3),
    "nthread": integer(1),
    "eta": FRACTION,
    "gamma": NOT_NEGATIVE,
    "max_depth": integer(0),
    "min_child_weight": NOT_NEGATIVE,
    "max_delta_step": NOT_NEGATIVE,
    "subsample": SHARE,
    "colsample_bytree": SHARE,
    "colsample_bylevel": SHARE,
    "colsample_bynode": SHARE,
    "lambda": NOT_NEGATIVE,
    "alpha": NOT_NEGATIVE,
    "tree_method": one_of("auto", "exact", "approx", "hist", "gpu_hist"),
    "updater": Rule(str, bool, "names of updaters, with commas between them"),
    "refresh_leaf": SWITCH,
    "process_type": one_of("default", "update"),
    "grow_policy": one_of("depthwise", "lossguide"),
    "max_leaves": integer(0),
    "max_bin": integer(0),
    "num_parallel_tree": integer(1),
    "sampling_method": one_of("uniform", "gradient_based"),
    "deterministic_histogram": one_of("true", "false"),
    "monotone_constraints": brackets(),
    "interaction_constraints": brackets(),
    "sample_type": one_of("uniform", "weighted"),
    "normalize_type": one_of("tree", "forest"),
    "rate_drop": FRACTION,
    "one_drop": SWITCH,
    "skip_drop": FRACTION,
    "lambda_bias": FRACTION,
    "tweedie_variance_power": number(1, 2, open_low=True, open_high=True),
    "huber_slope": POSITIVE,
    "aft_loss_distribution": one_of("normal", "logistic", "extreme"),
    "aft_loss_distribution_scale": POSITIVE,
    "objective": one_of(*OBJECTIVES),
    "num_class": integer(2),
    "base_score": NOT_NEGATIVE,
    "scale_pos_weight": POSITIVE,
    "seed": integer(-(2**31), 2**31 - 1),
    "eval_metric": words(),
    "save_model_on_termination": one_of("true", "false"),
    "use_dask_gpu_training": one_of("true", "false"),
    "_kfold": integer(2),
    "_num_cv_round": integer(1),
    "_tuning_objective_metric": one_of(*TUNED),
}
ALIASES = {
    "learning_rate": "eta",
    "min_split_loss": "gamma",
    "reg_lambda": "lambda",
    "reg_alpha": "alpha",
}
