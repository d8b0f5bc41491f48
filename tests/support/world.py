"""A world that answers the core's ports: tuning jobs that end when a test says so; no AWS shapes.

It counts for itself, so that what the core believes can be held against what happened.
"""

import math
import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from tests.support.build import START, profile
from tests.support.memory import MemoryEndpoints, MemoryQueue, MemoryStore
from tunewright.app.conductor import Conductor
from tunewright.app.deployer import Deployer
from tunewright.app.landlord import Landlord
from tunewright.app.ports import Wake  # noqa: TC001 - the annotation is read with the code
from tunewright.app.recorder import Recorder
from tunewright.app.studies import Studies
from tunewright.domain.errors import CapacityError, ForeignError, RefusedError, UnknownOutcomeError
from tunewright.domain.profile import Profile
from tunewright.domain.seen import HostedSeen, RoundSeen, TrainingJobSeen
from tunewright.domain.spec import Deploy
from tunewright.domain.study import Deployment, Study
from tunewright.domain.trial import TrialStatus


@dataclass
class Job:
    request: dict[str, Any]
    tags: dict[str, str]
    status: str = "InProgress"
    created: datetime = START
    ended: datetime | None = None
    words: str | None = None
    trials: list[TrainingJobSeen] = field(default_factory=list)


def quality(parameters: dict[str, str]) -> float:
    """Best at eta 0.2 and depth 5: outside of what `document()` first searches on neither axis."""
    eta, depth = float(parameters["eta"]), int(parameters["max_depth"])
    return 0.9 - 0.02 * math.log(eta / 0.2) ** 2 - 0.005 * (depth - 5) ** 2


