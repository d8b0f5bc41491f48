import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn import metrics as reference
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris

from sagemaker_local.images import xgboost_train
from sagemaker_local.images.opt_ml import UserError
from sagemaker_local.images.xgboost_hyperparameters import validate, validate_channels
from sagemaker_local.images.xgboost_metrics import CLASSIFYING, MEASURING, classes_of
from sagemaker_local.images.xgboost_names import METRICS, OBJECTIVES
from sagemaker_local.training import builtin, builtin_metric_definitions
from sagemaker_local.training.folder import JobFolder
from tests.local.training_world import (
    XGBOOST_IMAGE,
    FakeObjects,
    Remembering,
    channel,
    files_of,
    runner_below,
    spec,
)

Split = tuple[Any, Any]
TOLD = {"num_round": "8", "objective": "binary:logistic", "max_depth": "2", "eta": "0.3"}


def csv_of(table: Any) -> Any:
    buffer = io.StringIO()
    np.savetxt(buffer, table, delimiter=",", fmt="%.9g")
    return buffer.getvalue().encode()


def split(loader: Any, *, seed: int = 0) -> Any:
    """Label first, then the features; a third is for validation."""
    features, labels = loader(return_X_y=True)
    table = np.column_stack((labels, features))
    order = np.random.default_rng(seed).permutation(len(table))
    edge = len(table) * 2 // 3
    return table[order[:edge]], table[order[edge:]]


@pytest.fixture(scope="module")
def cancer() -> Any:
    return split(load_breast_cancer)


class World:
    def __init__(self, root: Path) -> None:
        self.objects = FakeObjects()
        self.runner = runner_below(root, self.objects)
        self.count = 0

    def put(
        self, train: bytes, validation: bytes | None = None, kind: str | None = "text/csv"
    ) -> None:
        self.channels = [channel("train", "s3://data/train/", kind)]
        self.objects.content["s3://data/train/part.csv"] = train
        if validation is not None:
            self.objects.content["s3://data/validation/part.csv"] = validation
            self.channels.append(channel("validation", "s3://data/validation/", kind))

    def train(self, hyperparameters: dict[str, str], channels: Any = None, **changed: Any) -> Any:
        self.count += 1
        heard = Remembering()
        job = spec(
            f"trial-{self.count}",
            hyperparameters,
            channels=tuple(self.channels if channels is None else channels),
            metric_definitions=builtin_metric_definitions(XGBOOST_IMAGE),
            **changed,
        )
        self.runner.start(job, heard)
        heard.wait(60)
        return heard

    @property
    def log(self) -> Any:
        return (self.runner._root / f"trial-{self.count}" / "log").read_text()

    def model(self, heard: Remembering) -> Any:
        files = files_of(self.objects.content[heard.outcomes[0].model_artifacts])
        return load(files["xgboost-model"])


def load(content: bytes) -> Any:
    import xgboost

    booster = xgboost.Booster()
    booster.load_model(bytearray(content))
    return booster


def predict(model: Any, table: Any) -> Any:
    import xgboost

    return model.predict(xgboost.DMatrix(table[:, 1:]))


