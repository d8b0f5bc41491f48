"""The stores in memory keep the promises of their ports: they are the measure of the others."""

import contextlib
import threading
from dataclasses import replace
from datetime import UTC, timedelta
from typing import Any

import pytest

from tests.support.build import START, STUDY_ID, at, command, study, trial
from tests.support.memory import MemoryEndpoints, MemoryQueue, MemoryStore
from tunewright.adapters.clock import SystemClock
from tunewright.domain.errors import ConflictError, NotFoundError, StaleVersionError
from tunewright.domain.seen import Endpoint
from tunewright.domain.steps.step import Step
from tunewright.domain.study import CommandKind, DecisionKind, Phase
from tunewright.domain.trial import TrialStatus


def told(reason: str = "why", **changes: Any) -> Step:
    return Step(study(**changes)).tell(DecisionKind.SUBMITTED, reason, START)


def then(kept: MemoryStore, reason: str = "then", **changes: Any) -> Step:
    """A step that rests on the study as it is kept now."""
    read = kept.load(STUDY_ID).but(**changes)
    return Step(read).tell(DecisionKind.COMMANDED, reason, START)


def store() -> MemoryStore:
    """A store with one study in it."""
    made = MemoryStore()
    made.create(told(), key="k", body_hash="h")
    return made


def test_a_study_is_kept_with_its_decisions() -> None:
    kept = store()
    assert STUDY_ID in kept
    assert len(kept) == 1
    assert kept.load(STUDY_ID).but(rev="") == told().study
    assert kept.decisions(STUDY_ID) == told().decisions


def test_the_same_submission_makes_one_study_and_returns_it_as_it_stands_now() -> None:
    kept = store()
    now = kept.commit(then(kept, paused=True), expected=1)
    assert kept.create(told(), key="k", body_hash="h") == now
    assert len(kept) == 1


def test_a_key_that_was_used_for_another_body_is_refused() -> None:
    with pytest.raises(ConflictError, match="Idempotency-Key"):
        store().create(told(), key="k", body_hash="another")


def test_there_is_no_study_that_nobody_submitted() -> None:
    kept = MemoryStore()
    with pytest.raises(NotFoundError, match="there is no study churn-aaaaaa"):
        kept.load(STUDY_ID)
    assert kept.decisions(STUDY_ID) == ()
    assert STUDY_ID not in kept


def test_a_commit_raises_the_version_and_adds_to_the_decisions() -> None:
    kept = store()
    after = kept.commit(then(kept, paused=True), expected=1)
    assert (after.version, after.paused) == (2, True)
    assert kept.load(STUDY_ID) == after
    assert [each.reason for each in kept.decisions(STUDY_ID)] == ["why", "then"]


def test_who_comes_second_writes_nothing() -> None:
    kept = store()
    second = then(kept, "second", phase=Phase.DONE)
    first = kept.commit(then(kept, "first"), expected=1)
    writes = kept.writes
    with pytest.raises(StaleVersionError, match="is not at version 1 any more"):
        kept.commit(second, expected=1)
    assert kept.load(STUDY_ID) == first
    assert [each.reason for each in kept.decisions(STUDY_ID)] == ["why", "first"]
    assert kept.writes == writes


def test_a_step_on_another_write_of_the_same_version_is_stale() -> None:
    kept = store()
    with pytest.raises(StaleVersionError):
        kept.commit(then(kept, rev="another"), expected=1)


def test_of_many_writers_at_once_one_wins() -> None:
    kept, won = store(), []
    gate, step = threading.Barrier(4), then(kept)

    def write() -> None:
        gate.wait()
        with contextlib.suppress(StaleVersionError):
            won.append(kept.commit(step, expected=1))

    writers = [threading.Thread(target=write) for _ in range(4)]
    for each in writers:
        each.start()
    for each in writers:
        each.join()
    assert len(won) == 1
    assert kept.load(STUDY_ID).version == 2


def test_only_studies_that_are_not_over_are_live() -> None:
    kept = store()
    assert kept.live() == (STUDY_ID,)
    kept.commit(then(kept, phase=Phase.CANCELLED), expected=1)
    assert kept.live() == ()


def test_an_ended_trial_is_marked_until_it_is_folded() -> None:
    kept = store()
    assert kept.record(trial(1, 0.5))
    (marked,) = kept.unfolded(STUDY_ID, 10)
    assert marked == trial(1, 0.5, rev=1)
    kept.commit(replace(then(kept), folded=(marked,)), expected=1)
    assert kept.unfolded(STUDY_ID, 10) == ()
    assert kept.of_study(STUDY_ID) == (marked,)


def test_a_trial_on_its_way_is_kept_and_not_marked() -> None:
    kept = store()
    assert kept.record(trial(1, status=TrialStatus.IN_PROGRESS, ended=None))
    assert kept.unfolded(STUDY_ID, 10) == ()
    assert len(kept.of_study(STUDY_ID)) == 1


