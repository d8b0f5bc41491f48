"""The brain is a pure function: the same is decided of the same, and nothing is decided twice."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.build import (
    START,
    at,
    closed,
    command,
    deployment,
    incumbent,
    plan,
    reserved,
    running,
    study,
    trial,
)
from tunewright.domain.budget import Ledger
from tunewright.domain.decide import decide
from tunewright.domain.round import Progress, RoundStatus
from tunewright.domain.seen import RoundSeen
from tunewright.domain.steps.step import Look, Observation, Step, View
from tunewright.domain.study import (
    CommandKind,
    DecisionKind,
    Phase,
    StartRound,
    StopRound,
    Study,
)

NOTHING = Observation()
OVER = RoundSeen(job=plan().job, exists=True, status="Completed", launched=0)
DEPLOY = {"deploy": {"to": "churn-prod"}}
STUDIES: dict[str, Study] = {
    "new": study(),
    "starting": study(
        rounds=(running(status=RoundStatus.PLANNED),), owed=(StartRound(job=plan().job),)
    ),
    "running": study(rounds=(running(),), ledger=reserved()),
    "between": study(rounds=(closed(),), ledger=Ledger(used_trials=8)),
    "ending": study(rounds=(closed(),), ending="why", incumbent=incumbent()),
    "choosing": study(phase=Phase.CHOOSING, incumbent=incumbent(), spec=DEPLOY),
    "asking": study(phase=Phase.AWAITING_APPROVAL, deployment=deployment()),
    "needing": study(phase=Phase.NEEDS_PERSON),
    "done": study(phase=Phase.DONE, rounds=(closed(),), incumbent=incumbent()),
}
OBSERVATIONS: dict[str, Observation] = {
    "nothing": NOTHING,
    "trial": Observation(unfolded=(trial(1, 0.75),), trials=(trial(1, 0.75),)),
    "trials": Observation(trials=tuple(trial(n, n / 16) for n in range(1, 13))),
    "command": Observation(commands=(command(CommandKind.STOP),)),
    "over": Observation(round=OVER),
}


def decided(before: Study, seen: Observation = NOTHING, **changes: Any) -> Step:
    step = decide(before.but(**changes), seen, START)
    assert isinstance(step, Step)
    return step


@pytest.mark.parametrize("state", STUDIES)
@pytest.mark.parametrize("seen", OBSERVATIONS)
def test_the_same_is_decided_of_the_same(state: str, seen: str) -> None:
    before, observation = STUDIES[state], OBSERVATIONS[seen]
    kept = before.model_dump_json()
    first, again = (decide(before, observation, START) for _ in range(2))
    assert first == again
    assert before.model_dump_json() == kept


@pytest.mark.parametrize("seen", ["nothing", "trials", "over"])
@pytest.mark.parametrize("state", ["starting", "asking", "needing", "done"])
def test_nothing_is_due_while_a_study_waits_or_is_over(state: str, seen: str) -> None:
    assert decide(STUDIES[state], OBSERVATIONS[seen], START) is None


@given(phase=st.sampled_from([Phase.DONE, Phase.CANCELLED, Phase.FAILED]))
def test_a_study_that_is_over_stays_so(phase: Phase) -> None:
    assert phase.is_over
    after = decided(study(phase=phase), OBSERVATIONS["command"]).study
    assert after.phase is phase
    assert decide(after, NOTHING, at(10**9)) is None


def test_every_step_leaves_its_decisions_numbered_in_a_row() -> None:
    before = STUDIES["ending"].but(decisions=5)
    step = decided(before)
    assert [each.seq for each in step.decisions] == [6]
    assert step.study.decisions == 6


def test_trials_are_folded_before_commands_are_answered_and_both_before_anything_else() -> None:
    both = Observation(
        unfolded=(trial(1, 0.75),), commands=(command(CommandKind.STOP),), round=OVER
    )
    first = decided(STUDIES["running"], both)
    assert (len(first.folded), first.consumed) == (1, ())
    second = decided(first.study, Observation(commands=both.commands, round=OVER))
    assert second.consumed == both.commands


def test_a_new_study_plans_its_first_round() -> None:
    step = decided(STUDIES["new"])
    assert step.study.owed == (StartRound(job=plan().job),)


def test_a_paused_study_plans_none() -> None:
    assert decide(STUDIES["new"].but(paused=True), NOTHING, START) is None


def test_between_rounds_all_trials_are_wanted() -> None:
    assert decide(STUDIES["between"], NOTHING, START) == Look(View.TRIALS)


@pytest.mark.parametrize(
    "seen",
    [
        None,
        RoundSeen(job=plan().job, exists=True, status="InProgress"),
        RoundSeen(job="another", exists=True, status="Completed"),
        RoundSeen(job="another", exists=False),
    ],
)
def test_a_running_round_goes_on_while_no_rule_fires(seen: RoundSeen | None) -> None:
    assert decide(STUDIES["running"], Observation(round=seen), START) is None


def test_ends_that_nobody_told_of_are_looked_for_while_the_round_runs() -> None:
    seen = RoundSeen(job=plan().job, exists=True, status="InProgress", launched=5, running=2)
    assert decide(STUDIES["running"], Observation(round=seen), START) == Look(View.LISTING)
    assert decide(STUDIES["running"], Observation(round=seen, listed=True), START) is None
    known = STUDIES["running"].but(rounds=(running(progress=Progress(completed=3)),))
    assert decide(known, Observation(round=seen), START) is None


def test_a_rule_that_fires_stops_the_running_round_once() -> None:
    shown = Progress(failed=5)
    before = STUDIES["running"].but(rounds=(running(progress=shown),))
    step = decided(before)
    assert step.study.owed == (StopRound(job=plan().job),)
    assert decide(step.study, NOTHING, START) is None
    assert decide(step.study.but(owed=()), NOTHING, START) is None


def test_a_round_whose_job_has_ended_is_closed() -> None:
    step = decided(STUDIES["running"], OBSERVATIONS["over"])
    assert step.study.rounds[0].status is RoundStatus.CLOSED
    assert step.decisions[0].kind is DecisionKind.ROUND_DONE


def test_a_search_that_is_to_end_ends_between_rounds() -> None:
    step = decided(STUDIES["ending"], paused=True)
    assert step.study.phase is Phase.CHOOSING
    assert step.decisions[0].kind is DecisionKind.SEARCH_ENDED


def test_a_cancelled_study_is_over_when_nothing_runs_any_more() -> None:
    step = decided(STUDIES["ending"], ending="cancelled")
    assert step.study.phase is Phase.CANCELLED
    assert step.decisions[0].reason == "the study is cancelled; nothing runs any more"


def test_an_ended_search_looks_at_the_endpoint() -> None:
    assert decide(STUDIES["choosing"], NOTHING, START) == Look(View.ENDPOINT)


@pytest.mark.parametrize("phase", Phase)
def test_a_study_waits_for_a_person_in_two_phases_only(phase: Phase) -> None:
    waits = phase in {Phase.NEEDS_PERSON, Phase.AWAITING_APPROVAL}
    assert phase.waits_for_person is waits


def test_what_a_study_spent_includes_its_live_round() -> None:
    assert study().progress == Progress()
    shown = running(progress=Progress(spent=Decimal(1)))
    assert study(rounds=(shown,), ledger=Ledger(spent=Decimal(2))).spent == 3
    assert study(ledger=Ledger(spent=Decimal(2))).spent == 2
