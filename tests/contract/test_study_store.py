"""What every StudyStore does."""

from dataclasses import replace
from decimal import Decimal

import pytest

from tests.contract.stores import STUDY, Stores, command, study, submit, told
from tests.support.build import at, trial
from tunewright.domain.budget import Charge
from tunewright.domain.errors import (
    ConflictError,
    NotFoundError,
    OverBudgetError,
    StaleVersionError,
)
from tunewright.domain.steps.step import Step
from tunewright.domain.study import Phase, Study


class TestCreate:
    def test_a_new_study_is_kept_whole(self, stores: Stores) -> None:
        made = submit(stores)
        assert stores.studies.load(STUDY) == made
        assert made.but(rev="") == told(study()).study
        assert made.version == 1

    def test_the_same_submission_gives_the_same_study(self, stores: Stores) -> None:
        first = submit(stores)
        stores.studies.commit(told(first, paused=True), expected=1)
        again = stores.studies.create(told(study()), key=STUDY, body_hash="body")
        assert again.paused
        assert again.version == 2
        assert len(stores.studies.decisions(STUDY)) == 2

    def test_a_key_that_was_used_for_another_body_is_a_conflict(self, stores: Stores) -> None:
        submit(stores)
        with pytest.raises(ConflictError, match="Idempotency-Key was used"):
            stores.studies.create(told(study()), key=STUDY, body_hash="another")

    def test_an_id_that_another_key_made_is_a_conflict_and_nothing_is_lost(
        self, stores: Stores
    ) -> None:
        made = submit(stores)
        for _ in range(2):
            with pytest.raises(ConflictError, match="another Idempotency-Key"):
                stores.studies.create(told(study(paused=True)), key="another", body_hash="body")
        assert stores.studies.load(STUDY) == made
        assert len(stores.studies.decisions(STUDY)) == 1

    def test_there_is_no_study_that_nobody_made(self, stores: Stores) -> None:
        with pytest.raises(NotFoundError):
            stores.studies.load(STUDY)
        with pytest.raises(NotFoundError):
            stores.studies.commit(told(study()), expected=1)
        assert stores.studies.decisions(STUDY) == ()


class TestCommit:
    def test_it_raises_the_version_and_keeps_what_was_decided_in_order(
        self, stores: Stores
    ) -> None:
        now = submit(stores)
        for number in range(12):
            now = stores.studies.commit(told(now, f"reason {number}"), expected=now.version)
        assert now.version == 13
        assert stores.studies.load(STUDY) == now
        decisions = stores.studies.decisions(STUDY)
        assert [each.seq for each in decisions] == list(range(1, 14))
        assert decisions[-1].reason == "reason 11"
        assert decisions[-1].numbers == {"n": 1, "x": 0.1}
        assert decisions[-1].at == at(0)

    def test_a_stale_step_writes_nothing(self, stores: Stores) -> None:
        before = submit(stores)
        stores.trials.record(trial(1, 0.5))
        stores.commands.give(STUDY, command(1))
        folded, commands = stores.trials.unfolded(STUDY, 9), stores.commands.waiting(STUDY)
        after = stores.studies.commit(told(before), expected=1)
        late = told(before, "too late")
        late = Step(late.study, late.decisions, folded, commands)
        with pytest.raises(StaleVersionError):
            stores.studies.commit(late, expected=1)
        assert stores.studies.load(STUDY) == after
        assert len(stores.studies.decisions(STUDY)) == 2
        assert stores.trials.unfolded(STUDY, 9) == folded
        assert stores.commands.waiting(STUDY) == commands

    def test_the_right_version_from_another_write_is_stale(self, stores: Stores) -> None:
        """A table that was restored reaches the same version a second time."""
        now = submit(stores)
        now = stores.studies.commit(told(now), expected=1)
        with pytest.raises(StaleVersionError):
            stores.studies.commit(told(now.but(rev="from the table before")), expected=2)
        assert stores.studies.commit(told(now), expected=2).version == 3

    def test_another_version_than_expected_is_stale_whatever_the_step_was_made_of(
        self, stores: Stores
    ) -> None:
        now = submit(stores)
        with pytest.raises(StaleVersionError):
            stores.studies.commit(told(now), expected=2)
        assert stores.studies.load(STUDY) == now

    def test_every_write_has_a_rev_of_its_own(self, stores: Stores) -> None:
        now = submit(stores)
        revs = {now.rev}
        for _ in range(5):
            now = stores.studies.commit(Step(now), expected=now.version)
            revs.add(now.rev)
        assert len(revs) == 6

    def test_folded_trials_are_marked_no_more(self, stores: Stores) -> None:
        now = submit(stores)
        for number in range(3):
            stores.trials.record(trial(number, 0.5))
        first, second, third = stores.trials.unfolded(STUDY, 9)
        stores.studies.commit(Step(now, folded=(first, third)), expected=1)
        assert stores.trials.unfolded(STUDY, 9) == (second,)
        assert stores.trials.of_study(STUDY) == (first, second, third)

    def test_a_trial_with_newer_news_makes_the_step_stale_once(self, stores: Stores) -> None:
        now = submit(stores)
        stores.trials.record(trial(1))
        stores.trials.record(trial(2, 0.5))
        old = stores.trials.unfolded(STUDY, 9)
        stores.trials.record(trial(1, 0.7))  # the objective came after the end
        with pytest.raises(StaleVersionError):
            stores.studies.commit(Step(now, folded=old), expected=1)
        assert stores.studies.load(STUDY) == now
        news = stores.trials.unfolded(STUDY, 9)
        assert [each.objective for each in news] == [0.7, 0.5]
        stores.studies.commit(Step(now, folded=news), expected=1)
        assert stores.trials.unfolded(STUDY, 9) == ()

    def test_a_trial_that_is_folded_already_is_not_folded_again(self, stores: Stores) -> None:
        now = submit(stores)
        stores.trials.record(trial(1, 0.5))
        folded = stores.trials.unfolded(STUDY, 9)
        now = stores.studies.commit(Step(now, folded=folded), expected=1)
        with pytest.raises(StaleVersionError):
            stores.studies.commit(Step(now, folded=folded), expected=2)

    def test_a_command_is_answered_once(self, stores: Stores) -> None:
        now = submit(stores)
        stores.commands.give(STUDY, command(1))
        stores.commands.give(STUDY, command(2))
        first, second = stores.commands.waiting(STUDY)
        now = stores.studies.commit(Step(now, consumed=(first,)), expected=1)
        assert stores.commands.waiting(STUDY) == (second,)
        with pytest.raises(StaleVersionError):
            stores.studies.commit(Step(now, consumed=(first,)), expected=2)
        assert stores.studies.load(STUDY) == now

    def test_ninety_trials_fit_in_one_step_beside_decisions_and_a_command(
        self, stores: Stores
    ) -> None:
        now = submit(stores)
        for number in range(90):
            stores.trials.record(trial(number, 0.5))
        stores.commands.give(STUDY, command(1))
        step = Step(
            now,
            folded=stores.trials.unfolded(STUDY, 90),
            consumed=stores.commands.waiting(STUDY),
        )
        for number in range(8):
            step = step.tell(told(now).decisions[0].kind, f"reason {number}", at(number))
        assert len(step.folded) == 90
        stores.studies.commit(step, expected=1)
        assert stores.trials.unfolded(STUDY, 90) == ()
        assert len(stores.studies.decisions(STUDY)) == 9


