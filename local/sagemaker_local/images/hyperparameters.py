"""Hyperparameters as SDKs write them: plain in one major version, JSON in the other."""

import json

PROGRAM = "sagemaker_program"


def decoded(value: str) -> object:
    """The value that a hyperparameter stands for.

    >>> decoded("0.1"), decoded('"sgd"'), decoded("sgd")
    (0.1, 'sgd', 'sgd')
    """
    try:
        inner: object = json.loads(value)
    except ValueError:
        return value
    return inner


def plain(value: str) -> str:
    """A text that may or may not be JSON-encoded.

    >>> plain('"train.py"'), plain("train.py")
    ('train.py', 'train.py')
    """
    inner = decoded(value)
    return inner if isinstance(inner, str) else value
