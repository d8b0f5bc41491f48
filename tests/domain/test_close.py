"""A round that has ended is closed with its numbers, and leads on, to its end, or to a person."""

from decimal import Decimal
from typing import Any

import pytest

from tests.support.build import (
    AUC,
    LOSS,
    START,
    at,
    closed,
    incumbent,
    plan,
    reserved,
    running,
    spec,
    study,
    trial,
)
from tunewright.domain.budget import Ledger
from tunewright.domain.decide import decide
from tunewright.domain.round import Progress, RoundStatus, count
from tunewright.domain.seen import RoundSeen
from tunewright.domain.spec import DEFAULT_GAIN
from tunewright.domain.steps.close import ask, close, judge_live, search_is_over
from tunewright.domain.steps.fold import fold
from tunewright.domain.steps.step import Look, Observation, Step, View
from tunewright.domain.study import DecisionKind, Phase, StopRound, Study

JOB = plan().job
SHOWN = Progress(completed=8, best=0.75, spent=Decimal("0.08"))


def live(progress: Progress = SHOWN, **changes: Any) -> Study:
    return study(**{"rounds": (running(progress=progress),), "ledger": reserved(), **changes})


def over(launched: int = 8, **changes: Any) -> RoundSeen:
    values: dict[str, Any] = {"job": JOB, "exists": True, "status": "Completed", "ended": at(90)}
    return RoundSeen(**{**values, "launched": launched, "created": at(30), **changes})


def closing(before: Study, seen: RoundSeen) -> Step:
    assert before.live is not None
    step = close(before, before.live, seen, at(120), listed=True)
    assert isinstance(step, Step)
    return step


def test_a_round_waits_for_all_trials_that_its_job_launched() -> None:
    before = live(SHOWN.but(completed=7))
    assert before.live is not None
    assert close(before, before.live, over(8), START) == Look(View.LISTING)


def test_a_round_waits_an_hour_for_objectives_that_are_still_to_be_told() -> None:
    before = live()
    assert before.live is not None
    pending = over(8, pending=1)
    assert close(before, before.live, pending, at(90 + 3599), listed=True) is None
    assert isinstance(close(before, before.live, pending, at(90 + 3600), listed=True), Step)


def test_a_closed_round_gives_its_reservation_back_and_keeps_what_it_used() -> None:
    step = closing(live(), over(8))
    (after,) = step.study.rounds
    assert (after.status, after.launched) == (RoundStatus.CLOSED, 8)
    assert (after.began, after.ended) == (at(30), at(90))
    assert step.study.ledger == Ledger(spent=Decimal("0.08"), used_trials=8)
    assert step.study.phase is Phase.SEARCHING
    (told,) = step.decisions
    assert told.reason == (
        "round 1 is done: 8 of 8 trials completed; best validation:auc 0.75; $0.08 in 1 min"
    )
    assert told.numbers["gain"] is None


def test_everything_that_went_wrong_is_summed_up() -> None:
    shown = Progress(completed=1, stopped=2, failed=1, unlucky=1, silent=1)
    step = closing(live(shown), over(6, created=None, ended=None))
    assert step.decisions[0].reason == (
        "round 1 is done: 1 of 6 trials completed, 2 stopped early, 2 failed, "
        "1 without validation:auc; no objective; $0.00 in 2 min; not needed: 2 of 8 trials"
    )
    assert step.study.rounds[0].ended == at(120)


def test_a_round_that_never_began_took_no_time() -> None:
    before = study(rounds=(running(began=None, progress=SHOWN),), ledger=reserved())
    assert closing(before, over(8, created=None)).decisions[0].reason.endswith("0.75; $0.08")


