"""What trials beyond the winner's limits teach: losses of their own; it knows no places."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from statistics import median

from tunewright.domain.limits import over
from tunewright.domain.spec import Bound
from tunewright.domain.trial import Trial

FAR = 10.0
"""As far beyond a limit as that, in medians of those that break it, a trial teaches no more."""


@dataclass(frozen=True)
class Penalised:
    """Losses by trial, with what breaks a limit counted for what it is worth.

    Attributes:
        losses: What each trial teaches.
        keeping: Those that keep all limits.
        by_limits: Whether the losses are how far each is beyond the limits, for none keeps them.
    """

    losses: dict[str, float]
    keeping: frozenset[str]
    by_limits: bool

    def leads_astray(self, own: Mapping[str, float], among: Iterable[str]) -> bool:
        """Say whether whoever follows the trials' own losses, among some, is led beyond."""
        seen = [(own[name], name not in self.keeping) for name in among if name in own]
        return self.by_limits or (bool(self.keeping) and bool(seen) and min(seen)[1])


def penalise(
    trials: list[Trial], own: dict[str, float], limits: tuple[Bound, ...], yardstick: float
) -> Penalised:
    """Count trials that break a limit as no better than the best that keeps them all.

    They are the worse, the further they are beyond: one as far as the median of those that break
    the limit by a yardstick. So there is no step at the limit, beside which the best often lies and
    of which a smooth model would make noise. Where none keeps the limits the first thing to find is
    one that does: each counts with how far it is beyond alone, as long as that differs.

    Args:
        trials: The trials.
        own: Their own losses, by name.
        limits: What the winner must keep.
        yardstick: How much the median loss is worse than the best; where it is 0, how much the
            worst is.
    """
    short = _shortfalls(trials, limits)
    keeping = frozenset(name for name, each in short.items() if each <= 0)
    if not keeping:
        differ = len(set(short.values())) > 1
        return Penalised(short if differ else own, keeping, differ)
    best, step = min(own[name] for name in keeping), yardstick
    if not step:
        step = max(own.values()) - min(own.values())
    held = {name: max(loss, best + short[name] * step) for name, loss in own.items()}
    return Penalised({**held, **{name: own[name] for name in keeping}}, keeping, False)


def _shortfalls(trials: list[Trial], limits: tuple[Bound, ...]) -> dict[str, float]:
    """Return by name how far trials are beyond limits; what is not known counts as 1.

    1 is as far as the median of those that break the limit: neither the unit of what is limited nor
    where its zero lies matters.
    """
    short = dict.fromkeys((trial.name for trial in trials), 0.0)
    for limit in limits:
        excess = {trial.name: over(trial, limit) for trial in trials}
        unit = median([each for each in excess.values() if 0 < each < math.inf] or [1.0])
        for name, each in excess.items():
            short[name] += min(each / unit, FAR) if math.isfinite(each) else 1.0
    return short
