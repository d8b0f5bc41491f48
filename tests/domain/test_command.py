"""Each command in each phase: what it does, or that it does nothing, is told to who gave it."""

from typing import Any

import pytest

from tests.support.build import START, at, closed, command, deployment, reserved, running, study
from tunewright.domain.round import RoundStatus
from tunewright.domain.steps.command import answer
from tunewright.domain.steps.step import Look, Observation, Step, View
from tunewright.domain.study import (
    CommandKind,
    DecisionKind,
    DeployModel,
    Phase,
    StartRound,
    StopRound,
    Study,
)

PAUSE, RESUME, STOP, CANCEL, APPROVE, REJECT, RESYNC = CommandKind
HASH = deployment().hash
START_JOB = StartRound(job=running().plan.job)
STOP_JOB = StopRound(job=running().plan.job)


def told(before: Study, kind: CommandKind, **changes: Any) -> Step:
    word = command(kind, **changes)
    step = answer(before, Observation(commands=(word,)), START)
    assert step is not None
    assert step.consumed == (word,)
    assert step.decisions
    return step


def in_phase(phase: Phase) -> Study:
    """A study as it is in a phase: with a live round while it searches."""
    owed = (DeployModel(model="m", endpoint="e"),) if phase is Phase.DEPLOYING else ()
    if phase is Phase.SEARCHING:
        return study(rounds=(running(),), ledger=reserved())
    plan = deployment() if phase in {Phase.AWAITING_APPROVAL, Phase.DEPLOYING} else None
    return study(phase=phase, rounds=(closed(),), deployment=plan, owed=owed)


# A cancelled study goes back to the search, whose next step ends it and tells so.
TABLE = {
    Phase.SEARCHING: {PAUSE: Phase.SEARCHING, STOP: Phase.SEARCHING, CANCEL: Phase.SEARCHING},
    Phase.CHOOSING: {PAUSE: Phase.CHOOSING, CANCEL: Phase.SEARCHING},
    Phase.AWAITING_APPROVAL: {
        PAUSE: Phase.AWAITING_APPROVAL,
        CANCEL: Phase.SEARCHING,
        APPROVE: Phase.DEPLOYING,
        REJECT: Phase.DONE,
    },
    Phase.DEPLOYING: {PAUSE: Phase.DEPLOYING},
    Phase.NEEDS_PERSON: {
        PAUSE: Phase.NEEDS_PERSON,
        RESUME: Phase.SEARCHING,
        STOP: Phase.SEARCHING,
        CANCEL: Phase.SEARCHING,
    },
    Phase.DONE: {},
    Phase.CANCELLED: {},
    Phase.FAILED: {},
}


@pytest.mark.parametrize("kind", [each for each in CommandKind if each is not RESYNC])
@pytest.mark.parametrize("phase", Phase)
def test_each_command_does_in_each_phase_what_the_table_says(
    phase: Phase, kind: CommandKind
) -> None:
    before = in_phase(phase)
    step = told(before, kind, plan_hash=HASH)
    expected = TABLE[phase].get(kind)
    if expected is None:
        assert step.study == before.but(decisions=1)
        assert step.decisions[0].reason == (
            f"bo said {kind}, which does nothing while the study is {phase}"
        )
    else:
        assert step.study.phase is expected
        assert "does nothing" not in step.decisions[0].reason
        assert "bo " in step.decisions[0].reason


@pytest.mark.parametrize("phase", Phase)
def test_a_resync_is_answered_by_its_own_step_once_everything_was_looked_at(phase: Phase) -> None:
    seen = Observation(commands=(command(RESYNC),))
    assert answer(in_phase(phase), seen, START) == Look(View.EVERYTHING)


@pytest.mark.parametrize("kind", [APPROVE, REJECT])
def test_a_plan_keeps_its_answer(kind: CommandKind) -> None:
    step = told(in_phase(Phase.AWAITING_APPROVAL), kind, plan_hash=HASH)
    assert step.study.deployment is not None
    assert step.study.deployment.answer == command(kind, plan_hash=HASH)


