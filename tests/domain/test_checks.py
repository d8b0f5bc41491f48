"""What contradicts itself or AWS's rules is found before anything is asked of AWS."""

from typing import Any

import pytest

from tests.domain.specs import assert_told, problems
from tests.support.build import document, spec
from tunewright.domain.checks import check_spec
from tunewright.domain.errors import SpecError
from tunewright.domain.expand import expand
from tunewright.domain.space import CategoricalRange, SearchSpace

INPUTS = {"train": "s3://data/train/", "validation": "s3://data/validation/"}
SCRIPT = {
    "framework": "sklearn",
    "entry_point": "train.py",
    "source_dir": "s3://data/source.tar.gz",
}


def with_script(**changes: Any) -> dict[str, Any]:
    """A study that runs a person's own script."""
    training = {
        **document()["training"],
        "script": {**SCRIPT, **changes},
        "metrics": {"validation:auc": "auc=([0-9.]+)"},
    }
    del training["algorithm"]
    return document(training=training)


@pytest.mark.parametrize(
    ("path", "value", "where", "message"),
    [
        ("training.inputs", {}, "training.inputs", "name the channels, such as train"),
        (
            "training.inputs",
            {**INPUTS, "my data": "s3://data/"},
            "training.inputs.my data",
            "is no channel name",
        ),
        (
            "training.inputs",
            {**INPUTS, "train": ""},
            "training.inputs.train",
            "needs the S3 prefix",
        ),
        (
            "training.inputs",
            {"validation": "s3://data/validation/"},
            "training.inputs",
            "lacks the channel train: xgboost:1.7-1 does not start without it",
        ),
        (
            "training.inputs",
            {"train": "s3://data/train/"},
            "training.inputs",
            "lacks the channel validation: validation:auc is measured on it",
        ),
        (
            "training.fixed",
            {f"p{number}": number for number in range(97)},
            "training.fixed",
            "makes 101 hyperparameters",
        ),
        (
            "training.inputs.train",
            {"uri": "s3://data/train/", "extra": {"DataSource": {"FileSystemDataSource": {}}}},
            "training.inputs.train.extra.DataSource",
            "must be the S3 data that uri names",
        ),
        ("search_space.eta", [0.1, 10**400], "search_space.eta[1]", "finite number"),
        ("training.fixed.note", "x" * 2501, "training.fixed.note", "longer than 2500 characters"),
        (
            "rounds",
            {"max": 1, "trials": 8, "parallel": 2, "strategy": "hyperband"},
            "rounds.early_stopping",
            "Hyperband stops trials by itself",
        ),
        ("search_space.eta", {"range": [0, 1], "log": True}, "search_space.eta", "above 0"),
        ("search_space.max_depth", [3, 3], "search_space.max_depth", "is one value only"),
        ("search_space.max_depth", [6, 2], "search_space.max_depth", "swap them"),
        (
            "search_space",
            {f"p{number}": [0.0, 1.0] for number in range(31)},
            "search_space",
            "move 1 of them to training.fixed",
        ),
        ("budget", "0.1 USD", "budget", "at least $0.23 would be right"),
    ],
)
def test_what_aws_would_refuse_is_told_before_it_is_asked(
    path: str, value: Any, where: str, message: str
) -> None:
    assert_told(path, value, where, message)


def test_the_least_budget_counts_the_endpoints_lease() -> None:
    told = problems(document(budget="1 USD", deploy={"to": "churn-prod", "lease": "1d"}))
    assert "the endpoint's lease $2.76; at least $2.99 would be right" in told["budget"]


def test_without_a_price_for_the_endpoint_no_budget_is_judged() -> None:
    told = problems(document(budget="1 USD", deploy={"to": "churn-prod", "instance": "ml.new"}))
    assert told.keys() == {"deploy.instance"}


def test_a_small_space_has_no_more_trials_than_points() -> None:
    given = document(search_space={"max_depth": [2, 4], "booster": {"choose": ["a", "b"]}})
    assert "trials: 6 would be right" in problems(given)["rounds.trials"]


@pytest.mark.parametrize(
    ("changes", "where", "message"),
    [
        ({"framework": "lisp"}, "training.script.framework", "sklearn, xgboost are"),
        ({"version": "9"}, "training.script.version", "AWS lists the versions 0.23-1"),
    ],
)
def test_a_script_needs_a_framework_and_version_that_aws_has(
    changes: dict[str, str], where: str, message: str
) -> None:
    assert message in problems(with_script(**changes))[where]


def test_a_metric_of_ones_own_needs_a_pattern() -> None:
    given = with_script()
    given["training"]["metrics"] = {}
    assert "nothing finds validation:auc in the log" in problems(given)["objective"]


@pytest.mark.parametrize(
    ("count", "message"),
    [
        (31, "has 31 choices; AMT takes 30"),
        (1, "has one choice only"),
        (0, "has no choice at all"),
    ],
)
def test_a_category_has_two_to_thirty_choices_however_it_was_read(count: int, message: str) -> None:
    words = tuple(f"w{number}" for number in range(count))
    range_ = CategoricalRange(name="w", choices=words, hard_choices=words)
    space = SearchSpace(ranges=(*spec().search_space.ranges, range_))
    (problem,) = check_spec(spec().but(search_space=space), {})
    assert message in problem.message


@pytest.mark.parametrize(
    ("name", "entry", "hard"),
    [
        ("subsample", {"range": [0.5, 0.9], "scaling": "reverse_log"}, (0.3, 0.999)),
        ("gamma", {"range": [1.0, 5.0], "log": True}, (0.01, 10.0)),
        ("gamma", {"range": [1.0, 5.0]}, (0.0, 10.0)),
    ],
)
def test_a_bent_axis_comes_near_a_limit_that_it_cannot_reach(
    name: str, entry: dict[str, Any], hard: tuple[float, float]
) -> None:
    range_ = spec(search_space={name: entry}).search_space.ranges[0]
    assert range_.kind == "continuous"
    assert (range_.hard_low, range_.hard_high) == pytest.approx(hard)


def test_choices_that_would_not_fit_the_table_are_refused() -> None:
    long = {f"p{n}": {"choose": [f"{n}-{m}-" + "x" * 100 for m in range(30)]} for n in range(8)}
    with pytest.raises(SpecError, match="characters together; at most 20000"):
        expand(document(search_space=long))
