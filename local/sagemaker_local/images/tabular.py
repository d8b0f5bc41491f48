"""Rows from bytes, CSV or libsvm, for training and for serving; it knows no model."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix

Array = npt.NDArray[np.float32]
CSV = frozenset({"text/csv", "csv"})
LIBSVM = frozenset({"text/libsvm", "text/x-libsvm", "libsvm"})
PARQUET = frozenset({"application/x-parquet", "parquet"})


class TabularError(Exception):
    """Bytes that are not the rows they should be; the text says where."""


@dataclass(frozen=True)
class Rows:
    """Features, and what else a row may carry."""

    features: Array | csr_matrix
    labels: Array | None = None
    weights: Array | None = None
    groups: npt.NDArray[np.uint32] | None = None


def media_type(content_type: str | None) -> str:
    """The type itself, without parameters.

    >>> media_type("text/csv; charset=utf8")
    'text/csv'
    """
    return (content_type or "").partition(";")[0].strip().lower()


def read_csv(content: bytes) -> Array:
    """A table of numbers; an empty field is a missing value."""
    lines = [line for line in content.splitlines() if line.strip()]
    if not lines:
        return np.empty((0, 0), dtype=np.float32)
    try:
        return np.loadtxt(lines, delimiter=",", dtype=np.float32, ndmin=2, comments=None)
    except ValueError:
        return _read_csv_with_gaps(lines)


def read_libsvm(content: bytes, *, labelled: bool) -> Rows:
    """Rows of ``label[:weight] [qid:group] index:value …``; a label may be missing if told so."""
    labels: list[float] = []
    weights: list[float] = []
    groups: list[int] = []
    reader = _Sparse([], [], [0])
    for number, line in enumerate(content.decode("utf-8", "replace").splitlines(), start=1):
        fields = line.partition("#")[0].split()
        if not fields:
            continue
        try:
            if labelled or ":" not in fields[0] or _is_weighted(fields):
                label, _, weight = fields.pop(0).partition(":")
                labels.append(float(label))
                weights.append(float(weight or 1))
            if fields and fields[0].startswith("qid:"):
                groups.append(int(fields.pop(0)[4:]))
            reader.add(fields)
        except ValueError as error:
            raise TabularError(f"line {number} is not libsvm: {line[:80]!r}") from error
    features = reader.matrix()
    if labels and len(labels) != features.shape[0]:
        raise TabularError("some lines of libsvm have a label and some have none")
    if groups and len(groups) != features.shape[0]:
        raise TabularError("some lines of libsvm have a qid and some have none")
    return Rows(
        features,
        np.asarray(labels, dtype=np.float32) if labels else None,
        np.asarray(weights, dtype=np.float32) if set(weights) - {1.0} else None,
        np.asarray(groups, dtype=np.uint32) if groups else None,
    )


@dataclass(frozen=True)
class _Sparse:
    values: list[float]
    columns: list[int]
    starts: list[int]

    def add(self, fields: list[str]) -> None:
        for field in fields:
            column, colon, value = field.partition(":")
            if not colon or int(column) < 0:
                raise ValueError(field)
            self.columns.append(int(column))
            self.values.append(float(value))
        self.starts.append(len(self.values))

    def matrix(self) -> csr_matrix:
        width = max(self.columns, default=-1) + 1
        values = np.asarray(self.values, dtype=np.float32)
        shape = (len(self.starts) - 1, width)
        return csr_matrix((values, self.columns, self.starts), shape=shape)


def _is_weighted(fields: list[str]) -> bool:
    """Whether a first field with a colon is a label with its weight, not a feature.

    Features come in ascending order, so a first field out of order is a label.
    """
    names = [field.partition(":")[0] for field in fields[:2]]
    if not names[0].isdecimal() and names[0] != "qid":
        return True
    if len(names) < 2 or names[0] == "qid":
        return False
    return names[1] == "qid" or (names[1].isdecimal() and int(names[1]) <= int(names[0]))


def _read_csv_with_gaps(lines: list[bytes]) -> Array:
    width = lines[0].count(b",") + 1
    rows = np.empty((len(lines), width), dtype=np.float32)
    for number, line in enumerate(lines):
        fields = line.decode("utf-8", "replace").split(",")
        if len(fields) != width:
            raise TabularError(
                f"line {number + 1} of the CSV has {len(fields)} fields, the first has {width}"
            )
        for column, field in enumerate(fields):
            rows[number, column] = _number(field.strip(), number + 1, column + 1)
    return rows


def _number(field: str, line: int, column: int) -> float:
    if not field:
        return float("nan")
    try:
        return float(field)
    except ValueError as error:
        header = "; there must be no header" if line == 1 else ""
        raise TabularError(
            f"line {line}, field {column} of the CSV is not a number: {field[:40]!r}{header}"
        ) from error
