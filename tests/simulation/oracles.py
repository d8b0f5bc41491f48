"""The invariants I-1 to I-16, each judged from what the fake AWS saw, never from what we count.

Those that hold at every instant are judged at the write or call that could break them; the rest
at the end, once faults are over and the world is quiet.
"""

import json
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from tests.simulation.deployed import STACK
from tests.simulation.hosting import Change
from tests.simulation.tuning import Job, Training
from tunewright.domain.orphan import Orphan

if TYPE_CHECKING:
    from tests.simulation.world import World

PRICE_PER_SECOND = Decimal("0.0001")
GRACE = 120
_RANK = {"InProgress": 0, "Stopping": 1}
_OVER = frozenset({"done", "cancelled", "failed"})
_MOST_STOPS = 12
STUDY_TAG, STACK_TAG = "tunewright:study", "tunewright:stack"
NOTICE = 24 * 3600.0 - 600.0
"""How long before a removal people must have heard of it; clocks may be ten minutes apart."""


@dataclass(frozen=True)
class Terms:
    """What a study was submitted with, as far as oracles hold it to that."""

    document: dict[str, Any]
    budget: Decimal
    trials: int
    max_run: int
    lease: int
    approve: bool
    told: frozenset[str]


@dataclass
class Oracles:
    """Watches a world."""

    world: "World"
    violations: list[tuple[str, str]] = field(default_factory=list)
    terms: dict[str, Terms] = field(default_factory=dict)
    phases: dict[str, str] = field(default_factory=dict)
    committed: dict[str, dict[str, Any]] = field(default_factory=dict)
    heard: dict[str, int] = field(default_factory=dict)
    on_bus: dict[str, int] = field(default_factory=dict)
    lags: dict[str, float] = field(default_factory=dict)
    deployed: set[tuple[str, str]] = field(default_factory=set)
    restored: bool = False
    replayed: int = 0
    recovered: int = 0
    orphans: list[str] = field(default_factory=list)
    found: set[str] = field(default_factory=set)
    warned: dict[tuple[str, str], float] = field(default_factory=dict)
    serving: dict[str, tuple[str, str]] = field(default_factory=dict)
    heard_commands: list[str] = field(default_factory=list)
    _closed: dict[str, list[str]] = field(default_factory=dict)

    def violate(self, name: str, text: str) -> None:
        """Record a violation."""
        self.violations.append((name, f"at {self.world.clock.now:.1f} s: {text}"))

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
            if was in _OVER and phase != was:
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
        elif truth.ended is not None and name not in self.lags and _shows(truth, new):
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
        if self.phases.get(owner) in _OVER:
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
        if terms is None or phase in _OVER:
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
        if self.phases.get(tags.get(STUDY_TAG, ""), "done") not in _OVER:
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

    # The end

    def go_back(self) -> None:
        """Hear that the table is an older one from now on."""
        self.restored = True
        self._closed.clear()
        live = {(each.name, each.config) for each in self.world.hosting.endpoints.values()}
        self.deployed = {  # What was replaced since may have to go live once more.
            (owner, name) for owner, name in self.deployed if (name, f"tw-{owner}-v1") in live
        }

    def finish(self) -> None:
        """Judge the end: faults are over, and there was time enough."""
        for study_id, terms in self.terms.items():
            item = self.world.table.peek(f"STUDY#{study_id}")
            if item is None:
                self.violate("I-10", f"{study_id} was acknowledged and is not there")
            elif item["phase"]["S"] not in _OVER:
                self.violate("I-10", f"{study_id} is still {item['phase']['S']}")
            else:
                self._truth(study_id, terms, json.loads(item["state"]["S"]))
        self._nothing_lives_on()
        self._months_add_up()
        for name, item in self.committed.items():
            if name not in self.on_bus:
                self.violate("I-6", f"{name} ({item['kind']['S']}) was told to nobody")
        for partition, items in self.world.table.items.items():
            for item in items.values():
                # A word that was never acknowledged may come too late for a study that is over.
                waits = "waiting" in item and item["sk"]["S"] in self.heard_commands
                if "unpublished" in item or waits or "unfolded" in item:
                    self.violate("I-10", f"{partition} {item['sk']['S']} keeps its mark")

    def _months_add_up(self) -> None:
        """Hold what the stack counts to what its studies count."""
        table, due = self.world.table, Decimal(0)
        for partition, items in table.items.items():
            if partition.startswith("STUDY#"):
                state = json.loads(items["-"]["state"]["S"])
                ledger = {key: Decimal(each) for key, each in state["ledger"].items()}
                due += ledger["spent"] + ledger["reserved"]
                due += ledger["set_aside"] if state["rounds"] else 0
        used = sum(
            Decimal(items["-"]["used"]["N"])
            for partition, items in table.items.items()
            if partition.startswith("MONTH#")
        )
        if used != due:
            self.violate("I-2", f"the months hold {used}, the studies {due}")

    def _nothing_lives_on(self) -> None:
        for job in self.world.tuning.jobs.values():
            if job.is_live:
                self.violate("I-11", f"{job.name} is alive and nothing else is")
            if STUDY_TAG not in job.tags and job.stops:
                self.violate("I-1", f"the foreign job {job.name} was told to stop")
            if job.stopped > 1 or job.stops > _MOST_STOPS:
                self.violate("I-7", f"{job.name} was told to stop {job.stops} times")
        for endpoint in self.world.hosting.endpoints.values():
            if self.restored and not self._has_champion(endpoint.name):
                self.orphans.append(endpoint.name)  # Of the time that was lost: the runbook's.
            elif endpoint.status != "Failed" and endpoint.tags:
                self.violate("I-11", f"{endpoint.name} is {endpoint.status} after every lease")

    def _own_rounds(self, study_id: str, state: dict[str, Any]) -> None:
        for each in state["rounds"]:
            job = self.world.tuning.jobs.get(each["plan"]["job"])
            if job is not None and job.tags.get(STUDY_TAG) != study_id:
                self.violate("I-1", f"{study_id} took the foreign job {job.name} for its own")

    def _has_champion(self, endpoint: str) -> bool:
        item = self.world.table.peek(f"ENDPOINT#{endpoint}")
        return item is not None and json.loads(item["state"]["S"])["champion"] is not None

    def _truth(self, study_id: str, terms: Terms, state: dict[str, Any]) -> None:
        """Hold what a study says it knows to what happened."""
        jobs = [
            each for each in self.world.tuning.jobs.values() if each.tags.get(STUDY_TAG) == study_id
        ]
        if self.restored:  # Ended by a person before it came to a round of the lost time again.
            known = {each["plan"]["number"] for each in state["rounds"]}
            self.orphans += [each.name for each in jobs if _number(each.name) not in known]
            jobs = [each for each in jobs if _number(each.name) in known]
        trials = [trial for job in jobs for trial in job.trials]
        self._own_rounds(study_id, state)
        items = self.world.table.items.get(f"TRIAL#{study_id}", {})
        for trial in trials:
            item = items.get(trial.name)
            if item is None or not _shows(trial, item):
                self.violate("I-5", f"{trial.name} ended {trial.status} and the table says {item}")
        spent = sum(trial.billable for trial in trials) * PRICE_PER_SECOND
        if Decimal(state["ledger"]["spent"]) != spent:
            self.violate("I-2", f"{study_id} spent {spent} and says {state['ledger']['spent']}")
        if state["ledger"]["used_trials"] != len(trials):
            self.violate("I-2", f"{study_id} ran {len(trials)} trials and says {state['ledger']}")
        if Decimal(state["ledger"]["reserved"]):
            self.violate("I-2", f"{study_id} is over and keeps {state['ledger']['reserved']}")
        scored = [each for each in trials if each.status == "Completed" and each.value is not None]
        best = max((each.value or 0.0 for each in scored), default=None)
        told = state["incumbent"]["value"] if state["incumbent"] else None
        if best != told:
            self.violate("I-5", f"the best of {study_id} is {best}, and it says {told}")
        if terms.approve and (study_id, "tw-prod") in self.deployed and not self.restored:
            answer = (state["deployment"] or {}).get("answer")
            if answer is None or answer["kind"] != "approve":
                self.violate("I-16", f"{study_id} went live and says {answer}")


def _number(job: str) -> int:
    """The round of a tuning job, whichever attempt at it the job is."""
    return int(job.rpartition("-r")[2].partition("a")[0])


def _shows(trial: Training, item: dict[str, Any]) -> bool:
    """Say whether a trial's item tells how the training job ended."""
    value = item.get("objective", {}).get("N")
    wanted = trial.value
    same = (value is None and wanted is None) or (
        value is not None and wanted is not None and float(value) == wanted
    )
    return item["status"]["S"] == trial.status and same
