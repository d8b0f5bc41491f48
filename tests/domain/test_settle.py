"""Each action with each outcome: what came of it is taken in once, and told in AWS's own words."""

from datetime import timedelta
from typing import Any

import pytest

from tests.support.build import (
    START,
    closed,
    deployment,
    integer,
    plan,
    reserved,
    running,
    spec,
    study,
)
from tunewright.domain.budget import Ledger
from tunewright.domain.round import RoundStatus, WarmStart
from tunewright.domain.seen import RoundSeen
from tunewright.domain.space import CategoricalRange, Scaling, SearchSpace
from tunewright.domain.steps.close import GONE_AFTER
from tunewright.domain.steps.settle import (
    Done,
    Foreign,
    NoCapacity,
    Outcome,
    Outdated,
    Refused,
    claim,
    settle,
    settle_doubt,
)
from tunewright.domain.steps.step import Step
from tunewright.domain.study import (
    Action,
    DecisionKind,
    DeployModel,
    Phase,
    StartRound,
    StopRound,
    Study,
)

WARM = WarmStart(parents=(plan(1).job,))


def planned(number: int = 1, **changes: Any) -> Study:
    """A study that owes the start of a round."""
    live = running(number, plan=plan(number, **changes), status=RoundStatus.PLANNED, began=None)
    before = tuple(closed(each) for each in range(1, number))
    owed = (StartRound(job=live.plan.job),)
    return study(rounds=(*before, live), ledger=reserved(), owed=owed)


def deploying() -> Study:
    action = DeployModel(model=deployment().model, endpoint=deployment().endpoint)
    return study(phase=Phase.DEPLOYING, deployment=deployment(), owed=(action,))


def settled(before: Study, outcome: Outcome) -> Step:
    step = settle(before, before.owed[0], outcome, START)
    assert step is not None
    return step


@pytest.mark.parametrize(
    "action",
    [
        StartRound(job="j"),
        StopRound(job="j"),
        DeployModel(model="m", endpoint="e"),
    ],
)
@pytest.mark.parametrize("outcome", [Done(), Refused("no"), NoCapacity("no"), Foreign("no")])
def test_what_is_owed_no_more_is_not_settled_twice(action: Action, outcome: Outcome) -> None:
    assert settle(planned(), action, outcome, START) is None


@pytest.mark.parametrize("outcome", [Done(), Refused("no"), NoCapacity("no"), Foreign("no")])
def test_a_stop_is_owed_no_more_once_it_was_told(outcome: Outcome) -> None:
    before = study(rounds=(running(),), owed=(StopRound(job=plan().job),))
    step = settled(before, outcome)
    assert step.study == before.but(owed=())
    assert step.decisions == ()


def test_a_started_round_runs() -> None:
    step = settled(planned(), Done())
    assert step.study.rounds[0].status is RoundStatus.RUNNING
    assert step.study.rounds[0].began == START
    assert step.study.owed == ()
    assert step.decisions[0].kind is DecisionKind.ROUND_STARTED
    assert step.decisions[0].reason == "round 1 runs as tw-churn-aaaaaa-r01"


def test_a_later_attempt_is_told_as_one() -> None:
    assert settled(planned(attempt=2), Done()).decisions[0].reason.endswith(" at attempt 2")


@pytest.mark.parametrize(
    ("waits", "minutes"), [(0, 5), (1, 10), (2, 20), (3, 40), (4, 60), (5, 60), (1000, 60)]
)
def test_used_up_capacity_is_waited_for_longer_each_time_but_never_over_an_hour(
    waits: int, minutes: int
) -> None:
    before = planned()
    action = StartRound(job=plan().job, waits=waits)
    step = settled(before.but(owed=(action,)), NoCapacity("quota is 0"))
    not_before = START + timedelta(minutes=minutes)
    assert step.study.owed == (action.but(not_before=not_before, waits=waits + 1),)
    assert step.study.ledger == before.ledger
    assert [each.kind for each in step.decisions] == ([DecisionKind.WAITING] if not waits else [])


def test_a_name_that_is_taken_by_others_fails_the_study_and_frees_its_money() -> None:
    step = settled(planned(), Foreign("in use"))
    assert step.study.phase is Phase.FAILED
    assert (step.study.rounds, step.study.ledger, step.study.owed) == ((), Ledger(), ())
    assert step.decisions[0].reason.endswith("is taken by a job that is not ours: in use")


def test_a_refused_first_round_asks_a_person_and_frees_its_money() -> None:
    step = settled(planned(), Refused("no S3 objects"))
    assert step.study.phase is Phase.NEEDS_PERSON
    assert (step.study.rounds, step.study.ledger, step.study.owed) == ((), Ledger(), ())
    kinds = [each.kind for each in step.decisions]
    assert kinds == [DecisionKind.ROUND_REFUSED, DecisionKind.NEEDS_PERSON]
    assert step.decisions[0].reason == "SageMaker refused attempt 1 at round 1: no S3 objects"


def test_a_refused_warm_start_goes_back_to_its_parents_scalings() -> None:
    eta = spec().search_space["eta"].but(scaling=Scaling.LOGARITHMIC)
    booster = CategoricalRange(name="max_depth", choices=("a",), hard_choices=("a",))
    space = SearchSpace(ranges=(eta, booster))
    before = planned(2, warm_start=WARM, space=space)
    step = settled(before, Refused("no"))
    after = step.study.rounds[-1].plan
    assert (after.attempt, after.job) == (2, "tw-churn-aaaaaa-r02a2")
    assert after.warm_start == WARM
    assert after.space == SearchSpace(ranges=(eta.but(scaling=Scaling.LINEAR), booster))
    assert step.study.owed == (StartRound(job=after.job),)
    assert step.study.ledger == before.ledger
    assert step.decisions[0].reason.endswith("attempt 2 goes with its parents' scalings")


