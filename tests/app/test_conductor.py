"""A study advances hands off, whatever order news comes in, and nothing is done twice."""

from datetime import timedelta
from decimal import Decimal

import pytest

from tests.app.started import DEPLOY
from tests.support.build import document
from tests.support.memory import MemoryStore
from tests.support.world import World
from tunewright.domain.budget import trial_cost
from tunewright.domain.study import CommandKind, Phase, Study
from tunewright.domain.trial import TrialStatus


def recount(world: World, study: Study) -> None:
    """The study's aggregates equal what its trials in the table say."""
    trials = world.store.of_study(study.id)
    spent = sum((trial.cost for trial in trials), Decimal(0))
    assert study.spent == spent
    best = max(
        (t.objective for t in trials if t.is_scored and t.objective is not None), default=None
    )
    assert (study.incumbent.value if study.incumbent else None) == best
    for each in study.rounds:
        own = [trial for trial in trials if trial.tuning_job == each.plan.job and trial.is_ended]
        assert each.progress.finished == len(own)
        assert each.progress.spent == sum((trial.cost for trial in own), Decimal(0))


def test_a_study_runs_from_submission_to_an_endpoint_with_nobody_touching_it() -> None:
    world = World()
    study_id = world.submit(document(deploy=DEPLOY, refine={"when": {"gain_above": 0}}))
    study = world.advance(study_id)
    assert study.live is not None
    for _ in range(3):
        study = world.run_round(study_id)
    assert study.phase is Phase.DEPLOYING
    world.finish_deployment()
    study = world.advance(study_id)
    assert study.phase is Phase.DONE
    recount(world, study)
    assert len(study.rounds) == 3
    kinds = world.kinds(study_id)
    assert kinds[0] == "submitted"
    assert kinds[-2:] == ["deployed", "done"]
    assert kinds.count("round started") == kinds.count("round done") == 3
    assert kinds.count("ranges refined") == 2
    assert "tw-churn-prod" in world.crowns
    champion = world.crowns.load("tw-churn-prod").champion
    assert champion is not None
    assert champion.lease_ends - champion.since == timedelta(days=1)


def test_rounds_after_the_first_warm_start_from_those_before_and_stay_within_the_limits() -> None:
    world = World()
    study_id = world.submit(document(refine={"when": {"gain_above": 0}}))
    world.advance(study_id)
    for _ in range(3):
        world.run_round(study_id)
    first, second, third = (world.jobs[f"tw-{study_id}-r0{n}"].request for n in (1, 2, 3))
    assert "WarmStartConfig" not in first
    parents = second["WarmStartConfig"]["ParentHyperParameterTuningJobs"]
    assert [each["HyperParameterTuningJobName"] for each in parents] == [f"tw-{study_id}-r01"]
    assert len(third["WarmStartConfig"]["ParentHyperParameterTuningJobs"]) == 2
    for request in (second, third):
        ranges = request["HyperParameterTuningJobConfig"]["ParameterRanges"]
        names = [each["Name"] for kind in ranges.values() for each in kind]
        assert sorted(names) == ["eta", "max_depth", "subsample"]
        eta = next(e for e in ranges["ContinuousParameterRanges"] if e["Name"] == "eta")
        assert 0.001 <= float(eta["MinValue"]) < float(eta["MaxValue"]) <= 0.5


def test_waking_again_changes_nothing_and_writes_nothing() -> None:
    world = World()
    study_id = world.submit(document())
    world.advance(study_id)
    world.recorder.record(world.run_trial())
    world.advance(study_id)
    writes, jobs = world.store.writes, len(world.jobs)
    for _ in range(5):
        world.advance(study_id)
    assert (world.store.writes, len(world.jobs)) == (writes, jobs)


def test_lost_events_are_made_up_for_when_the_round_ends() -> None:
    world = World()
    study_id = world.submit(document(rounds={"max": 1, "trials": 5, "parallel": 2}))
    world.advance(study_id)
    for _ in range(5):
        world.run_trial()  # nobody tells the recorder
    world.end_job()
    study = world.advance(study_id)
    assert study.phase is Phase.DONE
    assert len(world.store.of_study(study_id)) == 5
    recount(world, study)


