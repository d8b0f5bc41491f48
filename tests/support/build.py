"""Builders of values, with defaults that a test may ignore."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from tunewright.domain.profile import Profile
from tunewright.domain.trial import Trial, TrialStatus

START = datetime(2026, 1, 1, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def document(**changes: Any) -> dict[str, Any]:
    """A small, valid study as a person writes it."""
    base: dict[str, Any] = {
        "study": "churn",
        "objective": {"maximize": "validation:auc"},
        "training": {
            "algorithm": "xgboost:1.7-1",
            "instance": "ml.m5.xlarge",
            "max_run": "10m",
            "inputs": {"train": "s3://data/train/", "validation": "s3://data/validation/"},
            "fixed": {"objective": "binary:logistic", "num_round": 50},
        },
        "search_space": {
            "eta": {"range": [0.05, 0.3], "never_beyond": [0.001, 0.5]},
            "max_depth": [2, 6],
            "subsample": [0.5, 1.0],
        },
        "rounds": {"max": 3, "trials": 8, "parallel": 2, "sizes": "fixed"},
        "budget": "20 USD",
    }
    return {**base, **changes}


def profile(**changes: Any) -> Profile:
    values: dict[str, Any] = {
        "region": "us-east-1",
        "training_role": "arn:aws:iam::123456789012:role/training",
        "hosting_role": "arn:aws:iam::123456789012:role/hosting",
        "output": "s3://output/tunewright",
    }
    return Profile(**{**values, **changes})


def trial(number: int, value: float | None = None, **changes: Any) -> Trial:
    """A trial that ran from 10·number to 10·number + 10 seconds, unless told otherwise."""
    values: dict[str, Any] = {
        "name": f"tw-churn-aaaaaa-r01-{number:03d}-0000000{number % 10}",
        "study_id": "churn-aaaaaa",
        "tuning_job": "tw-churn-aaaaaa-r01",
        "round_number": 1,
        "parameters": {"eta": "0.1", "max_depth": "3", "subsample": "0.8"},
        "status": TrialStatus.COMPLETED,
        "objective": value,
        "created": at(10 * number),
        "started": at(10 * number + 1),
        "ended": at(10 * number + 10),
        "billable_seconds": 9,
        "cost": Decimal("0.01"),
        "model": "s3://output/model.tar.gz",
    }
    return Trial(**{**values, **changes})
