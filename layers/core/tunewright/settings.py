"""The environment as one frozen value; nothing else in the core reads it."""

import os
from collections.abc import Mapping

from tunewright.domain.values import Value


class Settings(Value):
    """What the core is told by its environment.

    Attributes:
        stack: The name of the stack, which owns what carries its tag.
        region: The AWS region.
        endpoint_url: Where AWS is; None for AWS itself.
    """

    stack: str = "tunewright"
    region: str = "us-east-1"
    endpoint_url: str | None = None

    @classmethod
    def read(cls, environment: Mapping[str, str] | None = None) -> "Settings":
        """Read the settings from the environment."""
        found = os.environ if environment is None else environment
        return cls(
            stack=found.get("TUNEWRIGHT_STACK", "tunewright"),
            region=found.get("AWS_REGION", found.get("AWS_DEFAULT_REGION", "us-east-1")),
            endpoint_url=found.get("AWS_ENDPOINT_URL") or None,
        )
