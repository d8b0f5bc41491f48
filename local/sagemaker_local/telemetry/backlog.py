"""What is still to be sent, within bounds: a job may print faster than anybody can take it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from sagemaker_local.telemetry.record import Series, Stream

EVENT_OVERHEAD = 26
"""Bytes that CloudWatch Logs counts for each event beside its text."""
EVENT_BYTES = 256 * 1024 - EVENT_OVERHEAD
BATCH_BYTES = 1_048_576
BATCH_EVENTS = 10_000
WAITING_BYTES = 16 * 1024 * 1024
STREAM_BYTES = 4 * 1024 * 1024
STREAM_LINES = 5_000
STREAMS_KNOWN = 1000
WAITING_SAMPLES = 20_000
DATUM_VALUES = 150
BATCH_DATA = 1000
Event = tuple[int, str]


@dataclass
class _Spent:
    """How much of its allowance a stream has had."""

    lines: int = 0
    size: int = 0
    is_full: bool = False


@dataclass
class Lines:
    """Lines of all streams that wait to be sent.

    A stream has an allowance, for the embedded AWS keeps what it is given in memory. Nothing is
    lost by it: the whole log is in a file.
    """

    waiting: dict[Stream, list[Event]] = field(default_factory=dict)
    size: int = 0
    _spent: dict[Stream, _Spent] = field(default_factory=dict)

    def add(self, stream: Stream, text: str, at: float) -> None:
        """Take a line; CloudWatch has no empty ones."""
        if not text:
            return
        if stream not in self._spent and len(self._spent) >= STREAMS_KNOWN:
            del self._spent[next(iter(self._spent))]
        spent = self._spent.setdefault(stream, _Spent())
        cost = len(text) + EVENT_OVERHEAD
        full = spent.lines >= STREAM_LINES or spent.size + cost > STREAM_BYTES
        if full or self.size + cost > WAITING_BYTES:
            if not spent.is_full:
                spent.is_full = True
                text = "[sagemaker_local] CloudWatch has no more of this log; its file has all"
                self._append(stream, text, at)
            return
        if spent.is_full:
            return  # a gap in the middle would mislead
        spent.lines += 1
        spent.size += cost
        self._append(stream, text, at)

    def forget(self, stream: Stream) -> None:
        """Nothing more will come of a stream."""
        self._spent.pop(stream, None)

    def taken(self) -> dict[Stream, list[Event]]:
        """Everything that waits, which then waits no more."""
        waiting, self.waiting, self.size = self.waiting, {}, 0
        return waiting

    def _append(self, stream: Stream, text: str, at: float) -> None:
        self.waiting.setdefault(stream, []).append((int(at * 1000), text))
        self.size += len(text) + EVENT_OVERHEAD


def batches(events: list[Event]) -> Iterator[list[dict[str, Any]]]:
    """Events in the order of their times, in parts that one PutLogEvents takes."""
    batch: list[dict[str, Any]] = []
    size = 0
    for at, text in sorted(events, key=lambda event: event[0]):  # a clock may be set back
        data = text.encode("utf-8", "replace")
        if len(data) > EVENT_BYTES:
            data = data[:EVENT_BYTES]
        cost = len(data) + EVENT_OVERHEAD
        if batch and (size + cost > BATCH_BYTES or len(batch) >= BATCH_EVENTS):
            yield batch
            batch, size = [], 0
        batch.append({"timestamp": at, "message": data.decode("utf-8", "ignore")})
        size += cost
    if batch:
        yield batch


@dataclass
class Sample:
    """The values of one second of one series; all of them, unless there are too many."""

    count: int = 0
    total: float = 0.0
    low: float = float("inf")
    high: float = float("-inf")
    values: list[float] = field(default_factory=list)

    def add(self, value: float) -> None:
        """Take a value."""
        self.count += 1
        self.total += value
        self.low, self.high = min(self.low, value), max(self.high, value)
        if len(self.values) < DATUM_VALUES:
            self.values.append(value)

    def members(self) -> dict[str, Any]:
        """As PutMetricData has it: with percentiles as long as that can be done."""
        if self.count == 1:
            return {"Value": self.values[0]}
        if self.count <= DATUM_VALUES:
            return {"Values": self.values, "Counts": [1.0] * self.count}
        extremes = {"Minimum": self.low, "Maximum": self.high}
        return {
            "StatisticValues": {"SampleCount": float(self.count), "Sum": self.total, **extremes}
        }


@dataclass
class Samples:
    """Values of all series that wait to be sent, a second of each together."""

    waiting: dict[tuple[Series, int], Sample] = field(default_factory=dict)
    dropped: int = 0

    def add(self, series: Series, value: float, at: float) -> None:
        """Take a value."""
        key = series, int(at)
        if key not in self.waiting and len(self.waiting) >= WAITING_SAMPLES:
            self.dropped += 1
            return
        self.waiting.setdefault(key, Sample()).add(value)

    def taken(self) -> Mapping[tuple[Series, int], Sample]:
        """Everything that waits, which then waits no more."""
        waiting, self.waiting = self.waiting, {}
        return waiting


def data(samples: Mapping[tuple[Series, int], Sample]) -> Iterator[tuple[str, list[Any]]]:
    """Samples in parts that one PutMetricData takes, each with its namespace."""
    spaces: dict[str, list[Any]] = {}
    for (series, second), sample in samples.items():
        dimensions = [{"Name": name, "Value": value} for name, value in series.dimensions]
        spaces.setdefault(series.namespace, []).append(
            {
                "MetricName": series.name,
                "Dimensions": dimensions,
                "Timestamp": second,
                "Unit": series.unit,
                **sample.members(),
            }
        )
    for namespace, found in spaces.items():
        for start in range(0, len(found), BATCH_DATA):
            yield namespace, found[start : start + BATCH_DATA]
