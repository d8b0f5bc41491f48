"""Records of SageMaker's algorithms as bytes: RecordIO frames around small protobuf messages.

The message is a map of features and a map of labels, from names to tensors. It is read by hand,
since a library for one message of four fields would be the larger part of a container.
"""

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from sagemaker_local.images.tabular import Rows, TabularError

TYPE = "application/x-recordio-protobuf"
RECORDIO = frozenset({TYPE, "recordio-protobuf"})
DEFAULT = "values"
_MAGIC = 0xCED7230A
_LENGTH = (1 << 29) - 1
_FEATURES, _LABEL = 1, 2
_FLOAT32, _FLOAT64, _INT32 = 2, 3, 7
_DTYPES = {_FLOAT32: "<f4", _FLOAT64: "<f8"}
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_MOST_BITS = 70
_WIDEST = 10_000_000
"""Columns of a sparse record; more would take the memory of the machine for one row."""
Values = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Record:
    """One observation."""

    features: Mapping[str, Values] = field(default_factory=dict)
    label: Mapping[str, Values] = field(default_factory=dict)


def read_records(content: bytes) -> list[Record]:
    """All records of a file or a request."""
    try:
        return [_record(message) for message in _frames(content)]
    except (struct.error, IndexError, ValueError, UnicodeDecodeError) as error:
        raise TabularError(f"the bytes are not RecordIO with protobuf: {error}") from error


def read_rows(content: bytes) -> Rows:
    """Records as a table; the label of a row is the first of its values."""
    records = read_records(content)
    rows = [record.features.get(DEFAULT) for record in records]
    if not rows:
        return Rows(np.empty((0, 0), dtype=np.float32))
    if any(row is None for row in rows):
        raise TabularError(f"a record has no feature named {DEFAULT!r}")
    widths = {len(row) for row in rows if row is not None}
    if len(widths) > 1:
        raise TabularError(f"the records have different numbers of features: {sorted(widths)}")
    labels = [record.label.get(DEFAULT) for record in records]
    told = [label[0] for label in labels if label is not None and len(label)]
    if told and len(told) != len(rows):
        raise TabularError("some records have a label and some have none")
    table = np.stack([row for row in rows if row is not None])
    return Rows(table, np.asarray(told, dtype=np.float32) if told else None)


def write_records(records: list[Record]) -> bytes:
    """Records as bytes."""
    return b"".join(_framed(_encoded(record)) for record in records)


def _frames(content: bytes) -> Iterator[bytes]:
    at, parts = 0, b""
    while at < len(content):
        magic, header = struct.unpack_from("<II", content, at)
        if magic != _MAGIC:
            raise ValueError(f"there is no record at byte {at}")
        part, length = header >> 29, header & _LENGTH
        if at + 8 + length > len(content):
            raise ValueError(f"the record at byte {at} is cut off")
        parts += content[at + 8 : at + 8 + length]
        at += 8 + length + -length % 4
        if part in {0, 3}:  # a whole record, or the last part of one
            yield parts
            parts = b""


def _framed(message: bytes) -> bytes:
    return struct.pack("<II", _MAGIC, len(message)) + message + b"\0" * (-len(message) % 4)


def _record(message: bytes) -> Record:
    maps: dict[int, dict[str, Values]] = {_FEATURES: {}, _LABEL: {}}
    for number, value in _fields(message):
        if number in maps and isinstance(value, bytes):
            entry = dict(_fields(value))
            name, tensor = entry.get(1, b""), entry.get(2, b"")
            if isinstance(name, bytes) and isinstance(tensor, bytes):
                maps[number][name.decode()] = _tensor(tensor)
    return Record(maps[_FEATURES], maps[_LABEL])


def _tensor(message: bytes) -> Values:
    for kind, body in _fields(message):
        if kind in {_FLOAT32, _FLOAT64, _INT32} and isinstance(body, bytes):
            return _values(kind, body)
    raise ValueError("a value is neither a tensor of floats nor of integers")


def _values(kind: int, body: bytes) -> Values:
    values = np.empty(0, dtype=np.float32)
    keys: list[int] = []
    shape: list[int] = []
    for number, value in _fields(body):
        if number == 1:
            values = np.append(values, _numbers(kind, value))
        elif number == 2:
            keys += _varints(value)
        elif number == 3:
            shape += _varints(value)
    if not keys:
        return values
    width = shape[-1] if shape else max(keys) + 1
    if width > _WIDEST or max(keys) >= width or len(keys) != len(values):
        raise ValueError("the keys of a sparse tensor do not fit its shape and values")
    dense = np.zeros(width, dtype=np.float32)
    dense[keys] = values
    return dense


def _numbers(kind: int, value: bytes | int) -> Values:
    if kind == _INT32:
        signed = [number - (1 << 64) if number >> 63 else number for number in _varints(value)]
        return np.asarray(signed, dtype=np.float32)
    if isinstance(value, int):
        raise ValueError("a float is not a whole number")
    return np.frombuffer(value, dtype=_DTYPES[kind]).astype(np.float32)


def _fields(message: bytes) -> Iterator[tuple[int, bytes | int]]:
    """Number and value of each field; what has a fixed width comes as its bytes."""
    at = 0
    while at < len(message):
        tag, at = _varint(message, at)
        number, wire = tag >> 3, tag & 7
        if wire == _VARINT:
            value, at = _varint(message, at)
            yield number, value
            continue
        if wire == _BYTES:
            length, at = _varint(message, at)
        elif wire in {_FIXED64, _FIXED32}:
            length = 8 if wire == _FIXED64 else 4
        else:
            raise ValueError(f"a field of kind {wire}")
        if at + length > len(message):
            raise ValueError("a field is cut off")
        yield number, message[at : at + length]
        at += length


def _varint(message: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
        if shift > _MOST_BITS:
            raise ValueError("a number has too many bytes")


def _varints(value: bytes | int) -> list[int]:
    if isinstance(value, int):
        return [value]
    found, at = [], 0
    while at < len(value):
        number, at = _varint(value, at)
        found.append(number)
    return found


def _encoded(record: Record) -> bytes:
    maps = ((_FEATURES, record.features), (_LABEL, record.label))
    return b"".join(
        _field(number, _field(1, name.encode()) + _field(2, _float32(values)))
        for number, named in maps
        for name, values in named.items()
    )


def _float32(values: Values) -> bytes:
    return _field(_FLOAT32, _field(1, np.asarray(values, dtype="<f4").tobytes()))


def _field(number: int, content: bytes) -> bytes:
    return _as_varint(number << 3 | _BYTES) + _as_varint(len(content)) + content


def _as_varint(value: int) -> bytes:
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    found.append(value)
    return bytes(found)
