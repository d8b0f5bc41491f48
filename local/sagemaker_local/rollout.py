"""How an endpoint passes from one fleet to the next: the phases of a deployment; pure.

A phase says how many instances there are of the new fleet and of the old one, which share of the
requests the new one gets, and how long that lasts.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sagemaker_local.errors import validation

CREATING, ACTIVATING, BAKING, DELETING = "Creating", "ActivatingTraffic", "Baking", "Deleting"
_LONGEST = 28_800.0
Config = Mapping[str, Any]


@dataclass(frozen=True)
class Phase:
    """A part of a deployment.

    Attributes:
        status: One of AWS's VariantStatus.
        message: What AWS says of it.
        new: Instances of the new fleet.
        old: Instances of the old fleet.
        share: Of the requests, what the new fleet gets: 0 to 1.
        seconds: How long it lasts after it was reached.
    """

    status: str
    message: str
    new: int
    old: int
    share: float
    seconds: float = 0.0


def phases(config: Config | None, *, old: int, new: int) -> tuple[Phase, ...]:
    """The phases from a fleet of `old` instances to one of `new`; none has a wish: all at once."""
    given = config or {}
    if "RollingUpdatePolicy" in given:
        return tuple(_rolling(given["RollingUpdatePolicy"], old=old, new=new))
    policy = given.get("BlueGreenUpdatePolicy", {})
    return tuple(_blue_green(policy, old=old, new=new))


def longest(config: Config | None) -> float:
    """Seconds after which a deployment is given up."""
    given = config or {}
    policy = given.get("RollingUpdatePolicy") or given.get("BlueGreenUpdatePolicy") or {}
    return float(policy.get("MaximumExecutionTimeoutInSeconds", _LONGEST))


def alarms(config: Config | None) -> list[str]:
    """The alarms that end a deployment."""
    watched = (config or {}).get("AutoRollbackConfiguration", {}).get("Alarms", ())
    return [alarm["AlarmName"] for alarm in watched if "AlarmName" in alarm]


def check(config: Config, *, old: int, new: int) -> None:
    """Refuse what AWS refuses of a deployment between fleets of these sizes.

    Raises:
        ApiError: a ValidationException that says what would be right.
    """
    if ("BlueGreenUpdatePolicy" in config) == ("RollingUpdatePolicy" in config):
        raise validation(
            "DeploymentConfig must have either BlueGreenUpdatePolicy or RollingUpdatePolicy."
        )
    if "RollingUpdatePolicy" in config:
        policy = config["RollingUpdatePolicy"]
        _check_size(policy["MaximumBatchSize"], new, "MaximumBatchSize", low=5, high=50)
        if "RollbackMaximumBatchSize" in policy:
            size = policy["RollbackMaximumBatchSize"]
            _check_size(size, old, "RollbackMaximumBatchSize", low=5, high=100)
        return
    routing = config["BlueGreenUpdatePolicy"]["TrafficRoutingConfiguration"]
    needs = {"CANARY": "CanarySize", "LINEAR": "LinearStepSize"}
    for kind, member in needs.items():
        if (routing["Type"] == kind) != (member in routing):
            raise validation(
                f"{member} must be given for the traffic routing {kind}, and for no other."
            )
    if routing["Type"] == "CANARY":
        _check_size(routing["CanarySize"], new, "CanarySize", low=1, high=50)
    elif routing["Type"] == "LINEAR":
        _check_size(routing["LinearStepSize"], new, "LinearStepSize", low=10, high=50)


def _check_size(size: Mapping[str, Any], count: int, name: str, *, low: int, high: int) -> None:
    value = size["Value"]
    if size["Type"] == "CAPACITY_PERCENT":
        if not low <= value <= high:
            raise validation(f"{name} must be between {low} and {high} percent, not {value}.")
        return
    if value * 100 > high * count:
        raise validation(
            f"{name} must be at most {high} percent of the fleet, which has {count} instance(s); "
            f"{value} instance(s) are more."
        )


def _blue_green(policy: Config, *, old: int, new: int) -> Iterator[Phase]:
    routing = policy.get("TrafficRoutingConfiguration", {})
    wait = float(routing.get("WaitIntervalInSeconds", 0))
    end = float(policy.get("TerminationWaitInSeconds", 0))
    yield Phase(CREATING, f"Launching {new} instance(s).", new, old, 0.0)
    kind = routing.get("Type", "ALL_AT_ONCE")
    if kind == "CANARY":
        parts = [_instances(routing["CanarySize"], new)]
        shares = [_share(routing["CanarySize"], new)]
    elif kind == "LINEAR":
        step = _share(routing["LinearStepSize"], new)
        shares = [step * number for number in range(1, math.ceil(1 / step - 1e-9))]
        parts = [max(1, round(share * new)) for share in shares]
    else:
        parts, shares = [], []
    where = "canary" if kind == "CANARY" else "partial"
    for part, share in zip(parts, shares, strict=True):
        text = f"on {where} capacity of {part} instance(s)."
        yield Phase(ACTIVATING, f"Activating traffic {text}", new, old, share)
        baking = f"Baking for {wait:g} seconds (WaitIntervalInSeconds) with traffic enabled {text}"
        yield Phase(BAKING, baking, new, old, share, wait)
    text = f"on full capacity of {new} instance(s)."
    yield Phase(ACTIVATING, f"Activating traffic {text}", new, old, 1.0)
    baking = f"Baking for {end:g} seconds (TerminationWaitInSeconds) with traffic enabled {text}"
    yield Phase(BAKING, baking, new, old, 1.0, end)
    yield Phase(DELETING, f"Terminating {old} instance(s).", new, 0, 1.0)


def _rolling(policy: Config, *, old: int, new: int) -> Iterator[Phase]:
    batch = _instances(policy["MaximumBatchSize"], new)
    wait = float(policy["WaitIntervalInSeconds"])
    there, left, share = 0, old, 0.0
    while there < new:
        more = min(batch, new - there)
        there += more
        yield Phase(CREATING, f"Launching {more} instance(s).", there, left, share)
        gone = left if there == new else min(more, left)
        share = 1.0 if there == new else there / (there + left - gone)
        text = f"on capacity of {there} instance(s)."
        yield Phase(ACTIVATING, f"Activating traffic {text}", there, left, share)
        baking = f"Baking for {wait:g} seconds (WaitIntervalInSeconds) with traffic enabled {text}"
        yield Phase(BAKING, baking, there, left, share, wait)
        left -= gone
        yield Phase(DELETING, f"Terminating {gone} instance(s).", there, left, share)


def _instances(size: Mapping[str, Any], count: int) -> int:
    if size["Type"] == "INSTANCE_COUNT":
        return int(size["Value"])
    return max(1, math.ceil(count * int(size["Value"]) / 100))


def _share(size: Mapping[str, Any], count: int) -> float:
    value = float(size["Value"])
    return value / count if size["Type"] == "INSTANCE_COUNT" else value / 100
