"""The doors' own stack around a world: stores in memory, and AWS clients that note what is sent."""

from collections.abc import Callable
from importlib import import_module
from typing import Any

import pytest

from tests.support.build import document
from tests.support.estate import Estate
from tests.support.memory import MemoryOrphans
from tests.support.world import World
from tunewright import cloud
from tunewright.domain.seen import Endpoint
from tunewright.settings import Settings

WEBHOOK = "https://hooks.slack.com/services/T0/B0/x"
ENDPOINT = "tw-churn-prod"
ANSWERS = {"get_parameter": {"Parameter": {"Value": WEBHOOK}}}


class _Client:
    """Takes every request to a service of AWS, and answers as if there were nothing."""

    def __init__(self, service: str, sent: list[tuple[str, Any]]) -> None:
        self._service = service
        self._sent = sent

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        def call(**request: Any) -> Any:
            if not operation.startswith(("get", "query")):
                self._sent.append((f"{self._service}:{operation}", request))
            return ANSWERS.get(operation, {})

        return call


class Rehearsal:
    """A stack with one study in its first round, one trial of which has ended unrecorded.

    Attributes:
        heard: What the doors handed over.
        sent: What left through clients, except reads.
    """

    def __init__(self, patched: pytest.MonkeyPatch) -> None:
        self.world = World()
        self.heard: list[tuple[Any, ...]] = []
        self.sent: list[tuple[str, Any]] = []
        self.study_id = self.world.submit(document())
        self.world.advance(self.study_id)
        self.trial = self.world.run_trial()
        self.world.crowns.save(Endpoint(name=ENDPOINT, holder=self.study_id))
        while self.world.wakes.take(timeout=0) is not None:
            pass
        self.orphans, self.estate = MemoryOrphans(), Estate()
        self.stack = self._compose(patched)
        self._listen(patched)
        patched.setattr(cloud, "stack", lambda: self.stack)

    def _compose(self, patched: pytest.MonkeyPatch) -> cloud.CloudStack:
        patched.setattr(cloud.CloudStack, "_client", lambda _, service: _Client(service, self.sent))
        patched.setattr(
            "tunewright.cloud.Webhook.post",
            lambda _, url, payload: self.sent.append((url, payload)),
        )
        settings = Settings(table="t", wake_queue="w", deploy_queue="d", topic="t", bus="b")
        stack = cloud.CloudStack(settings.but(slack_parameter="/slack"))
        world = self.world
        vars(stack).update(
            studies_store=world.store,
            trials=world.store,
            commands=world.store,
            outbox=world.store,
            endpoints=world.crowns,
            wakes=world.wakes,
            clock=world,
            tuning=world,
            recorder=world.recorder,
            conductor=world.conductor,
            deployer=world.deployer,
            profiles=world.profiles,
            orphans=self.orphans,
            estate=self.estate,
        )
        return stack

    def _listen(self, patched: pytest.MonkeyPatch) -> None:
        advance, tend = self.world.conductor.advance, self.world.deployer.tend

        def advanced(study_id: str, *, look: bool) -> Any:
            self.heard.append(("advance", study_id, look))
            return advance(study_id, look=look)

        def tended(study_id: str) -> None:
            self.heard.append(("tend", study_id))
            tend(study_id)

        patched.setattr(self.world.conductor, "advance", advanced)
        patched.setattr(self.world.deployer, "tend", tended)

    def feed(self, function: str, event: Any) -> Any:
        """Call a door as Lambda does."""
        return import_module(f"functions.{function}").handler(event, None)

    def effects(self) -> dict[str, Any]:
        """Everything that anybody could tell has happened."""
        store = self.world.store
        return {
            "writes": store.writes,
            "trials": store.of_study(self.study_id),
            "commands": store.waiting(self.study_id),
            "endpoint": self.world.crowns.load(ENDPOINT),
            "wakes": len(self.world.wakes),
            "deploys": len(self.world.deploys),
            "jobs": {name: job.status for name, job in self.world.jobs.items()},
            "calls": [call for call in self.world.calls if call not in {"list", "describe trial"}],
            "sent": len(self.sent),
        }