class TestLive:
    def test_studies_that_are_over_are_not_live(self, stores: Stores) -> None:
        kept = [submit(stores, f"churn-aaaaa{letter}") for letter in "abcd"]
        for number, phase in enumerate((Phase.DONE, Phase.NEEDS_PERSON, Phase.CANCELLED)):
            stores.studies.commit(Step(kept[number].but(phase=phase)), expected=1)
        assert sorted(stores.studies.live()) == ["churn-aaaaab", "churn-aaaaad"]

    def test_one_that_is_over_is_woken_for_as_long_as_a_command_waits(self, stores: Stores) -> None:
        submit(stores)
        stores.studies.commit(Step(stores.studies.load(STUDY).but(phase=Phase.DONE)), expected=1)
        stores.commands.give(STUDY, command(1))
        assert stores.studies.live() == (STUDY,)
        answered = Step(stores.studies.load(STUDY), consumed=stores.commands.waiting(STUDY))
        stores.studies.commit(answered, expected=2)
        assert stores.studies.live() == ()

    def test_none_is_live_before_the_first(self, stores: Stores) -> None:
        assert stores.studies.live() == ()


class TestNewest:
    def test_studies_come_newest_first_over_or_not_and_page_by_page(self, stores: Stores) -> None:
        for number in range(5):
            made = study(f"churn-{'abcde'[number] * 6}", submitted=at(number // 2 * 60))
            kept = stores.studies.create(told(made), key=made.id, body_hash="body")
            if number % 2:
                stores.studies.commit(told(kept, phase=Phase.DONE), expected=1)
        whole = [each.id for each in stores.studies.newest(10)]
        assert whole == [f"churn-{letter * 6}" for letter in "edcba"]
        seen, before = [], None
        while page := stores.studies.newest(2, before=before):
            seen += [each.id for each in page]
            before = seen[-1]
        assert seen == whole


class TestCharge:
    """What all studies use in a month; the stores under test allow a thousand dollars."""

    def charge(self, stores: Stores, now: Study, amount: str, *, limited: bool = True) -> Study:
        step = replace(told(now), charge=Charge("2026-11", Decimal(amount), limited=limited))
        return stores.studies.commit(step, expected=now.version)

    def test_the_budget_is_used_up_to_the_last_cent(self, stores: Stores) -> None:
        now = self.charge(stores, submit(stores), "650")
        with pytest.raises(OverBudgetError, match="no room"):
            self.charge(stores, now, "350.01")
        assert stores.studies.load(STUDY) == now, "nothing is written of a step without room"
        now = self.charge(stores, now, "350")
        now = self.charge(stores, now, "-400")
        self.charge(stores, now, "400")

    def test_more_than_a_whole_month_never_fits(self, stores: Stores) -> None:
        with pytest.raises(OverBudgetError):
            self.charge(stores, submit(stores), "1000.01")

    def test_what_was_spent_is_counted_beyond_the_budget(self, stores: Stores) -> None:
        now = self.charge(stores, submit(stores), "1200", limited=False)
        with pytest.raises(OverBudgetError):
            self.charge(stores, now, "0.01")

    def test_a_stale_step_is_stale_whether_or_not_there_is_room(self, stores: Stores) -> None:
        first = submit(stores)
        now = self.charge(stores, first, "1000")
        with pytest.raises(StaleVersionError):
            self.charge(stores, first, "1")
        assert stores.studies.load(STUDY) == now
