"""Endpoints as processes on loopback ports; it knows nothing of how a model came to be.

Read in this order: ``invocation``, ``model``, ``worker``, ``deployment``, ``host``.
"""

from sagemaker_local.hosting.host import EndpointHost
from sagemaker_local.hosting.invocation import Invocation

__all__ = ["EndpointHost", "Invocation"]
