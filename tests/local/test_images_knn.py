"""The built-in k-nearest neighbours: what it accepts, finds, prints, keeps and answers."""

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor

from sagemaker_local.hosting import EndpointHost
from sagemaker_local.images import knn_train
from sagemaker_local.images.knn_hyperparameters import validate
from sagemaker_local.images.knn_index import Index, Reduction
from sagemaker_local.images.opt_ml import UserError
from sagemaker_local.images.recordio import Record, read_records, read_rows, write_records
from sagemaker_local.images.tabular import TabularError
from sagemaker_local.training import TrainingSpec, builtin_metric_definitions
from tests.local.training_world import OUT, FakeObjects, Remembering, files_of, runner_below

KNN_IMAGE = "382416733822.dkr.ecr.us-east-1.amazonaws.com/knn:1"
FEATURES, LABELS = load_iris(return_X_y=True)
FEATURES = FEATURES.astype(np.float32)
TOLD = {"feature_dim": "4", "k": "5", "predictor_type": "classifier", "sample_size": "75"}
TYPE = "application/x-recordio-protobuf"


def csv(rows: Any, labels: Any) -> bytes:
    lines = (",".join(map(repr, map(float, [label, *row]))) for row, label in zip(rows, labels))  # noqa: B905
    return "\n".join(lines).encode()


def recorded(rows: Any, labels: Any) -> bytes:
    return write_records(
        [
            Record({"values": row}, {"values": np.asarray([label], dtype=np.float32)})
            for row, label in zip(rows, labels, strict=True)
        ]
    )


def channel(name: str, kind: str | None) -> dict[str, Any]:
    source = {"S3DataSource": {"S3Uri": f"s3://data/{name}/", "S3DataType": "S3Prefix"}}
    given = {"ContentType": kind} if kind else {}
    return {"ChannelName": name, "DataSource": source, **given}


class World:
    def __init__(self, root: Path) -> None:
        self.objects = FakeObjects()
        self.root = root
        self.runner = runner_below(root, self.objects)

    def train(self, told: dict[str, str], kind: str | None = "text/csv", form: Any = csv) -> Any:
        for name, part in (("train", slice(0, None, 2)), ("test", slice(1, None, 2))):
            self.objects.content[f"s3://data/{name}/part"] = form(FEATURES[part], LABELS[part])
        heard = Remembering()
        spec = TrainingSpec(
            name="knn",
            arn="arn:aws:sagemaker:us-east-1:123456789012:training-job/knn",
            image=KNN_IMAGE,
            hyperparameters=told,
            channels=(channel("train", kind), channel("test", kind)),
            output_path=OUT,
            metric_definitions=builtin_metric_definitions(KNN_IMAGE) or (),
        )
        self.runner.start(spec, heard)
        heard.wait(60)
        return heard


@pytest.fixture
def world(tmp_path: Path) -> Any:
    made = World(tmp_path)
    yield made
    made.runner.shutdown()


def split() -> tuple[Any, Any, Any, Any]:
    return FEATURES[::2], LABELS[::2], FEATURES[1::2], LABELS[1::2]


def test_a_job_scores_its_test_channel_and_its_model_answers(world: World) -> None:
    heard = world.train(TOLD | {"mini_batch_size": "30"})
    outcome = heard.outcomes[0]
    assert outcome.status == "Completed", outcome.failure_reason
    train, labels, test, truth = split()
    reference = KNeighborsClassifier(5).fit(train, labels)
    assert len(heard.series("test:accuracy")) == 3  # a line per mini-batch, the last tells of all
    assert heard.series("test:accuracy")[-1] == pytest.approx(reference.score(test, truth))
    log = (world.root / "training" / "knn" / "log").read_text()
    assert "#test_score (algo-1) : ('accuracy', 0." in log
    files = files_of(world.objects.content[outcome.model_artifacts])
    assert set(files) == {"model_algo-1", "model_algo-1.json", "model_algo-1.labels"}
    assert json.loads(files["model_algo-1.json"])["k"] == 5

    host = EndpointHost(world.root, world.objects, region="us-east-1")
    try:
        ask(host, outcome.model_artifacts, reference, test)
    finally:
        host.shutdown()


