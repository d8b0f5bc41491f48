"""The environment as one frozen value; nothing else in the core reads it."""

import os
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Literal

from tunewright.domain.values import Value


class Settings(Value):
    """What the core is told by its environment.

    Attributes:
        stack: The name of the stack, which owns what carries its tag.
        region: The AWS region.
        endpoint_url: Where AWS is; None for AWS itself.
        table: The DynamoDB table.
        wake_queue: The URL of the queue of wakes.
        deploy_queue: The URL of the queue of studies whose endpoint is to be tended.
        topic: The ARN of the topic that people are told by.
        bus: The event bus that programs are told by.
        slack_parameter: The SSM parameter that holds the Slack webhook.
        slack_host: Where Slack is; empty for Slack itself.
        slack_signing_parameter: The SSM parameter with the secret by which Slack signs what it
            tells us; one a line while it is being changed. Empty if Slack tells us nothing.
        api_url: Where the API is, for links; empty for no links.
        orphan_policy: What is done with orphans after people were told: nothing, or `remove`.
        monthly_budget: US dollars that all studies together may use in a month; 0 for no limit.
    """

    stack: str = "tunewright"
    region: str = "us-east-1"
    endpoint_url: str | None = None
    table: str = ""
    wake_queue: str = ""
    deploy_queue: str = ""
    topic: str = ""
    bus: str = ""
    slack_parameter: str = ""
    slack_host: str = ""
    slack_signing_parameter: str = ""
    api_url: str = ""
    orphan_policy: Literal["tell", "remove"] = "tell"
    monthly_budget: Decimal = Decimal(0)

    @classmethod
    def read(cls, environment: Mapping[str, str] | None = None) -> "Settings":
        """Read the settings from the environment."""
        found = os.environ if environment is None else environment
        ours: dict[str, Any] = {
            name: found[f"TUNEWRIGHT_{name.upper()}"]
            for name in cls.model_fields
            if f"TUNEWRIGHT_{name.upper()}" in found
        }
        ours.setdefault("region", found.get("AWS_REGION") or found.get("AWS_DEFAULT_REGION", ""))
        known = {name: value for name, value in ours.items() if value}
        return cls(**known, endpoint_url=found.get("AWS_ENDPOINT_URL") or None)
