"""Checks a request against the shapes of the API model, in AWS's words; it judges no meaning."""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import regex
from botocore.utils import parse_timestamp

from sagemaker_local.errors import ApiError, validation

_PATTERN_SECONDS = 1.0
_JSON_NAMES = {bool: "BOOLEAN", int: "NUMBER", float: "NUMBER", str: "STRING", list: "LIST"}
_WANTED: dict[str, tuple[type | tuple[type, ...], str]] = {
    "structure": (dict, "Structure"),
    "map": (dict, "Map"),
    "list": (list, "List"),
    "string": (str, "String"),
    "boolean": (bool, "Boolean"),
    "integer": (int, "Integer"),
    "long": (int, "Long"),
    "float": ((int, float), "Float"),
    "double": ((int, float), "Double"),
}


def checked(shape: Any, request: Any) -> dict[str, Any]:  # noqa: ANN401 - botocore carries no types
    """Give the request back with unknown members left out, or raise what AWS would answer."""
    parsed: dict[str, Any] = _parsed(shape, request)
    errors = list(_violations(shape, parsed, ""))
    if errors:
        count = f"{len(errors)} validation error{'s' if len(errors) > 1 else ''} detected: "
        raise validation(count + "; ".join(errors))
    return parsed


def _parsed(shape: Any, value: Any) -> Any:  # noqa: ANN401
    """Convert as AWS's JSON protocol does: types are demanded, unknown members ignored."""
    kind = shape.type_name
    if kind == "timestamp":
        return _timestamp(value)
    wanted, word = _WANTED[kind]
    fits = isinstance(value, wanted) and (kind == "boolean" or not isinstance(value, bool))
    if not fits:
        got = _JSON_NAMES.get(type(value), "START_OBJECT")
        raise ApiError("SerializationException", f"{got}_VALUE can not be converted to a {word}")
    if kind == "structure":
        return {
            name: _parsed(member, value[name])
            for name, member in shape.members.items()
            if value.get(name) is not None
        }
    if kind == "map":
        return {k: _parsed(shape.value, v) for k, v in value.items() if v is not None}
    if kind == "list":
        return [_parsed(shape.member, item) for item in value]
    return value


def _timestamp(value: Any) -> float:  # noqa: ANN401
    try:
        return float(parse_timestamp(value).timestamp())
    except (ValueError, RuntimeError) as error:  # botocore raises the latter for a year too far off
        raise ApiError("SerializationException", f"{value} is not a timestamp") from error


def _violations(shape: Any, value: Any, path: str) -> Iterator[str]:  # noqa: ANN401
    kind = shape.type_name
    if kind == "structure":
        for name in shape.required_members:
            if name not in value:
                yield _violation(None, _join(path, _lower(name)), "Member must not be null")
        for name, item in value.items():
            yield from _violations(shape.members[name], item, _join(path, _lower(name)))
        return
    yield from _constraints(shape, value, path)
    if kind == "list":
        for number, item in enumerate(value, start=1):
            yield from _violations(shape.member, item, f"{path}.{number}.member")
    elif kind == "map":
        for key, item in value.items():
            yield from _violations(shape.key, key, f"{path}.{key}.key")
            yield from _violations(shape.value, item, f"{path}.{key}.member")


def _constraints(shape: Any, value: Any, path: str) -> Iterator[str]:  # noqa: ANN401
    meta: Mapping[str, Any] = shape.metadata
    kind = shape.type_name
    if kind in {"string", "list", "map"}:
        yield from _bounds(meta, value, len(value), "length", path)
    elif kind in {"integer", "long", "float", "double"}:
        yield from _bounds(meta, value, value, "value", path)
    if kind != "string":
        return
    if "pattern" in meta and not _matches(meta["pattern"], value):
        rule = f"Member must satisfy regular expression pattern: {meta['pattern']}"
        yield _violation(value, path, rule)
    if shape.enum and value not in shape.enum:
        yield _violation(
            value, path, f"Member must satisfy enum value set: [{', '.join(shape.enum)}]"
        )


def _bounds(
    meta: Mapping[str, Any],
    value: Any,  # noqa: ANN401
    size: float,
    word: str,
    path: str,
) -> Iterator[str]:
    if "min" in meta and size < meta["min"]:
        rule = f"Member must have {word} greater than or equal to {meta['min']}"
        yield _violation(value, path, rule)
    if "max" in meta and size > meta["max"]:
        rule = f"Member must have {word} less than or equal to {meta['max']}"
        yield _violation(value, path, rule)


def _violation(value: Any, path: str, rule: str) -> str:  # noqa: ANN401
    shown = "null" if value is None else f"'{_shown(value)}'"
    return f"Value {shown} at '{path}' failed to satisfy constraint: {rule}"


def _shown(value: Any) -> str:  # noqa: ANN401
    match value:
        case bool():
            return "true" if value else "false"
        case list():
            return f"[{', '.join(_shown(item) for item in value)}]"
        case dict():
            return "{" + ", ".join(f"{k}={_shown(v)}" for k, v in value.items()) + "}"
        case _:
            return str(value)


def _lower(name: str) -> str:
    return name[:1].lower() + name[1:]


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _matches(pattern: str, value: str) -> bool:
    compiled = _compiled(pattern)
    if compiled is None:
        return True
    try:
        return compiled.fullmatch(value, timeout=_PATTERN_SECONDS) is not None
    except TimeoutError:
        return False


@cache
def _compiled(pattern: str) -> Any | None:  # noqa: ANN401 - regex carries no types
    # The patterns are Java's: `re` knows no \p{L}, `regex` does. Those of surrogate pairs are
    # known to neither; they allow every character that a JSON text can hold.
    try:
        return regex.compile(pattern)
    except regex.error:
        return None
