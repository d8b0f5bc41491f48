"""Studies that an older release began are carried on by today's code to the same decisions."""

from pathlib import Path

import pytest

from tests.simulation.flights import FLIGHTS, Line, load, replay
from tests.simulation.mutants import MUTANTS, Mutant

BITES = {"failed trials not counted": "failure", "a closed round costs its worst case": "deploy"}
EVERY = sorted(FLIGHTS.glob("*.jsonl"))


def read(path: Path) -> tuple[Line, list[Line]]:
    header, *lines = (load(each) for each in path.read_text().splitlines())
    return header, lines


def test_there_are_flights_of_every_kind_of_end() -> None:
    ends = {end for path in EVERY for end in read(path)[0]["ends"]}
    assert ends == {"done", "cancelled", "failed"}
    assert {"deploy", "approval", "cancel", "failure"} <= {path.stem for path in EVERY}


@pytest.mark.parametrize("share", [0.0, 0.25, 0.5, 0.75, 1.0])
@pytest.mark.parametrize("path", EVERY, ids=lambda path: path.stem)
def test_a_flight_is_replayed_to_the_same_decisions(
    simulated: None, path: Path, share: float
) -> None:
    header, lines = read(path)
    made = replay(lines, theirs=int(share * len(lines)))
    assert made.invocations == len(lines) > 10
    assert made.decided == made.recorded != []
    assert made.trials == made.recorded_trials != {}
    assert [made.phase] == header["ends"]


@pytest.mark.parametrize(
    "mutant", [each for each in MUTANTS if each.name in BITES], ids=lambda each: each.name
)
def test_a_release_that_decides_otherwise_is_found(simulated: None, mutant: Mutant) -> None:
    _, lines = read(FLIGHTS / f"{BITES[mutant.name]}.jsonl")
    with mutant.planted():
        made = replay(lines, theirs=len(lines))
    assert made.decided != made.recorded
