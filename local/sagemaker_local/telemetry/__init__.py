"""What jobs and endpoints print and measure, on its way to CloudWatch; it never holds them up.

Read in this order: ``record``, ``backlog``, ``cloudwatch``,
``alarms``.
"""

from sagemaker_local.telemetry.alarms import Alarms
from sagemaker_local.telemetry.cloudwatch import CloudWatch
from sagemaker_local.telemetry.record import SILENCE, Series, Stream, Telemetry

__all__ = ["SILENCE", "Alarms", "CloudWatch", "Series", "Stream", "Telemetry"]
