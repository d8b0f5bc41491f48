"""Alarms of CloudWatch, as a deployment asks for them."""

import logging
from collections.abc import Sequence

from botocore.exceptions import BotoCoreError, ClientError

from sagemaker_local.clients import client

_LOG = logging.getLogger(__name__)


class Alarms:
    """The alarms behind one endpoint."""

    def __init__(self, endpoint: str, *, region: str, access_key: str, secret_key: str) -> None:
        self._client = client(
            "cloudwatch",
            endpoint,
            region=region,
            access_key=access_key,
            secret_key=secret_key,
            connect_timeout=2,
            read_timeout=10,
        )

    def ringing(self, names: Sequence[str]) -> list[str]:
        """Which of these are in ALARM; what cannot be asked does not ring."""
        if not names:
            return []
        try:
            found = self._client.describe_alarms(
                AlarmNames=list(names),
                AlarmTypes=["MetricAlarm", "CompositeAlarm"],
                StateValue="ALARM",
            )
        except (BotoCoreError, ClientError) as error:
            _LOG.warning("the alarms %s could not be asked: %s", ", ".join(names), error)
            return []
        all_of = [*found.get("MetricAlarms", ()), *found.get("CompositeAlarms", ())]
        return sorted(alarm["AlarmName"] for alarm in all_of)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()
