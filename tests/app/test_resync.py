"""A resync looks at every trial again and recounts: whatever was lost or wrong is so no more."""

from decimal import Decimal
from typing import Any

import pytest

from tests.support.build import document
from tests.support.world import World
from tunewright.domain.study import CommandKind, DecisionKind, Phase, Study
from tunewright.domain.trial import TrialStatus

ROUNDS = {"max": 2, "trials": 4, "parallel": 2, "sizes": "fixed"}


def resynced(world: World, study_id: str, number: int = 1) -> tuple[Study, str]:
    world.studies.command(study_id, CommandKind.RESYNC, by="bo", command_id=f"resync{number}")
    study = world.advance(study_id)
    told = [each for each in world.store.decisions(study_id) if each.kind is DecisionKind.RESYNCED]
    assert len(told) == number
    assert told[-1].reason.startswith("bo had every trial looked at again and recounted: ")
    return study, told[-1].reason.rpartition("recounted: ")[2]


def finished() -> tuple[World, Study]:
    world = World()
    study_id = world.submit(document(rounds=ROUNDS, refine={"when": {"gain_above": 0}}))
    world.advance(study_id)
    world.run_round(study_id)
    study = world.run_round(study_id)
    assert study.phase is Phase.DONE
    return world, study


def spoil(world: World, study: Study, **changes: Any) -> None:
    """Write something wrong into a study, as a bug of ours might have done."""
    held = world.store._studies[study.id]
    world.store._studies[study.id] = held.but(**changes)


def forget(world: World, names: list[str]) -> None:
    for name in names:
        del world.store._trials[name]
        world.store._unfolded.discard(name)


def test_where_all_is_well_nothing_differs_and_nothing_is_changed() -> None:
    world, before = finished()
    after, differed = resynced(world, before.id)
    assert differed == "nothing differed"
    assert after == before.but(version=after.version, rev=after.rev, decisions=before.decisions + 1)
    assert resynced(world, before.id, 2)[1] == "nothing differed"


def test_trials_that_were_never_recorded_are_found_and_counted() -> None:
    world, before = finished()
    names = sorted(world.store._trials)
    lost = [names[1], names[6]]
    forget(world, lost)
    rounds = [
        each.but(
            launched=each.launched - 1,
            progress=each.progress.but(
                completed=each.progress.completed - 1, spent=each.progress.spent - Decimal("0.6")
            ),
        )
        for each in before.rounds
    ]
    ledger = before.ledger.but(spent=before.ledger.spent - Decimal("1.2"), used_trials=6)
    spoil(world, before, rounds=tuple(rounds), ledger=ledger)
    after, differed = resynced(world, before.id)
    assert differed == "2 trials were missing; spend was $1.20 too low"
    assert (after.rounds, after.ledger) == (before.rounds, before.ledger)
    assert sorted(world.store._trials) == names
    assert resynced(world, before.id, 2)[1] == "nothing differed"


def test_what_was_counted_too_often_is_counted_no_more() -> None:
    world, before = finished()
    first, second = before.rounds
    wrong = first.but(
        progress=first.progress.but(completed=5, spent=first.progress.spent + Decimal(1))
    )
    best = before.incumbent
    assert best is not None
    spoil(
        world,
        before,
        rounds=(wrong, second),
        ledger=before.ledger.but(spent=before.ledger.spent + 1),
        incumbent=best.but(trial="tw-made-up", value=0.99),
    )
    after, differed = resynced(world, before.id)
    assert differed.startswith(
        "1 trial was too many; spend was $1.00 too high; the best is tw-churn"
    )
    assert differed.endswith(", and was tw-made-up with 0.99")
    assert after.incumbent == best
    spoil(world, after, incumbent=None)
    assert resynced(world, before.id, 2)[1].endswith(", and was none")


def test_how_trials_ended_is_recounted_too() -> None:
    world, before = finished()
    first, second = before.rounds
    wrong = first.but(progress=first.progress.but(completed=3, failed=1))
    spoil(world, before, rounds=(wrong, second))
    after, differed = resynced(world, before.id)
    assert differed == "how the trials of its rounds ended was counted wrongly"
    assert after.rounds == before.rounds


