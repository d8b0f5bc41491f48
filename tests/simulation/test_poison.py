"""Hundreds of broken messages among those of a running study: it ends as if there were none."""

import json
from typing import Any

from tests.functions.test_mutated_events import DEEP, WHOLE, mutants
from tests.simulation.schedule import run
from tests.simulation.story import FAULT_FREE
from tests.simulation.world import World

QUEUES = ("TrialQueue", "WakeQueue", "DeployQueue")


def corpus() -> list[str]:
    """Bodies of messages: every field of real events broken in every way, thinned out."""
    bodies: list[str] = []
    for path in WHOLE:
        event: Any = json.loads(path.read_text())
        for record in event["Records"]:
            body = json.loads(record["body"])
            bodies += [text for _, text in mutants(body) if len(text) < 100_000]
    thinned = bodies[:: max(1, len(bodies) // 320)]
    return [*thinned, *DEEP.values(), "", "?", "x" * 262_144]


def test_broken_messages_fail_nothing_and_change_nothing(simulated: None) -> None:
    bodies = corpus()
    assert len(bodies) >= 300

    def watch(world: World) -> None:
        for number, body in enumerate(bodies):
            queue = world.carriers.queues[QUEUES[number % 3]]
            world.clock.after(3.0 * number, lambda queue=queue, body=body: queue.send(body))

    outcome = run("path-deploy", FAULT_FREE["deploy"], watch=watch, keep=True)
    assert outcome.violations == []
    assert outcome.phases == ("done",)
    assert outcome.world is not None
    assert outcome.world.lambdas.failed == {}
    dead = {n: q for n, q in outcome.world.carriers.queues.items() if "DeadLetters" in n}
    assert [name for name, queue in dead.items() if queue.sent] == []
