"""The built-in algorithms: their images, their metrics and their entry points; it runs none.

Another algorithm is another entry in ``BUILTINS`` and the two modules that it names.
"""

import re
from dataclasses import dataclass

NUMBER = r"([-+]?[0-9]*\.?[0-9]+(?:[eE][-+]?[0-9]+)?)"
_FILLED_IN = ("mae", "auc", "merror", "error", "logloss", "rmse", "mlogloss", "ndcg", "map")
_FURTHER = ("accuracy", "f1", "mse")  # documented objectives that are not among those


@dataclass(frozen=True)
class Builtin:
    """An algorithm of SageMaker's own.

    Attributes:
        name: What its image is called.
        image: Finds the images that run it.
        metrics: The metric definitions that the service fills in: names and patterns.
        train: The module that trains, as a process; it validates the hyperparameters.
        serve: The module that serves what was trained.
        checkpoints: Whether it writes any, and goes on from them.
    """

    name: str
    image: re.Pattern[str]
    metrics: tuple[tuple[str, str], ...]
    train: str
    serve: str
    checkpoints: bool = False


def _xgboost_metrics() -> tuple[tuple[str, str], ...]:
    documented = [(channel, name) for name in _FILLED_IN for channel in ("train", "validation")]
    further = [("validation", name) for name in _FURTHER]
    return tuple(
        (f"{channel}:{name}", rf".*\[[0-9]+\].*#011{channel}-{name}:{NUMBER}.*")
        for channel, name in documented + further
    )


XGBOOST = Builtin(
    name="sagemaker-xgboost",
    image=re.compile(r"(^|/)(sagemaker-)?xgboost(:[^/]*)?$"),
    metrics=_xgboost_metrics(),
    train="sagemaker_local.images.xgboost_train",
    serve="sagemaker_local.images.xgboost_serve",
    checkpoints=True,
)
KNN = Builtin(
    name="knn",
    image=re.compile(r"(^|/)knn(:[^/]*)?$"),
    metrics=tuple(
        (f"test:{name}", rf".*#test_score \(\S+\) : \('{name}', {NUMBER}\).*")
        for name in ("accuracy", "mse")
    ),
    train="sagemaker_local.images.knn_train",
    serve="sagemaker_local.images.knn_serve",
)
BUILTINS = (XGBOOST, KNN)


def builtin(image: str) -> Builtin | None:
    """The algorithm that an image runs; None if it is none of SageMaker's, or not one of these.

    >>> builtin("683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1").name
    'sagemaker-xgboost'
    """
    return next((each for each in BUILTINS if each.image.search(image)), None)


def names() -> str:
    """The names of all, for an error that says what there is."""
    return ", ".join(each.name for each in BUILTINS)
