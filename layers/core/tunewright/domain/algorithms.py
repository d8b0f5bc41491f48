"""What is known of SageMaker's images: accounts, metrics, channels, sensible limits; no behaviour.

Sources: the image tables of the SageMaker Python SDK, and the developer guide's pages on XGBoost's
hyperparameters and tuning.
"""

import re
from typing import Literal

from tunewright.domain.objective import Goal
from tunewright.domain.values import Value

_ACCOUNTS = {
    "af-south-1": "510948584623",
    "ap-east-1": "651117190479",
    "ap-northeast-1": "354813040037",
    "ap-northeast-2": "366743142698",
    "ap-northeast-3": "867004704886",
    "ap-south-1": "720646828776",
    "ap-south-2": "628508329040",
    "ap-southeast-1": "121021644041",
    "ap-southeast-2": "783357654285",
    "ap-southeast-3": "951798379941",
    "ap-southeast-4": "106583098589",
    "ca-central-1": "341280168497",
    "ca-west-1": "190319476487",
    "eu-central-1": "492215442770",
    "eu-central-2": "680994064768",
    "eu-north-1": "662702820516",
    "eu-south-1": "978288397137",
    "eu-south-2": "104374241257",
    "eu-west-1": "141502667606",
    "eu-west-2": "764974769150",
    "eu-west-3": "659782779980",
    "il-central-1": "898809789911",
    "me-central-1": "272398656194",
    "me-south-1": "801668240914",
    "sa-east-1": "737474898029",
    "us-east-1": "683313688378",
    "us-east-2": "257758044811",
    "us-west-1": "746614075791",
    "us-west-2": "246618743249",
}
_IMAGE = re.compile(
    r"(?P<account>\d{12})\.dkr\.ecr\.(?P<region>[a-z0-9\-]+)\.amazonaws\.com/"
    r"(?P<repository>[a-z0-9\-]+):(?P<tag>[A-Za-z0-9.\-]+)"
)


class Limits(Value):
    """Where a hyperparameter of a built-in algorithm makes sense.

    Attributes:
        kind: Whether it takes real or whole numbers.
        low: The least value worth trying.
        high: The greatest value worth trying.
    """

    kind: Literal["continuous", "integer"]
    low: float
    high: float


class Algorithm(Value):
    """A built-in algorithm.

    Attributes:
        name: What a spec calls it.
        repository: Its image's repository.
        versions: The versions that AWS lists, oldest first.
        channels: The channels without which it does not start.
        metrics: The objectives that AMT documents for it, with their direction.
        parameters: Limits of its tunable hyperparameters; those whose range may be widened by
            default. `num_round` is left out on purpose: it decides what a trial costs.
    """

    name: str
    repository: str
    versions: tuple[str, ...]
    channels: tuple[str, ...]
    metrics: dict[str, Goal]
    parameters: dict[str, Limits]

    def metric_direction(self, metric: str) -> Goal | None:
        """Return the direction of one of its metrics; None if it has no such metric."""
        return self.metrics.get(metric)

    def best_possible(self, metric: str) -> float | None:
        """Return the value that one of its metrics cannot better; None if it has no such metric.

        Those that are to be large are shares, those that are to be small are distances from 0.
        """
        direction = self.metrics.get(metric)
        return None if direction is None else float(direction is Goal.MAXIMIZE)


class Framework(Value):
    """A framework image that runs a person's own script."""

    name: str
    repository: str
    versions: tuple[str, ...]
    tag_suffix: str


def _real(low: float, high: float) -> Limits:
    return Limits(kind="continuous", low=low, high=high)


def _whole(low: int, high: int) -> Limits:
    return Limits(kind="integer", low=low, high=high)


_UP, _DOWN = Goal.MAXIMIZE, Goal.MINIMIZE
XGBOOST = Algorithm(
    name="xgboost",
    repository="sagemaker-xgboost",
    versions=("1.2-1", "1.2-2", "1.3-1", "1.5-1", "1.7-1", "3.0-5", "3.2-0"),
    channels=("train",),
    metrics={
        **{f"validation:{name}": _UP for name in ("accuracy", "auc", "f1", "map", "ndcg")},
        **{
            f"validation:{name}": _DOWN
            for name in ("error", "logloss", "mae", "merror", "mlogloss", "mse", "rmse")
        },
    },
    parameters={
        "eta": _real(0.001, 0.5),
        "gamma": _real(0, 10),
        "max_depth": _whole(1, 15),
        "min_child_weight": _real(0, 120),
        "max_delta_step": _real(0, 10),
        "subsample": _real(0.3, 1),
        "colsample_bytree": _real(0.2, 1),
        "colsample_bylevel": _real(0.1, 1),
        "colsample_bynode": _real(0.1, 1),
        "lambda": _real(0, 1000),
        "alpha": _real(0, 1000),
    },
)
ALGORITHMS = {XGBOOST.name: XGBOOST}
FRAMEWORKS = {
    "sklearn": Framework(
        name="sklearn",
        repository="sagemaker-scikit-learn",
        versions=("0.23-1", "1.0-1", "1.2-1", "1.4-2"),
        tag_suffix="-cpu-py3",
    ),
    "xgboost": Framework(
        name="xgboost",
        repository="sagemaker-xgboost",
        versions=XGBOOST.versions,
        tag_suffix="",
    ),
}


def named(reference: str | None) -> Algorithm | None:
    """Find the algorithm that a spec names as `name:version`; None if it is none we know.

    >>> found = named("xgboost:1.7-1")
    >>> found and found.repository
    'sagemaker-xgboost'
    """
    return ALGORITHMS.get((reference or "").partition(":")[0])


def regions() -> tuple[str, ...]:
    """Name the regions whose images are known."""
    return tuple(_ACCOUNTS)


def image_uri(repository: str, tag: str, region: str) -> str:
    """Build the URI of an AWS image.

    Raises:
        KeyError: No account is known for the region; the spec must then give `image:` itself.

    >>> image_uri("sagemaker-xgboost", "1.7-1", "us-east-1")
    '683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1'
    """
    return f"{_ACCOUNTS[region]}.dkr.ecr.{region}.amazonaws.com/{repository}:{tag}"


def recognise(image: str) -> tuple[Algorithm, str] | None:
    """Find the built-in algorithm and version behind an image; None if it is none we know.

    >>> found = recognise("683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1")
    >>> found and (found[0].name, found[1])
    ('xgboost', '1.7-1')
    """
    match = _IMAGE.fullmatch(image)
    if match is None or _ACCOUNTS.get(match["region"]) != match["account"]:
        return None
    for algorithm in ALGORITHMS.values():
        if match["repository"] == algorithm.repository:
            return algorithm, match["tag"]
    return None
