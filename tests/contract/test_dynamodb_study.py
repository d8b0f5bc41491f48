"""A whole study on the table: the same as in memory, for the same few requests at any size."""

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.contract.stores import STUDY, Stores, command, in_memory, in_table, study, submit
from tests.support.build import at, document, trial
from tests.support.world import World
from tunewright.adapters.dynamodb import items
from tunewright.domain.expand import expand
from tunewright.domain.round import Bar, Progress, Round, RoundPlan, RoundStatus
from tunewright.domain.steps.step import Step
from tunewright.domain.study import Phase

DEPLOY = {"to": "churn-prod", "lease": "1d"}
KIB = 1024


@pytest.fixture
def stores(dynamodb: Any, table: str) -> Stores:
    return in_table(dynamodb, table)


@contextmanager
def counted(client: Any) -> Iterator[Counter[str]]:
    """Count requests at the wire, by their operation."""
    requests: Counter[str] = Counter()

    def count(request: Any, **_: Any) -> None:
        requests[request.headers["X-Amz-Target"].decode().rpartition(".")[2]] += 1

    client.meta.events.register("before-send.dynamodb", count)
    try:
        yield requests
    finally:
        client.meta.events.unregister("before-send.dynamodb", count)


def whole_study(world: World) -> tuple[Any, ...]:
    study_id = world.submit(document(deploy=DEPLOY, refine={"when": {"gain_above": 0}}))
    world.advance(study_id)
    for _ in range(3):
        world.run_round(study_id)
    world.finish_deployment()
    kept = world.advance(study_id)
    assert kept.phase is Phase.DONE
    decisions, trials = world.store.decisions(study_id), world.store.of_study(study_id)
    return kept.but(rev=""), decisions, trials, world.crowns.champion("tw-churn-prod")


def test_a_study_of_three_rounds_ends_as_in_memory(stores: Stores) -> None:
    memory = in_memory()
    on_table = whole_study(World(store=stores, crowns=stores.endpoints))
    assert on_table == whole_study(World(store=memory, crowns=memory.endpoints))
    assert len(on_table[2]) == 24
    assert stores.studies.live() == ()


def finish_trial(world: World, study_id: str) -> None:
    world.recorder.record(world.run_trial())
    world.advance(study_id, look=False)


def without_mark(item: items.Item) -> items.Item:
    return {name: value for name, value in item.items() if name != "unfolded"}


def test_a_finished_trial_takes_as_many_requests_late_as_early(
    dynamodb: Any, table: str, stores: Stores
) -> None:
    world = World(store=stores, crowns=stores.endpoints)
    rounds = {"max": 1, "trials": 500, "parallel": 5, "strategy": "random"}
    study_id = world.submit(document(rounds=rounds, budget="900 USD"))
    world.advance(study_id)
    for _ in range(9):
        finish_trial(world, study_id)
    with counted(dynamodb) as tenth:
        finish_trial(world, study_id)
    for first in range(0, 480, 24):
        folded = [
            items.trial_item(trial(number, 0.5, study_id=study_id, rev=1))
            for number in range(first, first + 24)
        ]
        puts = [{"PutRequest": {"Item": without_mark(each)}} for each in folded]
        dynamodb.batch_write_item(RequestItems={table: puts})
    with counted(dynamodb) as late:
        finish_trial(world, study_id)
    assert len(stores.trials.of_study(study_id)) == 491
    assert late == tenth
    assert late["PutItem"] == 1
    assert late["TransactWriteItems"] <= 1
    assert set(late) == {"PutItem", "TransactWriteItems", "GetItem", "Query"}
    assert late.total() <= 11


def test_nothing_new_is_nothing_written(dynamodb: Any, stores: Stores) -> None:
    world = World(store=stores, crowns=stores.endpoints)
    study_id = world.submit(document())
    world.advance(study_id)
    name = world.run_trial()
    world.recorder.record(name)
    world.advance(study_id)
    with counted(dynamodb) as requests:
        world.recorder.record(name)
        world.advance(study_id)
    assert set(requests) == {"GetItem", "Query"}


