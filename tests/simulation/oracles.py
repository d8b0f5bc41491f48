"""The invariants I-1 to I-16, each judged from what the fake AWS saw, never from what we count.

Those that hold at every instant are judged at the write or call that could break them; the rest
at the end, in `endings`.
"""

import json
from decimal import Decimal
from typing import Any

from tests.simulation.deployed import STACK
from tests.simulation.endings import Endings
from tests.simulation.hosting import Change
from tests.simulation.tuning import Job
from tests.simulation.watch import OVER, PRICE_PER_SECOND, STACK_TAG, STUDY_TAG, shows
from tunewright.domain.orphan import Orphan

GRACE = 120
_RANK = {"InProgress": 0, "Stopping": 1}
NOTICE = 24 * 3600.0 - 600.0
"""How long before a removal people must have heard of it; clocks may be ten minutes apart."""


class Oracles(Endings):
    """Watches a world."""

    # Writes

    def written(self, key: tuple[str, str], old: Any, new: Any) -> None:
        """Judge a change of the table."""
        kind, _, name = key[0].partition("#")
        task = self.world.clock.current
        by = task.function if task else "nobody"
        match kind:
            case "STUDY":
                self._study_written(name, old, new, by)
            case "TRIAL":
                self._trial_written(key[1], old, new)
            case "DECISION":
                self._decision_written(f"{name}/{int(key[1]):05d}", old, new)
            case "COMMAND" if old is not None and "waiting" in new and "waiting" not in old:
                self.violate("I-16", f"the answered command {key} waits again")
            case "ORPHAN":
                self._orphan_written(old, new, by)
            case "ENDPOINT":
                before = 0 if old is None else int(old["version"]["N"])
                if int(new["version"]["N"]) != before + 1:
                    self.violate("I-8", f"{name} went from version {before} to {new['version']}")
                if by != "OnDeploy":
                    self.violate("I-8", f"{by} wrote the endpoint {name}")

    def _orphan_written(self, old: Any, new: Any, by: str) -> None:
        if by != "OnHour":
            self.violate("I-8", f"{by} wrote an orphan")
        if new is None:
            return
        before = 0 if old is None else int(old["version"]["N"])
        if int(new["version"]["N"]) != before + 1:
            self.violate("I-8", f"an orphan went from version {before} to {new['version']}")
        orphan = Orphan.model_validate_json(new["state"]["S"])
        self.found.add(orphan.id)
        if orphan.model is not None:
            self.serving[orphan.model] = (orphan.kind.value, orphan.name)

    def _study_written(self, name: str, old: Any, new: Any, by: str) -> None:
        version, phase = int(new["version"]["N"]), new["phase"]["S"]
        rounds = json.loads(new["state"]["S"])["rounds"]
        if by != ("Api" if old is None else "OnWake"):
            self.violate("I-8", f"{by} wrote the study {name} at version {version}")
        if version != (1 if old is None else int(old["version"]["N"]) + 1):
            self.violate("I-8", f"{name} went from {old and old['version']} to version {version}")
        if old is not None:
            if new["rev"] == old["rev"]:
                self.violate("I-8", f"{name} kept its rev over a write")
            was = old["phase"]["S"]
            if was in OVER and phase != was:
                self.violate("I-8", f"{name} was {was} and is {phase}")
            closed = self._closed.get(name, [])
            jobs = [each["plan"]["job"] for each in rounds]
            if closed != jobs[: len(closed)]:
                self.violate("I-8", f"{name} lost a closed round")
        self._closed[name] = [each["plan"]["job"] for each in rounds if each["status"] == "closed"]
        self.phases[name] = phase

    def _trial_written(self, name: str, old: Any, new: Any) -> None:
        unmarked = old is not None and "unfolded" in old and "unfolded" not in new
        before = 0 if old is None else int(old["rev"]["N"])
        if int(new["rev"]["N"]) != before + (not unmarked):
            self.violate("I-8", f"{name} went from rev {before} to {new['rev']}")
        if old is not None:
            was, now = old["status"]["S"], new["status"]["S"]
            if _RANK.get(now, 2) < _RANK.get(was, 2) or (was not in _RANK and was != now):
                self.violate("I-4", f"{name} went from {was} to {now}")
            if was not in _RANK and "objective" in old and old["objective"] != new.get("objective"):
                self.violate("I-4", f"{name} had {old['objective']}, has {new.get('objective')}")
        truth = self.world.tuning.trainings.get(name)
        if truth is None:
            self.violate("I-4", f"{name} was recorded, and there is no such job")
        elif truth.ended is not None and name not in self.lags and shows(truth, new):
            self.lags[name] = self.world.clock.now - max(truth.ended, truth.told_at)

    def _decision_written(self, name: str, old: Any, new: Any) -> None:
        bare = {k: v for k, v in new.items() if k != "unpublished"}
        if new["kind"]["S"] == "round refused" and "service limit" in new["reason"]["S"]:
            self.violate("I-10", f"{name} takes a quota that is used up for a refusal")
        if old is None:
            self.committed[name] = bare
        elif bare != {k: v for k, v in old.items() if k != "unpublished"}:
            if not self.restored:
                self.violate("I-8", f"the decision {name} was written twice")
            self.committed[name] = bare

    # Effects

    def job_made(self, job: Job) -> None:
        """Judge a tuning job that is about to exist."""
        owner = job.tags.get(STUDY_TAG, "")
        terms = self.terms.get(owner)
        if terms is None or not job.name.startswith(f"tw-{owner}-r"):
            self.violate("I-1", f"{job.name} is made for no study that was submitted")
            return
        own = [each for each in self.world.tuning.jobs.values() if each.tags == job.tags]
        if any(each.is_live for each in own):
            self.violate("I-1", f"{job.name} is made beside a live round of {owner}")
        most = job.limits["MaxNumberOfTrainingJobs"]
        used = sum(len(each.trials) for each in own)
        if used + most > terms.trials:
            self.violate("I-2", f"{job.name}: {used} + {most} trials, {terms.trials} are allowed")
        run = job.request["TrainingJobDefinition"]["StoppingCondition"]["MaxRuntimeInSeconds"]
        if run > terms.max_run:
            self.violate("I-2", f"{job.name} may run {run} s, {terms.max_run} are allowed")
        money = sum(trial.billable for each in own for trial in each.trials) * PRICE_PER_SECOND
        worst = most * (terms.max_run + GRACE) * PRICE_PER_SECOND
        kept = terms.lease * PRICE_PER_SECOND
        if money + worst + kept > terms.budget:
            self.violate("I-2", f"{job.name}: {money} + {worst} + {kept} > {terms.budget} USD")
        self._fits_the_month(job, worst)
        if self.phases.get(owner) in OVER:
            self.violate("I-12", f"{job.name} is made though {owner} is {self.phases[owner]}")

    def _fits_the_month(self, job: Job, worst: Decimal) -> None:
        """Hold what every study of the stack may still come to, to the stack's budget."""
        run, every = worst, self.world.tuning.jobs.values()
        for each in every:
            real = sum(trial.billable for trial in each.trials) * PRICE_PER_SECOND
            most = each.limits["MaxNumberOfTrainingJobs"] if each.is_live else 0
            run += max(real, most * self._longest(each) * PRICE_PER_SECOND)
        if run > self.world.monthly_budget:
            self.violate("I-2", f"{job.name}: {run} > {self.world.monthly_budget} USD a month")

    def _longest(self, job: Job) -> int:
        terms = self.terms.get(job.tags.get(STUDY_TAG, ""))
        return 0 if terms is None else terms.max_run + GRACE

    def endpoint_changed(self, change: Change) -> None:
        """Judge an endpoint that was made, moved or deleted."""
        if change.by == "OnHour" and change.what == "delete":
            tags = self.world.hosting.endpoints[change.endpoint].tags
            self._removed("endpoint", change.endpoint, tags)
        elif change.by not in {"OnDeploy", "nobody"}:
            self.violate("I-3", f"{change.by} changed {change.endpoint}")
        if self.restored:  # Whom another has replaced since may have to go live once more.
            self.deployed = {each for each in self.deployed if each[1] != change.endpoint
                             or change.config == f"tw-{each[0]}-v1"}  # fmt: skip
        if change.what == "delete" or change.by == "nobody":
            return
        owner = change.config.removeprefix("tw-").rpartition("-v")[0]
        if (owner, change.endpoint) in self.deployed:
            self.violate("I-3", f"{owner} went live at {change.endpoint} twice")
        self.deployed.add((owner, change.endpoint))
        terms, phase = self.terms.get(owner), self.phases.get(owner)
        if terms is None or phase in OVER:
            self.violate("I-12", f"{change.config} goes live though {owner} is {phase}")
        elif terms.approve and not self._approved(owner, change):
            self.violate("I-16", f"{change.config} goes live and nobody approved that plan")

    def _approved(self, owner: str, change: Change) -> bool:
        item = self.world.table.peek(f"STUDY#{owner}")
        planned = json.loads(item["state"]["S"])["deployment"] if item else None
        if planned is None or planned["endpoint"] != change.endpoint:
            return False
        answer = self.world.table.peek(f"COMMAND#{owner}", f"answer-{planned['hash']}")
        return answer is not None and answer["kind"]["S"] == "approve"

    def job_stopped(self, job: Job) -> None:
        """Judge the stop of a tuning job."""
        task = self.world.clock.current
        if task is not None and task.function == "OnHour":
            self._removed("tuning-job", job.name, job.tags)

    def dropped(self, kind: str, name: str, tags: dict[str, str]) -> None:
        """Judge the end of a model or an endpoint config."""
        task = self.world.clock.current
        if task is not None and task.function == "OnHour":
            warned = ("model", name) if ("model", name) in self.warned else self.serving.get(name)
            self._removed(*(warned or (kind, name)), tags)

    def _removed(self, kind: str, name: str, tags: dict[str, str]) -> None:
        """Judge that something was removed as an orphan, by itself or with its endpoint."""
        if tags.get(STACK_TAG) != STACK:
            self.violate("I-11", f"the {kind} {name} of {tags} was removed")
        if self.phases.get(tags.get(STUDY_TAG, ""), "done") not in OVER:
            self.violate("I-11", f"the {kind} {name} was removed, and its study is live")
        warned = self.warned.get((kind, name))
        if warned is None or self.world.clock.now - warned < NOTICE:
            self.violate("I-11", f"the {kind} {name} was removed, and people were told at {warned}")

    def told(self, message: dict[str, Any]) -> None:
        """Judge a message to people."""
        self._known(message["id"])
        kind, name, *rest = message["id"].split("/")
        if rest[-1:] == ["warned"]:
            self.warned.setdefault((kind, name), self.world.clock.now)
        self.heard[message["id"]] = self.heard.get(message["id"], 0) + 1

    def announced(self, entry: dict[str, Any]) -> None:
        """Judge an event for programs."""
        name = json.loads(entry["Detail"])["id"]
        self._known(name)
        self.on_bus[name] = self.on_bus.get(name, 0) + 1

    def _known(self, name: str) -> None:
        if name not in self.committed and name.rpartition("/")[0] not in self.found:
            self.violate("I-6", f"{name} is told and was never committed")

    def go_back(self) -> None:
        """Hear that the table is an older one from now on."""
        self.restored = True
        self._closed.clear()
        live = {(each.name, each.config) for each in self.world.hosting.endpoints.values()}
        self.deployed = {  # What was replaced since may have to go live once more.
            (owner, name) for owner, name in self.deployed if (name, f"tw-{owner}-v1") in live
        }