def test_without_a_command_there_is_no_answer() -> None:
    assert answer(study(), Observation(), START) is None


def test_the_oldest_command_is_answered_first() -> None:
    words = (command(PAUSE), command(RESUME, id="c2", at=at(1)))
    step = answer(study(), Observation(commands=words), START)
    assert step is not None
    assert step.consumed == words[:1]
    assert step.study.paused


def test_a_pause_is_lifted_by_resume_and_neither_works_twice() -> None:
    paused = told(in_phase(Phase.SEARCHING), PAUSE).study
    assert paused.paused
    assert "does nothing" in told(paused, PAUSE).decisions[0].reason
    resumed = told(paused, RESUME).study
    assert not resumed.paused
    assert "does nothing" in told(resumed, RESUME).decisions[0].reason


def test_resume_leads_back_to_where_the_study_was_called_from() -> None:
    waiting = in_phase(Phase.NEEDS_PERSON).but(resume_to=Phase.CHOOSING, paused=True)
    after = told(waiting, RESUME).study
    assert (after.phase, after.resume_to, after.paused) == (Phase.CHOOSING, None, False)


@pytest.mark.parametrize(("kind", "ending"), [(STOP, "bo stopped it"), (CANCEL, "cancelled")])
def test_stop_and_cancel_owe_the_stop_of_the_live_round_instead_of_its_start(
    kind: CommandKind, ending: str
) -> None:
    before = in_phase(Phase.SEARCHING).but(owed=(START_JOB,), resume_to=Phase.SEARCHING)
    after = told(before, kind).study
    assert after.owed == (STOP_JOB,)
    assert after.rounds[0].status is RoundStatus.STOPPING
    assert after.rounds[0].stopped_by == "a person"
    assert (after.ending, after.resume_to) == (ending, None)


def test_the_rule_that_stopped_a_round_first_keeps_its_name() -> None:
    before = study(rounds=(running(stopped_by="failures", status=RoundStatus.STOPPING),))
    assert told(before, STOP).study.rounds[0].stopped_by == "failures"


def test_a_stop_comes_too_late_for_a_study_that_is_cancelled() -> None:
    cancelled = told(in_phase(Phase.SEARCHING), CANCEL).study
    step = told(cancelled, STOP)
    assert step.study.ending == "cancelled"
    assert "does nothing" in step.decisions[0].reason


def test_a_cancelled_search_takes_back_a_stop() -> None:
    stopped = told(in_phase(Phase.SEARCHING), STOP).study
    assert told(stopped, CANCEL).study.ending == "cancelled"


def test_approval_owes_exactly_what_was_approved() -> None:
    step = told(in_phase(Phase.AWAITING_APPROVAL), APPROVE, plan_hash=HASH)
    assert step.study.owed == (DeployModel(model="tw-churn-aaaaaa-v1", endpoint="tw-churn-prod"),)
    kinds = [each.kind for each in step.decisions]
    assert kinds == [DecisionKind.COMMANDED, DecisionKind.DEPLOY_PLANNED]
    assert "bo approved it" in step.decisions[1].reason


@pytest.mark.parametrize("kind", [APPROVE, REJECT])
@pytest.mark.parametrize("plan_hash", [None, "", "another"])
def test_an_answer_to_another_plan_leaves_the_question_open(
    kind: CommandKind, plan_hash: str | None
) -> None:
    step = told(in_phase(Phase.AWAITING_APPROVAL), kind, plan_hash=plan_hash)
    assert step.study.phase is Phase.AWAITING_APPROVAL
    assert step.decisions[0].reason == (
        f"bo answered for another plan than {HASH}; it is still open"
    )


def test_a_rejected_deployment_ends_the_study_with_who_rejected_it() -> None:
    step = told(in_phase(Phase.AWAITING_APPROVAL), REJECT, plan_hash=HASH)
    assert step.study.owed == ()
    assert step.decisions[-1].kind is DecisionKind.DONE
    assert "bo rejected it" in step.decisions[-1].reason