def ask(host: EndpointHost, artifacts: str, reference: Any, test: Any) -> None:
    from tests.local.hosting_world import Heard

    up = Heard()
    host.start("e", "AllTraffic", {"Image": KNN_IMAGE, "ModelDataUrl": artifacts}, 1, up)
    assert up.wait() == ("InService", None)
    expected = reference.predict(test[:3]).tolist()
    rows = test[:3].tolist()
    line = "\n".join(",".join(map(str, row)) for row in rows).encode()
    mixed = {"instances": [{"data": {"features": {"values": rows[0]}}}, {"features": rows[1]}]}

    def labels(body: bytes, kind: str, accept: str | None = None) -> list[float]:
        answer = host.invoke("e", body, kind, accept)
        assert answer.status == 200, answer.message
        return [one["predicted_label"] for one in json.loads(answer.body)["predictions"]]

    assert labels(line, "text/csv") == expected
    labelled = b"\n".join(b"9," + part for part in line.splitlines())
    assert labels(labelled, "text/csv; label_size=1") == expected
    assert labels(json.dumps(mixed).encode(), "application/json") == expected[:2]
    assert labels(recorded(test[:3], [0, 0, 0]), TYPE) == expected
    lines = host.invoke(
        "e",
        json.dumps({"features": rows[0]}).encode(),
        "application/jsonlines",
        "application/jsonlines",
    )
    assert json.loads(lines.body) == {"predicted_label": expected[0]}
    verbose = host.invoke("e", line, "text/csv", "application/json; verbose=true")
    first = json.loads(verbose.body)["predictions"][0]
    distances, _ = reference.kneighbors(test[:1])
    assert first["distances"] == pytest.approx(distances[0].tolist(), abs=1e-5)
    assert sorted(first) == ["distances", "labels", "predicted_label"]
    answer = read_records(host.invoke("e", line, "text/csv", f"{TYPE};verbose=true").body)
    assert [float(one.label["predicted_label"][0]) for one in answer] == expected
    assert len(answer[0].label["distances"]) == len(answer[0].label["labels"]) == 5
    for body, kind, accept, status in (
        (b"1,2", "text/csv", None, 400),
        (b"{}", "application/json", None, 400),
        (b"nothing", TYPE, None, 400),
        (b"1,2,3,4", "image/png", None, 415),
        (b"1,2,3,4", "text/csv", "image/png", 406),
    ):
        assert host.invoke("e", body, kind, accept).original_status == status


def test_recordio_is_what_it_reads_when_nothing_is_said(world: World) -> None:
    heard = world.train(TOLD | {"predictor_type": "regressor"}, kind=None, form=recorded)
    assert heard.outcomes[0].status == "Completed", heard.outcomes[0].failure_reason
    train, labels, test, truth = split()
    predicted = KNeighborsRegressor(5).fit(train, labels).predict(test)
    assert heard.series("test:mse")[-1] == pytest.approx(
        np.mean((predicted - truth) ** 2), rel=1e-4
    )
    assert heard.series("test:accuracy") == []


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"k": "0"}, "Hyperparameter k: 0 is not in"),
        ({"k": "x"}, "Hyperparameter k: could not parse value (caused by ValueError)"),
        ({"k": "76"}, "more than the sample_size"),
        ({"depth": "1"}, "Extraneous hyperparameter found: depth"),
        ({"predictor_type": "both"}, "is not in [classifier, regressor]"),
        ({"dimension_reduction_type": "sign"}, "dimension_reduction_target"),
        (
            {"dimension_reduction_type": "sign", "dimension_reduction_target": "4"},
            "is not in (0, 4)",
        ),
        ({"index_metric": "L1"}, "is not in [L2, INNER_PRODUCT, COSINE]"),
        (
            {"index_type": "faiss.IVFPQ", "index_metric": "COSINE", "faiss_index_pq_m": "2"},
            "not supported by index_type",
        ),
        ({"index_type": "faiss.IVFPQ"}, "faiss_index_pq_m"),
        ({"faiss_index_pq_m": "5"}, "is not in [1, 2, 3, 4, 8,"),
        ({"faiss_index_ivf_nlists": "0"}, "auto or [1"),
        ({"_tuning_objective_metric": "test:mse"}, "is test:accuracy, not test:mse"),
    ],
)
def test_hyperparameters_are_validated(change: dict[str, str], text: str) -> None:
    with pytest.raises(UserError) as caught:
        validate(TOLD | change)
    assert text in str(caught.value)


@pytest.mark.parametrize("name", ["feature_dim", "k", "predictor_type", "sample_size"])
def test_what_is_required_is_missed(name: str) -> None:
    with pytest.raises(UserError, match=f"Missing required hyperparameter: {name}"):
        validate({key: value for key, value in TOLD.items() if key != name})


def test_a_job_fails_with_the_reason(world: World) -> None:
    heard = world.train(TOLD | {"feature_dim": "5"})
    reason = heard.outcomes[0].failure_reason or ""
    assert reason.startswith("ClientError: channel train has 4 features, feature_dim says 5")
    heard = world.train(TOLD, kind="text/libsvm")
    assert "use text/csv or application/x-recordio-protobuf" in (
        heard.outcomes[0].failure_reason or ""
    )
    with pytest.raises(UserError, match="Extraneous channel found: validation"):
        knn_train.validate_channels(frozenset({"train", "validation"}))
    with pytest.raises(UserError, match="Missing required channel: train"):
        knn_train.validate_channels(frozenset({"test"}))