def test_what_is_known_already_is_no_news_and_no_write() -> None:
    kept = store()
    kept.record(trial(1, 0.5))
    writes = kept.writes
    assert not kept.record(trial(1, 0.5))
    assert not kept.record(trial(1, 0.5, status=TrialStatus.IN_PROGRESS))
    assert kept.writes == writes


def test_a_step_that_has_not_seen_the_newest_news_is_stale_and_the_mark_stays() -> None:
    kept = store()
    kept.record(trial(1, None))
    step = replace(then(kept), folded=kept.unfolded(STUDY_ID, 10))
    kept.record(trial(1, 0.5))
    with pytest.raises(StaleVersionError, match="has newer news"):
        kept.commit(step, expected=1)
    assert kept.unfolded(STUDY_ID, 10) == (trial(1, 0.5, rev=2),)
    assert kept.load(STUDY_ID).version == 1


def test_marked_trials_come_by_their_end_and_no_more_than_asked_for() -> None:
    kept = store()
    for number in (3, 1, 2):
        kept.record(trial(number, 0.5))
    kept.record(trial(4, 0.5, study_id="other-aaaaaa"))
    first, second = kept.unfolded(STUDY_ID, 2)
    assert (first.name, second.name) == (trial(1).name, trial(2).name)
    assert len(kept.of_study(STUDY_ID)) == 3


def test_a_command_waits_until_it_is_answered_and_is_never_given_twice() -> None:
    kept = store()
    later = command(CommandKind.STOP, id="c1", at=at(9))
    earlier = command(CommandKind.PAUSE, id="c2", at=at(1))
    for each in (later, earlier, later.but(kind=CommandKind.CANCEL)):
        kept.give(STUDY_ID, each)
    assert kept.waiting(STUDY_ID) == (earlier, later)
    answer = replace(then(kept), consumed=(earlier,))
    kept.commit(answer, expected=1)
    kept.give(STUDY_ID, earlier)
    assert kept.waiting(STUDY_ID) == (later,)
    assert kept.waiting("other-aaaaaa") == ()
    with pytest.raises(StaleVersionError, match="is answered already"):
        kept.commit(replace(then(kept), consumed=(earlier,)), expected=2)


def test_equal_items_that_wait_together_are_one() -> None:
    queue: MemoryQueue[str] = MemoryQueue()
    for item in ("a", "b", "a"):
        queue.put(item)
    assert len(queue) == 2
    assert [queue.take(0), queue.take(0), queue.take(0)] == ["a", "b", None]
    queue.put("a")
    assert queue.take(0) == "a"


def test_a_taker_is_woken_by_what_is_put() -> None:
    queue: MemoryQueue[str] = MemoryQueue()
    taken: list[str | None] = []
    taker = threading.Thread(target=lambda: taken.append(queue.take(10)))
    taker.start()
    queue.put("a")
    taker.join(10)
    assert taken == ["a"]


def test_an_endpoint_is_written_on_top_of_what_was_read() -> None:
    kept = MemoryEndpoints()
    assert kept.load("tw-prod") == Endpoint(name="tw-prod")
    assert "tw-prod" not in kept
    first = kept.save(kept.load("tw-prod").but(holder="a"))
    assert (first.version, kept.load("tw-prod")) == (1, first)
    with pytest.raises(StaleVersionError):
        kept.save(Endpoint(name="tw-prod", holder="b"))
    assert kept.load("tw-prod").holder == "a"


def test_the_clock_tells_the_time_in_utc() -> None:
    first, second = SystemClock().now(), SystemClock().now()
    assert first.tzinfo is UTC
    assert timedelta() <= second - first < timedelta(minutes=1)


def test_two_keys_never_make_one_study() -> None:
    with pytest.raises(ConflictError, match="by another Idempotency-Key"):
        store().create(told(), key="other", body_hash="h")


def test_the_newest_studies_come_first_page_by_page() -> None:
    kept = MemoryStore()
    ids = [f"s{number}-aaaaaa" for number in range(3)]
    for number, study_id in enumerate(ids):
        step = Step(study(id=study_id, submitted=at(number)))
        kept.create(step, key=study_id, body_hash="h")
    assert [each.id for each in kept.newest(2)] == [ids[2], ids[1]]
    assert [each.id for each in kept.newest(2, before=ids[1])] == [ids[0]]


def test_a_decision_waits_to_be_published_and_is_published_once() -> None:
    kept = store()
    kept.commit(then(kept), expected=1)
    first, second = kept.decisions(STUDY_ID)
    assert kept.unpublished(before=START, limit=9) == ()
    assert kept.unpublished(before=at(1), limit=1) == (first,)
    assert [kept.published(first), kept.published(first)] == [True, False]
    assert kept.unpublished(before=at(1), limit=9) == (second,)
