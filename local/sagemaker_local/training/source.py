"""The user's source archive of a script-mode job; it is fetched here and extracted there."""

from collections.abc import Mapping
from pathlib import Path

from sagemaker_local.images.hyperparameters import plain
from sagemaker_local.training.channels import ChannelCache
from sagemaker_local.training.spec import JobClientError

SUBMIT_DIRECTORY = "sagemaker_submit_directory"


def fetch_source(hyperparameters: Mapping[str, str], cache: ChannelCache, target: Path) -> None:
    """Fetch the archive a job names, from S3 and from nowhere else."""
    if SUBMIT_DIRECTORY not in hyperparameters:
        return
    uri = plain(hyperparameters[SUBMIT_DIRECTORY])
    if not uri.startswith("s3://"):
        raise JobClientError(
            f"{SUBMIT_DIRECTORY} is {uri!r}; it has to be the s3:// address of a tar.gz"
        )
    cache.fetch_object(uri, target)
