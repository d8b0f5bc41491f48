"""What the simulation itself is held to: it bites, it repeats itself, it shrinks, it knows IAM."""

import hashlib
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tests.simulation import campaign, household, iam, mutants
from tests.simulation.deployed import deployed
from tests.simulation.faults import CALL_KINDS, WEATHERS, Weather
from tests.simulation.mutants import MUTANTS, Mutant
from tests.simulation.schedule import Outcome, as_json, from_json, run, run_random, shrink
from tests.simulation.story import FAULT_FREE
from tests.simulation.world import World

ROOT = Path(__file__).parents[2]
QUICK = ("no optimistic lock", "random job name", "random study id")
"""Mutants that die at once; `make mutants` shows that all of them die."""
_VOID = ("sagemaker:Create", "sagemaker:Delete", "sagemaker:Describe")


@pytest.mark.parametrize("path", FAULT_FREE)
def test_a_fault_free_path_ends_as_it_should_and_its_replay_changes_nothing(
    simulated: None, path: str
) -> None:
    outcome = run(f"path-{path}", FAULT_FREE[path], keep=True)
    assert outcome.violations == []
    ends = {"cancel": "cancelled", "failure": "cancelled"}
    assert outcome.phases == (ends.get(path, "done"),)
    assert outcome.world is not None
    changes = [each.what for each in outcome.world.hosting.changes]
    goes_live = path in {"deploy", "stop", "approval"} and changes != []
    assert changes == (["create", "delete"] if goes_live else [])


@pytest.mark.parametrize("kind", CALL_KINDS)
def test_a_fault_at_some_calls_of_the_shortest_path_changes_nothing(
    simulated: None, kind: str
) -> None:
    for call in range(5, 300, 60):
        outcome = campaign.one_fault("cancel", call, kind)
        assert outcome.violations == [], (call, kind)
        assert outcome.phases == ("cancelled",)


def test_the_same_seed_gives_the_same_run_whatever_the_hashes() -> None:
    code = (
        "from tests.simulation import seam\n"
        "from tests.simulation.schedule import run_random\n"
        "seam.install()\n"
        "print([run_random(seed).digest for seed in (0, 3)])\n"
    )
    told = {
        subprocess.run(
            [sys.executable, "-c", code], check=True, capture_output=True, text=True, cwd=ROOT,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("0", "1", "2")
    }  # fmt: skip
    assert len(told) == 1
    assert len(set(next(iter(told)).split())) == 2


def test_a_plan_alone_gives_the_same_run(simulated: None) -> None:
    first = run_random(0)
    assert len(first.plan) > 3
    again = run_random(0, from_json(as_json(first.plan)))
    assert (again.digest, again.calls) == (first.digest, first.calls)


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_mutant_can_be_planted(mutant: Mutant) -> None:
    assert mutant.code() is not None
    sound = mutant.target().__code__
    with mutant.planted():
        assert mutant.target().__code__ is not sound
    assert mutant.target().__code__ is sound


def test_there_are_mutants_enough_and_those_that_die_at_once_do() -> None:
    assert len(MUTANTS) >= 20
    for mutant in MUTANTS:
        if mutant.name in QUICK:
            seed, _ = mutants.first_kill(mutant, 5)
            assert seed is not None, mutant.name


def test_a_violation_is_shrunk_to_the_faults_that_it_needs(simulated: None) -> None:
    def fails_by_two(plan: dict[tuple[str, int], tuple[str, float]]) -> Outcome:
        bad = {("call", 3), ("event", 1)} <= plan.keys()
        told = [("I-1", "two")] if bad else []
        digest = hashlib.sha256(repr(plan).encode()).hexdigest()
        return Outcome("0", "mixed", told, dict(plan), 0, digest)

    whole = {("call", n): ("throttle", 0.5) for n in range(9)} | {("event", 1): ("drop", 0.1)}
    least = shrink(fails_by_two, fails_by_two(whole))
    assert least.plan.keys() == {("call", 3), ("event", 1)}


def test_each_function_may_do_what_it_does_and_does_what_it_may(simulated: None) -> None:
    audit = iam.Audit(deployed())

    def watch(world: World) -> None:
        world.audit = audit.judge

    for path, story in FAULT_FREE.items():
        run(f"iam-{path}", story, watch=watch, replay=False)
    (part,) = FAULT_FREE["deploy"].parts
    curious = replace(FAULT_FREE["deploy"], parts=(replace(part, curious=True),))
    untold = Weather("untold", stream=(("lost", 1.0),))
    run("iam-curious", curious, untold, watch=watch, replay=False)
    seeds = [seed for seed in range(60) if not WEATHERS[seed % len(WEATHERS)].restore]
    for seed in seeds:  # A restored table has another name; its roles name it, too.
        run_random(seed, watch=watch)
    household.keep(watch=watch)
    assert audit.calls > 10_000
    assert audit.denied == {}
    by_lambda = iam.used_by_lambda_itself(deployed())
    assert by_lambda <= set(audit.unused()), "the template does not grant what Lambda needs"
    unused = {
        (function, action, leading)
        for function, action, resource, leading in audit.unused()
        if (function, action, resource, leading) not in by_lambda
        and not (action.startswith(_VOID) and not _is_about(action, resource))
    }
    assert unused == set()


def _is_about(action: str, resource: str) -> bool:
    """Whether an action takes such a resource; a grant of another is void, and lets nobody in."""
    kind = resource.rpartition(":")[2].partition("/")[0].replace("-", "")
    return action.lower().endswith(kind) or (action == "sagemaker:CreateEndpoint" and (
        kind == "endpointconfig"))  # fmt: skip
