"""The invariants that are judged at the end, once faults are over and the world is quiet."""

import json
import math
from decimal import Decimal
from typing import Any

from tests.simulation.watch import OVER, PRICE_PER_SECOND, STUDY_TAG, Terms, Watch, shows

_MOST_STOPS = 12


class Endings(Watch):
    """Judges how a world ended."""

    def finish(self) -> None:
        """Judge the end: faults are over, and there was time enough."""
        for study_id, terms in self.terms.items():
            item = self.world.table.peek(f"STUDY#{study_id}")
            if item is None:
                self.violate("I-10", f"{study_id} was acknowledged and is not there")
            elif item["phase"]["S"] not in OVER:
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
                due += ledger["set_aside"] if _took_what_was_kept(state) else 0
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
        for model in self.world.hosting.served & self.world.hosting.models.keys():
            if not self.restored:
                self.violate("I-11", f"{model} was live, nothing serves it, and it is there still")

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
            if item is None or not shows(trial, item):
                self.violate("I-5", f"{trial.name} ended {trial.status} and the table says {item}")
        spent = sum(trial.billable for trial in trials) * PRICE_PER_SECOND
        if Decimal(state["ledger"]["spent"]) != spent:
            self.violate("I-2", f"{study_id} spent {spent} and says {state['ledger']['spent']}")
        if state["ledger"]["used_trials"] != len(trials):
            self.violate("I-2", f"{study_id} ran {len(trials)} trials and says {state['ledger']}")
        if Decimal(state["ledger"]["reserved"]):
            self.violate("I-2", f"{study_id} is over and keeps {state['ledger']['reserved']}")
        scored = [each for each in trials if each.status == "Completed" and each.value is not None]
        limit = terms.most_seconds or math.inf
        nearest = min((max(0.0, each.billable - limit) for each in scored), default=0.0)
        able = [each for each in scored if max(0.0, each.billable - limit) == nearest]
        best = max((each.value or 0.0 for each in able), default=None)
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


def _took_what_was_kept(state: dict[str, Any]) -> bool:
    """Whether a study that is over had an endpoint to pay for, or at least tried to."""
    planned = state["deployment"]
    rejected = planned and planned["answer"] and planned["answer"]["kind"] == "reject"
    return bool(state["rounds"] and planned and not rejected and state["phase"] != "cancelled")