def test_a_warm_start_that_is_refused_again_is_left_out_and_then_a_person_is_asked() -> None:
    third = settled(planned(2, attempt=2, warm_start=WARM), Refused("no")).study
    assert third.rounds[-1].plan.warm_start is None
    assert third.rounds[-1].plan.job == "tw-churn-aaaaaa-r02a3"
    last = settled(third, Refused("still no"))
    assert last.study.phase is Phase.NEEDS_PERSON
    assert last.decisions[0].reason == "SageMaker refused attempt 3 at round 2: still no"


def test_a_first_round_that_learns_from_outside_has_no_parents_scalings_to_go_back_to() -> None:
    outside = WarmStart(parents=("earlier",), kind="TransferLearning")
    step = settled(planned(1, warm_start=outside), Refused("no"))
    assert step.study.rounds[-1].plan.warm_start is None
    assert step.decisions[0].reason.endswith("attempt 2 goes without warm start")
    assert settled(step.study, Refused("no")).study.phase is Phase.NEEDS_PERSON


def test_a_deployment_that_answers_ends_the_study() -> None:
    step = settled(deploying(), Done())
    assert step.study.phase is Phase.DONE
    assert step.study.owed == ()
    assert [each.kind for each in step.decisions] == [DecisionKind.DEPLOYED, DecisionKind.DONE]
    assert "(validation:auc 0.875)" in step.decisions[0].reason


@pytest.mark.parametrize("outcome", [Refused("rolled back"), Foreign("rolled back")])
def test_a_deployment_that_cannot_be_fails_the_study_in_awss_words(outcome: Outcome) -> None:
    step = settled(deploying(), outcome)
    assert step.study.phase is Phase.FAILED
    assert step.study.owed == ()
    assert step.decisions[0].reason == "tw-churn-prod could not be deployed: rolled back"


def test_a_deployment_without_capacity_stays_owed_until_the_next_wake() -> None:
    before = deploying()
    assert settle(before, before.owed[0], NoCapacity("quota"), START) is None


def test_a_deployment_whose_champion_has_changed_is_judged_again() -> None:
    step = settled(deploying(), Outdated())
    assert step.study.phase is Phase.CHOOSING
    assert (step.study.deployment, step.study.owed) == (None, ())
    assert step.decisions[0].kind is DecisionKind.JUDGED_AGAIN


def test_a_round_is_never_outdated() -> None:
    before = planned()
    assert settle(before, before.owed[0], Outdated(), START) is None


def test_what_is_owed_without_a_plan_is_left_alone() -> None:
    start, deploy = planned(), deploying()
    assert settle(start.but(rounds=()), start.owed[0], Done(), START) is None
    assert settle(deploy.but(deployment=None), deploy.owed[0], Done(), START) is None


def test_a_space_of_another_kind_is_not_bent() -> None:
    depth = integer(2, 6, name="eta", scaling=Scaling.LOGARITHMIC)
    before = planned(2, warm_start=WARM, space=SearchSpace(ranges=(depth,)))
    after = settled(before, Refused("no")).study.rounds[-1].plan.space
    assert after == SearchSpace(ranges=(depth.but(scaling=Scaling.LINEAR),))


def doubted(number: int = 1, **changes: Any) -> Study:
    """A study whose second try of a start was just refused."""
    before = planned(number, **changes)
    (action,) = before.owed
    assert isinstance(action, StartRound)
    again = claim(before, action).study
    return settled(again, Refused("no")).study


def test_a_refusal_of_a_later_try_is_told_and_doubted_while_the_job_may_show() -> None:
    after = doubted()
    assert after.live is not None
    assert after.ledger.reserved > 0
    assert after.doubt is not None
    assert after.doubt.until == START + GONE_AFTER
    assert after.due(START + GONE_AFTER) is None
    assert after.waits_for_capacity(START)


def test_a_doubted_job_that_shows_runs_and_one_that_never_does_was_refused() -> None:
    study_ = doubted()
    live, doubt = study_.live, study_.doubt
    assert live is not None
    assert doubt is not None
    gone = RoundSeen(job=live.plan.job, exists=False)
    assert settle_doubt(study_, live, doubt, gone, doubt.until - timedelta(seconds=1)) is None
    refused = settle_doubt(study_, live, doubt, gone, doubt.until)
    assert refused is not None
    assert refused.study.phase is Phase.NEEDS_PERSON
    assert refused.study.ledger.reserved == 0
    assert refused.decisions[0].reason == "SageMaker refused attempt 1 at round 1: no"
    runs = settle_doubt(study_, live, doubt, RoundSeen(job=live.plan.job, exists=True), START)
    assert runs is not None
    assert not runs.study.owed
    assert runs.study.live is not None
    assert runs.study.live.status is RoundStatus.RUNNING


def test_another_attempt_after_a_doubt_is_not_doubted() -> None:
    study_ = doubted(2, warm_start=WARM)
    live, doubt = study_.live, study_.doubt
    assert live is not None
    assert doubt is not None
    gone = RoundSeen(job=live.plan.job, exists=False)
    step = settle_doubt(study_, live, doubt, gone, doubt.until)
    assert step is not None
    assert step.study.live is not None
    assert step.study.owed == (StartRound(job=step.study.live.plan.job),)
    assert step.study.live.plan.attempt == 2
