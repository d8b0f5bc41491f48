"""What once went wrong at the edges of a study's life: at ends, between rounds, after a word."""

import pytest

from tests.app.started import DEPLOY, ONE, quietly, reasons, say, started
from tests.support.build import document
from tests.support.world import World
from tunewright.domain.seen import HostedSeen
from tunewright.domain.study import CommandKind, Phase, Study
from tunewright.domain.trial import TrialStatus

OWN_IMAGE = {"image": "own:1", "metrics": {"validation:auc": "auc=(.*)"}}


def test_a_target_reached_by_a_rounds_last_trial_starts_no_other_round() -> None:
    world, study_id = started(objective={"maximize": "validation:auc", "target": 0.95})
    quietly(world, 0.7, 0.8, 0.96)
    study = world.advance(study_id)
    assert study.phase is Phase.DONE
    assert len(world.jobs) == 1
    assert "the search ends: validation:auc is 0.96 (target 0.95)" in reasons(world, study_id)


@pytest.mark.parametrize("rule", [{"wall_clock": "1h"}, {"spend": "0.001 USD"}])
def test_rules_that_end_the_search_are_asked_before_a_round_is_planned(
    rule: dict[str, str],
) -> None:
    world, study_id = started(stop=[rule])
    quietly(world, 0.7, 0.8)
    world.pass_time(7200)
    assert world.advance(study_id).phase is Phase.DONE
    assert len(world.jobs) == 1


def test_failures_that_only_the_last_trials_showed_ask_a_person() -> None:
    world, study_id = started(rounds=ONE, stop=[{"failures": {"share": 0.5, "after": 4}}])
    world.run_trial(0.8)
    world.run_trial(0.8)
    failed = {"status": TrialStatus.FAILED, "metrics": {}, "failure_reason": "AlgorithmError: x"}
    quietly(world, None, None, **failed)
    assert world.advance(study_id).phase is Phase.NEEDS_PERSON
    assert "2 of 4 trials failed (50%; limit 50% after 4)" in reasons(world, study_id)
    assert say(world, study_id, CommandKind.RESUME).live is not None


def test_a_round_in_which_no_trial_gave_a_value_asks_a_person() -> None:
    world, study_id = started(rounds=ONE)
    failed = {"status": TrialStatus.FAILED, "metrics": {}, "failure_reason": "AlgorithmError: x"}
    quietly(world, None, None, **failed)
    assert world.advance(study_id).phase is Phase.NEEDS_PERSON
    assert "no trial of round 1 gave validation:auc" in reasons(world, study_id)


def test_a_stop_after_a_cancel_brings_nothing_back() -> None:
    world, study_id = started(deploy=DEPLOY)
    world.recorder.record(world.run_trial(0.9))
    say(world, study_id, CommandKind.CANCEL)
    say(world, study_id, CommandKind.STOP)
    world.end_job()
    assert world.advance(study_id).phase is Phase.CANCELLED
    assert "go live" not in world.calls
    assert "said stop, which does nothing any more: cancelled" in reasons(world, study_id)


@pytest.mark.parametrize("kind", [CommandKind.CANCEL, CommandKind.STOP])
def test_nobody_is_asked_about_a_job_that_failed_while_it_was_stopped(kind: CommandKind) -> None:
    world, study_id = started()
    world.recorder.record(world.run_trial(0.9))
    say(world, study_id, kind)
    world.end_job("Failed", "InternalServerError")
    assert world.advance(study_id).phase.is_over


def test_cancelling_ends_with_the_same_word_in_every_phase() -> None:
    world, study_id = started(deploy={**DEPLOY, "approve": True}, rounds={**ONE, "max": 1})
    quietly(world, 0.8, 0.9)
    assert world.advance(study_id).phase is Phase.AWAITING_APPROVAL
    assert say(world, study_id, CommandKind.CANCEL).phase is Phase.CANCELLED
    assert world.kinds(study_id)[-1] == "done"


def deploying(world: World, study_id: str) -> Study:
    say(world, study_id, CommandKind.STOP)
    world.end_job()
    return world.advance(study_id)


def test_an_endpoint_that_cannot_be_updated_any_more_is_told_and_not_waited_for() -> None:
    world, study_id = started(deploy=DEPLOY)
    world.recorder.record(world.run_trial(0.9))
    world.endpoints["tw-churn-prod"] = HostedSeen("tw-old-v1", "Failed", ours=True, words="broken")
    study = deploying(world, study_id)
    if study.phase is Phase.AWAITING_APPROVAL:
        planned = study.deployment
        assert planned is not None
        study = say(world, study_id, CommandKind.APPROVE, plan_hash=planned.hash)
    assert study.phase is Phase.FAILED
    assert "delete it first: broken" in reasons(world, study_id)


def test_a_wake_that_was_asleep_starts_nothing_on_what_it_read_before() -> None:
    world = World()
    study_id = world.submit(document())
    naps = [31.0]

    def is_thrown() -> bool:
        world.pass_time(naps.pop() if naps else 0.0)
        return False

    world.is_thrown = is_thrown  # type: ignore[method-assign]
    assert world.advance(study_id).owed != ()
    assert "start" not in world.calls
    assert world.advance(study_id).owed == ()


def test_a_refined_space_is_never_too_small_for_its_round() -> None:
    """AMT refuses a tuning job whose ranges have fewer points than it may launch trials."""
    world, study_id = started(
        search_space={"max_depth": {"range": [2, 13], "never_beyond": [2, 13]}, "eta": [1, 2]},
        training={**document()["training"], "algorithm": None, **OWN_IMAGE},
        rounds={"max": 2, "trials": 24, "parallel": 2, "sizes": "fixed", "strategy": "random"},
        budget="90 USD",
    )
    study = world.run_round(study_id)
    assert study.live is not None
    assert study.live.plan.space.combinations() >= study.live.plan.trials
    assert "narrower ones would have fewer points" in reasons(world, study_id)
