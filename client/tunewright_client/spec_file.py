"""Reads a spec file and knows on which line each key stands; what the keys mean is the domain's."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tunewright.domain.errors import Problem, SpecError
from tunewright.domain.expand import expand
from tunewright.domain.spec import StudySpec

KeyPath = tuple[str | int, ...]
_MERGE = "tag:yaml.org,2002:merge"
_BOOL = "tag:yaml.org,2002:bool"


class _Loader(yaml.SafeLoader):
    """Reads plain values as a person means them: `1e-5` is a number, and nothing is a date."""


def _number(loader: _Loader, node: yaml.ScalarNode) -> int:
    try:
        return int(loader.construct_yaml_int(node))
    except ValueError as error:  # Complain in YAML's way, with the place.
        raise yaml.constructor.ConstructorError(
            None, None, f"{node.value[:20]} is no whole number", node.start_mark
        ) from error


def _text(loader: _Loader, node: yaml.ScalarNode) -> str:
    return str(loader.construct_scalar(node))


_Loader.add_constructor("tag:yaml.org,2002:int", _number)
_Loader.add_constructor("tag:yaml.org,2002:timestamp", _text)
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"[-+]?[0-9]+(?:\.[0-9]*)?[eE][-+]?[0-9]+\Z"),
    list("-+0123456789"),
)


def read_flow(text: str) -> Any:  # noqa: ANN401 - YAML
    """Read one value as a spec file would, such as `not_improving: {trials: 10}`.

    Raises:
        ValueError: It cannot be read as YAML.
    """
    try:
        return yaml.load(text, _Loader)  # noqa: S506 - a SafeLoader
    except yaml.YAMLError as error:
        raise ValueError(f"{text!r} is no YAML; write {{not_improving: {{trials: 10}}}}") from error


@dataclass(frozen=True)
class Complaint:
    """One problem with its place in the file.

    Attributes:
        file: The file's name as the person gave it.
        line: The line, counted from 1.
        where: The key, as a dotted path; empty for the whole file.
        message: What is wrong and what would be right.
        source: The line itself.
    """

    file: str
    line: int
    where: str
    message: str
    source: str


class InvalidSpecError(Exception):
    """A spec file cannot be used; `complaints` says why, in the order of the lines."""

    def __init__(self, complaints: tuple[Complaint, ...]) -> None:
        super().__init__(
            "\n".join(f"{each.file}:{each.line}: {each.message}" for each in complaints)
        )
        self.complaints = complaints


@dataclass(frozen=True)
class SpecFile:
    """A spec file that could be read as YAML or JSON.

    Attributes:
        name: The file's name as the person gave it.
        text: What it holds.
        document: What that means as plain values.
        lines: The line of each key path.
    """

    name: str
    text: str
    document: Any
    lines: Mapping[KeyPath, int]

    @classmethod
    def read(cls, path: Path) -> "SpecFile":
        """Read a file.

        Raises:
            InvalidSpecError: It is not there, is no text, or is no YAML.
        """
        name = str(path)
        try:
            text = path.read_text(encoding="utf-8")
        except OSError as error:
            reason = f"cannot be read: {error.strerror}"
            raise InvalidSpecError((Complaint(name, 1, "", reason, ""),)) from error
        except UnicodeDecodeError as error:
            raise InvalidSpecError((Complaint(name, 1, "", "is no text in UTF-8", ""),)) from error
        return cls.parse(name, text)

    @classmethod
    def parse(cls, name: str, text: str) -> "SpecFile":
        """Parse a file's text.

        Raises:
            InvalidSpecError: It is no YAML, or a key stands in it twice.
        """
        lines: dict[KeyPath, int] = {(): 1}
        twice: list[Problem] = []
        document = None
        try:
            loader = _Loader(text)
            node = loader.get_single_node()
            if node is not None:
                _walk(node, (), lines, twice)  # before merge keys are dissolved
                document = loader.construct_document(node)
        except yaml.YAMLError as error:
            raise InvalidSpecError((_yaml_complaint(name, _rows(text), error),)) from error
        except RecursionError as error:
            reason = "is nested too deep, or has an anchor that holds itself"
            raise InvalidSpecError((Complaint(name, 1, "", reason, ""),)) from error
        file = cls(name, text, document, lines)
        if twice:
            raise InvalidSpecError(file.complaints(tuple(twice)))
        return file

    def spec(self) -> StudySpec:
        """Check the file by the domain's rules, and return the study that it describes.

        Raises:
            InvalidSpecError: Something is wrong with it.
        """
        try:
            return expand(self.document)
        except SpecError as error:
            raise InvalidSpecError(self.complaints(error.problems)) from error

    def complaints(self, problems: tuple[Problem, ...]) -> tuple[Complaint, ...]:
        """Place problems in the file."""
        rows = _rows(self.text)
        placed = [
            Complaint(
                self.name,
                line := self._line_of(each.path),
                each.where,
                each.message,
                rows[line - 1].rstrip() if line <= len(rows) else "",
            )
            for each in problems
        ]
        return tuple(sorted(placed, key=lambda complaint: complaint.line))

    def _line_of(self, path: KeyPath) -> int:
        """Return the line of a key, or of the nearest one around it that the file has."""
        while path not in self.lines:
            path = path[:-1]
        return self.lines[path]


def _walk(node: yaml.Node, path: KeyPath, lines: dict[KeyPath, int], twice: list[Problem]) -> None:
    if isinstance(node, yaml.MappingNode):
        own = [pair for pair in node.value if pair[0].tag != _MERGE]
        for key, value in own:
            inner = (*path, str(key.value))
            if inner in lines:
                first = lines[inner]
                twice.append(Problem(inner, f"stands here twice; the first is on line {first}"))
            lines[inner] = key.start_mark.line + 1
            if key.tag == _BOOL:  # `on` is not the key that was meant, but True
                read = yaml.SafeLoader.bool_values[key.value.lower()]
                lines[(*path, str(read))] = lines[inner]
            _walk(value, inner, lines, twice)
        for key, value in node.value:
            if key.tag == _MERGE:
                _walk_merged(value, path, lines)
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            inner = (*path, index)
            lines[inner] = value.start_mark.line + 1
            _walk(value, inner, lines, twice)


def _walk_merged(node: yaml.Node, path: KeyPath, lines: dict[KeyPath, int]) -> None:
    """Note the lines of keys that come by `<<`; the mapping's own keys go before them."""
    merged: dict[KeyPath, int] = {}
    for each in node.value if isinstance(node, yaml.SequenceNode) else [node]:
        _walk(each, path, merged, [])
    for inner, line in merged.items():
        lines.setdefault(inner, line)


def _rows(text: str) -> list[str]:
    """Split a text as YAML counts its lines."""
    return re.split("\r\n|[\n\r\x85\u2028\u2029]", text)


def _yaml_complaint(name: str, rows: list[str], error: yaml.YAMLError) -> Complaint:
    if isinstance(error, yaml.reader.ReaderError):
        line = len(_rows("\n".join(rows)[: error.position + 1]))
        reason = f"the character {chr(error.character)!r} has no place in YAML"
        return Complaint(name, line, "", reason, "")
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    line = min(mark.line + 1, max(1, len(rows))) if mark is not None else 1
    problem = getattr(error, "problem", None) or str(error)
    column = f" at column {mark.column + 1}" if mark is not None else ""
    message = f"this is no YAML{column}: {problem}; a key is written `key: value`"
    return Complaint(name, line, "", message, rows[line - 1] if line <= len(rows) else "")
