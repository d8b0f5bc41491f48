"""Entry point of a serving container with the built-in XGBoost; it never unpickles."""

import json
import os
import re
import sys
from typing import Any

import numpy as np
import numpy.typing as npt

from sagemaker_local.images.lean_xgboost import xgboost
from sagemaker_local.images.opt_ml import OptMl, UserError, end_with_parent
from sagemaker_local.images.recordio import RECORDIO, TYPE, Record, read_rows, write_records
from sagemaker_local.images.serving import Answer, RequestError, accepted, serve
from sagemaker_local.images.tabular import (
    CSV,
    LIBSVM,
    TabularError,
    media_type,
    read_csv,
    read_libsvm,
)

MODEL = re.compile(r"xgboost-model(-[0-9]+)?")
TYPES = ("text/csv", "application/json", "application/jsonlines", TYPE)
DEFAULT = "SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT"


class XgboostModel:
    """One booster, or the mean of those that a cross-validation has left."""

    def __init__(self, boosters: list[Any]) -> None:
        self._boosters = boosters
        self._columns = int(boosters[0].num_features())

    @classmethod
    def load(cls, place: OptMl) -> "XgboostModel":
        """Load what the model's folder holds."""
        files = sorted(path for path in place.model.glob("*") if MODEL.fullmatch(path.name))
        if not files:
            raise UserError("the model archive holds no file xgboost-model")
        boosters = []
        for path in files:
            content = path.read_bytes()
            if content[:1] != b"{":  # as both JSON and UBJSON begin; a pickle does not
                raise UserError(f"{path.name} is not a model saved as JSON or UBJSON")
            booster = xgboost.Booster()
            try:
                booster.load_model(bytearray(content))
            except xgboost.core.XGBoostError as error:
                raise UserError(f"{path.name} is not a model of XGBoost") from error
            boosters.append(booster)
        return cls(boosters)

    def answer(self, body: bytes, content_type: str, accept: str) -> Answer:
        """Predict each row of the body."""
        wanted = accepted(accept, TYPES, os.environ.get(DEFAULT, "text/csv"))
        features = self._features(body, media_type(content_type))
        data = xgboost.DMatrix(features, nthread=int(os.environ.get("OMP_NUM_THREADS") or 1))
        try:
            predicted = np.mean([booster.predict(data) for booster in self._boosters], axis=0)
        except (xgboost.core.XGBoostError, ValueError) as error:
            raise RequestError(400, f"the features do not fit the model: {error}") from error
        return Answer(encode(predicted, wanted), wanted)

    def _features(self, body: bytes, kind: str) -> Any:  # noqa: ANN401
        try:
            if kind in CSV:
                features = read_csv(body)
                if features.shape[1] != self._columns:
                    raise RequestError(400, self._mismatch(features.shape[1]))
                return features
            if kind in RECORDIO:
                recorded = read_rows(body).features
                if recorded.shape[1] != self._columns:
                    raise RequestError(400, self._mismatch(recorded.shape[1]))
                return recorded
            if kind in LIBSVM:
                sparse = read_libsvm(body, labelled=False).features
                if sparse.shape[1] > self._columns:
                    raise RequestError(400, self._mismatch(sparse.shape[1]))
                sparse.resize((sparse.shape[0], self._columns))
                return sparse
        except TabularError as error:
            raise RequestError(400, str(error)) from error
        raise RequestError(
            415, f"Content-Type {kind or 'missing'}: use text/csv, text/libsvm or {TYPE}"
        )

    def _mismatch(self, columns: int) -> str:
        label = "; a request carries no label" if columns == self._columns + 1 else ""
        return f"a row has {columns} features, the model expects {self._columns}{label}"


def encode(predicted: npt.NDArray[Any], kind: str) -> bytes:
    r"""Predictions: a line, a score or a record for each row.

    >>> encode(np.array([0.25, 0.5]), "text/csv")
    b'0.25\n0.5\n'
    >>> encode(np.array([0.25]), "application/json")
    b'{"predictions": [{"score": 0.25}]}'
    """
    if kind == TYPE:
        return write_records([Record(label={"score": np.atleast_1d(row)}) for row in predicted])
    rows = predicted.tolist()
    if kind == "application/json":
        return json.dumps({"predictions": [{"score": row} for row in rows]}).encode()
    if kind == "application/jsonlines":
        return "".join(f"{json.dumps({'score': row})}\n" for row in rows).encode()
    lines = [",".join(map(str, row)) if isinstance(row, list) else str(row) for row in rows]
    return "".join(f"{line}\n" for line in lines).encode()


if __name__ == "__main__":
    end_with_parent()
    sys.exit(serve(lambda: XgboostModel.load(OptMl.here())))
