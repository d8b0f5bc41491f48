"""Judges whether a winner may go live: deploy, ask, or keep what is live; it does none of it."""

import math
from enum import StrEnum

from tunewright.domain.objective import Objective
from tunewright.domain.spec import Deploy
from tunewright.domain.values import Value, show_number


class Live(Value):
    """The model that answers at an endpoint now.

    Attributes:
        model: Its name.
        ours: Whether a study of this stack deployed it.
        study_id: The study that deployed it; None if none of ours did.
        metric: The objective it was chosen by.
        value: Its value of that objective.
        fingerprint: Names the validation data that the value was measured on.
    """

    model: str
    ours: bool
    study_id: str | None = None
    metric: str | None = None
    value: float | None = None
    fingerprint: str | None = None


class Gate(StrEnum):
    """What a gate says."""

    DEPLOY = "deploy"
    ASK = "ask"
    KEEP = "keep"


class GateVerdict(Value):
    """What a gate says, in one sentence, with its numbers."""

    gate: Gate
    reason: str
    numbers: dict[str, float | str]


def judge_deployment(
    deploy: Deploy, objective: Objective, value: float, fingerprint: str, live: Live | None
) -> GateVerdict:
    """Judge a challenger against the champion.

    Recorded objectives are compared only if metric and validation data are the same; what cannot
    be compared, or is not ours, is a person's to decide.
    """
    shown = f"{objective.metric} {show_number(value)}"
    verdict = _against_live(deploy, objective, value, fingerprint, live)
    if verdict.gate is Gate.DEPLOY and deploy.approve:
        reason = f"{verdict.reason}; the study asks for an approval before {shown} goes live"
        return GateVerdict(gate=Gate.ASK, reason=reason, numbers=verdict.numbers)
    return verdict


def _against_live(
    deploy: Deploy, objective: Objective, value: float, fingerprint: str, live: Live | None
) -> GateVerdict:
    numbers: dict[str, float | str] = {"challenger": value}
    if live is None:
        reason = f"nothing is live at {deploy.to} yet"
        return GateVerdict(gate=Gate.DEPLOY, reason=reason, numbers=numbers)
    if not live.ours or live.value is None:
        reason = f"{live.model} is live at {deploy.to} and was not deployed by this stack"
        return GateVerdict(gate=Gate.ASK, reason=reason, numbers=numbers)
    if live.metric != objective.metric:
        reason = f"{live.model} was chosen by {live.metric}, which does not compare"
        return GateVerdict(gate=Gate.ASK, reason=reason, numbers=numbers)
    if live.fingerprint != fingerprint:
        reason = f"{live.model} was measured on other validation data, which does not compare"
        return GateVerdict(gate=Gate.ASK, reason=reason, numbers=numbers)
    gain = objective.gain(live.value, value)
    needed = deploy.better_than_live_by
    numbers |= {"champion": live.value, "gain": gain, "needed": needed}
    # 0.58 is 0.02 better than 0.56, though a computer's difference falls short of it by a hair.
    better = gain > 0 and (gain >= needed or math.isclose(gain, needed, rel_tol=1e-9))
    compared = (
        f"{show_number(value)} against {show_number(live.value)} of {live.model}: a gain of "
        f"{show_number(gain)}, needed is {show_number(needed) if needed else 'more than 0'}"
    )
    return GateVerdict(gate=Gate.DEPLOY if better else Gate.KEEP, reason=compared, numbers=numbers)
