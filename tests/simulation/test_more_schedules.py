"""Half of the schedules that every change has to pass; `make simulate` runs 5,000."""

import pytest

from tests.simulation import campaign

FIRST, EACH, CHUNKS = 150, 15, 10


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_no_schedule_violates_an_invariant(chunk: int) -> None:
    start = FIRST + chunk * EACH
    tally = campaign.some(start, start + EACH)
    assert tally.schedules == EACH
    assert tally.failed == []
    assert tally.faults > EACH, "the weather is not what it should be"
