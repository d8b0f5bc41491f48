"""Hand-made orphans under every kind of fault, by both policies: told of first, then gone."""

import pytest

from tests.simulation import household, iam
from tests.simulation.deployed import deployed
from tests.simulation.faults import CALL_KINDS, WEATHERS
from tests.simulation.world import World

KINDS = (*CALL_KINDS, "timeout_before", "trouble_after", "twice", "conflict", "stall")
ROUGH = [each for each in WEATHERS if each.call or each.invoke]


def calls_of_the_hour(policy: str) -> list[int]:
    """Number the calls of the function in a run without faults."""
    made: list[int] = []

    def watch(world: World) -> None:
        def hear(by: str, *_: object) -> None:
            if by == "OnHour":
                made.append(world.calls - 1)

        world.audit = hear

    household.keep(policy, watch=watch)
    return made


@pytest.mark.parametrize("policy", ["tell", "remove"])
def test_orphans_are_found_and_nothing_else_is(simulated: None, policy: str) -> None:
    outcome = household.keep(policy)
    assert outcome.violations == []
    assert outcome.world is not None
    stopped = {each.name[-4:] for each in outcome.world.tuning.jobs.values() if each.stops}
    assert stopped == ({"-r01", "-r09"} if policy == "remove" else {"-r01"})  # By their studies.


@pytest.mark.parametrize("policy", ["tell", "remove"])
def test_a_fault_at_some_of_its_calls_changes_nothing(simulated: None, policy: str) -> None:
    calls = calls_of_the_hour(policy)
    assert len(calls) > 200
    for place, call in enumerate(calls[::11]):
        kind = KINDS[place % len(KINDS)]
        outcome = household.keep(
            policy,
            branch=lambda _, number, call=call, kind=kind: (kind, 0.9) if number == call else None,
        )
        assert outcome.violations == [], (policy, call, kind)


@pytest.mark.parametrize("weather", ROUGH, ids=lambda each: each.name)
def test_no_weather_takes_what_is_owned_or_leaves_what_is_not(simulated: None, weather) -> None:  # noqa: ANN001
    for seed in range(6):
        outcome = household.keep(seed=f"{weather.name}-{seed}", weather=weather)
        assert outcome.violations == [], seed


@pytest.mark.parametrize("policy", ["tell", "remove"])
def test_it_makes_no_call_that_its_role_does_not_allow(simulated: None, policy: str) -> None:
    audit = iam.Audit(deployed())
    household.keep(policy, watch=lambda world: setattr(world, "audit", audit.judge))
    assert audit.denied == {}
    removes = {action for name, action, *_ in audit.used if name == "OnHour" and _changes(action)}
    assert bool(removes) == (policy == "remove")


def _changes(action: str) -> bool:
    return action.startswith(("sagemaker:Stop", "sagemaker:Delete"))
