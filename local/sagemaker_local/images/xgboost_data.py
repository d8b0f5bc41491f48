"""Channels of a job as XGBoost wants them; it trains nothing."""

import importlib
from pathlib import Path
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix, vstack

from sagemaker_local.images.lean_xgboost import xgboost
from sagemaker_local.images.opt_ml import OptMl, UserError
from sagemaker_local.images.recordio import RECORDIO, read_rows
from sagemaker_local.images.tabular import (
    CSV,
    LIBSVM,
    PARQUET,
    Rows,
    TabularError,
    media_type,
    read_csv,
    read_libsvm,
)

DEFAULT_TYPE = "text/libsvm"


def read_channel(place: OptMl, name: str, *, csv_weights: bool) -> Rows:
    """Read all files of a channel, in the order of their names."""
    kind = media_type(place.config("inputdataconfig")[name].get("ContentType") or DEFAULT_TYPE)
    folder = place.channel(name)
    files = [path for path in sorted(folder.rglob("*")) if path.is_file() and _visible(path)]
    if not files:
        raise UserError(f"channel {name} holds no files")
    try:
        if kind in CSV:
            return _labelled(_csv(files), csv_weights=csv_weights)
        if kind in LIBSVM:
            content = b"\n".join(path.read_bytes() for path in files)
            return read_libsvm(content, labelled=True)
        if kind in RECORDIO:
            return _recorded(files)
        if kind in PARQUET:
            return _labelled(_parquet(files), csv_weights=csv_weights)
    except TabularError as error:
        hint = "" if kind in CSV else "; CSV needs the ContentType text/csv"
        raise UserError(f"channel {name}, read as {kind}: {error}{hint}") from error
    raise UserError(
        f"channel {name}: the ContentType {kind} is not read here; use text/csv, text/libsvm, "
        "application/x-parquet or application/x-recordio-protobuf"
    )


def check_labels(rows: Rows, channel: str, objective: str, classes: int) -> None:
    """Refuse labels that the objective cannot learn; XGBoost itself tells it less clearly."""
    labels = rows.labels
    if labels is None:
        raise UserError(f"channel {channel} has no labels")
    if not np.all(np.isfinite(labels)):
        raise UserError(f"channel {channel}: a label is missing or not finite")
    if objective.startswith(("binary:", "reg:logistic")) and np.any((labels < 0) | (labels > 1)):
        raise UserError(f"channel {channel}: label must be in [0,1] for {objective}")
    whole = (labels == np.floor(labels)) & (labels >= 0) & (labels < classes)
    if objective.startswith("multi:") and not np.all(whole):
        raise UserError(f"channel {channel}: label must be one of 0 … {classes - 1} (num_class)")


def matrix(rows: Rows, channel: str, *, threads: int, columns: int) -> Any:  # noqa: ANN401
    """The rows as XGBoost's own matrix, widened to the columns of the widest channel."""
    features = rows.features
    if not isinstance(features, np.ndarray):
        features = features.copy()
        features.resize((features.shape[0], columns))
    elif features.shape[1] != columns:
        raise UserError(
            f"channel {channel} has {features.shape[1]} features, another channel has {columns}"
        )
    data = xgboost.DMatrix(features, label=rows.labels, weight=rows.weights, nthread=threads)
    if rows.groups is not None:
        data.set_info(qid=rows.groups)
    if rows.labels is not None:
        # What survival:aft learns from: no channel can tell of a time that is only bounded
        data.set_info(label_lower_bound=rows.labels, label_upper_bound=rows.labels)
    return data


def joined(rows: Rows, others: Rows) -> Rows:
    """The rows of two channels as one, as a cross-validation wants them."""
    if isinstance(rows.features, np.ndarray) and isinstance(others.features, np.ndarray):
        if rows.features.shape[1] != others.features.shape[1]:
            raise UserError("the channels have different numbers of features")
        features: Any = np.concatenate((rows.features, others.features))
    else:
        columns = max(rows.features.shape[1], others.features.shape[1])
        parts = []
        for part in (rows.features, others.features):
            wide = csr_matrix(part)
            wide.resize((wide.shape[0], columns))
            parts.append(wide)
        features = vstack(parts, format="csr")

    def both(one: Any, other: Any) -> Any:  # noqa: ANN401 - arrays, or None of both
        return None if one is None or other is None else np.concatenate((one, other))

    return Rows(features, both(rows.labels, others.labels), both(rows.weights, others.weights))


def _visible(path: Path) -> bool:
    return not path.name.startswith((".", "_"))


def _recorded(files: list[Path]) -> Rows:
    rows = read_rows(b"".join(path.read_bytes() for path in files))
    if rows.labels is None:
        raise TabularError("the records have no labels")
    return rows


def _csv(files: list[Path]) -> np.typing.NDArray[np.float32]:
    parts = [part for part in (read_csv(path.read_bytes()) for path in files) if part.size]
    widths = {part.shape[1] for part in parts}
    if len(widths) > 1:
        raise TabularError(f"the files have different numbers of fields: {sorted(widths)}")
    return np.concatenate(parts) if parts else np.empty((0, 0), dtype=np.float32)


def _parquet(files: list[Path]) -> np.typing.NDArray[np.float32]:
    try:
        parquet = importlib.import_module("pyarrow.parquet")
    except ImportError as error:
        raise UserError(
            "parquet needs the package pyarrow, which is not installed here; use text/csv"
        ) from error
    tables = [parquet.read_table(path) for path in files]
    columns = [np.column_stack([column.to_numpy() for column in table]) for table in tables]
    return np.concatenate(columns).astype(np.float32)


def _labelled(table: np.typing.NDArray[np.float32], *, csv_weights: bool) -> Rows:
    first = 2 if csv_weights else 1
    if table.size == 0:
        raise TabularError("there are no rows")
    if table.shape[1] <= first:
        raise TabularError(f"a row needs its label and features, it has {table.shape[1]} field(s)")
    weights = table[:, 1] if csv_weights else None
    return Rows(table[:, first:], table[:, 0], weights)
