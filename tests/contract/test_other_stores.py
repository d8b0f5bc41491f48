"""What every CommandStore, EndpointStore, OrphanStore and Outbox does."""

from decimal import Decimal
from typing import Any

import pytest

from tests.contract.stores import STUDY, Stores, command, submit, told
from tests.support.build import at
from tunewright.domain.errors import StaleVersionError
from tunewright.domain.orphan import Kind, Orphan
from tunewright.domain.seen import Champion, Endpoint, Report
from tunewright.domain.steps.step import Step
from tunewright.domain.study import CommandKind, Phase


def champion(**changes: Any) -> Champion:
    values: dict[str, Any] = {
        "endpoint": "tw-churn-prod",
        "study_id": STUDY,
        "model": f"tw-{STUDY}-v1",
        "trial": f"tw-{STUDY}-r01-001-00000001",
        "metric": "validation:auc",
        "value": 0.912,
        "fingerprint": "print",
        "price_per_hour": Decimal("0.115"),
        "since": at(0),
        "lease_ends": at(86400),
    }
    return Champion(**{**values, **changes})


def orphan(**changes: Any) -> Orphan:
    values: dict[str, Any] = {
        "kind": Kind.JOB,
        "name": f"tw-{STUDY}-r01",
        "study": STUDY,
        "phase": Phase.CANCELLED,
        "model": None,
        "created": at(0),
        "price_per_hour": None,
        "seen": at(3),
    }
    return Orphan(**{**values, **changes})


class TestCommands:
    def test_they_wait_in_the_order_in_which_they_were_given(self, stores: Stores) -> None:
        for number in (3, 1, 2):
            stores.commands.give(STUDY, command(number))
        assert stores.commands.waiting(STUDY) == (command(1), command(2), command(3))

    def test_one_is_kept_whole_and_only_for_its_study(self, stores: Stores) -> None:
        approval = command(1, kind=CommandKind.APPROVE, plan_hash="abc")
        stores.commands.give(STUDY, approval)
        assert stores.commands.waiting(STUDY) == (approval,)
        assert stores.commands.waiting("churn-bbbbbb") == ()

    def test_one_given_twice_is_kept_once_as_it_was_first_said(self, stores: Stores) -> None:
        assert stores.commands.give(STUDY, command(1)) == command(1)
        second = command(1, by="bo", kind=CommandKind.CANCEL)
        assert stores.commands.give(STUDY, second) == command(1)
        assert stores.commands.waiting(STUDY) == (command(1),)

    def test_one_that_is_answered_cannot_be_given_again(self, stores: Stores) -> None:
        now = submit(stores)
        stores.commands.give(STUDY, command(1))
        stores.studies.commit(Step(now, consumed=stores.commands.waiting(STUDY)), expected=1)
        assert stores.commands.give(STUDY, command(1, by="bo")) == command(1)
        assert stores.commands.waiting(STUDY) == ()


class TestEndpoints:
    def test_nothing_is_known_of_an_endpoint_at_first(self, stores: Stores) -> None:
        assert stores.endpoints.load("tw-churn-prod") == Endpoint(name="tw-churn-prod")

    def test_it_is_kept_whole_under_its_own_version(self, stores: Stores) -> None:
        report = Report(live=None, fingerprint="print", plan_hash="abc", outcome="done")
        first = stores.endpoints.save(
            stores.endpoints.load("tw-churn-prod").but(holder=STUDY, reports={STUDY: report})
        )
        assert first.version == 1
        second = stores.endpoints.save(first.but(champion=champion(), holder=None))
        assert second.version == 2
        assert stores.endpoints.load("tw-churn-prod") == second
        assert stores.endpoints.load("tw-other").version == 0

    def test_who_comes_second_writes_nothing(self, stores: Stores) -> None:
        read = stores.endpoints.load("tw-churn-prod")
        first = stores.endpoints.save(read.but(holder="a"))
        with pytest.raises(StaleVersionError):
            stores.endpoints.save(read.but(holder="b"))
        stores.endpoints.save(first.but(holder="c"))
        with pytest.raises(StaleVersionError):
            stores.endpoints.save(first.but(holder="d"))
        assert stores.endpoints.load("tw-churn-prod").holder == "c"

    def test_those_whose_lease_has_ended_are_found_and_no_others(self, stores: Stores) -> None:
        for name, ends in (("tw-b", at(20)), ("tw-a", at(10)), ("tw-c", at(30)), ("tw-d", None)):
            lease = None if ends is None else champion(endpoint=name, lease_ends=ends)
            stores.endpoints.save(stores.endpoints.load(name).but(champion=lease))
        submit(stores)
        assert stores.endpoints.due(at(9)) == ()
        assert stores.endpoints.due(at(20)) == ("tw-a", "tw-b")
        gone = stores.endpoints.load("tw-a").but(champion=None)
        stores.endpoints.save(gone)
        longer = stores.endpoints.load("tw-b")
        stores.endpoints.save(longer.but(champion=champion(endpoint="tw-b", lease_ends=at(90))))
        assert stores.endpoints.due(at(30)) == ("tw-c",)

    def test_a_lease_is_no_study(self, stores: Stores) -> None:
        stores.endpoints.save(stores.endpoints.load("tw-a").but(champion=champion()))
        assert stores.studies.live() == ()
        assert stores.studies.newest(9) == ()


