"""Many writers at once: every version is written once, and no news is lost."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.contract.stores import STUDY, Stores, command, in_table, submit, told
from tests.support.build import at, trial
from tunewright.domain.errors import StaleVersionError
from tunewright.domain.steps.step import Step
from tunewright.domain.study import Study
from tunewright.domain.trial import TrialStatus

THREADS = 8


@pytest.fixture
def stores(dynamodb: Any, table: str) -> Stores:
    return in_table(dynamodb, table)


def at_once(work: Callable[[int], Any]) -> list[Any]:
    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(work, range(THREADS)))


def test_each_version_of_a_study_is_written_once(stores: Stores) -> None:
    submit(stores)

    def write(thread: int) -> list[Study]:
        written: list[Study] = []
        while len(written) < 4:
            now = stores.studies.load(STUDY)
            try:
                step = told(now, f"{thread}-{len(written)}")
                written.append(stores.studies.commit(step, expected=now.version))
            except StaleVersionError:
                continue
        return written

    written = [each for thread in at_once(write) for each in thread]
    assert sorted(each.version for each in written) == list(range(2, 2 + 4 * THREADS))
    assert len({each.rev for each in written}) == len(written)
    decisions = stores.studies.decisions(STUDY)
    assert [each.seq for each in decisions] == list(range(1, 2 + 4 * THREADS))
    assert len({each.reason for each in decisions}) == len(decisions)


def test_no_merge_is_lost(stores: Stores) -> None:
    def tell(thread: int) -> int:
        news = 0
        for number in range(10):
            mine = {f"metric-{thread}": float(number)}
            ended = trial(number, 0.5 if thread == 3 else None, metrics=mine)
            running = ended.but(status=TrialStatus.IN_PROGRESS, ended=None)
            news += stores.trials.record(ended if thread % 2 else running)
        return news

    news = at_once(tell)
    trials = stores.trials.of_study(STUDY)
    assert len(trials) == 10
    for number, each in enumerate(trials):
        assert each.metrics == {f"metric-{thread}": float(number) for thread in range(THREADS)}
        assert each.objective == 0.5
        assert each.status is TrialStatus.COMPLETED
    assert sum(each.rev for each in trials) == sum(news) == 10 * THREADS
    assert stores.trials.unfolded(STUDY, 99) == trials


def test_news_that_comes_while_it_is_folded_keeps_its_mark(stores: Stores) -> None:
    """Some record, others fold: in the end the last rev of every trial was folded."""
    submit(stores)
    folded: dict[str, int] = {}

    def fold() -> bool:
        now = stores.studies.load(STUDY)
        marked = stores.trials.unfolded(STUDY, 90)
        if marked:
            stores.studies.commit(Step(now, folded=marked), expected=now.version)
            folded.update({each.name: each.rev for each in marked})
        return bool(marked)

    def work(thread: int) -> None:
        for number in range(12):
            if thread % 2:
                metrics = {f"metric-{thread}": 1.0}
                stores.trials.record(trial(number, 0.5, metrics=metrics))
                continue
            try:
                fold()
            except StaleVersionError:
                continue

    at_once(work)
    while fold():
        pass
    assert folded == {each.name: each.rev for each in stores.trials.of_study(STUDY)}


def test_one_submission_makes_one_study(stores: Stores) -> None:
    made = at_once(lambda _: submit(stores))
    assert len({each.rev for each in made}) == 1
    assert len(stores.studies.decisions(STUDY)) == 1


def test_a_command_given_by_many_is_one(stores: Stores) -> None:
    at_once(lambda thread: stores.commands.give(STUDY, command(1, by=f"{thread}")))
    assert len(stores.commands.waiting(STUDY)) == 1


def test_a_decision_is_marked_as_told_by_one(stores: Stores) -> None:
    submit(stores)
    (decision,) = stores.outbox.unpublished(before=at(1), limit=9)
    assert sum(at_once(lambda _: stores.outbox.published(decision))) == 1