@pytest.mark.parametrize(
    ("objective", "before", "best", "text"),
    [
        (None, 0.75, 0.875, "(+0.12 on the rounds before)"),
        (None, 0.75, 0.5, "(−0.25 on the rounds before)"),
        (LOSS, 0.75, 0.5, "(−0.25 on the rounds before)"),
        (None, None, 0.5, "best validation:auc 0.5;"),
        (None, 0.75, None, "no objective;"),
    ],
)
def test_the_gain_on_the_rounds_before_is_told(
    objective: Any, before: float | None, best: float | None, text: str
) -> None:
    given = spec() if objective is None else spec().but(objective=objective)
    first, second = closed(progress=Progress(best=before)), running(2, progress=SHOWN)
    second = second.but(progress=SHOWN.but(best=best))
    step = closing(study(spec=given, rounds=(first, second), ledger=reserved()), over(8))
    assert text in step.decisions[0].reason


def test_a_round_that_a_rule_wants_looked_at_asks_a_person() -> None:
    round_ = running(progress=SHOWN, stopped_by="failures", status=RoundStatus.STOPPING)
    step = closing(live(rounds=(round_,), resume_to=Phase.SEARCHING), over(8, status="Stopped"))
    assert step.study.phase is Phase.NEEDS_PERSON
    assert step.study.resume_to is Phase.SEARCHING
    assert step.decisions[-1].reason == (
        "round 1 was stopped by failures; resume, stop or cancel the study when you have looked"
    )


@pytest.mark.parametrize(
    ("words", "told"), [("No training job succeeded", "No training"), (None, "gives no reason")]
)
def test_a_failed_tuning_job_asks_a_person_with_awss_words(words: str | None, told: str) -> None:
    step = closing(live(), over(8, status="Failed", words=words))
    assert step.study.phase is Phase.NEEDS_PERSON
    assert f"failed: {'SageMaker ' if words is None else ''}{told}" in step.decisions[-1].reason


@pytest.mark.parametrize("ending", ["cancelled", "bo stopped it"])
def test_a_study_that_is_ending_anyway_asks_nobody_about_a_failed_job(ending: str) -> None:
    step = closing(live(ending=ending, resume_to=Phase.SEARCHING), over(8, status="Failed"))
    assert step.study.phase is Phase.SEARCHING
    assert [each.kind for each in step.decisions] == [DecisionKind.ROUND_DONE]


def test_a_job_that_is_gone_is_closed_with_what_it_showed_and_asks_a_person() -> None:
    step = closing(live(), RoundSeen(job=JOB, exists=False))
    assert step.study.phase is Phase.NEEDS_PERSON
    assert step.study.rounds[0].launched == 8
    assert step.study.ledger == Ledger(spent=Decimal("0.08"), used_trials=8)
    assert "is gone; nobody here deleted it" in step.decisions[-1].reason


def test_a_study_that_is_ending_anyway_asks_nobody_about_a_job_that_is_gone() -> None:
    before = live(ending="ana stopped it")
    step = closing(before, RoundSeen(job=JOB, exists=False))
    assert step.study.rounds[0].status is RoundStatus.CLOSED
    assert step.study.phase is Phase.SEARCHING
    assert step.decisions == ()


def test_a_round_that_was_stopped_before_its_job_was_made_never_was() -> None:
    round_ = running(began=None, status=RoundStatus.STOPPING)
    before = live(rounds=(round_,), ending="bo stopped it")
    step = closing(before, RoundSeen(job=JOB, exists=False))
    assert step.study.rounds == ()
    assert step.study.ledger == Ledger()
    assert step.decisions == ()


