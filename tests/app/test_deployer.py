"""Endpoints are tended by one hand: judged by what is live, changed by one study at a time."""

from typing import Any

import pytest

from tests.support.build import document
from tests.support.deadly import Deadly
from tests.support.world import World
from tunewright.app.deployer import Deployer
from tunewright.domain.errors import CapacityError, RefusedError, UnknownOutcomeError
from tunewright.domain.seen import HostedSeen
from tunewright.domain.study import CommandKind, Phase, Study

ENDPOINT = "tw-prod"


def spec(**changes: Any) -> dict[str, Any]:
    deploy = {"to": "prod", "lease": "1d", **changes.pop("deploy", {})}
    rounds = {"max": 1, "trials": 4, "parallel": 2}
    return document(rounds=rounds, deploy=deploy, **changes)


def searched(world: World, values: tuple[float, ...], key: str, **changes: Any) -> Study:
    """Run a study's only round with these objectives."""
    study_id = world.submit(spec(**changes), key=key)
    world.advance(study_id)
    for value in values:
        world.recorder.record(world.run_trial(value))
    world.end_job()
    return world.advance(study_id)


def live(world: World, study: Study) -> Study:
    world.finish_deployment()
    return world.advance(study.id)


def test_a_better_challenger_replaces_the_champion_and_a_worse_one_does_not() -> None:
    world = World()
    first = live(world, searched(world, (0.80, 0.7, 0.6, 0.5), "a"))
    assert first.phase is Phase.DONE
    worse = searched(world, (0.79, 0.7, 0.6, 0.5), "b")
    assert worse.phase is Phase.DONE
    assert "stays" in world.store.decisions(worse.id)[-1].reason
    better = searched(world, (0.85, 0.7, 0.6, 0.5), "c")
    assert better.phase is Phase.DEPLOYING
    better = live(world, better)
    assert better.phase is Phase.DONE
    champion = world.crowns.load(ENDPOINT).champion
    assert champion is not None
    assert champion.study_id == better.id
    assert world.calls.count("go live") == 2
    replaced = [call for call in world.calls if call.startswith("delete model")]
    assert replaced == [f"delete model tw-{first.id}-v1"]  # nothing serves it any more


def test_a_replaced_model_whose_tag_was_taken_off_stays_and_holds_nothing_up() -> None:
    world = World()
    first = live(world, searched(world, (0.80, 0.7, 0.6, 0.5), "a"))
    better = searched(world, (0.85, 0.7, 0.6, 0.5), "b")
    world.delete_trouble = [RefusedError("AccessDeniedException", "no tag of yours")]
    better = live(world, better)
    assert better.phase is Phase.DONE
    endpoint = world.crowns.load(ENDPOINT)
    assert endpoint.champion is not None
    assert (endpoint.champion.study_id, endpoint.holder) == (better.id, None)
    assert f"tw-{first.id}-v1" in world.configs


def test_a_model_is_not_replaced_by_itself() -> None:
    """A study that was lost with its table, submitted again, plans the names it had before."""
    before = World()
    first = live(before, searched(before, (0.80, 0.7, 0.6, 0.5), "a"))
    world = World(crowns=before.crowns)
    world.endpoints, world.configs = before.endpoints, before.configs
    again = live(world, searched(world, (0.85, 0.7, 0.6, 0.5), "a"))
    assert again.id == first.id
    assert again.phase is Phase.DONE
    assert world.endpoints[ENDPOINT].config in world.configs


@pytest.mark.parametrize(
    "death", [f"{when} {what}" for what in ("delete_model", "save") for when in ("before", "after")]
)
def test_whenever_it_dies_the_replaced_model_goes_and_the_new_one_reigns(death: str) -> None:
    world = World()
    first = live(world, searched(world, (0.80, 0.7, 0.6, 0.5), "a"))
    better = searched(world, (0.85, 0.7, 0.6, 0.5), "b")
    world.finish_deployment()
    dies = [death]
    deployer = Deployer(
        studies=world.store,
        endpoints=Deadly(world.crowns, dies),
        hosting=Deadly(world, dies),
        wakes=world.wakes,
        switch=world,
        clock=world,
    )
    with pytest.raises(SystemError):
        deployer.tend(better.id)
    deployer.tend(better.id)
    assert dies == []
    champion = world.crowns.load(ENDPOINT).champion
    assert champion is not None
    assert champion.study_id == better.id
    assert f"tw-{first.id}-v1" not in world.configs
    assert world.advance(better.id).phase is Phase.DONE


def test_two_studies_at_one_endpoint_queue_and_the_second_is_judged_against_the_first() -> None:
    world = World()
    first = searched(world, (0.80, 0.7, 0.6, 0.5), "a")
    second = searched(world, (0.79, 0.7, 0.6, 0.5), "b")
    assert first.phase is Phase.DEPLOYING
    assert second.phase is Phase.CHOOSING  # what is live is changing: it waits for that
    assert world.advance(second.id).phase is Phase.CHOOSING
    assert live(world, first).phase is Phase.DONE
    second = world.advance(second.id)
    assert second.phase is Phase.DONE
    assert "0.79 against 0.8" in world.store.decisions(second.id)[-1].reason
    assert world.endpoints[ENDPOINT].config == f"tw-{first.id}-v1"
    assert world.calls.count("go live") == 1


