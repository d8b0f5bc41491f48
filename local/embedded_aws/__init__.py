"""An AWS on one machine, behind one module; it knows neither SageMaker nor Tunewright."""

from embedded_aws.aws import EmbeddedAws
from embedded_aws.bodies import again, whole_body
from embedded_aws.keys import secret_of
from embedded_aws.rest_api import is_open, place

__all__ = ["EmbeddedAws", "again", "is_open", "place", "secret_of", "whole_body"]
