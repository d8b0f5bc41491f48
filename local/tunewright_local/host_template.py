"""What `template.yaml` becomes on this machine: the same resources, from packages made here."""

import json
import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse

Template = dict[str, Any]

_MOST_BATCHES = 2
"""Batches of one queue handled at a time: each is a process of some 60 to 100 MB."""


class _NoManagedPolicies:
    """Managed policies by short name; the template names them by ARN, so none is looked up."""

    def load(self) -> dict[str, str]:
        return {}


def host_template(
    source: str,
    *,
    code: str,
    layers: Mapping[str, str],
    environment: Mapping[str, str],
    overriding: Mapping[str, str],
    region: str,
) -> Template:
    """Transform a SAM template as CloudFormation would, for this machine.

    Args:
        source: The template.
        code: The S3 address of the functions' package.
        layers: For each layer's logical name the S3 address of its package.
        environment: What each function is told besides what the template tells it.
        overriding: What functions are told in place of what the template tells them.
        region: Where it is deployed.
    """
    given = yaml_parse(source)
    given["Globals"]["Function"]["Environment"]["Variables"] |= environment
    for name, each in given["Resources"].items():
        if each["Type"] == "AWS::Serverless::LayerVersion":
            each["Properties"]["ContentUri"] = layers[name]
        elif each["Type"] == "AWS::Serverless::Function":
            each["Properties"]["CodeUri"] = code
    with _quiet(region):
        made = transform(given, {}, _NoManagedPolicies())
    whole: Template = json.loads(json.dumps(made))
    for each in whole["Resources"].values():
        _fit(each, overriding)
    return whole


def _fit(resource: dict[str, Any], overriding: Mapping[str, str]) -> None:
    """Name what is at another address here, and keep the processes to what one machine holds."""
    if resource["Type"] == "AWS::Lambda::Function":
        variables = resource["Properties"].get("Environment", {}).get("Variables", {})
        variables.update({k: v for k, v in overriding.items() if k in variables})
    if resource["Type"] == "AWS::Lambda::EventSourceMapping" and "Queue" in json.dumps(
        resource["Properties"]["EventSourceArn"]
    ):
        resource["Properties"]["ScalingConfig"] = {"MaximumConcurrency": _MOST_BATCHES}


@contextmanager
def _quiet(region: str) -> Iterator[None]:
    """Tell the translator the region without asking boto3, and keep it from logging."""
    log = logging.getLogger("samtranslator")
    level, before = log.level, os.environ.get("AWS_DEFAULT_REGION")
    os.environ["AWS_DEFAULT_REGION"] = region
    try:
        yield
    finally:
        log.setLevel(level)
        if before is None:
            del os.environ["AWS_DEFAULT_REGION"]
        else:
            os.environ["AWS_DEFAULT_REGION"] = before
