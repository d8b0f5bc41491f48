"""Entry point of a training job with the built-in k-nearest neighbours; it is a process."""

import sys
import threading
import time
import traceback

import numpy as np

from sagemaker_local.images.knn_hyperparameters import (
    Hyperparameters,
    validate,
    validate_channels,
)
from sagemaker_local.images.knn_index import Index
from sagemaker_local.images.opt_ml import OptMl, UserError, end_with_parent, say
from sagemaker_local.images.recordio import RECORDIO, TYPE, read_rows
from sagemaker_local.images.tabular import CSV, Rows, TabularError, media_type, read_csv


def main() -> int:
    """Train as the configuration says; return the exit code."""
    place = OptMl.here()
    try:
        told = validate(place.config("hyperparameters"))
        channels = frozenset(place.config("inputdataconfig"))
        validate_channels(channels)
        train = _read(place, "train", told)
        index = Index.built(told, np.asarray(train.features), np.asarray(train.labels))
        say(f"{len(index.points)} points of {index.points.shape[1]} dimensions are in the index")
        if "test" in channels:
            _test(index, _read(place, "test", told), told)
        index.save(place.model)
    except UserError as error:
        return place.fail(f"ClientError: {error}")
    except Exception as error:  # noqa: BLE001 - whatever it was, the job has to tell
        traceback.print_exc()
        return place.fail(f"{type(error).__name__}: {error}")
    return 0


def _read(place: OptMl, channel: str, told: Hyperparameters) -> Rows:
    given = place.config("inputdataconfig")[channel].get("ContentType") or TYPE
    kind = media_type(given)
    files = sorted(path for path in place.channel(channel).rglob("*") if path.is_file())
    content = [path.read_bytes() for path in files if not path.name.startswith((".", "_"))]
    try:
        if kind in CSV:
            rows = _csv(b"\n".join(content), label_size(given, default=1))
        elif kind in RECORDIO:
            rows = read_rows(b"".join(content))
        else:
            raise UserError(
                f"channel {channel}: the ContentType {kind} is not read; use text/csv or {TYPE}"
            )
    except TabularError as error:
        raise UserError(f"channel {channel}, read as {kind}: {error}") from error
    if rows.labels is None or not rows.labels.size:
        raise UserError(f"channel {channel} has no labels")
    if rows.features.shape[1] != told.features:
        raise UserError(
            f"channel {channel} has {rows.features.shape[1]} features, feature_dim says "
            f"{told.features}"
        )
    if not np.all(np.isfinite(np.asarray(rows.features))) or not np.all(np.isfinite(rows.labels)):
        raise UserError(f"channel {channel}: a value is missing or not finite")
    return rows


def _csv(content: bytes, labels: int) -> Rows:
    table = read_csv(content)
    if labels != 1:
        raise TabularError(f"label_size is {labels}; a row has one label here")
    return Rows(table[:, 1:], table[:, 0]) if table.size else Rows(table)


def _test(index: Index, rows: Rows, told: Hyperparameters) -> None:
    """Score mini-batch by mini-batch; a line tells the score so far, the last one that of all."""
    features, labels = np.asarray(rows.features), np.asarray(rows.labels)
    total = 0.0
    for start in range(0, len(features), told.batch):
        part = slice(start, start + told.batch)
        missed = index.search(features[part]).predicted.astype(np.float64) - labels[part]
        total += float(np.sum(missed == 0) if told.score == "accuracy" else np.sum(missed**2))
        done = min(start + told.batch, len(features))
        stamp = time.strftime("%m/%d/%Y %H:%M:%S", time.gmtime())
        thread = threading.get_ident()
        say(f"[{stamp} INFO {thread}] #test_score (algo-1) : ('{told.score}', {total / done!r})")


def label_size(content_type: str, *, default: int) -> int:
    """The columns of a CSV that are labels, as a parameter of its content type says.

    >>> label_size("text/csv; label_size=0", default=1), label_size("text/csv", default=1)
    (0, 1)
    """
    for part in content_type.split(";")[1:]:
        name, _, value = part.partition("=")
        if name.strip().lower() == "label_size":
            if not value.strip().isdecimal():
                raise TabularError(f"label_size is {value.strip()!r}; it has to be a whole number")
            return int(value)
    return default


if __name__ == "__main__":
    end_with_parent()
    sys.exit(main())
