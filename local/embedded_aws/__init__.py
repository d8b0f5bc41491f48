"""An AWS on one machine, behind one module; it knows neither SageMaker nor Tunewright."""

from embedded_aws.aws import EmbeddedAws

__all__ = ["EmbeddedAws"]
