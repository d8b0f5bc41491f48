"""Directed misfortunes: the product bears them, and what they were built to find, they find."""

import pytest

from tests.simulation import mutants
from tests.simulation.mutants import MUTANTS, Mutant
from tests.simulation.scenarios import SCENARIOS


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_scenario_violates_nothing(simulated: None, name: str) -> None:
    outcome = SCENARIOS[name]()
    assert outcome.violations == []
    assert outcome.world is not None
    jobs = outcome.world.tuning.jobs.values()
    if "start" in name:
        assert [(job.status, job.stopped) for job in jobs] == [("Stopped", 1)]
        assert outcome.phases == ("cancelled",)
    elif "orphans" in name or "visit" in name:
        assert outcome.phases == ("cancelled", "needs a person")
    else:
        assert set(outcome.phases) == {"done"}


@pytest.mark.parametrize(
    "mutant", [each for each in MUTANTS if each.hunter], ids=lambda each: each.name
)
def test_a_scenario_kills_the_mutant_that_it_hunts(mutant: Mutant) -> None:
    assert mutants.hunted(mutant) is not None
