"""Wherever a write to the table goes wrong, the study ends as if nothing had happened."""

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.contract.crashing import Crash, CrashingClient
from tests.contract.stores import STUDY, Stores, in_memory, in_table, study, submit, told
from tests.support.build import at, document, trial
from tests.support.world import World
from tunewright.adapters.dynamodb import table_definition
from tunewright.adapters.dynamodb.table import UnknownError
from tunewright.domain.errors import NotFoundError, StaleVersionError
from tunewright.domain.study import Phase

SPEC = document(
    rounds={"max": 1, "trials": 2, "parallel": 2}, deploy={"to": "churn-prod", "lease": "1d"}
)


def insist(act: Callable[[], Any]) -> Any:
    """Do it again after a crash, as the queue that has not heard of an end does."""
    for _ in range(3):
        try:
            return act()
        except (Crash, UnknownError):
            continue
    raise AssertionError("it went wrong more than once")


def run(world: World) -> tuple[Any, ...]:
    """Run a study from its submission to an endpoint; returns all that was kept of it.

    The version is the last, for it counts writes.
    """
    study_id = insist(lambda: world.submit(SPEC))
    insist(lambda: world.advance(study_id))
    for _ in range(2):
        name = world.run_trial()
        insist(lambda name=name: world.recorder.record(name))
        insist(lambda: world.advance(study_id, look=False))
    world.end_job()
    insist(lambda: world.advance(study_id))
    for _ in range(3):  # What a lost answer held up goes on with the next sweep.
        world.finish_deployment()
        study = insist(lambda: world.advance(study_id))
        if study.phase is Phase.DONE:
            break
    assert study.phase is Phase.DONE
    assert len(world.jobs) == 1
    decisions = world.store.decisions(study_id)
    assert [each.seq for each in decisions] == list(range(1, study.decisions + 1))
    assert len(world.store.outbox.unpublished(before=at(1e6), limit=99)) == len(decisions)
    assert world.store.unfolded(study_id, 9) == ()
    return (
        study.but(rev="", version=0),
        decisions,
        world.store.of_study(study_id),
        world.crowns.load("tw-churn-prod").champion,
        study.version,
    )


@pytest.mark.parametrize("how", ["crash before", "crash after", "no answer"])
def test_a_write_that_goes_wrong_leaves_no_trace(dynamodb: Any, how: str) -> None:
    stores = in_memory()
    *reference, version = run(World(store=stores, crowns=stores.endpoints))
    at_write, client = 1, CrashingClient(dynamodb, at_write=0, how=how)
    while at_write == 1 or client.writes >= at_write:
        name = f"crash-{how.replace(' ', '-')}-{at_write}"
        dynamodb.create_table(**table_definition(name))
        client = CrashingClient(dynamodb, at_write=at_write, how=how)
        stores = in_table(client, name)
        *kept, writes = run(World(store=stores, crowns=stores.endpoints))
        assert kept == reference, at_write
        # Whoever tries to start a job again that another wake may have started writes that first.
        assert writes - version in {0, 1}, at_write
        dynamodb.delete_table(TableName=name)
        at_write += 1
    assert at_write > 10, "there are fewer writes than such a study needs"


def test_what_boto3_sent_twice_is_told_as_done_once(dynamodb: Any, table: str) -> None:
    def twice(write: int = 1) -> Stores:
        return in_table(CrashingClient(dynamodb, at_write=write, how="sent twice"), table)

    made = submit(twice())
    assert made == twice().studies.load(STUDY)
    written = twice().studies.commit(told(made), expected=1)
    assert written == twice().studies.load(STUDY)
    assert written.version == 2
    assert twice().trials.record(trial(1, 0.5))
    (known,) = twice().trials.of_study(STUDY)
    assert known.rev == 1


class TroubledClient:
    """A client whose first writes fail with such errors."""

    def __init__(self, client: Any, *errors: ClientError) -> None:
        self._client = client
        self.errors = list(errors)

    def __getattr__(self, name: str) -> Any:
        if name in {"put_item", "transact_write_items"} and self.errors:
            raise self.errors.pop(0)
        return getattr(self._client, name)


def cancelled(*codes: str) -> ClientError:
    reasons = [{"Code": code} for code in codes]
    answer = {
        "Error": {"Code": "TransactionCanceledException", "Message": "cancelled"},
        "CancellationReasons": reasons,
    }
    return ClientError(answer, "TransactWriteItems")


def refused(code: str, status: int = 400) -> ClientError:
    answer = {
        "Error": {"Code": code, "Message": code},
        "ResponseMetadata": {"HTTPStatusCode": status},
    }
    return ClientError(answer, "PutItem")


BUSY = cancelled("None", "TransactionConflict")


def test_who_is_in_the_way_is_waited_for_but_not_for_ever(dynamodb: Any, table: str) -> None:
    troubled = TroubledClient(dynamodb, BUSY, cancelled("ThrottlingError", "None"))
    made = submit(in_table(troubled, table))
    assert not troubled.errors
    troubled.errors = [refused("TransactionConflictException")]
    assert in_table(troubled, table).trials.record(trial(1, 0.5))
    troubled.errors = [BUSY] * 4
    with pytest.raises(StaleVersionError):
        in_table(troubled, table).studies.commit(told(made), expected=1)
    assert not troubled.errors


def test_trouble_of_aws_is_an_unknown_outcome(dynamodb: Any, table: str) -> None:
    troubled = TroubledClient(dynamodb, refused("InternalServerError", 500))
    stores = in_table(troubled, table)
    with pytest.raises(UnknownError):
        stores.studies.create(told(study()), key="k", body_hash="body")
    with pytest.raises(NotFoundError):
        stores.studies.load(STUDY)
    made = submit(stores)
    troubled.errors = [refused("InternalServerError", 500)]
    with pytest.raises(StaleVersionError, match="no answer"):
        stores.studies.commit(told(made), expected=1)


def test_a_request_that_is_wrong_is_not_sent_again(dynamodb: Any, table: str) -> None:
    troubled = TroubledClient(dynamodb, cancelled("ValidationError"), refused("AccessDenied"))
    for _ in range(2):
        with pytest.raises(ClientError):
            submit(in_table(troubled, table))
    assert not troubled.errors
