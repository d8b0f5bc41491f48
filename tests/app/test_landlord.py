"""Leases end: the endpoint goes, once, with all that belongs to it; and only what is ours."""

from contextlib import suppress
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from tests.support.build import document
from tests.support.deadly import Deadly
from tests.support.world import World
from tunewright.app.landlord import Landlord
from tunewright.domain.errors import NotFoundError, RefusedError, UnknownOutcomeError
from tunewright.domain.seen import HostedSeen
from tunewright.domain.study import CommandKind, DecisionKind, Phase, Study

ENDPOINT = "tw-prod"
DAY = 86400


def searched(world: World, value: float, key: str, **deploy: Any) -> Study:
    """Run a study's only round."""
    spec = document(
        rounds={"max": 1, "trials": 4, "parallel": 2},
        deploy={"to": "prod", "lease": "1d", **deploy},
    )
    study_id = world.submit(spec, key=key)
    world.advance(study_id)
    for each in (value, 0.1, 0.1, 0.1):
        world.recorder.record(world.run_trial(each))
    world.end_job()
    return world.advance(study_id)


def deployed(world: World, value: float = 0.8, key: str = "a") -> Study:
    study = searched(world, value, key)
    world.finish_deployment()
    study = world.advance(study.id)
    assert study.phase is Phase.DONE
    while world.wakes.take(timeout=0) is not None:
        pass
    return study


def gone(world: World) -> None:
    """Let SageMaker finish what it is deleting."""
    for name, seen in list(world.endpoints.items()):
        if seen.status == "Deleting":
            del world.endpoints[name]


def wake(world: World, study: Study) -> Study:
    woken = world.wakes.take(timeout=0)
    assert woken is not None
    assert woken.study_id == study.id
    return world.advance(study.id)


def endings(world: World, study: Study) -> list[str]:
    told = world.store.decisions(study.id)
    return [each.reason for each in told if each.kind is DecisionKind.LEASE_ENDED]


def test_an_ended_lease_deletes_endpoint_config_and_model_and_tells_what_it_cost() -> None:
    world = World()
    study = deployed(world)
    world.pass_time(DAY - 1)
    assert world.crowns.due(world.now()) == ()
    world.landlord.end_lease(ENDPOINT)
    assert "delete tw-prod" not in world.calls
    world.pass_time(1)
    assert world.crowns.due(world.now()) == (ENDPOINT,)
    world.landlord.end_lease(ENDPOINT)
    assert world.endpoints[ENDPOINT].status == "Deleting"
    world.landlord.end_lease(ENDPOINT)  # still going
    assert world.calls.count("delete tw-prod") == 1
    assert world.wakes.take(timeout=0) is None
    gone(world)
    world.landlord.end_lease(ENDPOINT)
    assert world.configs == set()
    known = world.crowns.load(ENDPOINT)
    assert (known.champion, known.holder, known.held_since) == (None, None, None)
    assert world.crowns.due(world.now()) == ()
    after = wake(world, study)
    assert endings(world, study) == [
        "the lease of tw-prod has ended: tw-prod is deleted; "
        "from the day it went live it cost $2.76"
    ]
    assert after.deployment is not None
    assert after.deployment.lease_ended == world.now()
    assert after.phase is Phase.DONE


def test_an_end_that_comes_twice_is_told_once() -> None:
    world = World()
    study = deployed(world)
    world.pass_time(DAY)
    world.landlord.end_lease(ENDPOINT)
    gone(world)
    for _ in range(3):
        world.landlord.end_lease(ENDPOINT)
    wake(world, study)
    writes = world.store.writes
    world.advance(study.id)
    assert world.store.writes == writes
    assert len(endings(world, study)) == 1


DEATHS = [
    f"{when} {what}"
    for what in ("save", "delete", "delete_model", "put", "look")
    for when in ("before", "after")
]


@pytest.mark.parametrize("death", DEATHS)
@pytest.mark.parametrize("second", [0, 1, 2])
def test_whenever_it_dies_the_next_sweep_ends_it_and_the_study_is_told_once(
    death: str, second: int
) -> None:
    world = World()
    study = deployed(world)
    world.pass_time(DAY)
    dies = [*(["after load"] * second), death]
    landlord = Landlord(
        studies=world.store,
        endpoints=Deadly(world.crowns, dies),
        hosting=Deadly(world, dies),
        wakes=Deadly(world.wakes, dies),
        clock=world,
    )
    for _ in range(8):
        for name in world.crowns.due(world.now()):
            with suppress(SystemError):
                landlord.end_lease(name)
            gone(world)
    assert dies == []
    assert world.endpoints == {}
    assert world.crowns.due(world.now()) == ()
    assert world.crowns.load(ENDPOINT).holder is None
    wake(world, study)
    assert len(endings(world, study)) == 1