@pytest.mark.parametrize(
    ("rule", "progress", "ending", "resume_to", "then"),
    [
        (
            {"not_improving": {"trials": 2, "warm_up": 0}},
            {"since": 2},
            None,
            None,
            "the round ends",
        ),
        ({"failures": {"after": 1}}, {"failed": 1}, None, Phase.SEARCHING, "a person must look"),
        ({"spend": "1 USD"}, {"spent": Decimal(1)}, "the study has spent", None, "search ends"),
    ],
)
def test_a_rule_that_fires_stops_the_round_and_what_follows_is_what_the_rule_ends(
    rule: dict[str, Any],
    progress: dict[str, Any],
    ending: str | None,
    resume_to: Phase | None,
    then: str,
) -> None:
    before = live(Progress(**progress), spec={"stop": [rule]})
    assert before.live is not None
    step = judge_live(before, before.live, Observation(), START)
    assert step is not None
    after = step.study
    assert after.owed == (StopRound(job=JOB),)
    assert after.rounds[0].status is RoundStatus.STOPPING
    assert after.rounds[0].stopped_by == next(iter(rule))
    assert (after.ending or "").startswith(ending or "")
    assert (after.ending is None) is (ending is None)
    assert after.resume_to is resume_to
    assert then in step.decisions[0].reason
    assert step.decisions[0].numbers["rule"] == next(iter(rule))


def test_the_objectives_target_is_judged_before_all_rules() -> None:
    changes = {"objective": {"maximize": "validation:auc", "target": 0.875}}
    before = live(Progress(), spec=changes, incumbent=incumbent())
    assert before.live is not None
    step = judge_live(before, before.live, Observation(), START)
    assert step is not None
    assert step.study.rounds[0].stopped_by == "target"


def test_while_no_rule_fires_nothing_is_done() -> None:
    before = live()
    assert before.live is not None
    assert judge_live(before, before.live, Observation(), START) is None


def test_a_person_can_be_asked_before_the_first_round() -> None:
    step = ask(Step(study()), "why", START)
    assert step.decisions[0].round_number == 0


def test_a_trial_that_is_gone_costs_what_was_reserved_until_it_turns_up() -> None:
    told = tuple(trial(number, 0.5) for number in range(8))
    shown = Progress(completed=7, best=0.5, spent=Decimal("0.07"))
    before = live(shown)
    assert before.live is not None
    step = close(before, before.live, over(8), at(90 + 3600), listed=True)
    assert isinstance(step, Step)
    assert step.study.ledger == Ledger(spent=Decimal("0.116"), used_trials=8)
    (done,) = step.decisions
    assert "1 gone, and counted at their worst; best validation:auc 0.5; $0.12" in done.reason
    assert done.numbers["spent"] == "0.116000"
    found = fold(step.study, Observation(unfolded=told[7:], trials=told), START)
    assert isinstance(found, Step)
    assert found.study.ledger == Ledger(spent=Decimal("0.08"), used_trials=8)


def test_a_best_that_nothing_can_better_ends_the_search() -> None:
    """Where all trials reach it, a forecast needs a gain of nothing, and nothing is enough."""
    told = [trial(number, 1.0) for number in range(8)]
    ended = study(rounds=(closed(progress=count(told, Progress(), AUC, DEFAULT_GAIN)),))
    reached = ended.but(incumbent=incumbent(1.0))
    step = decide(reached, Observation(trials=tuple(told)), START)
    assert isinstance(step, Step)
    assert step.study.phase is Phase.CHOOSING
    assert step.decisions[0].reason.startswith(
        "the search ends: validation:auc is 1, which nothing can better; best validation:auc 1 by "
    )
    for other in (
        ended.but(incumbent=incumbent(0.999)),
        ended.but(incumbent=incumbent(1.0, breaks=("seconds is 10, not <= 5",))),
        study(**{**dict(reached), "spec": {"winner": {"prefer": {"minimize": "cost"}}}}),
        reached.but(spec=reached.spec.but(objective=AUC)),
    ):
        assert search_is_over(other, START) is None
    limited = study(**{**dict(reached), "spec": {"winner": {"subject_to": {"seconds": "<= 50"}}}})
    assert search_is_over(limited, START) is not None


def test_a_round_of_which_no_trial_keeps_the_limits_says_so() -> None:
    limited = spec(winner={"subject_to": {"seconds": "<= 5"}})
    none = running(progress=SHOWN.but(best=None, best_trial=None))
    step = closing(study(spec=limited, rounds=(none,), ledger=reserved()), over(8))
    assert "8 of 8 trials completed; none within the limits;" in step.decisions[0].reason
