"""Metrics read from lines of a log by the users' own patterns, each within a time limit."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

import regex

from sagemaker_local.training.spec import JobClientError

LINE_MATCHED = 4096  # characters of a line that patterns see
PATTERN_SECONDS = 1.0
TOLD_FREELY = 10_000
PACE_SECONDS = 0.1
Values = list[tuple[str, float, datetime]]


@dataclass
class Pace:
    """Lets a metric be told freely at first, then ten times a second: nobody can keep a million.

    The last value always arrives, since it is the one that counts.
    """

    _told: dict[str, int] = field(default_factory=dict)
    _due: dict[str, float] = field(default_factory=dict)
    _held: dict[str, tuple[str, float, datetime]] = field(default_factory=dict)

    def told(self, name: str, value: float, at: datetime, now: float) -> Values:
        """What may be told of a new value: that value, or nothing yet."""
        count = self._told[name] = self._told.get(name, 0) + 1
        if count > TOLD_FREELY and now < self._due.get(name, 0.0):
            self._held[name] = (name, value, at)
            return []
        self._held.pop(name, None)
        self._due[name] = now + PACE_SECONDS
        return [(name, value, at)]

    def due(self, now: float) -> Values:
        """Values that were held back and may be told now."""
        names = [name for name in self._held if now >= self._due[name]]
        for name in names:
            self._due[name] = now + PACE_SECONDS
        return [self._held.pop(name) for name in names]

    def rest(self) -> Values:
        """All values that were held back."""
        held, self._held = list(self._held.values()), {}
        return held


@dataclass(frozen=True)
class MetricReader:
    """The metric definitions of a job, ready to be held against its log."""

    patterns: tuple[tuple[str, "regex.Pattern[str]"], ...]
    note: Callable[[str], None]
    seconds: float = PATTERN_SECONDS

    @classmethod
    def of(
        cls,
        definitions: tuple[tuple[str, str], ...],
        note: Callable[[str], None],
        seconds: float = PATTERN_SECONDS,
    ) -> "MetricReader":
        """Compile the definitions; a pattern that is none is the caller's error."""
        patterns = []
        for name, pattern in definitions:
            try:
                compiled = regex.compile(pattern)
            except regex.error as error:
                raise JobClientError(
                    f"the Regex of metric definition {name!r} is not a regular expression: {error}"
                ) from error
            if compiled.groups == 0:
                note(f"metric definition {name!r} has no group, so it never yields a value")
            else:
                patterns.append((name, compiled))
        return cls(tuple(patterns), note, seconds)

    def read(self, line: str) -> Iterator[tuple[str, float]]:
        """Each metric that the line reports, in the order of the definitions."""
        text = line[:LINE_MATCHED]
        for name, pattern in self.patterns:
            value = self._value(name, pattern, text)
            if value is not None:
                yield name, value

    def _value(self, name: str, pattern: "regex.Pattern[str]", text: str) -> float | None:
        try:
            # concurrent: a slow pattern may cost its own job a second, but not all the others
            found = pattern.search(text, timeout=self.seconds, concurrent=True)
        except TimeoutError as error:
            raise JobClientError(
                f"the Regex of metric definition {name!r} took longer than {self.seconds:g} s "
                "on one line of the log; such a pattern would never end on some lines"
            ) from error
        if found is None or found.group(1) is None:
            return None
        try:
            value = float(found.group(1))
        except ValueError:
            self.note(f"metric {name!r}: {found.group(1)[:80]!r} is not a number, ignored")
            return None
        if not math.isfinite(value):
            self.note(f"metric {name!r}: {value} is not finite, ignored")
            return None
        return value