class TestOrphans:
    def test_they_are_kept_whole_by_kind_and_name(self, stores: Stores) -> None:
        assert stores.orphans.known() == ()
        job = orphan(told=at(5), warned=at(6), removing=at(7), price_per_hour=Decimal("0.46"))
        model = orphan(kind=Kind.MODEL, phase=None, price_per_hour=None)
        written = [stores.orphans.save(each) for each in (job, model)]
        assert [each.version for each in written] == [1, 1]
        assert stores.orphans.known() == (written[1], written[0])

    def test_who_comes_second_writes_and_removes_nothing(self, stores: Stores) -> None:
        first = stores.orphans.save(orphan())
        with pytest.raises(StaleVersionError):
            stores.orphans.save(orphan())
        second = stores.orphans.save(first.but(told=at(9)))
        for late in (stores.orphans.save, stores.orphans.forget):
            with pytest.raises(StaleVersionError):
                late(first)
        assert stores.orphans.known() == (second,)

    def test_one_that_is_forgotten_may_be_found_again(self, stores: Stores) -> None:
        first = stores.orphans.save(orphan())
        stores.orphans.forget(first)
        assert stores.orphans.known() == ()
        with pytest.raises(StaleVersionError):
            stores.orphans.forget(first)
        assert stores.orphans.save(orphan(seen=at(99))).version == 1

    def test_one_is_no_study_no_lease_and_no_news(self, stores: Stores) -> None:
        stores.orphans.save(orphan())
        assert stores.studies.live() == ()
        assert stores.endpoints.due(at(10**9)) == ()
        assert stores.outbox.unpublished(before=at(10**9), limit=9) == ()


class TestSecrets:
    def test_a_key_is_made_once_and_is_the_same_for_everybody(self, stores: Stores) -> None:
        assert stores.secrets.read("links") is None
        made = stores.secrets.read_or_make("links")
        assert len(made) == 32
        assert stores.secrets.read_or_make("links") == made
        assert stores.secrets.read("links") == made
        assert stores.secrets.read_or_make("other") != made

    def test_whoever_loses_the_race_to_make_it_reads_the_winners(
        self, stores: Stores, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        winner = stores.secrets.read_or_make("links")
        monkeypatch.setattr(stores.secrets, "read", lambda _: None)  # as it was a moment ago
        assert stores.secrets.read_or_make("links") == winner


class TestOutbox:
    def test_what_was_committed_waits_to_be_told_the_oldest_first(self, stores: Stores) -> None:
        now = submit(stores)
        stores.studies.commit(told(now, "at 60", seconds=60), expected=1)
        other = submit(stores, "churn-bbbbbb")
        stores.studies.commit(told(other, "at 30", seconds=30), expected=1)
        due = stores.outbox.unpublished(before=at(60), limit=9)
        assert [each.at for each in due] == [at(0), at(0), at(30)]
        assert len(stores.outbox.unpublished(before=at(61), limit=9)) == 4
        assert stores.outbox.unpublished(before=at(61), limit=2) == due[:2]
        assert due[0] in stores.studies.decisions(due[0].study_id)

    def test_what_was_told_is_told_no_more(self, stores: Stores) -> None:
        submit(stores)
        (decision,) = stores.outbox.unpublished(before=at(1), limit=9)
        assert stores.outbox.published(decision)
        assert not stores.outbox.published(decision)
        assert stores.outbox.unpublished(before=at(1), limit=9) == ()
        assert stores.studies.decisions(STUDY) == (decision,)

    def test_what_was_never_decided_is_not_told(self, stores: Stores) -> None:
        now = submit(stores)
        (never,) = told(now).decisions
        assert not stores.outbox.published(never)
        assert len(stores.studies.decisions(STUDY)) == 1
