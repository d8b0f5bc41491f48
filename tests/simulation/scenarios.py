"""Misfortunes told as plans: what random schedules meet too rarely to be trusted to meet it.

Each is a story and the faults that befall it, built one upon the other: the number of a call is
that which it has once the faults before it have happened.
"""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

from tests.simulation import household
from tests.simulation.faults import CALM, Fault, Plan
from tests.simulation.schedule import Outcome, run
from tests.simulation.story import CERTAIN, Part, Story, deploy, spec
from tests.simulation.world import World

Scenario = Callable[[], Outcome]
_LATE = 45.0
"""How much later than its trial an objective may come."""


def _none() -> Plan:
    return {}


def _stall(seconds: float) -> Fault:
    return "stall", (seconds - 0.5) / 399.5


def _sizes(trials: int, parallel: int, rounds: int = 1) -> dict[str, object]:
    return {"max": rounds, "trials": trials, "parallel": parallel, "sizes": "fixed"}


def _cancelled_at(seconds: float) -> Story:
    part = Part("ana", spec(rounds=_sizes(8, 1)), words=((seconds, "cancel"),))
    return Story((part,), CERTAIN)


def _call(story: Story, plan: Plan, function: str, operation: str, which: int = 0) -> int:
    """Say the number of a function's call of a kind, in a run with the faults so far."""
    made: list[tuple[str, str]] = []

    def watch(world: World) -> None:
        world.audit = lambda by, _service, name, _request, _tags: made.append((by, name))

    run("scenario", story, plan=dict(plan), watch=watch, replay=False)
    found = [at for at, each in enumerate(made) if each == (function, operation)]
    return found[which]


def _play(story: Story, plan: Plan) -> Outcome:
    return run("scenario", story, plan=plan, keep=True)


def _cancelled(story: Story, plan: Plan) -> Outcome:
    """Play a story in which whatever was started has to be stopped."""
    outcome = _play(story, plan)
    jobs = outcome.world.tuning.jobs.values() if outcome.world else ()
    outcome.violations += [
        ("I-11", f"{job.name} ran on after the cancel") for job in jobs if job.status != "Stopped"
    ]
    return outcome


def unanswered_start_meets_a_full_quota() -> Outcome:
    """A start succeeds unanswered; the next try meets a full quota; then comes a cancel."""
    story, plan = _cancelled_at(120), _none()
    plan["sagemaker", 1] = "full", 0.9
    plan["call", _call(story, {}, "OnWake", "CreateHyperParameterTuningJob")] = (
        "timeout_after", 0.5,
    )  # fmt: skip
    return _cancelled(story, plan)


def unanswered_start_is_refused() -> Outcome:
    """A start succeeds unanswered, and the next try is refused before its name is looked at."""
    story, plan = _cancelled_at(120), _none()
    plan["sagemaker", 1] = "refuse", 0.0
    plan["call", _call(story, {}, "OnWake", "CreateHyperParameterTuningJob")] = (
        "timeout_after", 0.5,
    )  # fmt: skip
    outcome = _cancelled(story, plan)
    if any("refused" in each for each in _reasons(outcome)):
        outcome.violations.append(("I-6", "people were told that a job was refused which runs"))
    return outcome


def zombie_starts_after_the_cancel() -> Outcome:
    """A start stalls; another try meets a full quota; a cancel; then the zombie makes the job."""
    story, plan = _cancelled_at(310), _none()
    plan["sagemaker", 0] = "full", 0.0
    plan["call", _call(story, {}, "OnWake", "CreateHyperParameterTuningJob")] = _stall(396)
    return _cancelled(story, plan)


def _stopped_at(seconds: float, **more: Any) -> Story:
    return Story((Part("ana", spec(rounds=_sizes(4, 2)), words=((seconds, "stop"),)),), **more)


def refused_after_it_was_made() -> Outcome:
    """A start is done, but not written; the next try is refused, and the job not seen at once."""
    story, plan = _stopped_at(60, luck=CERTAIN), _none()
    made = _call(story, plan, "OnWake", "CreateHyperParameterTuningJob")
    plan["call", made + 1] = "trouble", 0.0  # The write of what came of it.
    plan["sagemaker", 1] = "refuse", 0.0
    plan["stale", 0] = plan["stale", 1] = "stale", 0.0
    return _play(story, plan)


def refused_when_sent_again() -> Outcome:
    """The first sending of a start is done; the second is refused, and the job not seen at once."""
    story, plan = _stopped_at(60, luck=CERTAIN), _none()
    plan["call", _call(story, plan, "OnWake", "CreateHyperParameterTuningJob")] = "twice", 0.0
    plan["sagemaker", 1] = "refuse", 0.0
    plan["stale", 0] = "stale", 0.0
    return _play(story, plan)


def a_stopped_round_finds_its_name_taken() -> Outcome:
    """The start of round 2 stalls; it is stopped; the job of that name is somebody else's."""
    rounds = _sizes(4, 2, rounds=2)
    part = Part("ana", spec(rounds=rounds), words=((160.0, "stop"),))
    story, plan = Story((part,), CERTAIN, foreign_round=True), _none()
    plan["call", _call(story, plan, "OnWake", "CreateHyperParameterTuningJob", 1)] = _stall(390)
    return _play(story, plan)


def _one_late_trial() -> Story:
    return Story((Part("ana", spec(rounds=_sizes(1, 1))),), replace(CERTAIN, late=1.0))