@pytest.mark.parametrize("metric", ["L2", "COSINE", "INNER_PRODUCT"])
def test_the_search_is_exact_whatever_the_metric(metric: str, tmp_path: Path) -> None:
    train, labels, test, _ = split()
    told = validate(TOLD | {"index_metric": metric})
    index = Index.built(told, train, labels.astype(np.float32))
    found = index.search(test)
    if metric == "INNER_PRODUCT":
        reference = np.sort(-(test.astype(float) @ train.T.astype(float)), axis=1)[:, :5]
    else:
        name = {"L2": "euclidean", "COSINE": "cosine"}[metric]
        reference, _ = KNeighborsClassifier(5, metric=name).fit(train, labels).kneighbors(test)
    assert found.distances == pytest.approx(reference, abs=1e-4)
    index.save(tmp_path)
    again = Index.load(tmp_path).search(test)
    assert np.array_equal(again.predicted, found.predicted)
    (tmp_path / "model_algo-1").write_bytes(b"\x80\x04K\x01.")
    with pytest.raises(UserError, match="not one of k-nearest neighbours"):
        Index.load(tmp_path)


@pytest.mark.parametrize("kind", ["sign", "fjlt"])
def test_a_projection_keeps_distances_about_as_they_were(kind: str, tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    rows = random.normal(size=(40, 300)).astype(np.float32)
    reduction = {"dimension_reduction_type": kind, "dimension_reduction_target": "200"}
    told = validate(TOLD | reduction | {"feature_dim": "300"})
    reduce = Reduction.drawn(told)
    assert reduce is not None
    ratios = [
        np.linalg.norm(reduce(rows[i : i + 1]) - reduce(rows[j : j + 1]))
        / np.linalg.norm(rows[i] - rows[j])
        for i in range(0, 40, 4)
        for j in range(1, 40, 4)
    ]
    assert np.mean(ratios) == pytest.approx(1.0, abs=0.05)
    assert np.std(ratios) < 0.15
    index = Index.built(told, rows, np.zeros(40, dtype=np.float32))
    index.save(tmp_path)
    assert Index.load(tmp_path).search(rows).distances[:, 0] == pytest.approx(0.0, abs=1e-2)


def test_a_sample_is_taken_and_is_the_same_each_time() -> None:
    train, labels, _, _ = split()
    told = validate(TOLD | {"sample_size": "20"})
    one = Index.built(told, train, labels.astype(np.float32))
    two = Index.built(told, train, labels.astype(np.float32))
    assert len(one.points) == 20
    assert np.array_equal(one.points, two.points)
    with pytest.raises(UserError, match="only 3 rows"):
        Index.built(told, train[:3], labels[:3].astype(np.float32))


def test_records_are_read_as_they_were_written() -> None:
    rows = read_rows(recorded(FEATURES, LABELS))
    assert np.array_equal(rows.features, FEATURES)
    assert rows.labels is not None
    assert np.array_equal(rows.labels, LABELS)
    # a sparse tensor of doubles, as another writer packs it: values, keys, shape
    values, keys, shape = struct.pack("<2d", 1.5, 2.5), bytes([1, 3]), bytes([5])
    tensor = b"\x0a\x10" + values + b"\x12\x02" + keys + b"\x1a\x01" + shape
    value = b"\x1a" + bytes([len(tensor)]) + tensor
    entry = b"\x0a\x06values\x12" + bytes([len(value)]) + value
    message = b"\x0a" + bytes([len(entry)]) + entry
    framed = struct.pack("<II", 0xCED7230A, len(message)) + message + b"\0" * (-len(message) % 4)
    assert read_records(framed)[0].features["values"].tolist() == [0.0, 1.5, 0.0, 2.5, 0.0]


@pytest.mark.parametrize(
    "content",
    [
        b"not a record",
        struct.pack("<II", 0xCED7230A, 100) + b"short",
        struct.pack("<II", 0xCED7230A, 4) + b"\xff\xff\xff\xff",
        struct.pack("<II", 0xCED7230A, 12) + b"\xff" * 12,
        write_records([Record({"others": np.ones(2, dtype=np.float32)})]),
        write_records([Record({"values": np.ones(n, dtype=np.float32)}) for n in (1, 2)]),
    ],
)
def test_broken_records_are_told_apart(content: bytes) -> None:
    with pytest.raises(TabularError):
        read_rows(content)
