"""The built-in XGBoost as a job: what it reads, prints, keeps and resumes."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn import metrics as reference
from sklearn.datasets import load_diabetes, load_iris

from sagemaker_local.images.xgboost_metrics import classes_of
from sagemaker_local.training import builtin_metric_definitions
from tests.local.training_world import (
    XGBOOST_IMAGE,
    Remembering,
    files_of,
    spec,
)
from tests.local.xgboost_world import (
    TOLD,
    InProcess,
    Split,
    World,
    csv_of,
    predict,
    split,
)


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
