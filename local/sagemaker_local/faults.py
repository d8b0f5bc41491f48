"""What AWS does to its clients on a bad day, done here on purpose; nothing of it by default."""

import math
import random
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal, get_type_hints

from sagemaker_local.errors import ApiError

Flavour = Literal["real", "documented"]
AWS_RATES: Mapping[str, float] = {"ListTrainingJobs": 2.0}
"""The rates a second that AWS holds operations to; this is the one that is known."""


@dataclass(frozen=True)
class Faults:
    """Which faults there are; shares are between 0 and 1, the same seed gives the same draws."""

    seed: int = 0
    throttled: float = 0.0
    """The share of requests that are refused with `ThrottlingException`."""
    lag_seconds: float = 0.0
    """How long lists and searches do not show a change: AWS calls them eventually consistent."""
    events_lost: float = 0.0
    events_doubled: float = 0.0
    events_late: float = 0.0
    """The share of events that come after `late_seconds`, so that later ones overtake them."""
    late_seconds: float = 5.0
    events_as: Flavour = "real"
    """Events as AWS really sends them, or as its documentation shows them."""
    spot_interrupted: float = 0.0
    """The share of spot training jobs that lose their instance once, after a few metrics."""
    spot_wait_seconds: float = 0.0
    """How long there is no other instance then."""
    internal_errors: float = 0.0
    """The share of starts of training jobs that end in an `InternalServerError`."""


def parsed(settings: Mapping[str, str]) -> Faults:
    """Read faults by their names.

    Raises:
        ValueError: a name or a value is not one.

    >>> parsed({"throttled": "0.1"}).throttled
    0.1
    """
    kinds = get_type_hints(Faults)
    known = {field.name for field in fields(Faults)}
    found: dict[str, Any] = {}
    for name, text in settings.items():
        if name not in known:
            raise ValueError(f"there is no fault {name}; there is {', '.join(sorted(known))}")
        if name == "events_as":
            if text not in {"real", "documented"}:
                raise ValueError(f"events_as is real or documented, not {text}")
            found[name] = text
            continue
        try:
            found[name] = kinds[name](text)
        except ValueError as error:
            raise ValueError(f"{name} is a number, not {text}") from error
    return Faults(**found)


def rates(settings: Mapping[str, str]) -> dict[str, float]:
    """Read how often a second operations may be asked for; what is not named is as on AWS.

    Raises:
        ValueError: a rate is not a number from 0, which lifts the limit.

    >>> rates({"ListTrainingJobs": "0", "Search": "5"})
    {'Search': 5.0}
    """
    found = dict(AWS_RATES)
    for name, text in settings.items():
        try:
            found[name] = float(text)
        except ValueError as error:
            raise ValueError(f"the rate of {name} is a number, not {text}") from error
        if not 0 <= found[name] < math.inf:
            raise ValueError(f"the rate of {name} is a number from 0, which means no limit")
    return {name: rate for name, rate in found.items() if rate}


class Chance:
    """Draws that do not depend on the order in which threads ask: each is keyed by what it is of.

    The same thing asked of again draws anew, in the same sequence each time.
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._drawn: dict[str, int] = {}
        self._lock = threading.Lock()

    def happens(self, share: float, what: str) -> bool:
        """Say whether something of this share happens now."""
        return share > 0 and self.draw(what) < share

    def draw(self, what: str) -> float:
        """A number between 0 and 1."""
        with self._lock:
            number = self._drawn[what] = self._drawn.get(what, 0) + 1
        return random.Random(f"{self._seed}/{what}/{number}").random()  # noqa: S311 - no secret


class Gate:
    """Refuses requests that come too fast, or at random.

    Args:
        faults: What is refused at random.
        per_second: Operations that AWS holds to a rate, each on its own.
        clock: Seconds that never go back.
    """

    def __init__(
        self, faults: Faults, per_second: Mapping[str, float], clock: Callable[[], float]
    ) -> None:
        self._faults, self._clock = faults, clock
        self._chance = Chance(faults.seed)
        self._rates = dict(per_second)
        self._left: dict[str, tuple[float, float]] = {}
        self._lock = threading.Lock()

    def check(self, operation: str) -> None:
        """Let a request pass.

        Raises:
            ApiError: it is throttled.
        """
        if self._too_fast(operation) or self._chance.happens(
            self._faults.throttled, f"request {operation}"
        ):
            raise ApiError("ThrottlingException", "Rate exceeded")

    def _too_fast(self, operation: str) -> bool:
        """A bucket that holds a second's worth of requests, and fills as time goes."""
        rate = self._rates.get(operation)
        if rate is None:
            return False
        with self._lock:
            now = self._clock()
            tokens, at = self._left.get(operation, (rate, now))
            tokens = min(rate, tokens + (now - at) * rate)
            passes = tokens >= 1
            self._left[operation] = (tokens - 1 if passes else tokens, now)
        return not passes