def news_comes_while_older_news_is_folded() -> Outcome:
    """A wake stalls before it folds a trial without objective; meanwhile the objective comes."""
    story, plan = _one_late_trial(), _none()
    plan["event", 0] = "twice", (_LATE + 1.0) / 120
    plan["event", 1] = "drop", 0.0  # The end of the round, which would find it, too.
    plan["call", _call(story, plan, "OnWake", "TransactWriteItems", 2)] = _stall(_LATE + 2.4)
    plan["call", _call(story, plan, "OnTrainingJob", "SendMessage", 1)] = _stall(10)
    return _play(story, plan)


def two_record_one_trial() -> Outcome:
    """A record of the late objective stalls; meanwhile the end of the round records it, too."""
    story, plan = _one_late_trial(), _none()
    plan["event", 0] = "twice", (_LATE + 1.0) / 120
    plan["event", 1] = "late", _LATE / 1799
    plan["call", _call(story, plan, "OnTrainingJob", "PutItem", 1)] = _stall(20)
    return _play(story, plan)


def sweep_dies_while_it_tells() -> Outcome:
    """The stream has lost a decision; the sweep that is to tell of it dies before it has."""
    story, plan = _one_late_trial(), _none()
    plan["stream", 0] = "lost", 0.0
    plan["call", _call(story, plan, "OnSchedule", "PutEvents")] = "crash_before", 0.0
    return _play(story, plan)


def orphans_are_told_of_and_removed() -> Outcome:
    """Orphans made by hand, and what only looks like them: those alone go, a day after the word."""
    return household.keep()


def a_visit_dies_before_it_tells() -> Outcome:
    """The first orphan is written down, and the visit and its retry die before people are told."""
    made: list[tuple[str, str]] = []

    def watch(world: World) -> None:
        before = world.calls
        made.extend([("", "")] * before)
        world.audit = lambda by, _service, name, _request, _tags: made.append((by, name))

    household.keep(watch=watch)
    first = made.index(("OnHour", "Publish"))
    return household.keep(
        branch=lambda _world, number: ("crash_before", 0.0) if number == first else None
    )


def objective_is_told_after_the_list() -> Outcome:
    """A wake stalls between listing a round's trials and looking at the round once more."""
    story, plan = _one_late_trial(), _none()
    plan["call", _call(story, plan, "OnWake", "GetItem", 8)] = _stall(_LATE + 5)
    return _play(story, plan)


def restored_before_another_attempt() -> Outcome:
    """A table goes back to before a round had other attempts, the last trial of which ends now."""
    story = Story((Part("ana", spec(), begins=485.0),), CERTAIN, refuses_warm_start=True)
    weather = replace(CALM, name="restored", restore=True)
    return run("scenario", story, weather, {}, keep=True, replay=False)


def the_month_has_room_for_one_round() -> Outcome:
    """Two studies at once, and a monthly budget with room for one round's worst case at a time."""
    story = Story((Part("ana", spec()), Part("ben", spec(), begins=5.0)), CERTAIN)

    def watch(world: World) -> None:
        world.monthly_budget = Decimal("0.5")

    outcome = run("scenario", story, plan={}, watch=watch, keep=True)
    if not any("no room for that" in each for each in _reasons(outcome)):
        outcome.violations.append(("I-2", "no study was told to wait for the stack's budget"))
    return outcome


def the_stack_is_paused_and_goes_on() -> Outcome:
    """The switch is thrown when a study is submitted, and again before its deployment."""
    story = Story((Part("ana", spec(rounds=_sizes(4, 2), deploy=deploy())),), CERTAIN)
    thrown: set[tuple[str, str]] = set()

    def watch(world: World) -> None:
        def throw(on: str) -> None:
            world.carriers.parameters["/sim/paused"] = on

        def audit(by: str, _service: str, name: str, _request: object, _tags: object) -> None:
            paused = world.carriers.parameters.get("/sim/paused") == "yes"
            if paused and name.startswith(("Create", "Update")) and name != "UpdateItem":
                thrown.add((by, name))

        world.audit = audit
        throw("yes")
        for at, on in ((400.0, "no"), (650.0, "yes"), (1500.0, "no")):
            world.clock.after(at, lambda on=on: throw(on))

    outcome = run("scenario", story, plan={}, watch=watch, keep=True)
    outcome.violations += [("paused", f"{by} called {name}") for by, name in sorted(thrown)]
    if not any("lets the stack go on" in each for each in _reasons(outcome)):
        outcome.violations.append(("paused", "nobody was told that the stack is paused"))
    return outcome


def _reasons(outcome: Outcome) -> list[str]:
    """What was decided."""
    items = outcome.world.table.items if outcome.world else {}
    return [
        each["reason"]["S"]
        for partition, held in items.items()
        if partition.startswith("DECISION#")
        for each in held.values()
    ]


SCENARIOS: dict[str, Scenario] = {
    each.__name__: each
    for each in (
        unanswered_start_meets_a_full_quota,
        unanswered_start_is_refused,
        zombie_starts_after_the_cancel,
        refused_after_it_was_made,
        refused_when_sent_again,
        a_stopped_round_finds_its_name_taken,
        news_comes_while_older_news_is_folded,
        two_record_one_trial,
        sweep_dies_while_it_tells,
        orphans_are_told_of_and_removed,
        a_visit_dies_before_it_tells,
        objective_is_told_after_the_list,
        restored_before_another_attempt,
        the_month_has_room_for_one_round,
        the_stack_is_paused_and_goes_on,
    )
}
