"""The winner of a study is the one that its owner asked for, whatever is late or recounted."""

from dataclasses import replace
from typing import Any

import pytest

from tests.support.build import document
from tests.support.world import World
from tunewright.domain.study import CommandKind, Phase, Study

CHEAPEST = {"within": 0.02, "prefer": {"minimize": "cost"}}
ROUNDS = {"max": 1, "trials": 3, "parallel": 2}
SECONDS = (90, 30, 10)


def searched(world: World, *values: float, **changes: Any) -> Study:
    """Run a study of one round; the later a trial, the cheaper it was."""
    study_id = world.submit(document(rounds=ROUNDS, **changes))
    world.advance(study_id)
    for value, seconds in zip(values, SECONDS, strict=True):
        world.recorder.record(world.run_trial(value, billable_seconds=seconds))
    world.end_job()
    return world.advance(study_id)


def test_among_those_as_good_the_cheapest_is_the_incumbent() -> None:
    world = World()
    study = searched(world, 0.9, 0.89, 0.7, winner=CHEAPEST)
    assert study.incumbent is not None
    assert study.incumbent.value == 0.89
    assert study.phase is Phase.DONE
    (told,) = [d for d in world.store.decisions(study.id) if d.kind == "winner selected"]
    assert "has the least cost of 2 trials within 0.02 of the best" in told.reason
    world.studies.command(study.id, CommandKind.RESYNC, by="bo", command_id="c")
    again = world.advance(study.id)
    assert again.incumbent == study.incumbent, "a recount asks for the same winner"


def test_a_winner_that_breaks_a_limit_goes_live_only_if_a_person_says_so() -> None:
    world = World()
    study = searched(
        world,
        *(0.9, 0.89, 0.7),
        winner={"subject_to": {"seconds": "<= 5"}},
        deploy={"to": "prod", "lease": "1d"},
    )
    study = world.advance(study.id)
    assert study.phase is Phase.AWAITING_APPROVAL
    assert study.incumbent is not None
    assert study.incumbent.breaks == ("seconds is 10, not <= 5",)
    assert "seconds is 10, not <= 5" in world.store.decisions(study.id)[-1].reason


def test_news_before_the_gate_has_the_winner_selected_again() -> None:
    world = World()
    deploy = {"to": "prod", "lease": "1d"}
    study_id = world.submit(document(rounds=ROUNDS, winner=CHEAPEST, deploy=deploy))
    world.advance(study_id)
    for value, seconds in zip((0.9, 0.89), SECONDS[:2], strict=True):
        world.recorder.record(world.run_trial(value, billable_seconds=seconds))
    _, job = world.live_job()
    late = world.run_trial(metrics={}, billable_seconds=10)
    world.end_job()
    study = world.conductor.advance(study_id, look=True)  # The deployer has not looked yet.
    assert (study.phase, study.selected) == (Phase.CHOOSING, True)
    job.trials[-1] = replace(job.trials[-1], metrics={"validation:auc": 0.895})
    world.recorder.record(late)
    study = world.conductor.advance(study_id, look=False)
    assert study.incumbent is not None
    assert (study.incumbent.trial, study.selected) == (late, True)
    assert world.kinds(study_id).count("winner selected") == 2


def test_without_an_objective_there_is_no_winner() -> None:
    world = World()
    study_id = world.submit(document(rounds=ROUNDS, winner=CHEAPEST))
    world.advance(study_id)
    for _ in range(3):
        world.recorder.record(world.run_trial(metrics={}))
    world.end_job()
    assert world.advance(study_id).phase is Phase.NEEDS_PERSON


LATE: list[dict[str, Any]] = [
    {"metrics": {"validation:auc": 0.9}},
    {"billable_seconds": None},
]


@pytest.mark.parametrize("gap", LATE)
def test_what_a_limit_is_on_may_be_told_after_the_end_of_a_trial(gap: dict[str, Any]) -> None:
    """No event tells of it: it is asked for again before the round is closed."""
    world = World()
    limits = {"validation:logloss": "<= 0.3", "cost": "<= 1 USD"}
    spec = document(rounds={"max": 1, "trials": 1, "parallel": 1}, winner={"subject_to": limits})
    study_id = world.submit(spec)
    world.advance(study_id)
    _, job = world.live_job()
    whole = {"validation:auc": 0.9, "validation:logloss": 0.25}
    name = world.run_trial(**{"metrics": whole, "billable_seconds": 9, **gap})
    world.recorder.record(name)
    first = world.advance(study_id)
    assert first.incumbent is not None
    assert (len(first.incumbent.breaks), first.progress.best) == (1, None)
    job.trials[-1] = replace(job.trials[-1], metrics=whole, billable_seconds=9)
    world.end_job()
    study = world.advance(study_id)
    assert study.phase is Phase.DONE
    assert study.incumbent is not None
    assert (study.incumbent.breaks, study.progress.best) == ((), 0.9)
