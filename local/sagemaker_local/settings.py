"""What may be chosen about the emulator; nothing is read from the environment here."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from sagemaker_local.faults import AWS_RATES, Faults

Refusal = Literal["nothing", "scaling", "all_warm_start", "everything"]


@dataclass(frozen=True)
class Settings:
    """The choices of one emulator, `root` being the folder that holds all of its state."""

    root: Path
    s3_endpoint: str
    region: str = "us-east-1"
    account: str = "123456789012"
    access_key: str = "test"
    secret_key: str = "test"  # noqa: S105 - nothing checks it
    not_improving_gain: float = 0.01
    """The relative gain below which a trial counts as no improvement: AMT's 1 %."""
    warm_start_refuses: Refusal = "nothing"
    """For tests: which tuning jobs are refused although AWS may well take them."""
    stop_grace_seconds: float = 120.0
    early_stop_min_jobs: int = 5
    early_stop_grace_steps: int = 5
    convergence_trials: int = 20
    """Trials without gain that count as convergence; AMT does not publish its own rule."""
    warm_start_cap: int = 500
    parallel_cap: int = 100
    tuning_jobs_cap: int = 100
    """How many tuning jobs may go on at once; AWS raises this for nobody."""
    cpus: int | None = None
    images: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    instance_quotas: Mapping[str, int] = field(default_factory=dict)
    """How many instances of a type may train at once; a type that is not named has no limit."""
    per_second: Mapping[str, float] = field(default_factory=lambda: dict(AWS_RATES))
    """How often a second operations may be asked for; what is not named has no limit."""
    spot_price: float = 0.3
    """What a spot second costs of an on-demand one: AWS speaks of savings of up to 90 %."""
    faults: Faults = field(default_factory=Faults)

    @property
    def threads(self) -> int:
        """Threads given to each container."""
        return self.cpus or max(1, os.cpu_count() or 1)

    def arn(self, kind: str, name: str) -> str:
        """The ARN of a SageMaker resource of this account and region."""
        return f"arn:aws:sagemaker:{self.region}:{self.account}:{kind}/{name}"
