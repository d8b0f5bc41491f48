"""What the oracles have seen of a world so far, and what each study is held to."""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from tests.simulation.tuning import Training

if TYPE_CHECKING:
    from tests.simulation.world import World

PRICE_PER_SECOND = Decimal("0.0001")
OVER = frozenset({"done", "cancelled", "failed"})
STUDY_TAG, STACK_TAG = "tunewright:study", "tunewright:stack"


@dataclass(frozen=True)
class Terms:
    """What a study was submitted with, as far as oracles hold it to that."""

    document: dict[str, Any]
    budget: Decimal
    trials: int
    max_run: int
    lease: int
    approve: bool
    told: frozenset[str]
    most_seconds: int | None


@dataclass
class Watch:
    """What was seen of a world."""

    world: "World"
    violations: list[tuple[str, str]] = field(default_factory=list)
    terms: dict[str, Terms] = field(default_factory=dict)
    phases: dict[str, str] = field(default_factory=dict)
    committed: dict[str, dict[str, Any]] = field(default_factory=dict)
    heard: dict[str, int] = field(default_factory=dict)
    on_bus: dict[str, int] = field(default_factory=dict)
    lags: dict[str, float] = field(default_factory=dict)
    deployed: set[tuple[str, str]] = field(default_factory=set)
    restored: bool = False
    replayed: int = 0
    recovered: int = 0
    orphans: list[str] = field(default_factory=list)
    found: set[str] = field(default_factory=set)
    warned: dict[tuple[str, str], float] = field(default_factory=dict)
    serving: dict[str, tuple[str, str]] = field(default_factory=dict)
    heard_commands: list[str] = field(default_factory=list)
    _closed: dict[str, list[str]] = field(default_factory=dict)

    def violate(self, name: str, text: str) -> None:
        """Record a violation."""
        self.violations.append((name, f"at {self.world.clock.now:.1f} s: {text}"))


def shows(trial: Training, item: dict[str, Any]) -> bool:
    """Say whether a trial's item tells how the training job ended."""
    value = item.get("objective", {}).get("N")
    wanted = trial.value
    same = (value is None and wanted is None) or (
        value is not None and wanted is not None and float(value) == wanted
    )
    return item["status"]["S"] == trial.status and same
