"""A study whose first round has started, what people say to it, and how its rounds end."""

from typing import Any

from tests.support.build import document
from tests.support.world import World
from tunewright.domain.study import CommandKind, Study

ONE = {"max": 3, "trials": 5, "parallel": 2, "sizes": "fixed"}
DEPLOY = {"to": "churn-prod", "lease": "1d"}


def started(**changes: Any) -> tuple[World, str]:
    world = World(images=("*",))
    study_id = world.submit(document(**{"refine": {"when": {"gain_above": 0}}, **changes}))
    world.advance(study_id)
    return world, study_id


def say(world: World, study_id: str, kind: CommandKind, **more: str) -> Study:
    count = len(world.store.decisions(study_id))
    world.studies.command(study_id, kind, by="ana", command_id=f"{kind}-{count}", **more)
    return world.advance(study_id)


def reasons(world: World, study_id: str) -> str:
    return "\n".join(each.reason for each in world.store.decisions(study_id))


def quietly(world: World, *values: float | None, **changes: Any) -> None:
    """Run trials of which nobody tells the recorder, and end the job."""
    for value in values:
        world.run_trial(value, **changes)
    world.end_job()
