"""Metrics and objectives that the built-in XGBoost knows by name; it computes none."""

MAXIMIZED = frozenset(
    {
        "accuracy",
        "auc",
        "aucpr",
        "balanced_accuracy",
        "f1",
        "f1_binary",
        "f1_macro",
        "map",
        "ndcg",
        "precision",
        "precision_macro",
        "precision_micro",
        "recall",
        "recall_macro",
        "recall_micro",
        "r2",
    }
)
MINIMIZED = frozenset(
    {
        "aft-nloglik",
        "cox-nloglik",
        "error",
        "gamma-deviance",
        "gamma-nloglik",
        "interval-regression-accuracy",
        "logloss",
        "mae",
        "mape",
        "merror",
        "mlogloss",
        "mphe",
        "mse",
        "poisson-nloglik",
        "rmse",
        "rmsle",
        "tweedie-nloglik",
    }
)
METRICS = MAXIMIZED | MINIMIZED
WITH_THRESHOLD = frozenset({"error", "ndcg", "map"})  # these may be followed by ``@`` a number
TUNED = tuple(f"validation:{name}" for name in sorted(METRICS))

OBJECTIVES = (
    "binary:logistic",
    "binary:logitraw",
    "binary:hinge",
    "count:poisson",
    "multi:softmax",
    "multi:softprob",
    "rank:pairwise",
    "rank:ndcg",
    "rank:map",
    "reg:linear",
    "reg:squarederror",
    "reg:logistic",
    "reg:gamma",
    "reg:pseudohubererror",
    "reg:squaredlogerror",
    "reg:absoluteerror",
    "reg:tweedie",
    "survival:aft",
    "survival:cox",
)


def is_metric(name: str) -> bool:
    """Whether a name, perhaps with a threshold, is a metric.

    >>> is_metric("auc"), is_metric("error@0.3"), is_metric("auc@0.3"), is_metric("fame")
    (True, True, False, False)
    """
    base, at, threshold = name.partition("@")
    if not at:
        return base in METRICS
    return base in WITH_THRESHOLD and _is_number(threshold.removesuffix("-"))


def is_maximized(metric: str) -> bool:
    """Whether more is better."""
    return metric.partition("@")[0] in MAXIMIZED


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
