"""Entry point of a serving container with the built-in k-nearest neighbours."""

import json
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from sagemaker_local.images.knn_index import Index, Neighbours
from sagemaker_local.images.knn_train import label_size
from sagemaker_local.images.opt_ml import OptMl, end_with_parent
from sagemaker_local.images.recordio import RECORDIO, TYPE, Record, read_rows, write_records
from sagemaker_local.images.serving import Answer, RequestError, accepted, serve
from sagemaker_local.images.tabular import CSV, TabularError, media_type, read_csv

JSON, LINES = "application/json", "application/jsonlines"
TYPES = (JSON, LINES, TYPE)
Array = npt.NDArray[np.float32]


class KnnModel:
    """An index that answers requests."""

    def __init__(self, index: Index) -> None:
        self._index = index

    def answer(self, body: bytes, content_type: str, accept: str) -> Answer:
        """Predict each row of the body; with ``verbose=true``, tell the neighbours as well."""
        wanted = accepted(accept, TYPES, JSON)
        try:
            rows = _rows(body, content_type)
        except TabularError as error:
            raise RequestError(400, str(error)) from error
        if rows.ndim != 2 or rows.shape[1] != self._index.features:
            raise RequestError(
                400,
                f"a row has {rows.shape[-1]} features, the model expects {self._index.features}",
            )
        found = self._index.search(rows)
        return Answer(encode(found, wanted, verbose=_is_verbose(accept)), wanted)


def encode(found: Neighbours, kind: str, *, verbose: bool) -> bytes:
    r"""Predictions in the form that is wished for.

    >>> two = np.array([[1.0, 2.0]], dtype=np.float32)
    >>> encode(Neighbours(two, two, two[:, 0]), "application/jsonlines", verbose=True)
    b'{"predicted_label": 1.0, "distances": [1.0, 2.0], "labels": [1.0, 2.0]}\n'
    """
    if kind == TYPE:
        return write_records([Record(label=_tensors(one)) for one in _each(found, verbose=verbose)])
    rows = list(_each(found, verbose=verbose))
    if kind == LINES:
        return "".join(f"{json.dumps(row)}\n" for row in rows).encode()
    return json.dumps({"predictions": rows}).encode()


def _each(found: Neighbours, *, verbose: bool) -> Iterator[dict[str, Any]]:
    for number, predicted in enumerate(found.predicted):
        told: dict[str, Any] = {"predicted_label": float(predicted)}
        if verbose:
            told["distances"] = found.distances[number].tolist()
            told["labels"] = found.labels[number].tolist()
        yield told


def _tensors(row: dict[str, Any]) -> dict[str, Array]:
    return {name: np.atleast_1d(np.asarray(v, dtype=np.float32)) for name, v in row.items()}


def _is_verbose(accept: str) -> bool:
    return "verbose=true" in accept.lower().replace(" ", "")


def _rows(body: bytes, content_type: str) -> Array:
    kind = media_type(content_type)
    if kind in CSV:
        return read_csv(body)[:, label_size(content_type, default=0) :]
    if kind in RECORDIO:
        return np.asarray(read_rows(body).features)
    try:
        if kind == JSON:
            return _table([_features(one) for one in json.loads(body)["instances"]])
        if kind == LINES:
            return _table([_features(json.loads(line)) for line in body.splitlines() if line])
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise TabularError(f"the body is not {kind} with features: {error!r}") from error
    raise RequestError(415, f"Content-Type {kind or 'missing'}: use text/csv, {JSON} or {TYPE}")


def _features(instance: Any) -> Any:  # noqa: ANN401 - whatever the JSON holds
    inner = instance["data"]["features"] if "data" in instance else instance["features"]
    return inner["values"] if isinstance(inner, dict) else inner


def _table(rows: list[Any]) -> Array:
    return np.asarray(rows, dtype=np.float32)


if __name__ == "__main__":
    end_with_parent()
    sys.exit(serve(lambda: KnnModel(Index.load(OptMl.here().model))))