def test_a_newer_deployment_has_a_lease_of_its_own() -> None:
    world = World()
    old = deployed(world)
    world.pass_time(DAY - 60)
    new = deployed(world, 0.9, "b")
    world.pass_time(60)
    assert world.crowns.due(world.now()) == ()
    world.landlord.end_lease(ENDPOINT)
    assert world.endpoints[ENDPOINT].config == f"tw-{new.id}-v1"
    world.pass_time(DAY)
    world.landlord.end_lease(ENDPOINT)
    gone(world)
    world.landlord.end_lease(ENDPOINT)
    wake(world, new)
    assert (len(endings(world, old)), len(endings(world, new))) == (0, 1)


def test_while_a_newer_deployment_is_under_way_nothing_is_deleted() -> None:
    world = World()
    deployed(world)
    world.pass_time(DAY - 60)
    new = searched(world, 0.9, "b")
    assert new.phase is Phase.DEPLOYING
    world.pass_time(60)
    assert world.crowns.due(world.now()) == (ENDPOINT,)
    world.landlord.end_lease(ENDPOINT)
    assert "delete tw-prod" not in world.calls
    world.finish_deployment()
    assert world.advance(new.id).phase is Phase.DONE
    assert world.crowns.due(world.now()) == ()


def test_while_a_lease_ends_no_deployment_begins() -> None:
    world = World()
    first = deployed(world)
    world.pass_time(DAY)
    world.landlord.end_lease(ENDPOINT)
    second = searched(world, 0.9, "b")
    assert second.phase is Phase.CHOOSING
    gone(world)
    world.landlord.end_lease(ENDPOINT)
    wake(world, first)
    second = world.advance(second.id)
    assert second.phase is Phase.DEPLOYING
    world.finish_deployment()
    assert world.advance(second.id).phase is Phase.DONE


@pytest.mark.parametrize(
    "live",
    [
        HostedSeen("by-hand", "InService", ours=True, words=None),
        HostedSeen("by-hand", "InService", ours=False, words=None),
    ],
)
def test_what_somebody_put_there_by_hand_is_left_alone(live: HostedSeen) -> None:
    world = World()
    study = deployed(world)
    world.endpoints[ENDPOINT] = live
    world.pass_time(DAY)
    world.landlord.end_lease(ENDPOINT)
    assert world.endpoints[ENDPOINT] == live
    assert not [each for each in world.calls if each.startswith("delete")]
    assert world.crowns.load(ENDPOINT).champion is None
    wake(world, study)
    (told,) = endings(world, study)
    assert "by-hand is live there now, not this study's model, and is left alone" in told


def test_an_endpoint_without_our_tag_is_never_deleted_whatever_its_config() -> None:
    world = World()
    deployed(world)
    live = world.endpoints[ENDPOINT]
    world.endpoints[ENDPOINT] = HostedSeen(live.config, "InService", ours=False, words=None)
    world.pass_time(DAY)
    world.landlord.end_lease(ENDPOINT)
    assert not [each for each in world.calls if each.startswith("delete")]


def test_one_that_is_gone_already_is_a_success() -> None:
    world = World()
    study = deployed(world)
    world.endpoints.clear()
    world.pass_time(DAY)
    world.landlord.end_lease(ENDPOINT)
    wake(world, study)
    assert "tw-prod is deleted" in endings(world, study)[0]
    assert world.configs == set()


def test_trouble_that_passes_is_tried_again_and_a_refusal_keeps_nobody_waiting() -> None:
    world = World()
    study = deployed(world)
    world.pass_time(DAY)
    world.delete_trouble = [UnknownOutcomeError("ValidationException", "in-progress")]
    world.landlord.end_lease(ENDPOINT)
    assert world.crowns.load(ENDPOINT).holder == study.id
    world.delete_trouble = [RefusedError("AccessDeniedException", "no")]
    world.landlord.end_lease(ENDPOINT)
    assert world.crowns.load(ENDPOINT).holder is None
    assert world.crowns.due(world.now()) == (ENDPOINT,)
    world.landlord.end_lease(ENDPOINT)
    gone(world)
    world.landlord.end_lease(ENDPOINT)
    wake(world, study)
    assert len(endings(world, study)) == 1


def test_an_endpoint_that_nobody_leased_has_no_end() -> None:
    world = World()
    world.landlord.end_lease("tw-none")
    assert "tw-none" not in world.crowns
    deployed(world)
    world.pass_time(DAY)
    del world.store._studies[world.crowns.load(ENDPOINT).champion.study_id]
    with pytest.raises(NotFoundError):
        world.landlord.end_lease(ENDPOINT)


