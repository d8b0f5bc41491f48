"""Sets this process's AWS environment to the local one for a while, so nothing else is met."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import boto3


@contextmanager
def aws_environment(local: Mapping[str, str]) -> Iterator[None]:
    """Replace all AWS variables of the environment by the local ones, and put them back after."""
    saved = {name: value for name, value in os.environ.items() if name.startswith("AWS_")}
    for name in saved:
        del os.environ[name]
    os.environ.update(local)
    # No look-up of credentials or regions anywhere but here.
    os.environ["AWS_EC2_METADATA_DISABLED"] = "true"
    # It keeps the credentials that it found first
    boto3.DEFAULT_SESSION = None
    try:
        yield
    finally:
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            del os.environ[name]
        os.environ.update(saved)
        boto3.DEFAULT_SESSION = None
