"""The data and the study of the tests that run a whole local cloud: small, and real."""

import io
from typing import Any

import boto3
import numpy as np
from sklearn.datasets import load_digits

from tunewright_local.profile import BUCKET


def digits_study(trials: int, **more: Any) -> dict[str, Any]:
    """A study of two rounds of XGBoost on digits, odd or even."""
    return {
        "objective": {"maximize": "validation:auc"},
        "training": {
            "algorithm": "xgboost:3.2-0",
            "max_run": "5m",
            "inputs": {name: f"s3://{BUCKET}/{name}/" for name in ("train", "validation")},
            "fixed": {"objective": "binary:logistic", "num_round": 10},
        },
        "search_space": {
            "eta": {"range": [0.002, 0.02], "log": True, "never_beyond": [0.001, 0.5]},
            "max_depth": {"range": [1, 3], "never_beyond": [1, 8]},
        },
        "rounds": {
            "max": 2,
            "trials": trials,
            "parallel": 2,
            "sizes": "fixed",
            "early_stopping": False,
        },
        "refine": {"when": {"gain_above": 0}},
        **more,
    }


def upload_digits() -> None:
    """Put the rows where the study looks for them, label first."""
    digits = load_digits()
    rows = np.column_stack([digits.target % 2, digits.data])
    s3 = boto3.client("s3")
    for name, part in (("train", rows[:900]), ("validation", rows[900:])):
        text = io.StringIO()
        np.savetxt(text, part, delimiter=",", fmt="%g")
        s3.put_object(Bucket=BUCKET, Key=f"{name}/rows.csv", Body=text.getvalue().encode())
    s3.close()