def test_a_round_is_stopped_by_patience_and_the_numbers_are_right() -> None:
    world = World()
    stop = [{"not_improving": {"trials": 3, "min_gain": 0.01, "warm_up": 4}}]
    study_id = world.submit(document(stop=stop))
    world.advance(study_id)
    for value in (0.70, 0.80, 0.805, 0.795, 0.807):
        world.recorder.record(world.run_trial(value))
        world.advance(study_id, look=False)
    assert world.stop_calls == [f"tw-{study_id}-r01"]
    (stopping,) = [d for d in world.store.decisions(study_id) if d.kind.value == "stopping round"]
    assert stopping.numbers["since"] == 3
    assert stopping.numbers["bar"] == 0.80
    assert stopping.numbers["needed_gain"] == 0.01
    assert stopping.numbers["trials_left"] == 3
    assert "no gain above 0.01 over 0.8 in the last 3 trials" in stopping.reason


def test_late_and_early_news_end_in_the_same_study() -> None:
    values = (0.7, 0.9, 0.8, 0.85, 0.6)
    ends = []
    for order in ((0, 1, 2, 3, 4), (4, 3, 2, 1, 0), (2, 0, 4, 1, 3)):
        world = World()
        study_id = world.submit(document())
        world.advance(study_id)
        names = [world.run_trial(value) for value in values]
        for index in order:
            world.recorder.record(names[index])
            world.advance(study_id, look=False)
        ends.append(world.store.load(study_id))
    assert ends[0].progress == ends[1].progress == ends[2].progress
    assert ends[0].incumbent == ends[1].incumbent == ends[2].incumbent


def test_too_many_failures_stop_the_round_and_ask_a_person() -> None:
    world = World()
    study_id = world.submit(document(stop=[{"failures": {"share": "40%", "after": 5}}]))
    world.advance(study_id)
    for index in range(5):
        failed = index % 2 == 0
        name = world.run_trial(
            status=TrialStatus.FAILED if failed else TrialStatus.COMPLETED,
            metrics={} if failed else {"validation:auc": 0.8},
            failure_reason="AlgorithmError: bad depth" if failed else None,
        )
        world.recorder.record(name)
        world.advance(study_id, look=False)
    world.end_job()
    study = world.advance(study_id)
    assert study.phase is Phase.NEEDS_PERSON
    assert len(world.stop_calls) == 1


def test_a_failed_tuning_job_asks_a_person_with_awss_words() -> None:
    world = World()
    study_id = world.submit(document())
    world.advance(study_id)
    world.end_job("Failed", "No training job succeeded after 5 attempts.")
    study = world.advance(study_id)
    assert study.phase is Phase.NEEDS_PERSON
    assert "No training job succeeded" in world.store.decisions(study_id)[-1].reason


def test_a_tuning_job_that_somebody_deleted_is_not_launched_again() -> None:
    world = World()
    study_id = world.submit(document())
    world.advance(study_id)
    world.recorder.record(world.run_trial())
    world.jobs.clear()
    study = world.advance(study_id)
    assert study.phase is Phase.NEEDS_PERSON
    assert not world.jobs


def test_the_budget_shrinks_rounds_and_is_never_passed() -> None:
    world = World()
    spec = document(budget="0.60 USD", refine={"when": {"gain_above": 0}})
    study_id = world.submit(spec)
    study = world.advance(study_id)
    worst = trial_cost(study.spec, {}, 720)
    while study.phase is Phase.SEARCHING:
        assert study.live is not None
        assert study.ledger.reserved == study.live.plan.trials * worst
        assert study.ledger.spent + study.ledger.reserved <= Decimal("0.60")
        study = world.run_round(study_id)
    assert study.phase is Phase.DONE
    assert study.spent <= Decimal("0.60")
    recount(world, study)


def test_a_target_that_is_reached_ends_the_search() -> None:
    world = World()
    study_id = world.submit(document(objective={"maximize": "validation:auc", "target": 0.85}))
    world.advance(study_id)
    for value in (0.8, 0.86):
        world.recorder.record(world.run_trial(value))
        world.advance(study_id, look=False)
    world.end_job()
    study = world.advance(study_id)
    assert study.phase is Phase.DONE
    assert study.incumbent is not None
    assert study.incumbent.value == 0.86
    assert len(study.rounds) == 1


@pytest.mark.parametrize(
    ("kind", "phase", "deploys"),
    [(CommandKind.STOP, Phase.DEPLOYING, True), (CommandKind.CANCEL, Phase.CANCELLED, False)],
)
def test_stop_takes_the_best_so_far_and_cancel_takes_nothing(
    kind: CommandKind, phase: Phase, deploys: bool
) -> None:
    world = World()
    study_id = world.submit(document(deploy=DEPLOY))
    world.advance(study_id)
    world.recorder.record(world.run_trial(0.8))
    world.studies.command(study_id, kind, by="ana", command_id="c1")
    world.advance(study_id)
    world.end_job()
    study = world.advance(study_id)
    assert study.phase is phase
    assert bool(world.endpoints) is deploys
    assert len(world.jobs) == 1


