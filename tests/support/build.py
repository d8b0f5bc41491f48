"""Builders of values, with defaults that a test may ignore."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from tunewright.domain.budget import Ledger
from tunewright.domain.expand import expand
from tunewright.domain.objective import Goal, Objective
from tunewright.domain.profile import Profile
from tunewright.domain.round import Round, RoundPlan, RoundStatus
from tunewright.domain.space import ContinuousRange, IntegerRange
from tunewright.domain.spec import StudySpec
from tunewright.domain.study import Command, CommandKind, Deployment, Incumbent, Study
from tunewright.domain.trial import Trial, TrialStatus

START = datetime(2026, 1, 1, tzinfo=UTC)
STUDY_ID = "churn-aaaaaa"
AUC = Objective(metric="validation:auc", goal=Goal.MAXIMIZE)
LOSS = Objective(metric="validation:logloss", goal=Goal.MINIMIZE)


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


def script_training(bucket: str, **changes: Any) -> dict[str, Any]:
    """The `training` of a study whose trials run `train.py` of an archive in a bucket."""
    base: dict[str, Any] = {
        "script": {
            "framework": "sklearn",
            "entry_point": "train.py",
            "source_dir": f"s3://{bucket}/code/source.tar.gz",
        },
        "inputs": {"train": f"s3://{bucket}/train/"},
        "metrics": {"score": "score=([-0-9.]+)"},
        "max_run": "2m",
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
    job = f"tw-{STUDY_ID}-r{changes.get('round_number', 1):02d}"
    values: dict[str, Any] = {
        "name": f"{job}-{number:03d}-0000000{number % 10}",
        "study_id": STUDY_ID,
        "tuning_job": job,
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


def spec(**changes: Any) -> StudySpec:
    return expand(document(**changes))


def study(**changes: Any) -> Study:
    """A study that was submitted a moment ago; `spec` may be given as keys of its document."""
    given = changes.pop("spec", {})
    values: dict[str, Any] = {
        "id": STUDY_ID,
        "stack": "tunewright",
        "submitted_by": "ana",
        "submitted": START,
        "spec": given if isinstance(given, StudySpec) else spec(**given),
        "profile": profile(),
    }
    return Study(**{**values, **changes})


def plan(number: int = 1, **changes: Any) -> RoundPlan:
    values: dict[str, Any] = {
        "number": number,
        "job": f"tw-{STUDY_ID}-r{number:02d}",
        "space": spec().search_space,
        "trials": 8,
        "parallel": 2,
        "reserved": Decimal("0.368"),
        "seed": 7,
    }
    return RoundPlan(**{**values, **changes})


def running(number: int = 1, **changes: Any) -> Round:
    """A round whose tuning job runs."""
    values: dict[str, Any] = {
        "plan": plan(number),
        "status": RoundStatus.RUNNING,
        "began": at(0),
    }
    return Round(**{**values, **changes})


def closed(number: int = 1, **changes: Any) -> Round:
    """A round that launched all its trials and has ended."""
    values: dict[str, Any] = {"status": RoundStatus.CLOSED, "launched": 8, "ended": at(100)}
    return running(number, **{**values, **changes})


def reserved(**changes: Any) -> Ledger:
    """The ledger while `running()` is alive."""
    return Ledger(**{"reserved": Decimal("0.368"), "reserved_trials": 8, **changes})


def incumbent(value: float = 0.875, **changes: Any) -> Incumbent:
    best = trial(1, value)
    values: dict[str, Any] = {
        "trial": best.name,
        "round_number": 1,
        "value": value,
        "parameters": best.parameters,
        "model": best.model,
    }
    return Incumbent(**{**values, **changes})


def deployment(**changes: Any) -> Deployment:
    values: dict[str, Any] = {
        "model": f"tw-{STUDY_ID}-v1",
        "endpoint": "tw-churn-prod",
        "trial": trial(1).name,
        "value": 0.875,
        "artifact": "s3://output/model.tar.gz",
        "image": "image",
        "price_per_hour": Decimal("0.115"),
        "hash": "0123456789abcdef",
    }
    return Deployment(**{**values, **changes})


def command(kind: CommandKind, **changes: Any) -> Command:
    values: dict[str, Any] = {"id": "c1", "kind": kind, "by": "bo", "at": at(0)}
    return Command(**{**values, **changes})


def continuous(low: float, high: float, **changes: Any) -> ContinuousRange:
    values: dict[str, Any] = {"name": "x", "low": low, "high": high}
    return ContinuousRange(**{"hard_low": low, "hard_high": high, **values, **changes})


def integer(low: int, high: int, **changes: Any) -> IntegerRange:
    values: dict[str, Any] = {"name": "n", "low": low, "high": high}
    return IntegerRange(**{"hard_low": low, "hard_high": high, **values, **changes})
