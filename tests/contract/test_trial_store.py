"""What every TrialStore does."""

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from itertools import permutations
from typing import Any

import pytest

from tests.contract.stores import STUDY, Stores
from tests.support.build import trial
from tunewright.domain.trial import Trial, TrialStatus

RUNNING: dict[str, Any] = {
    "status": TrialStatus.IN_PROGRESS,
    "ended": None,
    "billable_seconds": None,
    "cost": Decimal(0),
    "model": None,
}


class TestRecord:
    def test_a_trial_is_kept_whole(self, stores: Stores) -> None:
        told = trial(1, 0.5, metrics={"validation:auc": 0.5, "train:auc": 0.25})
        assert stores.trials.record(told)
        assert stores.trials.of_study(STUDY) == (told.but(rev=1),)

    def test_what_is_known_is_no_news_and_changes_nothing(self, stores: Stores) -> None:
        assert stores.trials.record(trial(1, 0.5))
        (known,) = stores.trials.of_study(STUDY)
        assert not stores.trials.record(trial(1, 0.5))
        assert not stores.trials.record(trial(1, **RUNNING))  # an event that comes late
        assert stores.trials.of_study(STUDY) == (known,)

    def test_every_change_raises_the_rev(self, stores: Stores) -> None:
        told = (trial(1, **RUNNING), trial(1, **{**RUNNING, "status": TrialStatus.STOPPING}))
        for each in (*told, trial(1), trial(1, 0.5)):
            assert stores.trials.record(each)
        assert [each.rev for each in stores.trials.of_study(STUDY)] == [4]

    def test_the_order_in_which_facts_arrive_does_not_matter(self, stores: Stores) -> None:
        facts = (
            trial(0, **RUNNING),
            trial(0, metrics={"train:auc": 0.9}),
            trial(0, 0.5, metrics={"validation:auc": 0.5}),
        )
        for number, order in enumerate(permutations(facts)):
            for fact in order:
                stores.trials.record(fact.but(name=f"trial-{number}"))
        ends = [each.but(name="", rev=0) for each in stores.trials.of_study(STUDY)]
        assert len(ends) == 6
        assert all(each == ends[0] for each in ends)
        assert ends[0].objective == 0.5
        assert set(ends[0].metrics) == {"validation:auc", "train:auc"}

    @pytest.mark.parametrize(
        "value", [0.1, -0.0, 1e-45, 3.4028234663852886e38, 1 / 3, -123456789.123, 5e-324, 1e300]
    )
    def test_a_number_comes_back_as_it_was(self, stores: Stores, value: float) -> None:
        stores.trials.record(trial(1, value, metrics={"m": value}, cost=Decimal("0.000001")))
        (known,) = stores.trials.of_study(STUDY)
        assert (known.objective, known.metrics, known.cost) == (
            value,
            {"m": value},
            Decimal("0.000001"),
        )

    def test_times_are_instants_whatever_their_zone(self, stores: Stores) -> None:
        ended = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=timezone(timedelta(hours=9)))
        stores.trials.record(trial(1, 0.5, ended=ended))
        (known,) = stores.trials.of_study(STUDY)
        assert known.ended == ended
        assert not stores.trials.record(trial(1, 0.5, ended=ended.astimezone(UTC)))

    def test_any_words_are_kept(self, stores: Stores) -> None:
        odd = trial(
            1,
            status=TrialStatus.FAILED,
            failure_reason="",
            parameters={"größe": "‹ü", "": ""},
            model=None,
        )
        stores.trials.record(odd)
        stores.trials.record(trial(2, failure_reason="x" * 1024, parameters={}))
        assert stores.trials.of_study(STUDY)[0] == odd.but(rev=1)


class TestMarks:
    def test_only_an_end_is_marked(self, stores: Stores) -> None:
        stores.trials.record(trial(1, **RUNNING))
        assert stores.trials.unfolded(STUDY, 9) == ()
        stores.trials.record(trial(1, 0.5))
        assert [each.objective for each in stores.trials.unfolded(STUDY, 9)] == [0.5]

    def test_those_that_ended_first_come_first_and_no_more_than_asked(self, stores: Stores) -> None:
        for number in (5, 1, 4, 2, 3):
            stores.trials.record(trial(number, 0.5))
        stores.trials.record(trial(0, 0.5, ended=trial(3).ended))  # two ends at one time
        marked = stores.trials.unfolded(STUDY, 5)
        assert [each.name[-12:-9] for each in marked] == ["001", "002", "000", "003", "004"]

    def test_studies_do_not_see_each_others_trials(self, stores: Stores) -> None:
        stores.trials.record(trial(1, 0.5))
        stores.trials.record(trial(2, 0.5, study_id="churn-bbbbbb"))
        assert len(stores.trials.unfolded(STUDY, 9)) == 1
        assert [each.study_id for each in stores.trials.of_study("churn-bbbbbb")] == [
            "churn-bbbbbb"
        ]
        assert stores.trials.of_study("churn-cccccc") == ()

    def test_all_trials_come_by_name(self, stores: Stores) -> None:
        for number in (30, 4, 100, 11):
            stores.trials.record(trial(number, 0.5, **(RUNNING if number == 4 else {})))
        found = [each.name for each in stores.trials.of_study(STUDY)]
        assert found == sorted(found)
        assert len(found) == 4

    def test_a_mark_shows_the_trial_as_it_is_now(self, stores: Stores) -> None:
        stores.trials.record(trial(1))
        stores.trials.record(trial(1, 0.5))
        (marked,) = stores.trials.unfolded(STUDY, 9)
        (known,) = stores.trials.of_study(STUDY)
        assert isinstance(marked, Trial)
        assert marked == known
