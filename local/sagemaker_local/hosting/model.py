"""A model fetched and laid out for a serving container; it starts none."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sagemaker_local.containers.archives import unpack
from sagemaker_local.objects import ObjectStore

SUBMIT_DIRECTORY = "SAGEMAKER_SUBMIT_DIRECTORY"
IN_THE_MODEL = ("/opt/ml/model/code", "file:///opt/ml/model/code")


class ModelError(Exception):
    """A model cannot be laid out; the text is the failure reason of its endpoint."""


def lay_out(container: Mapping[str, Any], base: Path, objects: ObjectStore) -> None:
    """Fetch the model, and the user's source if there is one, below ``base``."""
    model = base / "model"
    model.mkdir(parents=True)
    source = container.get("ModelDataSource", {}).get("S3DataSource", {})
    uri = container.get("ModelDataUrl") or source.get("S3Uri")
    if uri and source.get("S3DataType") == "S3Prefix":
        if not objects.download_prefix(uri, model):
            raise ModelError(f"there is nothing under {uri}")
    elif uri:
        _extract(uri, model, objects)
    submitted = container.get("Environment", {}).get(SUBMIT_DIRECTORY, "")
    if submitted.startswith("s3://"):
        _extract(submitted, base / "code", objects)
    elif submitted and submitted not in IN_THE_MODEL:
        raise ModelError(
            f"{SUBMIT_DIRECTORY} is {submitted!r}; it has to be the s3:// address of a tar.gz "
            f"or {IN_THE_MODEL[0]}"
        )


def _extract(uri: str, folder: Path, objects: ObjectStore) -> None:
    archive = folder.with_name(f"{folder.name}.tar.gz")
    try:
        objects.download(uri, archive)
        unpack(archive, folder)
    finally:
        archive.unlink(missing_ok=True)
