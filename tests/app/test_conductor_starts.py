"""A round that is not made at once: refused, in doubt, without capacity, or under a taken name."""

from decimal import Decimal
from typing import Any

import pytest

from tests.app.started import ONE, reasons, say
from tests.support.build import document
from tests.support.world import Job, World
from tunewright.domain.errors import (
    CapacityError,
    ForeignError,
    RefusedError,
    StaleVersionError,
    UnknownOutcomeError,
)
from tunewright.domain.study import CommandKind, Phase, Study

FULL = CapacityError("ResourceLimitExceeded", "no instance is left")


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


def test_a_refused_round_is_tried_with_the_parents_scalings_then_without_warm_start() -> None:
    world = World()
    study_id = world.submit(document(refine={"when": {"gain_above": 0}}))
    world.advance(study_id)
    world.refusals = [
        RefusedError("ValidationException", "the scaling may not change"),
        RefusedError("ValidationException", "no warm start today"),
    ]
    study = world.run_round(study_id)
    assert study.live is not None
    assert study.live.plan.attempt == 3
    assert study.live.plan.job == f"tw-{study_id}-r02a3"
    assert "WarmStartConfig" not in world.jobs[study.live.plan.job].request
    told = [d.reason for d in world.store.decisions(study_id) if d.kind.value == "round refused"]
    assert "the scaling may not change" in told[0]
    assert "parents' scalings" in told[0]
    assert "no warm start today" in told[1]
    assert "without warm start" in told[1]


def test_a_round_refused_three_times_asks_a_person_with_awss_words() -> None:
    world = World()
    study_id = world.submit(document(refine={"when": {"gain_above": 0}}))
    world.advance(study_id)
    world.refusals = [RefusedError("ValidationException", f"no {n}") for n in range(3)]
    study = world.run_round(study_id)
    assert study.phase is Phase.NEEDS_PERSON
    assert study.ledger.reserved == 0
    assert "no 2" in world.store.decisions(study_id)[-1].reason
    world.studies.command(study_id, CommandKind.RESUME, by="ana", command_id="c1")
    study = world.advance(study_id)
    assert study.phase is Phase.SEARCHING
    assert study.live is not None


def test_used_up_quota_is_waited_for_with_growing_pauses_and_told_once() -> None:
    world = World()
    world.refusals = [CapacityError("ResourceLimitExceeded", "0 instances") for _ in range(2)]
    study_id = world.submit(document())
    study = world.advance(study_id)
    assert study.owed
    world.pass_time(299)
    assert world.advance(study_id).live is not None
    assert not world.jobs
    world.pass_time(2)
    world.advance(study_id)
    assert not world.jobs  # the second refusal
    world.pass_time(601)
    world.advance(study_id)
    assert len(world.jobs) == 1
    assert world.kinds(study_id).count("waiting for capacity") == 1


def test_an_unknown_outcome_is_looked_at_again_under_the_same_name() -> None:
    world = World()
    world.refusals = [UnknownOutcomeError("ReadTimeout", "no answer")]
    study_id = world.submit(document())
    study = world.advance(study_id)
    assert study.owed
    study = world.advance(study_id)
    assert not study.owed
    assert list(world.jobs) == [f"tw-{study_id}-r01"]


def test_a_name_that_is_taken_by_others_fails_the_study_and_touches_nothing() -> None:
    world = World()
    world.refusals = [ForeignError("ResourceInUse", "taken")]
    study_id = world.submit(document())
    study = world.advance(study_id)
    assert study.phase is Phase.FAILED
    assert not world.jobs
    assert not world.stop_calls
