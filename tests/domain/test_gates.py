"""A winner goes live only over a champion that it fairly beats; what is unclear is a person's."""

from typing import Any

import pytest

from tests.support.build import AUC, LOSS
from tunewright.domain.gates import Gate, Live, judge_deployment
from tunewright.domain.objective import Objective
from tunewright.domain.spec import Deploy


def champion(value: float | None = 0.75, **changes: Any) -> Live:
    values: dict[str, Any] = {
        "model": "tw-old-aaaaaa-v1",
        "ours": True,
        "study_id": "old-aaaaaa",
        "metric": AUC.metric,
        "value": value,
        "fingerprint": "same",
    }
    return Live(**{**values, **changes})


@pytest.mark.parametrize(
    ("live", "gate", "reason"),
    [
        (None, Gate.DEPLOY, "nothing is live at churn-prod yet"),
        (champion(), Gate.DEPLOY, "0.875 against 0.75 of tw-old-aaaaaa-v1"),
        (champion(0.875), Gate.KEEP, "a gain of 0, needed is more than 0"),
        (champion(0.9), Gate.KEEP, "a gain of -0.025"),
        (champion(ours=False), Gate.ASK, "was not deployed by this stack"),
        (champion(None), Gate.ASK, "was not deployed by this stack"),
        (champion(metric="f1"), Gate.ASK, "chosen by f1, which does not compare"),
        (champion(fingerprint="other"), Gate.ASK, "other validation data, which does not compare"),
        (champion(fingerprint=None), Gate.ASK, "other validation data"),
    ],
)
def test_what_is_live_decides_whether_a_challenger_may_go_live(
    live: Live | None, gate: Gate, reason: str
) -> None:
    verdict = judge_deployment(Deploy(to="churn-prod"), AUC, 0.875, "same", live)
    assert verdict.gate is gate
    assert reason in verdict.reason
    assert verdict.numbers["challenger"] == 0.875


@pytest.mark.parametrize(
    ("needed", "gate"), [(0.0, Gate.DEPLOY), (0.125, Gate.DEPLOY), (0.126, Gate.KEEP)]
)
@pytest.mark.parametrize(("objective", "value"), [(AUC, 0.875), (LOSS, 0.625)])
def test_a_challenger_must_be_better_by_what_is_asked_and_not_a_hair_less(
    needed: float, gate: Gate, objective: Objective, value: float
) -> None:
    deploy = Deploy(to="churn-prod", better_than_live_by=needed)
    live = champion(metric=objective.metric)
    verdict = judge_deployment(deploy, objective, value, "same", live)
    assert verdict.gate is gate
    assert verdict.numbers == {
        "challenger": value,
        "champion": 0.75,
        "gain": 0.125,
        "needed": needed,
    }


@pytest.mark.parametrize(
    ("live", "gate"), [(None, Gate.ASK), (champion(), Gate.ASK), (champion(0.9), Gate.KEEP)]
)
def test_approval_is_asked_for_what_would_go_live_and_not_for_what_would_not(
    live: Live | None, gate: Gate
) -> None:
    deploy = Deploy(to="churn-prod", approve=True)
    verdict = judge_deployment(deploy, AUC, 0.875, "same", live)
    assert verdict.gate is gate
    assert ("asks for an approval" in verdict.reason) is (gate is Gate.ASK)


@pytest.mark.parametrize(("live", "value"), [(0.56, 0.58), (0.1, 0.12)])
@pytest.mark.parametrize("objective", [AUC, LOSS])
def test_what_is_as_much_better_as_was_asked_in_decimals_is_enough(
    live: float, value: float, objective: Objective
) -> None:
    before, after = (live, value) if objective is AUC else (value, live)
    deploy = Deploy(to="churn-prod", better_than_live_by=0.02)
    old = champion(before, metric=objective.metric)
    assert judge_deployment(deploy, objective, after, "same", old).gate is Gate.DEPLOY
