"""What once went wrong with news: late, lost, folded by another wake, or of what is not there."""

from dataclasses import replace
from typing import Any

from tests.app.started import ONE, reasons, started
from tunewright.domain.study import Phase


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