def test_a_number_of_trials_ends_the_search_at_the_end_of_its_round_or_within() -> None:
    world = World()
    rounds = {"max": 3, "trials": 4, "parallel": 2, "sizes": "fixed"}
    refine = {"when": {"gain_above": 0}}
    study_id = world.submit(document(stop=[{"trials": 8}], rounds=rounds, refine=refine))
    world.advance(study_id)
    world.run_round(study_id)
    study = world.run_round(study_id)
    assert study.ending == "8 trials have ended (limit 8)"
    assert len(study.rounds) == 2
    assert not world.stop_calls

    both = [{"all": [{"trials": 2}, {"no_metric": {"after": 1}}]}]
    study_id = world.submit(document(stop=both, rounds=rounds), key="b")
    world.advance(study_id)
    for calls in (0, 1):
        world.recorder.record(world.run_trial(metrics={}))
        world.advance(study_id, look=False)
        assert len(world.stop_calls) == calls


def test_a_paused_stack_records_and_stops_and_starts_nothing() -> None:
    world = World()
    study_id = world.submit(document(stop=[{"failures": {"share": "50%", "after": 2}}]))
    world.paused = True
    for _ in range(2):
        assert world.advance(study_id).owed != ()
    assert "start" not in world.calls
    assert world.kinds(study_id).count("held") == 1
    world.paused = False
    world.advance(study_id)
    world.paused = True
    for _ in range(2):
        world.recorder.record(world.run_trial(status="Failed", failure_reason="it broke"))
        world.advance(study_id, look=False)
    assert len(world.stop_calls) == 1, "what runs is watched all the same"


def test_a_study_waits_for_room_in_the_month_and_is_told_so_once() -> None:
    """A round of 8 trials costs $0.37 at worst, and the month has room for one of them."""
    world = World(store=MemoryStore(monthly_budget=Decimal("0.5")))
    first, second = (world.submit(document(), key=key) for key in "ab")
    world.advance(first)
    for _ in range(3):
        held = world.advance(second)
    assert held.rounds == ()
    assert world.kinds(second).count("held") == 1
    world.studies.command(first, CommandKind.CANCEL, by="ana", command_id="c1")
    world.advance(first)
    world.end_job()
    world.advance(first)
    assert len(world.advance(second).rounds) == 1


def test_a_job_of_all_trials_that_no_month_has_room_for_is_cut_into_rounds() -> None:
    world = World(store=MemoryStore(monthly_budget=Decimal("0.5")))
    tight = {
        "max_depth": {"range": [2, 6], "never_beyond": [2, 6]},
        "eta": {"range": [0.05, 0.3], "never_beyond": [0.05, 0.3]},
    }
    rounds = {"max": 3, "trials": 8, "parallel": 2, "sizes": "auto"}
    study_id = world.submit(document(search_space=tight, rounds=rounds))
    live = world.advance(study_id).live
    assert live is not None
    assert live.plan.trials == 8
    assert world.kinds(study_id).count("held") == 1


def test_a_paused_study_starts_no_round_until_it_is_resumed() -> None:
    world = World()
    study_id = world.submit(document(refine={"when": {"gain_above": 0}}))
    world.advance(study_id)
    world.studies.command(study_id, CommandKind.PAUSE, by="ana", command_id="c1")
    study = world.run_round(study_id)
    assert study.live is None
    assert len(world.jobs) == 1
    world.studies.command(study_id, CommandKind.RESUME, by="ana", command_id="c2")
    assert world.advance(study_id).live is not None


def test_approval_is_for_one_plan_only_and_is_used_once() -> None:
    world = World()
    spec = document(
        rounds={"max": 1, "trials": 4, "parallel": 2}, deploy={**DEPLOY, "approve": True}
    )
    study_id = world.submit(spec)
    world.advance(study_id)
    study = world.run_round(study_id)
    assert study.phase is Phase.AWAITING_APPROVAL
    assert study.deployment is not None
    world.studies.command(
        study_id, CommandKind.APPROVE, by="bo", command_id="c1", plan_hash="something else"
    )
    assert world.advance(study_id).phase is Phase.AWAITING_APPROVAL
    for command_id in ("c2", "c2"):  # a double click
        world.studies.command(
            study_id,
            CommandKind.APPROVE,
            by="bo",
            command_id=command_id,
            plan_hash=study.deployment.hash,
        )
    assert world.advance(study_id).phase is Phase.DEPLOYING
    world.finish_deployment()
    assert world.advance(study_id).phase is Phase.DONE
    assert world.calls.count("go live") == 1
