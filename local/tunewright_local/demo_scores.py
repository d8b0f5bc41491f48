"""Scores models of the demo: the one behind the endpoint by its answers, others by their files."""

import io
import tarfile
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from tunewright_local.demo_data import Part

MODEL_FILE = "xgboost-model"


def endpoint_auc(runtime: Any, endpoint: str, part: Part) -> float:  # noqa: ANN401 - boto3
    """Ask an endpoint about rows, and score its answers."""
    answer = runtime.invoke_endpoint(
        EndpointName=endpoint,
        ContentType="text/csv",
        Accept="text/csv",
        Body=part.csv(labels=False).encode(),
    )
    text = answer["Body"].read().decode().replace("\n", ",")
    return _auc(part, np.array([float(each) for each in text.split(",") if each.strip()]))


def model_auc(s3: Any, uri: str, part: Part) -> float:  # noqa: ANN401 - boto3
    """Load a model.tar.gz with plain xgboost, and score it."""
    import xgboost  # noqa: PLC0415 - it takes a second to import

    bucket, _, key = uri.removeprefix("s3://").partition("/")
    packed = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    with tempfile.TemporaryDirectory() as folder:
        # The library knows a model's format by its suffix.
        model = Path(folder) / f"{MODEL_FILE}.ubj"
        with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
            held = archive.extractfile(MODEL_FILE)
            if held is None:
                raise FileNotFoundError(f"{uri} holds no {MODEL_FILE}")
            model.write_bytes(held.read())
        booster = xgboost.Booster()
        booster.load_model(model)
    return _auc(part, booster.predict(xgboost.DMatrix(part.features)))


def _auc(part: Part, scores: Any) -> float:  # noqa: ANN401 - an array
    from sklearn.metrics import roc_auc_score  # noqa: PLC0415 - it takes a second to import

    return float(roc_auc_score(part.labels, scores))
