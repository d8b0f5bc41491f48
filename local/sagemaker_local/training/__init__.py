"""One training job as one process under the container contract; it knows nothing of tuning.

Read in this order: ``spec``, ``folder``, ``channels``, ``metrics``, ``job``, ``runner``.
"""

from sagemaker_local.images.builtins import builtin
from sagemaker_local.images.catalog import builtin_metric_definitions
from sagemaker_local.training.runner import TrainingRunner
from sagemaker_local.training.spec import Listener, Outcome, TrainingSpec

__all__ = [
    "Listener",
    "Outcome",
    "TrainingRunner",
    "TrainingSpec",
    "builtin",
    "builtin_metric_definitions",
]