class World:
    """SageMaker as the core's ports see it, and a stack around it."""

    def __init__(self, *, store: Any = None, crowns: Any = None, **profile_changes: Any) -> None:
        self.time = START
        self.jobs: dict[str, Job] = {}
        self.endpoints: dict[str, HostedSeen] = {}
        self.configs: set[str] = set()
        self.calls: list[str] = []
        self.refusals: list[Exception] = []
        self.hosting_trouble: list[Exception] = []
        self.stop_calls: list[str] = []
        self.unseen: set[str] = set()
        self.paused = False
        self._random = random.Random(7)  # noqa: S311 - a test's luck
        self.store = MemoryStore() if store is None else store
        self.crowns = MemoryEndpoints() if crowns is None else crowns
        self.wakes: MemoryQueue[Wake] = MemoryQueue()
        self.deploys: MemoryQueue[str] = MemoryQueue()
        self.profiles: dict[str, Profile] = {"default": profile(**profile_changes)}
        self.recorder = Recorder(self.store, self.store, self)
        self.studies = Studies(
            stack="tunewright",
            studies=self.store,
            commands=self.store,
            wakes=self.wakes,
            profiles=self.profiles,
            clock=self,
        )
        self.conductor = Conductor(
            studies=self.store,
            trials=self.store,
            commands=self.store,
            tuning=self,
            recorder=self.recorder,
            endpoints=self.crowns,
            deploys=self.deploys,
            switch=self,
            clock=self,
        )
        self.deployer = Deployer(
            studies=self.store,
            endpoints=self.crowns,
            hosting=self,
            wakes=self.wakes,
            switch=self,
            clock=self,
        )

        self.leases: MemoryQueue[str] = MemoryQueue()
        self.delete_trouble: list[Exception] = []
        self.landlord = Landlord(
            studies=self.store,
            endpoints=self.crowns,
            hosting=self,
            wakes=self.wakes,
            clock=self,
        )

    def now(self) -> datetime:
        return self.time

    def pass_time(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)

    def is_thrown(self) -> bool:
        return self.paused

    # Tuning

    def start(self, request: dict[str, Any], tags: dict[str, str]) -> None:
        self.calls.append("start")
        if self.refusals:
            raise self.refusals.pop(0)
        name = request["HyperParameterTuningJobName"]
        held = self.jobs.get(name)
        if held is not None:
            if held.tags != tags:
                raise ForeignError("ResourceInUse", "the name is taken")
            return
        live = [job for job in self.jobs.values() if job.status in {"InProgress", "Stopping"}]
        assert not [job for job in live if job.tags == tags], "two live rounds of one study"
        self.jobs[name] = Job(request, tags, created=self.time)

    def stop(self, job: str, tags: dict[str, str] | None = None) -> None:
        self.stop_calls.append(job)
        held = self.jobs.get(job)
        if held is not None and held.status == "InProgress" and tags in (None, held.tags):
            held.status = "Stopping"

    def look(self, job: str, owner: str | dict[str, str] | None = None) -> Any:
        """Both ports have a `look`: a job by name and tags, an endpoint by name and stack."""
        if isinstance(owner, str):
            return self.endpoints.get(job)
        held = self.jobs.get(job)
        if held is None or job in self.unseen or owner not in (None, held.tags):
            return RoundSeen(job=job, exists=False)
        return RoundSeen(
            job=job,
            exists=True,
            status=held.status,
            launched=len(held.trials),
            created=held.created,
            ended=held.ended,
            words=held.words,
        )

    def trial_names(self, job: str) -> tuple[str, ...]:
        self.calls.append("list")
        return tuple(each.name for each in self.jobs[job].trials)

    def trial(self, name: str) -> TrainingJobSeen | None:
        self.calls.append("describe trial")
        for job in self.jobs.values():
            for each in job.trials:
                if each.name == name:
                    return each
        return None

    # Hosting

    def make_model(
        self, planned: Deployment, deploy: Deploy, profile: Profile, tags: dict[str, str]
    ) -> bool:
        if self.hosting_trouble:
            raise self.hosting_trouble.pop(0)
        new = planned.model not in self.configs
        self.configs.add(planned.model)
        return new

    def go_live(self, planned: Deployment, tags: dict[str, str], *, update: bool) -> None:
        assert update == (planned.endpoint in self.endpoints)
        self.calls.append("go live")
        self.endpoints[planned.endpoint] = HostedSeen(
            config=planned.model, status="Creating", ours=True, words=None
        )

    def delete(self, endpoint: str) -> None:
        self.calls.append(f"delete {endpoint}")
        if self.delete_trouble:
            raise self.delete_trouble.pop(0)
        seen = self.endpoints.get(endpoint)
        if seen is not None:
            self.endpoints[endpoint] = HostedSeen(
                config=seen.config, status="Deleting", ours=seen.ours, words=None
            )

    def delete_model(self, model: str) -> None:
        self.calls.append(f"delete model {model}")
        if self.delete_trouble:
            raise self.delete_trouble.pop(0)
        self.configs.discard(model)

    def fingerprint(self, uri: str) -> str:
        return f"print of {uri}"

    # What a test does

    def submit(self, document: dict[str, Any], key: str = "k") -> str:
        return self.studies.submit(document, caller="ana", key=key).id

    def advance(self, study_id: str, *, look: bool = True) -> Study:
        """Wake a study, and let the deployer do what that asks of it, until nothing is asked."""
        study = self.conductor.advance(study_id, look=look)
        while (asked := self.deploys.take(timeout=0)) is not None:
            while self.wakes.take(timeout=0) is not None:
                pass
            self.deployer.tend(asked)
            if not len(self.wakes):
                break  # It has nothing to tell yet.
            study = self.conductor.advance(study_id, look=True)
        return study

    def live_job(self) -> tuple[str, Job]:
        name, job = next(
            (name, job)
            for name, job in self.jobs.items()
            if job.status in {"InProgress", "Stopping"}
        )
        return name, job

    def run_trial(self, value: float | None = None, **changes: Any) -> str:
        """Let the live job run one trial to its end; returns the training job's name."""
        name, job = self.live_job()
        number = len(job.trials) + 1
        parameters = self._draw(job.request)
        created = self.time
        self.pass_time(30)
        values: dict[str, Any] = {
            "name": f"{name}-{number:03d}-{number:08x}",
            "tuning_job": name,
            "status": TrialStatus.COMPLETED,
            "hyperparameters": {**parameters, "objective": "binary:logistic"},
            "metrics": {
                "validation:auc": quality(parameters) if value is None else value,
            },
            "created": created,
            "started": created + timedelta(seconds=2),
            "ended": self.time,
            "billable_seconds": 28,
            "failure_reason": None,
            "model": f"s3://output/{name}-{number}/model.tar.gz",
        }
        job.trials.append(TrainingJobSeen(**{**values, **changes}))
        return job.trials[-1].name

    def _draw(self, request: dict[str, Any]) -> dict[str, str]:
        ranges = request["HyperParameterTuningJobConfig"]["ParameterRanges"]
        drawn = {}
        for each in ranges["ContinuousParameterRanges"]:
            drawn[each["Name"]] = repr(
                self._random.uniform(float(each["MinValue"]), float(each["MaxValue"]))
            )
        for each in ranges["IntegerParameterRanges"]:
            drawn[each["Name"]] = str(
                self._random.randint(int(each["MinValue"]), int(each["MaxValue"]))
            )
        for each in ranges["CategoricalParameterRanges"]:
            drawn[each["Name"]] = self._random.choice(each["Values"])
        return drawn

    def end_job(self, status: str | None = None, words: str | None = None) -> None:
        _, job = self.live_job()
        job.status = status or ("Stopped" if job.status == "Stopping" else "Completed")
        job.ended, job.words = self.time, words

    def run_round(self, study_id: str) -> Study:
        """Run the live round until all its trials are done or it is stopped, and let it end."""
        _, job = self.live_job()
        most = job.request["HyperParameterTuningJobConfig"]["ResourceLimits"]
        while job.status == "InProgress" and len(job.trials) < most["MaxNumberOfTrainingJobs"]:
            self.recorder.record(self.run_trial())
            self.advance(study_id, look=False)
        self.end_job()
        return self.advance(study_id)

    def finish_deployment(self) -> None:
        for name, seen in self.endpoints.items():
            self.endpoints[name] = HostedSeen(
                config=seen.config, status="InService", ours=seen.ours, words=None
            )

    def kinds(self, study_id: str) -> list[str]:
        return [each.kind.value for each in self.store.decisions(study_id)]


__all__ = ["CapacityError", "RefusedError", "UnknownOutcomeError", "World", "quality"]
