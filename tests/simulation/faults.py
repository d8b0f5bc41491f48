"""What goes wrong: drawn from a seed's weather, or read from a plan; what was drawn is a plan.

Each place where something may go wrong is a stream of numbered occasions. A fault is a kind and an
amount between 0 and 1, so that a plan alone gives the same run again, and can be made smaller.
"""

import random
from dataclasses import dataclass, field

Fault = tuple[str, float]
Plan = dict[tuple[str, int], Fault]
Chances = tuple[tuple[str, float], ...]

CALL_KINDS = ("crash_before", "crash_after", "throttle", "trouble", "timeout_after")
"""The five that are tried at every call: dies before and after, 429, 5xx, no answer but done."""


@dataclass(frozen=True)
class Weather:
    """How likely each fault is, stream by stream."""

    name: str = "calm"
    call: Chances = ()
    event: Chances = ()
    message: Chances = ()
    invoke: Chances = ()
    slack: Chances = ()
    sagemaker: Chances = ()
    stream: Chances = ()
    stale: float = 0.0
    late_index: float = 0.0
    outage: bool = False
    restore: bool = False

    def of(self, stream: str) -> Chances:
        """Return the chances of a stream."""
        match stream:
            case "stale":
                return (("stale", self.stale),)
            case "index":
                return (("late", self.late_index),)
        found: Chances = getattr(self, stream)
        return found


_CALL: Chances = (
    ("crash_before", 0.008),
    ("crash_after", 0.008),
    ("throttle", 0.012),
    ("trouble", 0.008),
    ("timeout_before", 0.004),
    ("timeout_after", 0.008),
    ("trouble_after", 0.004),
    ("twice", 0.004),
    ("conflict", 0.006),
    ("stall", 0.003),
)
_EVENT: Chances = (("drop", 0.12), ("twice", 0.08), ("late", 0.08), ("after_a_day", 0.01))
_SLACK: Chances = (("429", 0.1), ("503", 0.1), ("timeout", 0.1), ("403", 0.02))
_SAGEMAKER: Chances = (("full", 0.03), ("refuse", 0.02))

CALM = Weather()
# fmt: off
WEATHERS = (
    Weather("mixed", _CALL, _EVENT, (("twice", 0.05),), (("skew", 0.15),), _SLACK, _SAGEMAKER,
            (("lost", 0.05),), 0.2, 0.3),
    Weather("lossy", (), (("drop", 0.4), ("late", 0.2)), (("twice", 0.05),), late_index=0.3,
            stream=(("lost", 0.3),)),
    Weather("crashing", (("crash_before", 0.03), ("crash_after", 0.03)), _EVENT),
    Weather("unanswered", (("timeout_after", 0.05), ("trouble_after", 0.03), ("twice", 0.03))),
    Weather("throttled", (("throttle", 0.1), ("conflict", 0.05)), _EVENT, slack=_SLACK),
    Weather("zombies", (("stall", 0.03), ("crash_after", 0.01)), _EVENT, (("twice", 0.2),)),
    Weather("skewed", (), _EVENT, (), (("skew", 0.7),), stale=0.3, late_index=0.5),
    Weather("full", _CALL, _EVENT, sagemaker=(("full", 0.3), ("refuse", 0.1)), stale=0.3),
    Weather("outage", (), _EVENT, outage=True),
    Weather("restored", (("crash_after", 0.005),), _EVENT, restore=True),
)
# fmt: on


@dataclass
class Faults:
    """Says on each occasion what goes wrong, and keeps what it said."""

    seed: str
    weather: Weather
    plan: Plan | None = None
    active: bool = True
    taken: Plan = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    _lucks: dict[str, random.Random] = field(default_factory=dict)

    def draw(self, stream: str) -> Fault | None:
        """Return what goes wrong on the next occasion of a stream; None for nothing."""
        number = self.counts.get(stream, 0)
        self.counts[stream] = number + 1
        if self.plan is not None:
            fault = self.plan.get((stream, number))
        elif self.active:
            fault = self._by_luck(stream)
        else:
            fault = None
        if fault is not None:
            self.taken[stream, number] = fault
        return fault

    def _by_luck(self, stream: str) -> Fault | None:
        chances = self.weather.of(stream)
        if not chances:
            return None
        luck = self._lucks.get(stream)
        if luck is None:
            luck = self._lucks[stream] = random.Random(f"{self.seed}/{stream}")  # noqa: S311
        drawn = luck.random()
        for kind, share in chances:
            if drawn < share:
                return kind, round(luck.random(), 6)
            drawn -= share
        return None
