"""The hyperparameters of the built-in k-nearest neighbours, validated; it looks at no data."""

from collections.abc import Mapping
from dataclasses import dataclass

from sagemaker_local.images.opt_ml import UserError
from sagemaker_local.images.rules import Rule, Value, integer, one_of, read

REQUIRED = ("feature_dim", "k", "predictor_type", "sample_size")
CLASSIFIER, REGRESSOR = "classifier", "regressor"
SUB_VECTORS = (1, 2, 3, 4, 8, 12, 16, 20, 24, 28, 32, 40, 48, 56, 64, 96)
PQ = "faiss.IVFPQ"


def _lists() -> Rule:
    def number(text: str) -> Value:
        return text if text == "auto" else int(text)

    def accepts(value: Value) -> bool:
        return value == "auto" or (isinstance(value, int) and value >= 1)

    return Rule(number, accepts, "auto or [1, +inf)")


RULES: dict[str, Rule] = {
    "feature_dim": integer(1),
    "k": integer(1),
    "predictor_type": one_of(CLASSIFIER, REGRESSOR),
    "sample_size": integer(1),
    "mini_batch_size": integer(1),
    "dimension_reduction_type": one_of("sign", "fjlt"),
    "dimension_reduction_target": integer(1),
    "index_type": one_of("faiss.Flat", "faiss.IVFFlat", PQ),
    "index_metric": one_of("L2", "INNER_PRODUCT", "COSINE"),
    "faiss_index_ivf_nlists": _lists(),
    "faiss_index_pq_m": Rule(int, lambda value: value in SUB_VECTORS, str(list(SUB_VECTORS))),
    "_tuning_objective_metric": one_of("test:accuracy", "test:mse"),
}
CHANNELS = frozenset({"train", "test"})


@dataclass(frozen=True)
class Hyperparameters:
    """Validated hyperparameters."""

    features: int
    neighbours: int
    predictor: str
    sample: int
    batch: int = 5000
    reduction: str | None = None
    target: int | None = None
    metric: str = "L2"

    @property
    def score(self) -> str:
        """What the test channel is scored by."""
        return "accuracy" if self.predictor == CLASSIFIER else "mse"


def validate(texts: Mapping[str, str]) -> Hyperparameters:
    """Read all hyperparameters; the first that is wrong is the user's error."""
    values = read(texts, RULES, required=REQUIRED)
    features = int(str(values["feature_dim"]))
    reduction, target = values.get("dimension_reduction_type"), None
    if reduction is not None:
        if "dimension_reduction_target" not in values:
            raise UserError(
                "Missing required hyperparameter: dimension_reduction_target "
                "(dimension_reduction_type is given)"
            )
        target = int(str(values["dimension_reduction_target"]))
        if target >= features:
            raise UserError(
                f"Hyperparameter dimension_reduction_target: {target} is not in (0, {features})"
            )
    told = Hyperparameters(
        features=features,
        neighbours=int(str(values["k"])),
        predictor=str(values["predictor_type"]),
        sample=int(str(values["sample_size"])),
        batch=int(str(values.get("mini_batch_size", 5000))),
        reduction=None if reduction is None else str(reduction),
        target=target,
        metric=str(values.get("index_metric", "L2")),
    )
    _validate_together(values, told)
    return told


def validate_channels(names: frozenset[str]) -> None:
    """Check that there are data to train on, and no others than are read."""
    for name in sorted(names - CHANNELS):
        raise UserError(f"Extraneous channel found: {name}")
    if "train" not in names:
        raise UserError("Missing required channel: train")


def _validate_together(values: Mapping[str, Value], told: Hyperparameters) -> None:
    if values.get("index_type") == PQ and told.metric != "L2":
        raise UserError(f"index_metric {told.metric} is not supported by index_type {PQ}")
    if values.get("index_type") == PQ and "faiss_index_pq_m" not in values:
        raise UserError(f"Missing required hyperparameter: faiss_index_pq_m (for {PQ})")
    if told.neighbours > told.sample:
        raise UserError(f"k is {told.neighbours}, more than the sample_size {told.sample}")
    tuned = values.get("_tuning_objective_metric")
    if tuned is not None and tuned != f"test:{told.score}":
        raise UserError(f"The objective of a {told.predictor} is test:{told.score}, not {tuned}")