def test_a_plan_for_an_endpoint_that_is_gone_since_is_judged_again() -> None:
    world = World()
    first = deployed(world)
    waiting = searched(world, 0.9, "b", approve=True)
    assert waiting.phase is Phase.AWAITING_APPROVAL
    world.pass_time(DAY)
    world.landlord.end_lease(ENDPOINT)
    gone(world)
    world.landlord.end_lease(ENDPOINT)
    assert len(endings(world, world.advance(first.id))) == 1
    assert waiting.deployment is not None
    plan = waiting.deployment.hash
    world.studies.answer(waiting.id, CommandKind.APPROVE, by="bo", plan_hash=plan)
    again = world.advance(waiting.id)
    assert "judged again" in world.kinds(again.id)
    assert again.phase is Phase.AWAITING_APPROVAL
    assert again.deployment is not None
    assert again.deployment.hash != plan
    world.studies.answer(again.id, CommandKind.APPROVE, by="bo", plan_hash=again.deployment.hash)
    assert world.advance(again.id).phase is Phase.DEPLOYING


def stuck(world: World) -> Study:
    study = searched(world, 0.8, "a")
    assert study.phase is Phase.DEPLOYING
    world.pass_time(3599)
    assert world.advance(study.id).phase is Phase.DEPLOYING
    world.pass_time(1)
    return world.advance(study.id)


def test_a_deployment_that_never_answers_fails_and_lets_go() -> None:
    world = World()
    study = stuck(world)
    assert study.phase is Phase.FAILED
    assert world.store.decisions(study.id)[-1].reason == (
        "tw-prod could not be deployed: it did not answer within 1 h (Creating); it is deleted as "
        "soon as SageMaker lets it be"
    )
    assert world.crowns.load(ENDPOINT).holder is None


def test_a_hold_of_which_nobody_noted_the_time_begins_now() -> None:
    world = World()
    study = searched(world, 0.8, "a")
    known = world.crowns.load(ENDPOINT)
    world.crowns.save(known.but(held_since=None))  # as an older release wrote it
    world.pass_time(3600)
    assert world.advance(study.id).phase is Phase.DEPLOYING
    world.pass_time(3600)
    assert world.advance(study.id).phase is Phase.FAILED


def test_a_deployment_that_answers_at_the_last_moment_is_done() -> None:
    world = World()
    study = searched(world, 0.8, "a")
    world.finish_deployment()
    world.pass_time(7200)
    assert world.advance(study.id).phase is Phase.DONE
    assert world.endpoints[ENDPOINT].status == "InService"


def test_what_it_may_still_become_is_deleted_and_told() -> None:
    world = World()
    study = stuck(world)
    while world.wakes.take(timeout=0) is not None:
        pass
    world.delete_trouble = [UnknownOutcomeError("ValidationException", "in-progress")]
    assert world.crowns.due(world.now()) == (ENDPOINT,)
    world.landlord.end_lease(ENDPOINT)
    world.pass_time(300)
    world.landlord.end_lease(ENDPOINT)
    gone(world)
    world.landlord.end_lease(ENDPOINT)
    assert world.endpoints == {}
    wake(world, study)
    assert len(endings(world, study)) == 1


def test_an_update_that_never_ends_leaves_the_champion_and_its_lease() -> None:
    world = World()
    first = deployed(world)
    champion = world.crowns.load(ENDPOINT).champion
    second = searched(world, 0.9, "b")
    world.pass_time(3600)
    second = world.advance(second.id)
    assert second.phase is Phase.FAILED
    assert "(Creating)" in world.store.decisions(second.id)[-1].reason
    known = world.crowns.load(ENDPOINT)
    assert (known.champion, known.holder) == (champion, None)
    assert champion is not None
    assert champion.study_id == first.id
    assert champion.lease_ends - champion.since == timedelta(days=1)
    assert champion.price_per_hour == Decimal("0.115")


def test_a_deployment_without_capacity_gives_up_after_an_hour_too() -> None:
    from tunewright.domain.errors import CapacityError

    world = World()
    world.hosting_trouble = [CapacityError("ResourceLimitExceeded", "0")]
    study = searched(world, 0.8, "a")
    assert study.phase is Phase.DEPLOYING
    world.pass_time(3600)
    study = world.advance(study.id)  # there is capacity now, but it is too late to begin
    assert study.phase is Phase.FAILED
    assert world.endpoints == {}
    assert "(not there)" in world.store.decisions(study.id)[-1].reason
    assert world.crowns.load(ENDPOINT).champion is None
