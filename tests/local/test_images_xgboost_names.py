"""Every documented hyperparameter, objective and metric, and what is refused of them."""

from typing import Any

import numpy as np
import pytest
from sklearn import metrics as reference

from sagemaker_local.images.opt_ml import UserError
from sagemaker_local.images.xgboost_hyperparameters import validate, validate_channels
from sagemaker_local.images.xgboost_metrics import CLASSIFYING, MEASURING
from sagemaker_local.images.xgboost_names import METRICS, OBJECTIVES
from sagemaker_local.training import builtin, builtin_metric_definitions
from tests.local.training_world import (
    XGBOOST_IMAGE,
)
from tests.local.xgboost_world import InProcess


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        ({}, "Missing required hyperparameter: num_round"),
        ({"fame": "1"}, "Extraneous hyperparameter found: fame"),
        ({"eta": "1.5"}, "Hyperparameter eta: 1.5 is not in [0, 1]"),
        ({"eta": "nan"}, "Hyperparameter eta: nan is not in [0, 1]"),
        ({"subsample": "0"}, "Hyperparameter subsample: 0 is not in (0, 1]"),
        ({"max_depth": "6.5"}, "Hyperparameter max_depth: could not parse value"),
        ({"num_round": "0"}, "Hyperparameter num_round: 0 is not in [1, +inf)"),
        ({"objective": "fame"}, "Hyperparameter objective: fame is not in"),
        ({"objective": "multi:softmax"}, "Hyperparameter num_class is required"),
        ({"num_class": "3"}, "Hyperparameter num_class is only for"),
        ({"eval_metric": "fame"}, "Hyperparameter eval_metric: fame is not in"),
        ({"eval_metric": "auc", "objective": "reg:squarederror"}, "Metric auc is not for"),
        ({"eval_metric": "aft-nloglik"}, "Metric aft-nloglik is not for"),
        ({"_tuning_objective_metric": "train:auc"}, "Hyperparameter _tuning_objective_metric"),
        ({"eta": "0.1", "learning_rate": "0.2"}, "Hyperparameter eta is given twice"),
        ({"tree_method": "gpu_hist"}, "there is no GPU"),
        ({"tweedie_variance_power": "2"}, "is not in (1, 2)"),
        ({"monotone_constraints": "(1,0)", "tree_method": "approx"}, "needs tree_method"),
    ],
)
def test_wrong_hyperparameters_are_told_as_the_algorithm_tells_them(told: Any, reason: str) -> None:
    given = ({"num_round": "5"} if told else {}) | told
    with pytest.raises(UserError) as error:
        validate(given)
    assert reason in str(error.value)


def test_other_names_and_types_are_read() -> None:
    told = validate(
        {"num_round": "5", "learning_rate": "0.2", "eval_metric": "error@0.3, auc", "seed": "7"}
        | {"objective": "binary:logistic", "_tuning_objective_metric": "validation:logloss"}
    )
    assert told.rounds == 5
    assert told.metrics == ("auc", "error@0.3", "logloss")
    assert told.watched_metric == "logloss"
    assert not told.watched_is_maximized
    parameters = told.booster(threads=2)
    assert parameters["eta"] == 0.2
    assert parameters["nthread"] == 2
    assert "num_round" not in parameters


@pytest.mark.parametrize(
    ("names", "reason"),
    [
        ({"validation"}, "Missing required channel: train"),
        ({"train", "fame"}, "Extraneous channel found: fame"),
        ({"train"}, "Missing required channel: validation"),
    ],
)
def test_channels_are_checked(names: set[str], reason: str) -> None:
    told = validate(
        {"num_round": "5", "objective": "binary:logistic"}
        | {"_tuning_objective_metric": "validation:auc"}
    )
    with pytest.raises(UserError) as error:
        validate_channels(frozenset(names), told)
    assert reason in str(error.value)


def test_own_metrics_agree_with_scikit_learn() -> None:
    random = np.random.default_rng(0)
    truth, said = random.integers(0, 2, 200), random.integers(0, 2, 200)
    three, four = random.integers(0, 3, 200), random.integers(0, 4, 200)
    for name, function in (
        ("f1_binary", reference.f1_score),
        ("precision", reference.precision_score),
        ("recall", reference.recall_score),
    ):
        assert CLASSIFYING[name](truth, said) == pytest.approx(function(truth, said))
        with pytest.raises(ValueError, match="two classes"):
            CLASSIFYING[name](three, four)
    for name, function in (
        ("f1_macro", reference.f1_score),
        ("precision_macro", reference.precision_score),
        ("recall_macro", reference.recall_score),
    ):
        expected = function(three, four, average="macro", zero_division=0)
        assert CLASSIFYING[name](three, four) == pytest.approx(expected)
    expected = reference.precision_score(three, four, average="micro")
    assert CLASSIFYING["precision_micro"](three, four) == pytest.approx(expected)
    assert MEASURING["r2"](np.ones(3), np.ones(3)) == 1.0