def test_a_live_study_is_recounted_and_goes_on() -> None:
    world = World()
    study_id = world.submit(document(rounds=ROUNDS))
    world.advance(study_id)
    world.recorder.record(world.run_trial(0.8))
    world.advance(study_id, look=False)
    world.run_trial(0.9)  # its event is lost
    study, differed = resynced(world, study_id)
    assert differed == (
        "1 trial was missing; spend was $0.0018 too low; "
        f"the best is {study.incumbent.trial} with 0.9, "  # type: ignore[union-attr]
        f"and was {study.rounds[0].plan.job}-001-00000001 with 0.8"
    )
    assert study.progress.completed == 2
    assert study.live is not None
    world.run_round(study_id)
    assert world.run_round(study_id).phase is Phase.DONE


def test_what_waits_to_be_counted_is_not_told_as_missing() -> None:
    world = World()
    study_id = world.submit(document(rounds=ROUNDS))
    world.advance(study_id)
    world.recorder.record(world.run_trial(0.8))
    assert resynced(world, study_id)[1] == "nothing differed"


def test_a_tuning_job_that_somebody_deleted_does_not_stand_in_the_way() -> None:
    world, before = finished()
    del world.jobs[before.rounds[0].plan.job]
    assert resynced(world, before.id)[1] == "nothing differed"


def test_a_trial_that_cannot_be_found_keeps_costing_what_it_might() -> None:
    world = World()
    study_id = world.submit(document(rounds={**ROUNDS, "max": 1}))
    world.advance(study_id)
    for value in (0.8, 0.7, 0.6):
        world.recorder.record(world.run_trial(value))
    gone = world.run_trial(0.5)
    job = world.live_job()[1]
    seen = job.trials[-1]
    world.trial = lambda name: (  # type: ignore[method-assign]
        None if name == gone else next(each for each in job.trials if each.name == name)
    )
    assert seen.name == gone
    world.end_job()
    world.advance(study_id)
    world.pass_time(3601)
    before = world.advance(study_id)
    assert before.phase is Phase.DONE
    after, differed = resynced(world, study_id)
    assert differed == "nothing differed"
    assert after.ledger == before.ledger


def test_nothing_is_asked_of_trials_of_which_all_is_known() -> None:
    world, before = finished()
    world.calls.clear()
    resynced(world, before.id)
    assert world.calls.count("describe trial") == 0
    assert world.calls.count("list") == 2
    names = sorted(world.store._trials)
    gaps: list[dict[str, Any]] = [
        {"billable_seconds": None},
        {"status": TrialStatus.IN_PROGRESS, "ended": None},
        {"objective": None},
        {"model": None},
        {"status": TrialStatus.STOPPED, "objective": None},
        {"status": TrialStatus.STOPPED},
        {"status": TrialStatus.FAILED, "objective": None, "model": None},
    ]
    for name, gap in zip(names, gaps, strict=False):
        world.store._trials[name] = world.store._trials[name].but(**gap)
    world.calls.clear()
    resynced(world, before.id, 2)
    assert world.calls.count("describe trial") == 5


def test_the_same_resync_twice_is_answered_once() -> None:
    world, before = finished()
    for _ in range(2):
        world.studies.command(before.id, CommandKind.RESYNC, by="bo", command_id="r1")
    world.advance(before.id)
    world.studies.command(before.id, CommandKind.RESYNC, by="bo", command_id="r1")
    world.advance(before.id)
    assert world.kinds(before.id).count("resynced") == 1


@pytest.mark.parametrize("number", [1, 2])
def test_another_command_before_it_is_answered_first(number: int) -> None:
    world = World()
    study_id = world.submit(document(rounds=ROUNDS))
    world.advance(study_id)
    kinds = [CommandKind.PAUSE, CommandKind.RESYNC][:: 1 if number == 1 else -1]
    for place, kind in enumerate(kinds):
        world.studies.command(study_id, kind, by="bo", command_id=f"c{place}")
        world.pass_time(1)
    assert world.advance(study_id).paused
    assert "resynced" in world.kinds(study_id)
