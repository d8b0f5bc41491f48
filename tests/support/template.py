"""The template: as it is written, and as CloudFormation gets it."""

import copy
import json
import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse

Template = dict[str, Any]

PATH = Path(__file__).parents[2] / "template.yaml"


class _NoManagedPolicies:
    def load(self) -> dict[str, str]:
        return {}


def written() -> Template:
    """Read the template as it is written, tags as `Ref` and `Fn::…`."""
    found: Template = yaml_parse(PATH.read_text())
    return found


def transformed() -> Template:
    """Make of the template what SAM's transform makes of it."""
    given = copy.deepcopy(written())
    for each in given["Resources"].values():
        for folder in {"CodeUri", "ContentUri"} & each.get("Properties", {}).keys():
            each["Properties"][folder] = "s3://x/y"
    level = logging.getLogger("samtranslator").level
    region = os.environ.get("AWS_DEFAULT_REGION")
    os.environ["AWS_DEFAULT_REGION"] = "us-east-1"
    try:
        found = transform(given, {}, _NoManagedPolicies())
    finally:
        if region is None:
            del os.environ["AWS_DEFAULT_REGION"]
        else:
            os.environ["AWS_DEFAULT_REGION"] = region
        logging.getLogger("samtranslator").setLevel(level)
    plain: Template = json.loads(json.dumps(found))
    return plain


def of_type(template: Template, kind: str) -> dict[str, Any]:
    """Give the properties of all resources of a type, by name."""
    return {
        name: each.get("Properties", {})
        for name, each in template["Resources"].items()
        if each["Type"] == kind
    }


def functions(template: Template) -> dict[str, Any]:
    """Give the properties of all functions, by name."""
    return of_type(template, "AWS::Lambda::Function")


def listed(value: Any) -> list[Any]:
    """Give one thing, or many, as a list."""
    return value if isinstance(value, list) else [value]


def statements(template: Template) -> Iterator[tuple[str, dict[str, Any]]]:
    """Give what each function may do, those things too that it may do under a condition only."""
    for name, role in of_type(template, "AWS::IAM::Role").items():
        for policy in role.get("Policies", ()):
            for each in policy["PolicyDocument"]["Statement"]:
                yield name.removesuffix("Role"), each["Fn::If"][1] if "Fn::If" in each else each


def text(value: Any) -> str:
    """Write an intrinsic as a person would: `${Table.Arn}/index/standing`."""
    match value:
        case {"Ref": name}:
            return f"${{{name}}}"
        case {"Fn::GetAtt": [name, attribute]}:
            return f"${{{name}.{attribute}}}"
        case {"Fn::Sub": str(words)}:
            return words
        case {"Fn::If": [condition, yes, _]}:
            return f"{text(yes)} if {condition}"
        case _:
            return str(value)


def matches(pattern: Any, event: Any) -> bool:
    """Say whether EventBridge would let an event through, as far as our patterns go."""
    if isinstance(pattern, dict):
        return isinstance(event, dict) and all(
            matches(each, event.get(key)) for key, each in pattern.items()
        )
    return any(
        isinstance(event, str) and event.startswith(each["prefix"])
        if isinstance(each, dict)
        else event == each
        for each in pattern
    )