def test_the_service_fills_in_the_documented_metric_definitions() -> None:
    definitions = dict(builtin_metric_definitions(XGBOOST_IMAGE))
    assert len(definitions) == 21
    assert definitions["validation:auc"] == (
        r".*\[[0-9]+\].*#011validation-auc:([-+]?[0-9]*\.?[0-9]+(?:[eE][-+]?[0-9]+)?).*"
    )
    assert builtin_metric_definitions("123.dkr.ecr/mine:1") is None


@pytest.mark.parametrize(
    ("image", "name"),
    [
        (XGBOOST_IMAGE, "sagemaker-xgboost"),
        ("433757028032.dkr.ecr.us-west-2.amazonaws.com/xgboost:1", "sagemaker-xgboost"),
        ("382416733822.dkr.ecr.us-east-1.amazonaws.com/knn:1", "knn"),
        ("763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-training:2.0", None),
        ("mine/xgboost-of-mine:1", None),
    ],
)
def test_the_builtin_image_is_known_by_its_name(image: str, name: str | None) -> None:
    known = builtin(image)
    assert (known.name if known else None) == name


def _told(objective: str, **more: str) -> dict[str, str]:
    classes = {"num_class": "3"} if objective.startswith("multi:") else {}
    return {"num_round": "2", "objective": objective, **classes, **more}


def _rows_for(objective: str) -> bytes:
    random = np.random.default_rng(1)
    features = random.normal(size=(60, 3))
    if objective.startswith("multi:"):
        labels = (features[:, 0] > 0).astype(int) + (features[:, 1] > 1)
    elif objective.startswith(("binary:", "rank:", "reg:logistic")):
        labels = (features[:, 0] > 0).astype(int)
    else:
        labels = np.exp(features[:, 0]) + 0.1
    if objective.startswith("rank:"):
        lines = [
            f"{label} qid:{number // 10} " + " ".join(f"{i}:{v}" for i, v in enumerate(row))
            for number, (label, row) in enumerate(zip(labels, features, strict=True))
        ]
        return "\n".join(lines).encode()
    table = np.column_stack([labels, features])
    return "\n".join(",".join(map(repr, map(float, row))) for row in table).encode()


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_each_documented_objective_trains(here: InProcess, objective: str) -> None:
    kind = "text/libsvm" if objective.startswith("rank:") else "text/csv"
    data = _rows_for(objective)
    assert here.train(_told(objective), kind, train=data, validation=data) == ""
    assert here.model.num_boosted_rounds() == 2


FITTING = {
    "aft-nloglik": "survival:aft",
    "interval-regression-accuracy": "survival:aft",
    "cox-nloglik": "survival:cox",
    "gamma-deviance": "reg:gamma",
    "gamma-nloglik": "reg:gamma",
    "poisson-nloglik": "count:poisson",
    "tweedie-nloglik": "reg:tweedie",
    "map": "rank:map",
    "ndcg": "rank:ndcg",
    "merror": "multi:softmax",
    "mlogloss": "multi:softprob",
    **dict.fromkeys(("mae", "mape", "mphe", "mse", "rmse", "rmsle", "r2"), "reg:squarederror"),
}


@pytest.mark.parametrize("metric", sorted(METRICS))
def test_each_documented_metric_is_printed(
    here: InProcess, metric: str, capsys: pytest.CaptureFixture[str]
) -> None:
    objective = FITTING.get(metric, "binary:logistic")
    kind = "text/libsvm" if objective.startswith("rank:") else "text/csv"
    told = _told(objective, early_stopping_rounds="5")
    told["_tuning_objective_metric"] = f"validation:{metric}"
    data = _rows_for(objective)
    assert here.train(told, kind, train=data, validation=data) == ""
    shown = "tweedie-nloglik@1.5" if metric == "tweedie-nloglik" else metric
    assert f"\tvalidation-{shown}:" in capsys.readouterr().out


def test_a_cross_validation_uses_both_channels_and_all_classes(
    here: InProcess, capsys: pytest.CaptureFixture[str]
) -> None:
    data = _rows_for("multi:softprob")
    told = _told("multi:softprob", _kfold="4", eval_metric="merror")
    assert here.train(told, "text/csv", train=data, validation=data) == ""
    said = capsys.readouterr().out
    assert "train: 120 rows" in said
    assert said.count("validation-merror:") == 1
    assert len(list((here.folder.model).glob("xgboost-model-*"))) == 4
    sparse = _rows_for("rank:ndcg").replace(b"qid:", b"9:")
    told = _told("binary:logistic", _kfold="2", eval_metric="error")
    lines = b"\n".join(
        b" ".join([line.split()[0], *line.split()[2:]]) for line in sparse.splitlines()
    )
    assert here.train(told, "text/libsvm", train=lines, validation=lines) == ""
