"""Misfortunes told as a plan: what random schedules meet too rarely to be trusted to meet it."""

from typing import Any

from tests.simulation.faults import Plan
from tests.simulation.schedule import Outcome, run
from tests.simulation.story import FAULT_FREE, Part, Story, spec
from tests.simulation.world import World

START = "CreateHyperParameterTuningJob"


def call_of(story: Story, operation: str, which: int = 0) -> int:
    """Say the number of a call of a story that nothing disturbs."""
    made: list[str] = []

    def watch(world: World) -> None:
        world.audit = lambda _function, _service, name, _request, _tags: made.append(name)

    run("scenario", story, watch=watch, replay=False)
    return [number for number, name in enumerate(made) if name == operation][which]


def play(story: Story, plan: Plan, **more: Any) -> Outcome:
    return run("scenario", story, plan=plan, keep=True, **more)


def cancelled_at(seconds: float) -> Story:
    one_by_one = {"max": 1, "trials": 8, "parallel": 1, "sizes": "fixed"}
    part = Part("ana", spec(rounds=one_by_one), words=((seconds, "cancel"),))
    return Story((part,), FAULT_FREE["cancel"].luck)


def jobs(outcome: Outcome) -> dict[str, tuple[str, int]]:
    assert outcome.world is not None
    return {name: (job.status, job.stopped) for name, job in outcome.world.tuning.jobs.items()}


def test_a_job_whose_start_was_not_answered_is_found_although_the_quota_is_used_up_since(
    simulated: None,
) -> None:
    story = cancelled_at(120)
    plan: Plan = {("call", call_of(story, START)): ("timeout_after", 0.5),
                  ("sagemaker", 1): ("full", 0.9)}  # fmt: skip
    outcome = play(story, plan)
    assert ("sagemaker", 1) in outcome.plan, "nobody asked again"
    assert outcome.violations == []
    assert list(jobs(outcome).values()) == [("Stopped", 1)]


def test_a_job_that_a_zombie_starts_after_the_cancel_is_stopped(simulated: None) -> None:
    story = cancelled_at(310)
    plan: Plan = {("call", call_of(story, START)): ("stall", 0.99),
                  ("sagemaker", 0): ("full", 0.0)}  # fmt: skip
    outcome = play(story, plan)
    assert outcome.violations == []
    assert list(jobs(outcome).values()) == [("Stopped", 1)]
