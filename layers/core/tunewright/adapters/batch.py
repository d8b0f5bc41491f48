"""Works through a batch of queue records, so that one bad record never holds up its siblings."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from aws_lambda_powertools import Logger

from tunewright.adapters.sqs import read_body

_LOG = Logger(service="tunewright")


def each_record(event: Mapping[str, Any], handle: Callable[[Any], None]) -> dict[str, Any]:
    """Hand over the body of each record; say which ones failed, so that only they come again.

    A body that is no JSON is None to `handle`, which then has nothing to do: it would not read
    better the next time.
    """
    failed = []
    for record in event.get("Records") or ():
        try:
            handle(read_body(record))
        except Exception:  # noqa: BLE001 - whatever it is, its siblings go on
            _LOG.exception("a record failed; it will come again", record=record.get("messageId"))
            failed.append(record.get("messageId"))
    return {"batchItemFailures": [{"itemIdentifier": each} for each in failed]}


class StudyWake(Protocol):
    """Which study is woken, and whether it must look at SageMaker."""

    @property
    def study_id(self) -> str:
        """The study."""
        ...

    @property
    def look(self) -> bool:
        """Whether it must look at SageMaker."""
        ...


def each_study(
    event: Mapping[str, Any],
    *,
    read: Callable[[Any], StudyWake | None],
    handle: Callable[[str, bool], None],
) -> dict[str, Any]:
    """Hand over each study of a batch once; if that fails, all of its records come again."""
    records: dict[str, list[str]] = {}
    looks: dict[str, bool] = {}
    for record in event.get("Records") or ():
        wake = read(read_body(record))
        if wake is not None:
            records.setdefault(wake.study_id, []).append(str(record.get("messageId")))
            looks[wake.study_id] = looks.get(wake.study_id, False) or wake.look
    failed: list[str] = []
    for study_id, ids in records.items():
        try:
            handle(study_id, looks[study_id])
        except Exception:  # noqa: BLE001 - whatever it is, other studies go on
            _LOG.exception("a study could not be advanced; it will be woken again", study=study_id)
            failed += ids
    return {"batchItemFailures": [{"itemIdentifier": each} for each in failed]}


def each_change(event: Mapping[str, Any], handle: Callable[[Any], None]) -> dict[str, Any]:
    """Hand over the new image of each record of a table's stream, up to the first that fails."""
    for record in event.get("Records") or ():
        change = record.get("dynamodb") or {}
        try:
            handle(change["NewImage"])
        except Exception:  # noqa: BLE001 - whatever it is, the stream must know where
            _LOG.exception("a change could not be told; it comes again", change=change.get("Keys"))
            return {"batchItemFailures": [{"itemIdentifier": change.get("SequenceNumber")}]}
    return {"batchItemFailures": []}
