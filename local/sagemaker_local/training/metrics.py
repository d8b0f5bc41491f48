"""Metrics read from lines of a log by the users' own patterns, each within a time limit."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import regex

from sagemaker_local.training.spec import JobClientError

LINE_MATCHED = 4096  # characters of a line that patterns see
PATTERN_SECONDS = 1.0


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
