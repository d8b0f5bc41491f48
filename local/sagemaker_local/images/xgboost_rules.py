"""What each hyperparameter of the built-in XGBoost may be; it validates one at a time."""

from sagemaker_local.images.rules import Rule, Value, integer, number, one_of
from sagemaker_local.images.xgboost_names import OBJECTIVES, TUNED, is_metric


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
