"""What is lost is found: events within minutes, studies after an outage; a replay does nothing."""

from tests.simulation import campaign, seam
from tests.simulation.campaign import Tally
from tests.simulation.faults import WEATHERS
from tests.simulation.schedule import run_random


def of_weather(name: str, schedules: int) -> Tally:
    """Run the first schedules of one weather."""
    names = [each.name for each in WEATHERS]
    tally = Tally()
    with seam.installed():
        for number in range(schedules):
            tally.add(run_random(names.index(name) + number * len(names)))
    assert tally.failed == []
    return tally


def test_lost_events_are_healed_by_the_next_sweep() -> None:
    lags = of_weather("lossy", 30).lags
    assert len(lags) >= 100
    assert campaign.heals(lags), campaign.healing(lags)


def test_every_study_moves_within_ten_minutes_of_an_outage() -> None:
    assert of_weather("outage", 20).recovered >= 10


def test_the_replay_of_all_events_changes_nothing() -> None:
    assert of_weather("mixed", 12).replayed >= 50


def test_a_study_in_line_for_an_endpoint_that_another_changes_is_not_standing_still() -> None:
    with seam.installed():
        assert not run_random(81808).violations


def test_an_endpoint_that_another_call_deletes_meanwhile_is_not_taken_for_a_strangers() -> None:
    with seam.installed():
        assert not run_random(4945).violations
