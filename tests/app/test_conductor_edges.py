"""What once went wrong at the edges of a study's life: at ends, between rounds, after a word."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from tests.support.build import document
from tests.support.world import Job, World
from tunewright.domain.errors import (
    CapacityError,
    RefusedError,
    StaleVersionError,
    UnknownOutcomeError,
)
from tunewright.domain.seen import HostedSeen
from tunewright.domain.study import CommandKind, Phase, Study
from tunewright.domain.trial import TrialStatus

ONE = {"max": 3, "trials": 5, "parallel": 2, "sizes": "fixed"}
DEPLOY = {"to": "churn-prod", "lease": "1d"}
OWN_IMAGE = {"image": "own:1", "metrics": {"validation:auc": "auc=(.*)"}}
FULL = CapacityError("ResourceLimitExceeded", "no instance is left")


def started(**changes: Any) -> tuple[World, str]:
    world = World(images=("*",))
    study_id = world.submit(document(**{"refine": {"when": {"gain_above": 0}}, **changes}))
    world.advance(study_id)
    return world, study_id


def say(world: World, study_id: str, kind: CommandKind, **more: str) -> Study:
    count = len(world.store.decisions(study_id))
    world.studies.command(study_id, kind, by="ana", command_id=f"{kind}-{count}", **more)
    return world.advance(study_id)


def reasons(world: World, study_id: str) -> str:
    return "\n".join(each.reason for each in world.store.decisions(study_id))


def quietly(world: World, *values: float | None, **changes: Any) -> None:
    """Run trials of which nobody tells the recorder, and end the job."""
    for value in values:
        world.run_trial(value, **changes)
    world.end_job()


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


def test_an_objective_that_comes_after_its_trials_end_is_not_lost() -> None:
    world, study_id = started(stop=[{"no_metric": {"after": 2}}])
    name, job = world.live_job()
    for _ in range(3):
        world.recorder.record(world.run_trial(metrics={}))
        job.trials[-1] = replace(job.trials[-1], metrics={"validation:auc": 0.8})
        study = world.advance(study_id, look=False)
    assert not world.stop_calls
    world.recorder.record(world.run_trial(metrics={}))
    job.trials[-1] = replace(job.trials[-1], metrics={"validation:auc": 0.9})
    world.end_job()
    study = world.advance(study_id)
    assert name == study.closed[0].plan.job
    assert (study.closed[0].progress.completed, study.closed[0].progress.silent) == (4, 0)
    assert study.incumbent is not None
    assert study.incumbent.value == 0.9


def test_an_objective_that_is_told_while_the_trials_are_listed_is_not_lost() -> None:
    """The list has no objective yet, and what is told of the round next has none to wait for."""
    world, study_id = started(rounds={**ONE, "max": 1})
    _, job = world.live_job()
    world.recorder.record(world.run_trial(0.8))
    world.recorder.record(world.run_trial(metrics={}))
    world.advance(study_id, look=False)
    world.end_job()
    describe, look = world.trial, world.look
    told = {job.trials[-1].name: False}

    def trial(name: str) -> Any:
        seen = describe(name)
        if name in told and not told[name]:  # its objective comes just after it was described
            told[name] = True
            job.trials[-1] = replace(job.trials[-1], metrics={"validation:auc": 0.9})
        return seen

    world.trial = trial  # type: ignore[method-assign]
    world.look = lambda name, owner: replace(  # type: ignore[method-assign]
        look(name, owner), pending=int(not all(told.values()))
    )
    assert world.advance(study_id).live is not None
    study = world.advance(study_id)
    assert study.live is None
    assert study.incumbent is not None
    assert study.incumbent.value == 0.9


def test_a_metric_that_never_comes_stops_the_round_all_the_same() -> None:
    world, study_id = started(stop=[{"no_metric": {"after": 2}}])
    for _ in range(2):
        world.recorder.record(world.run_trial(metrics={}))
        world.advance(study_id, look=False)
    assert len(world.stop_calls) == 1


def test_a_trial_that_somebody_deleted_does_not_hold_its_round_open_for_ever() -> None:
    world, study_id = started(rounds=ONE)
    _, job = world.live_job()
    world.run_trial(0.8)
    world.run_trial(0.8)
    gone = job.trials[-1]
    world.end_job()
    known = world.trial
    world.trial = lambda name: None if name == gone.name else known(name)  # type: ignore[method-assign]
    assert world.advance(study_id).live is not None
    world.pass_time(3700)
    study = world.advance(study_id)
    assert study.closed[0].launched == 2
    assert study.ledger.used_trials == 2
    assert "1 gone, and counted at their worst" in reasons(world, study_id)
    assert study.ledger.spent > study.closed[0].progress.spent


def test_a_trial_that_the_counters_did_not_tell_of_is_counted_when_it_is_heard_of() -> None:
    world, study_id = started(rounds=ONE)
    name, job = world.live_job()
    world.run_trial(0.8)
    hidden = replace(job.trials[-1], name=f"{name}-009-00000009")
    world.end_job()
    study = world.advance(study_id)
    assert study.ledger.used_trials == 1
    job.trials.append(hidden)
    world.recorder.record(hidden.name)
    study = world.advance(study_id)
    assert (study.closed[0].launched, study.ledger.used_trials) == (2, 2)


def test_a_job_that_is_not_visible_yet_is_not_taken_for_a_deleted_one() -> None:
    world, study_id = started()
    held = dict(world.jobs)
    world.jobs.clear()
    assert world.advance(study_id).phase is Phase.SEARCHING
    world.jobs.update(held)
    assert world.advance(study_id).phase is Phase.SEARCHING
    world.jobs.clear()
    world.pass_time(1000)
    assert world.advance(study_id).phase is Phase.NEEDS_PERSON


def test_a_job_that_appears_after_its_stop_is_stopped_again() -> None:
    world = World()
    study_id = world.submit(document())
    start, made = world.start, []

    def lost(request: dict[str, Any], tags: dict[str, str]) -> None:
        made.append((request, tags))
        raise RuntimeError("the process dies before anything is known")

    world.start = lost  # type: ignore[method-assign]
    with pytest.raises(RuntimeError):
        world.advance(study_id)
    say(world, study_id, CommandKind.CANCEL)
    start(*made[0])  # a call that hung all the while gets through now
    study = world.advance(study_id)
    (job,) = world.jobs.values()
    assert job.status == "Stopping"
    world.end_job()
    study = world.advance(study_id)
    assert study.phase is Phase.CANCELLED


def test_what_was_never_made_is_forgotten_after_a_while() -> None:
    world = World()
    study_id = world.submit(document())
    world.start = lambda *_: (_ for _ in ()).throw(RuntimeError)  # type: ignore[method-assign]
    with pytest.raises(RuntimeError):
        world.advance(study_id)
    assert say(world, study_id, CommandKind.CANCEL).phase is Phase.SEARCHING
    world.pass_time(1000)
    study = world.advance(study_id)
    assert (study.phase, study.rounds, study.ledger.reserved) == (Phase.CANCELLED, (), Decimal(0))


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


def test_a_paused_study_does_not_start_a_round_that_waits_for_capacity() -> None:
    world = World()
    world.refusals = [FULL]
    study_id = world.submit(document())
    world.advance(study_id)
    say(world, study_id, CommandKind.PAUSE)
    world.pass_time(400)
    world.advance(study_id)
    assert not world.jobs
    say(world, study_id, CommandKind.RESUME)
    assert len(world.jobs) == 1


def test_waiting_for_capacity_can_be_cancelled_and_ends_with_the_searchs_time() -> None:
    world = World()
    world.refusals = [FULL]
    study_id = world.submit(document())
    world.advance(study_id)
    cancelled = say(world, study_id, CommandKind.CANCEL)
    assert cancelled.phase is Phase.SEARCHING, "a late try may still make the job"
    assert cancelled.ending == "cancelled"
    world.pass_time(900)
    assert world.advance(study_id).phase is Phase.CANCELLED
    world.refusals = [FULL] * 9
    other = world.submit(document(stop=[{"wall_clock": "1h"}]), key="other")
    for _ in range(9):
        study = world.advance(other)
        world.pass_time(600)
    assert study.phase.is_over
    assert "round 1 is not waited for any longer" in reasons(world, other)
    assert study.ledger.reserved == 0


def test_waiting_for_days_does_not_break_the_waiting() -> None:
    world = World()
    world.refusals = [FULL] * 60
    study_id = world.submit(document())
    for _ in range(60):
        world.advance(study_id)
        world.pass_time(3600)
    world.advance(study_id)
    assert len(world.jobs) == 1


def test_a_refused_first_round_with_outside_parents_goes_on_without_them() -> None:
    world = World()
    world.refusals = [RefusedError("ValidationException", "no such parent")]
    rounds = {**ONE, "parents": ["an-old-job"]}
    study_id = world.submit(document(rounds=rounds))
    study = world.advance(study_id)
    assert study.live is not None
    assert study.live.plan.attempt == 2
    assert "without warm start" in reasons(world, study_id)


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


def test_a_late_trial_that_moves_the_bar_back_is_no_new_best() -> None:
    world, study_id = started(
        stop=[{"not_improving": {"trials": 8, "min_gain": 0.01}}],
        rounds={**ONE, "trials": 8, "max": 1},
    )
    first, second, third = (world.run_trial(value) for value in (0.80, 0.895, 0.90))
    world.recorder.record(first)
    world.recorder.record(third)
    world.advance(study_id, look=False)
    world.recorder.record(second)
    world.advance(study_id, look=False)
    assert world.kinds(study_id).count("new best") == 1


def test_a_round_whose_trials_have_all_ended_is_not_stopped() -> None:
    world, study_id = started(
        stop=[{"not_improving": {"trials": 3, "min_gain": 0.01, "warm_up": 1}}],
        rounds={**ONE, "trials": 4, "max": 1},
    )
    for value in (0.9, 0.8, 0.8, 0.8):
        world.recorder.record(world.run_trial(value))
        world.advance(study_id, look=False)
    assert not world.stop_calls


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
        rounds={"max": 2, "trials": 24, "parallel": 2, "sizes": "fixed"},
        budget="90 USD",
    )
    study = world.run_round(study_id)
    assert study.live is not None
    assert study.live.plan.space.combinations() >= study.live.plan.trials


def test_a_fold_by_another_wake_between_two_reads_keeps_no_round_open() -> None:
    """Study and marks are two reads. What another wake folds between them is in neither."""
    world, study_id = started()
    ran = [world.run_trial(value) for value in (0.7, 0.8, 0.9)]
    world.end_job()
    reading, reads = world.store.unfolded, []

    def unfolded(asked: str, limit: int) -> Any:
        reads.append(asked)
        if len(reads) == 1:  # The last trials are recorded just after this wake has read the marks,
            found = reading(asked, limit)
            for name in ran:
                world.recorder.record(name)
            return found
        if len(reads) == 2:  # and their own wake folds them just before it reads them again.
            world.conductor.advance(asked, look=False)
        return reading(asked, limit)

    world.store.unfolded = unfolded  # type: ignore[method-assign]
    study = world.advance(study_id)  # the wake of the tuning job's end; no other comes
    assert len(reads) > 2
    assert study.rounds[0].status == "closed", reasons(world, study_id)


NO = RefusedError("ValidationException", "no such role")
NO_ANSWER = UnknownOutcomeError("ReadTimeout", "no answer")


def test_a_refusal_after_an_unanswered_try_is_believed_when_the_job_never_shows() -> None:
    world = World()
    world.refusals = [NO_ANSWER, NO]
    study_id = world.submit(document())
    world.advance(study_id)
    study = world.advance(study_id)
    assert study.phase is Phase.SEARCHING
    assert study.ledger.reserved > 0, "what may run is still reserved"
    assert "is looked for during 15 min" in reasons(world, study_id)
    world.pass_time(899)
    assert world.advance(study_id).live is not None
    world.pass_time(1)
    study = world.advance(study_id, look=False)
    assert study.phase is Phase.NEEDS_PERSON
    assert study.ledger.reserved == 0
    assert world.calls.count("start") == 2


def test_a_job_that_shows_after_its_second_try_was_refused_is_not_forgotten() -> None:
    world = World()
    study_id = world.submit(document())
    job = f"tw-{study_id}-r01"
    commit, lost = world.store.commit, [True]

    def unwritten(step: Any, *, expected: int) -> Study:
        if job in world.jobs and lost:
            lost.clear()
            world.unseen.add(job)
            world.refusals = [NO]
            raise StaleVersionError(study_id)
        return commit(step, expected=expected)

    world.store.commit = unwritten
    study = world.advance(study_id)
    assert study.doubt is not None
    world.unseen.clear()
    study = world.advance(study_id, look=False)
    assert study.live is not None
    assert study.live.began is not None
    assert not study.owed
    assert world.calls.count("start") == 2


def test_a_doubted_refusal_can_be_cancelled() -> None:
    world = World()
    world.refusals = [NO_ANSWER, NO]
    study_id = world.submit(document())
    world.advance(study_id)
    world.advance(study_id)
    assert say(world, study_id, CommandKind.CANCEL).phase is Phase.SEARCHING
    world.pass_time(900)
    study = world.advance(study_id)
    assert study.phase is Phase.CANCELLED
    assert study.ledger.reserved == 0


def test_a_round_that_was_stopped_before_it_was_made_leaves_a_foreign_job_alone() -> None:
    world = World()
    world.refusals = [NO_ANSWER]
    study_id = world.submit(document())
    world.advance(study_id)
    job = f"tw-{study_id}-r01"
    world.jobs[job] = Job({}, {"team": "others"})
    assert say(world, study_id, CommandKind.STOP).live is not None
    world.pass_time(900)
    study = world.advance(study_id)
    assert study.phase.is_over
    assert not study.rounds
    assert world.jobs[job].status == "InProgress"
