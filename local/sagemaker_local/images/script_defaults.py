"""What a serving script need not define: reading, predicting and writing arrays of numbers."""

import io
import json

import numpy as np
import numpy.typing as npt

from sagemaker_local.images.serving import RequestError, accepted
from sagemaker_local.images.tabular import media_type

JSON, CSV, NPY = "application/json", "text/csv", "application/x-npy"


def input_fn(body: str | bytes, content_type: str) -> npt.NDArray[np.generic]:
    """Read an array."""
    kind = media_type(content_type)
    try:
        if kind == JSON:
            return np.asarray(json.loads(body))
        if kind == CSV:
            text = body if isinstance(body, str) else body.decode()
            return np.loadtxt(io.StringIO(text), delimiter=",", ndmin=2)
        if kind == NPY:
            content = body if isinstance(body, bytes) else body.encode()
            array: npt.NDArray[np.generic] = np.load(io.BytesIO(content), allow_pickle=False)
            return array
    except ValueError as error:
        raise RequestError(400, f"the body is not {kind}: {error}") from error
    raise RequestError(415, f"Content-Type {content_type} needs an input_fn of its own")


def predict_fn(data: object, model: object) -> object:
    """Ask the model."""
    predict = getattr(model, "predict", model)
    if not callable(predict):
        raise RequestError(500, "the model has no predict(); define predict_fn")
    answer: object = predict(data)
    return answer


def output_fn(prediction: object, accept: str) -> tuple[bytes, str]:
    """Write an array."""
    kind = accepted(accept, (JSON, CSV, NPY), JSON)
    array = np.asarray(prediction)
    if kind == JSON:
        return json.dumps(array.tolist()).encode(), kind
    buffer = io.BytesIO()
    if kind == CSV:
        np.savetxt(buffer, np.atleast_1d(array), delimiter=",", fmt="%.17g")
    else:
        np.save(buffer, array, allow_pickle=False)
    return buffer.getvalue(), kind
