"""Reads a document into its form, and says in words what does not fit; it judges shapes only."""

import difflib
import types
import typing
from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from tunewright.domain.errors import Problem, SpecError
from tunewright.domain.form import TAG_MARK, Form, RuleForm, RulesForm, StudyForm

_REQUIRED = {
    "study": "give the study a short name, such as churn-xgb",
    "to": "name the endpoint, such as churn-prod",
    "uri": "give the S3 prefix, such as s3://bucket/train/",
    "choose": "list the choices, such as [gbtree, dart]",
    "max_wait": "say how long to wait for spot capacity, such as 2h",
    "framework": "name the framework, such as sklearn",
    "entry_point": "name the script, such as train.py",
    "source_dir": "give the directory of the script, such as src/",
    "events": "list what to be told of, such as [started, done]",
}
_KINDS = {
    "string_type": "a text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "list_type": "a list",
    "dict_type": "a mapping of keys to values",
    "model_type": "a mapping of keys to values",
    "model_attributes_type": "a mapping of keys to values",
}


_NO_TEXT = "the key {key!r} is no text; put it in quotes (YAML reads on, yes and no as true/false)"


def read_form(document: object) -> StudyForm:
    """Read a document as it came out of YAML or JSON.

    Raises:
        SpecError: It does not have the form of a study; every problem found is told.
    """
    if not isinstance(document, Mapping):
        raise SpecError((Problem((), "a study is a mapping that begins with study: NAME"),))
    stray = [key for key in document if not isinstance(key, str)]
    if stray:
        raise SpecError(tuple(Problem((str(key),), _NO_TEXT.format(key=key)) for key in stray))
    return _validated(StudyForm, document)


def read_rules(document: object) -> list[RuleForm]:
    """Read stopping rules that stand by themselves: `{stop: [RULE, …]}`.

    Raises:
        SpecError: It is something else; every problem found is told.
    """
    if not isinstance(document, Mapping) or set(document) != {"stop"}:
        example = '{"stop": [{"not_improving": {"trials": 10}}]}'
        raise SpecError((Problem((), f"give a list of rules under stop alone: {example}"),))
    return _validated(RulesForm, document).stop


_AnyForm = TypeVar("_AnyForm", bound=Form)


def _validated(form: type[_AnyForm], document: object) -> _AnyForm:
    try:
        return form.model_validate(document)
    except ValidationError as error:
        problems = [_problem(each) for each in error.errors(include_url=False)]
        # A union tells of each of its members: the same place and sentence is told once.
        raise SpecError(tuple(dict.fromkeys(problems))) from error


def _problem(error: Any) -> Problem:  # noqa: ANN401 - pydantic's error dict
    path = tuple(
        part
        for part in error["loc"]
        if not (isinstance(part, str) and (part.startswith(TAG_MARK) or part in _NOISE))
    )
    if path and path[-1] == "[key]":
        return Problem((*path[:-2], str(path[-2])), _NO_TEXT.format(key=error["input"]))
    if len(path) < len(error["loc"]) and error["loc"][-1] in {"int", "float"}:
        return Problem(path, f"{error['input']!r} is not a number")
    return Problem(path, _sentence(error, path))


_NOISE = frozenset({"int", "float", "str", "bool"})
"""Members of a plain union that pydantic puts into the path."""


def _sentence(error: Any, path: tuple[str | int, ...]) -> str:  # noqa: ANN401
    kind, context = error["type"], error.get("ctx", {})
    last = str(path[-1]) if path else ""
    if kind == "missing":
        return f"is required: {_REQUIRED.get(last, 'give it a value')}"
    if kind == "extra_forbidden":
        return _unknown_key(last, _keys_beside(path))
    if kind == "value_error":
        return str(context["error"])
    if kind.startswith("model_") and path[:1] == ("search_space",):
        return f"{error['input']!r} is no range: write [least, greatest] or {{choose: [a, b]}}"
    if kind in _KINDS:
        return f"{error['input']!r} is not {_KINDS[kind]}"
    if kind in {"too_short", "too_long"} and context.get("min_length", context.get("max_length")):
        if last != "choose" and path[:1] == ("search_space",):
            return f"{error['input']!r} is no range: a range is two numbers, [least, greatest]"
        return f"has {context['actual_length']} entries; {_bounds(context)}"
    if kind == "literal_error":
        return f"{error['input']!r} is none of {context['expected']}"
    if kind in {"greater_than_equal", "less_than_equal"}:
        limit = context.get("ge", context.get("le"))
        word = "at least" if "ge" in context else "at most"
        return f"{error['input']!r} will not do: it must be {word} {limit}"
    return f"{error['msg'][0].lower()}{error['msg'][1:]} (got {error['input']!r})"


def _bounds(context: Mapping[str, Any]) -> str:
    if "min_length" in context:
        return f"at least {context['min_length']} are needed"
    return f"at most {context['max_length']} are allowed"


def _unknown_key(key: str, known: tuple[str, ...]) -> str:
    close = difflib.get_close_matches(key, known, n=1)
    hint = f"did you mean {close[0]}?" if close else f"the keys here are {', '.join(known)}"
    return f"there is no such key; {hint}"


def _keys_beside(path: tuple[str | int, ...]) -> tuple[str, ...]:
    """Name the keys that the form knows where an unknown one was found."""
    models: list[type[BaseModel]] = [StudyForm]
    for part in path[:-1]:
        named = [model for model in models if part in model.model_fields]
        if named:
            fields = [model.model_fields[str(part)] for model in named]
            models = [found for field in fields for found in _models_in(field.annotation)]
    return tuple(dict.fromkeys(name for model in models for name in model.model_fields))


def _models_in(annotation: object) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    elif isinstance(annotation, types.UnionType) or typing.get_origin(annotation) is not None:
        for inner in typing.get_args(annotation):
            yield from _models_in(inner)