def test_what_is_live_and_not_ours_is_a_persons_to_decide() -> None:
    world = World()
    world.endpoints[ENDPOINT] = HostedSeen("by-hand", "InService", ours=False, words=None)
    study = searched(world, (0.8, 0.7, 0.6, 0.5), "a")
    assert study.phase is Phase.AWAITING_APPROVAL
    assert study.deployment is not None
    world.studies.command(
        study.id, CommandKind.APPROVE, by="ana", command_id="1", plan_hash=study.deployment.hash
    )
    study = world.advance(study.id)
    assert study.phase is Phase.FAILED  # a yes does not make it ours
    assert world.endpoints[ENDPOINT].config == "by-hand"
    assert "does not carry this stack's tags" in world.store.decisions(study.id)[-1].reason


def test_a_plan_that_was_approved_does_not_replace_what_came_live_since() -> None:
    world = World()
    waiting = searched(world, (0.8, 0.7, 0.6, 0.5), "a", deploy={"approve": True})
    assert waiting.deployment is not None
    other = live(world, searched(world, (0.9, 0.7, 0.6, 0.5), "b"))
    assert other.phase is Phase.DONE
    world.studies.command(
        waiting.id, CommandKind.APPROVE, by="bo", command_id="1", plan_hash=waiting.deployment.hash
    )
    waiting = world.advance(waiting.id)
    assert waiting.phase is Phase.DONE
    assert "judged again" in world.kinds(waiting.id)
    assert world.endpoints[ENDPOINT].config == f"tw-{other.id}-v1"


def test_a_failed_endpoint_is_told_with_sagemakers_words() -> None:
    world = World()
    study = searched(world, (0.8, 0.7, 0.6, 0.5), "a")
    config = world.endpoints[ENDPOINT].config
    world.endpoints[ENDPOINT] = HostedSeen(config, "Failed", ours=True, words="no ping")
    study = world.advance(study.id)
    assert study.phase is Phase.FAILED
    assert "no ping" in world.store.decisions(study.id)[-1].reason
    assert world.crowns.load(ENDPOINT).champion is None
    assert world.crowns.load(ENDPOINT).holder is None


def test_an_update_that_was_rolled_back_is_not_tried_for_ever() -> None:
    world = World()
    live(world, searched(world, (0.8, 0.7, 0.6, 0.5), "a"))
    before = world.endpoints[ENDPOINT]
    study = searched(world, (0.9, 0.7, 0.6, 0.5), "b")
    assert world.endpoints[ENDPOINT].status == "Creating"
    world.endpoints[ENDPOINT] = HostedSeen(
        before.config, "InService", ours=True, words="the new model answered no ping"
    )
    study = world.advance(study.id)
    assert study.phase is Phase.FAILED
    assert "answered no ping" in world.store.decisions(study.id)[-1].reason


@pytest.mark.parametrize(
    "trouble", [UnknownOutcomeError("Timeout", "?"), CapacityError("ResourceLimitExceeded", "0")]
)
def test_trouble_that_passes_leaves_the_deployment_owed(trouble: Exception) -> None:
    world = World()
    world.hosting_trouble = [trouble, trouble]
    study = searched(world, (0.8, 0.7, 0.6, 0.5), "a")
    assert study.phase is Phase.DEPLOYING
    world.advance(study.id)
    world.advance(study.id)
    assert live(world, study).phase is Phase.DONE
    assert world.calls.count("go live") == 1


def test_while_the_stack_is_paused_nothing_goes_live_and_that_is_told_once() -> None:
    world = World()
    study_id = world.submit(spec())
    world.advance(study_id)
    for value in (0.8, 0.7, 0.6, 0.5):
        world.recorder.record(world.run_trial(value))
    world.paused = True
    world.end_job()
    for _ in range(3):
        study = world.advance(study_id)
    assert study.phase is Phase.DEPLOYING
    assert world.kinds(study.id).count("held") == 1
    assert "go live" not in world.calls
    world.paused = False
    world.advance(study.id)
    assert live(world, study).phase is Phase.DONE


def test_a_model_that_sagemaker_refuses_fails_the_study_in_its_words() -> None:
    world = World()
    world.hosting_trouble = [RefusedError("ValidationException", "no such image")]
    study = searched(world, (0.8, 0.7, 0.6, 0.5), "a")
    assert study.phase is Phase.FAILED
    assert "no such image" in world.store.decisions(study.id)[-1].reason


def test_tending_a_study_that_asks_for_nothing_does_nothing() -> None:
    world = World()
    done = live(world, searched(world, (0.8, 0.7, 0.6, 0.5), "a"))
    known, calls = world.crowns.load(ENDPOINT), list(world.calls)
    world.deployer.tend(done.id)
    assert (world.crowns.load(ENDPOINT), world.calls) == (known, calls)


def test_an_endpoint_is_not_moved_on_a_look_of_long_ago() -> None:
    world = World()
    make = world.make_model

    def slowly(*given: Any) -> bool:
        world.pass_time(31)
        return make(*given)

    world.make_model = slowly  # type: ignore[method-assign]
    study = searched(world, (0.8, 0.7, 0.6, 0.5), "a")
    assert study.phase is Phase.DEPLOYING
    assert "go live" not in world.calls
    world.make_model = make  # type: ignore[method-assign]
    world.advance(study.id)
    assert live(world, study).phase is Phase.DONE