class InProcess:
    """The entry point called here and now, which saves the start of a process."""

    def __init__(self, base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = JobFolder(base)
        monkeypatch.setenv("SAGEMAKER_BASE_DIR", str(self.folder.base))

    def train(self, told: dict[str, str], kind: str | None, **data: bytes) -> str:
        channels = tuple(channel(name, "s3://not/asked", kind) for name in data)
        self.folder.prepare(spec("here", told, channels=channels))
        for name, content in data.items():
            self.folder.channel(name).mkdir()
            (self.folder.channel(name) / "part.csv").write_bytes(content)
        code = xgboost_train.main()
        reason = self.folder.failure.read_text() if code else ""
        assert bool(code) is bool(reason)
        return reason

    @property
    def model(self) -> Any:
        return load((self.folder.model / "xgboost-model").read_bytes())


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> InProcess:
    return InProcess(tmp_path, monkeypatch)


@pytest.fixture
def world(tmp_path: Path, cancer: Split) -> Any:
    world = World(tmp_path)
    world.put(*map(csv_of, cancer))
    yield world
    world.runner.shutdown()


def test_the_model_reproduces_the_objective_that_was_recorded(world: World, cancer: Split) -> None:
    told = TOLD | {"_tuning_objective_metric": "validation:auc", "eval_metric": "logloss,auc"}
    heard = world.train(told)
    assert heard.outcomes[0].status == "Completed", world.log
    assert len(heard.series("validation:auc")) == 8
    predicted = predict(world.model(heard), cancer[1])
    auc = reference.roc_auc_score(cancer[1][:, 0], predicted)
    assert heard.series("validation:auc")[-1] == pytest.approx(auc, abs=1e-5)
    loss = reference.log_loss(cancer[1][:, 0], predicted.astype(float))
    assert heard.series("validation:logloss")[-1] == pytest.approx(loss, abs=1e-5)


def test_a_round_is_one_line_with_five_decimals(world: World) -> None:
    world.train(TOLD | {"_tuning_objective_metric": "validation:auc", "num_round": "2"})
    lines = [line for line in world.log.splitlines() if line.startswith("[")]
    assert [line[:3] for line in lines] == ["[0]", "[1]"]
    for line in lines:
        _, train, validation = line.split("#011")
        assert train.startswith("train-auc:0.")
        assert validation.startswith("validation-auc:0.")
        assert len(train.split(".")[1]) == 5


def test_the_metric_of_the_tuning_job_joins_those_asked_for(world: World) -> None:
    told = TOLD | {"_tuning_objective_metric": "validation:f1", "eval_metric": "error,auc"}
    heard = world.train(told)
    names = {name for name, _ in heard.metrics}
    assert names == {"train:error", "train:auc", "validation:error", "validation:auc"} | {
        "validation:f1"
    }


@pytest.mark.parametrize("name", ["accuracy", "f1", "balanced_accuracy", "recall"])
def test_metrics_that_xgboost_lacks_are_those_of_the_model(
    here: InProcess, cancer: Split, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    told = TOLD | {"_tuning_objective_metric": f"validation:{name}"}
    train, validation = map(csv_of, cancer)
    assert here.train(told, "text/csv", train=train, validation=validation) == ""
    truth = cancer[1][:, 0]
    said = predict(here.model, cancer[1]) > 0.5
    expected = {
        "accuracy": reference.accuracy_score(truth, said),
        "f1": reference.f1_score(truth, said, average="macro"),
        "balanced_accuracy": reference.balanced_accuracy_score(truth, said),
        "recall": reference.recall_score(truth, said),
    }[name]
    last = capsys.readouterr().out.rstrip().splitlines()[-1]
    assert float(last.split(f"validation-{name}:")[1]) == pytest.approx(expected, abs=1.1e-5)


def test_early_stopping_keeps_the_best_round_and_reports_the_last(
    world: World, cancer: Split
) -> None:
    told = {
        "num_round": "200",
        "objective": "binary:logistic",
        "eta": "0.9",
        "early_stopping_rounds": "5",
        "_tuning_objective_metric": "validation:logloss",
    }
    heard = world.train(told)
    losses = heard.series("validation:logloss")
    assert 5 < len(losses) < 200
    model = world.model(heard)
    assert model.num_boosted_rounds() == int(np.argmin(losses)) + 1
    loss = reference.log_loss(cancer[1][:, 0], predict(model, cancer[1]).astype(float))
    assert min(losses) == pytest.approx(loss, abs=1e-5)
    assert losses[-1] > min(losses)


@pytest.mark.parametrize("objective", ["multi:softprob", "multi:softmax"])
def test_several_classes(world: World, objective: str) -> None:
    iris = split(load_iris)
    world.put(*map(csv_of, iris))
    told = {"num_round": "4", "objective": objective, "num_class": "3", "eval_metric": "merror"}
    heard = world.train(told | {"_tuning_objective_metric": "validation:accuracy"})
    predicted = classes_of(predict(world.model(heard), iris[1]), objective)
    accuracy = float(np.mean(predicted == iris[1][:, 0]))
    assert heard.series("validation:accuracy")[-1] == pytest.approx(accuracy, abs=1e-5)
    assert heard.series("validation:merror")[-1] == pytest.approx(1 - accuracy, abs=1e-5)


def test_regression_with_an_old_name(world: World) -> None:
    diabetes = split(load_diabetes)
    world.put(*map(csv_of, diabetes))
    told = {"num_round": "5", "objective": "reg:linear", "eval_metric": "rmse,mae,r2"}
    heard = world.train(told | {"_tuning_objective_metric": "validation:mse"})
    predicted = predict(world.model(heard), diabetes[1])
    mse = reference.mean_squared_error(diabetes[1][:, 0], predicted)
    assert heard.series("validation:mse")[-1] == pytest.approx(mse, rel=1e-5)
    assert heard.series("validation:rmse")[-1] == pytest.approx(mse**0.5, rel=1e-5)
    r2 = reference.r2_score(diabetes[1][:, 0], predicted)
    assert f"validation-r2:{r2:.4f}" in world.log.rstrip().splitlines()[-1]


def test_libsvm_is_what_data_are_without_a_content_type(world: World, cancer: Split) -> None:
    def libsvm(table: Any) -> Any:
        rows = []
        for row in table:
            cells = (f"{i}:{value:.9g}" for i, value in enumerate(row[1:]) if value)
            rows.append(f"{row[0]:g} {' '.join(cells)}")
        return "\n".join(rows).encode()

    dense = world.train(TOLD | {"_tuning_objective_metric": "validation:auc"})
    world.put(*map(libsvm, cancer), kind=None)
    sparse = world.train(TOLD | {"_tuning_objective_metric": "validation:auc"})
    assert sparse.series("validation:auc") == pytest.approx(
        dense.series("validation:auc"), abs=0.02
    )


def test_weights_are_the_second_column(world: World, cancer: Split) -> None:
    train, validation = (
        np.column_stack((part[:, 0], np.where(part[:, 0] > 0, 1e-6, 1), part[:, 1:]))
        for part in cancer
    )
    world.put(csv_of(train), csv_of(validation))
    heard = world.train(TOLD | {"csv_weights": "1"})
    assert heard.outcomes[0].status == "Completed"
    assert predict(world.model(heard), cancer[1]).max() < 0.1


def test_ranking_reads_its_groups(world: World) -> None:
    rows = [f"{i % 3} qid:{i // 6} 0:{i % 3}.5 1:{i % 7}" for i in range(60)]
    text = "\n".join(rows).encode()
    world.put(text, text, kind="text/libsvm")
    told = {"num_round": "3", "objective": "rank:ndcg"}
    heard = world.train(told | {"_tuning_objective_metric": "validation:ndcg"})
    assert heard.series("validation:ndcg")[-1] > 0.9


def test_gaps_in_csv_are_missing_values(here: InProcess, cancer: Split) -> None:
    text = csv_of(cancer[0]).decode().splitlines()
    text[0] = ",".join(["1", "", *text[0].split(",")[2:]])
    assert here.train(TOLD, "text/csv", train="\n".join(text).encode()) == ""


def test_checkpoints_are_resumed(world: World) -> None:
    told = TOLD | {"_tuning_objective_metric": "validation:auc"}
    whole = world.train(told).series("validation:auc")
    checkpoint = {"S3Uri": "s3://out/checkpoints"}
    first = world.train(told | {"num_round": "3"}, checkpoint=checkpoint)
    then = world.train(told, checkpoint=checkpoint)
    assert "[3]#011" in world.log
    assert "[2]#011" not in world.log
    both = first.series("validation:auc") + then.series("validation:auc")
    assert both == pytest.approx(whole, abs=1e-5)
    assert world.model(then).num_boosted_rounds() == 8
    kept = [uri for uri in world.objects.content if "xgboost-checkpoint" in uri]
    assert len(kept) >= 5


def test_a_model_is_there_when_a_job_is_stopped(world: World) -> None:
    told = TOLD | {"num_round": "100000", "save_model_on_termination": "true"}
    told["_tuning_objective_metric"] = "validation:auc"
    heard = Remembering()
    job = spec(
        "endless",
        told,
        channels=tuple(world.channels),
        metric_definitions=builtin_metric_definitions(XGBOOST_IMAGE),
    )
    world.runner.start(job, heard)
    from tests.local.training_world import until

    until(lambda: len(heard.metrics) > 20)
    world.runner.stop("endless")
    assert heard.wait().status == "Stopped"
    assert world.model(heard).num_boosted_rounds() > 3


def test_folds_print_their_mean_in_one_line(world: World) -> None:
    told = TOLD | {"_kfold": "3", "_tuning_objective_metric": "validation:auc"}
    heard = world.train(told, channels=world.channels[:1])
    assert len(heard.series("validation:auc")) == 1
    assert "[8]#011train-auc:" in world.log
    files = files_of(world.objects.content[heard.outcomes[0].model_artifacts])
    assert sorted(files) == ["xgboost-model-0", "xgboost-model-1", "xgboost-model-2"]


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


@pytest.mark.parametrize(
    ("data", "kind", "reason"),
    [
        (b"label,a\n1,2\n", "text/csv", "line 1, field 1 of the CSV is not a number"),
        (b"1,2\n1\n", "text/csv", "line 2 of the CSV has 1 fields, the first has 2"),
        (b"", "text/csv", "there are no rows"),
        (b"7,1\n8,2\n", "text/csv", "label must be in [0,1]"),
        (b"1,2\n0,3\n", None, "CSV needs the ContentType text/csv"),
        (b"1,2\n", "application/x-parquet", "pyarrow"),
        (b"1,2\n", "application/x-recordio-protobuf", "not RecordIO with protobuf"),
        (b"1,2\n", "image/png", "is not read here"),
    ],
)
def test_wrong_data_are_the_callers_error(
    here: InProcess, data: bytes, kind: str | None, reason: str
) -> None:
    told = here.train(TOLD, kind, train=data)
    assert told.startswith("ClientError: ")
    assert reason in told


def test_a_mistake_of_the_user_is_a_client_error(world: World) -> None:
    outcome = world.train(TOLD | {"eta": "2"}).outcomes[0]
    assert outcome.failure_reason == (
        "ClientError: Hyperparameter eta: 2 is not in [0, 1], exit code: 1"
    )


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


def test_the_container_does_not_import_what_it_does_not_need() -> None:
    import subprocess
    import sys

    code = (
        "import sys; from sagemaker_local.images import xgboost_fit, xgboost_data; "
        "print(sorted({'sklearn', 'pandas', 'pyarrow', 'botocore'} & set(sys.modules)))"
    )
    local = Path(__file__).parents[2] / "local"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": str(local)},
    )
    assert done.stdout.strip() == "[]"


def test_records_are_read_like_rows(here: InProcess) -> None:
    from sagemaker_local.images.recordio import Record, write_records

    random = np.random.default_rng(0)
    rows = random.normal(size=(60, 3)).astype(np.float32)
    records = [Record({"values": row}, {"values": np.array([row[0] > 0], "f4")}) for row in rows]
    told = {"num_round": "3", "objective": "binary:logistic"}
    kind = "application/x-recordio-protobuf"
    assert here.train(told, kind, train=write_records(records)) == ""
    assert here.model.num_features() == 3
    bare = write_records([Record(record.features) for record in records])
    assert "have no labels" in here.train(told, kind, train=bare)


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