def test_reads_go_over_pages(dynamodb: Any, table: str, stores: Stores) -> None:
    """A page of a query is a megabyte at most."""
    now = submit(stores)
    words = "x" * 60_000
    for number in range(20):
        stores.trials.record(trial(number, failure_reason=words))
        stores.commands.give(STUDY, command(number, by=words))
    for number in range(20):
        step = Step(now).tell(now_kind(stores), words, at(number))
        now = stores.studies.commit(step, expected=now.version)
    with counted(dynamodb) as requests:
        assert len(stores.trials.of_study(STUDY)) == 20
        assert len(stores.trials.unfolded(STUDY, 19)) == 19
        assert len(stores.commands.waiting(STUDY)) == 20
        assert len(stores.studies.decisions(STUDY)) == 21
        assert len(stores.outbox.unpublished(before=at(99), limit=21)) == 21
    assert requests == {"Query": 10}


def now_kind(stores: Stores) -> Any:
    return stores.studies.decisions(STUDY)[0].kind


def test_only_answered_commands_ever_expire(dynamodb: Any, table: str, stores: Stores) -> None:
    now = submit(stores)
    stores.trials.record(trial(1, 0.5))
    for number in (1, 2):
        stores.commands.give(STUDY, command(number))
    stores.studies.commit(Step(now, consumed=(command(1),)), expected=1)
    kept = dynamodb.scan(TableName=table)["Items"]
    expiring = [each for each in kept if "expires" in each]
    assert [each["sk"]["S"] for each in expiring] == ["c1"]
    days = (int(expiring[0]["expires"]["N"]) - at(1).timestamp()) / 86400
    assert days == 90


def test_a_number_that_is_none_is_refused(stores: Stores) -> None:
    for value in (float("nan"), float("inf")):
        with pytest.raises(ValueError, match="not a number that can be kept"):
            stores.trials.record(trial(1, value))


def large_study() -> Any:
    """Six rounds over thirty parameters, five of them with thirty choices."""
    space: dict[str, Any] = {
        f"a_rather_long_parameter_{n}": {"range": [0.0123456789 + n, 99.87654321]}
        for n in range(25)
    }
    for n in range(5):
        space[f"choice_{n}"] = {"choose": [f"one of thirty choices, number {k}" for k in range(30)]}
    spec = expand(
        document(
            training={
                "image": "123456789012.dkr.ecr.us-east-1.amazonaws.com/train:1",
                "metrics": {"validation:auc": "auc: ([0-9.]+)"},
                "instance": "ml.m5.xlarge",
                "max_run": "10m",
                "inputs": {"train": "s3://data/train/"},
            },
            search_space=space,
            budget="9000 USD",
        )
    )
    shown = Progress(
        completed=750,
        best=0.912345678901234,
        best_trial="x" * 63,
        bar=Bar(value=0.912345678901234, trial="x" * 63),
        improved=at(0.123456),
        early=tuple(0.812345678901234 + n for n in range(20)),
        last=(at(0.123456), "x" * 63),
    )
    rounds = tuple(
        Round(
            plan=RoundPlan(
                number=n,
                job=f"tw-{STUDY}-r0{n}",
                space=spec.search_space,
                trials=750,
                parallel=10,
                reserved=trial(1).cost,
                seed=1,
            ),
            status=RoundStatus.CLOSED,
            start=shown,
            progress=shown,
        )
        for n in range(1, 7)
    )
    return study().but(spec=spec, rounds=rounds)


def test_a_study_as_large_as_amt_allows_stays_far_below_what_an_item_holds() -> None:
    """750 trials in each round change nothing: a study holds what they come to, not them."""
    usual, large = study(), large_study()
    sizes = [len(json.dumps(items.study_item(each))) / KIB for each in (usual, large)]
    assert sizes[0] < 8
    assert sizes[1] < 150
