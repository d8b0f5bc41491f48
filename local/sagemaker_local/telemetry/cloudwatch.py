"""The thread that brings lines and values to CloudWatch, through clients like anybody's."""

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from sagemaker_local.clients import client
from sagemaker_local.telemetry.backlog import (
    STREAMS_KNOWN,
    Event,
    Lines,
    Samples,
    batches,
    data,
)
from sagemaker_local.telemetry.record import TRAINING, Series, Stream

_LOG = logging.getLogger(__name__)
FLUSH_SECONDS = 1.0
LINES_KEPT = 10_000
"""Lines of training jobs that CloudWatch keeps; beyond them the oldest streams are deleted."""
_THERE = "ResourceAlreadyExistsException"
_GONE = "ResourceNotFoundException"


class CloudWatch:
    """CloudWatch Logs and metrics behind one endpoint.

    What cannot be sent is dropped, and the program's own log says so: a job must not fail, nor
    wait, because its log could not be stored.
    """

    def __init__(self, endpoint: str, *, region: str, access_key: str, secret_key: str) -> None:
        def made(service: str) -> Any:  # noqa: ANN401 - botocore makes its classes when it runs
            return client(
                service,
                endpoint,
                region=region,
                access_key=access_key,
                secret_key=secret_key,
                connect_timeout=2,
                read_timeout=20,
                retries={"mode": "standard", "max_attempts": 2},
            )

        self._made = made
        self._guard = threading.Lock()
        self._lines, self._samples = Lines(), Samples()
        self._known: set[Stream] = set()
        self._kept: OrderedDict[Stream, int] = OrderedDict()
        self._soon = threading.Event()
        self._closing = False
        self._thread: threading.Thread | None = None
        self._clients: dict[str, Any] = {}

    def line(self, stream: Stream, text: str, at: float) -> None:
        """Take a line."""
        with self._guard:
            self._lines.add(stream, text, at)
            self._begin()

    def value(self, series: Series, value: float, at: float) -> None:
        """Take a value."""
        with self._guard:
            self._samples.add(series, value, at)
            self._begin()

    def hurry(self) -> None:
        """Send soon what was taken."""
        self._soon.set()

    def close(self) -> None:
        """Send what was taken, then end."""
        with self._guard:
            self._closing = True
        self._soon.set()
        if self._thread is not None:
            self._thread.join()

    def _begin(self) -> None:
        if self._thread is None and not self._closing:
            self._thread = threading.Thread(target=self._run, name="cloudwatch", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        while True:
            self._soon.wait(FLUSH_SECONDS)
            self._soon.clear()
            with self._guard:
                closing = self._closing
                lines, samples = self._lines.taken(), self._samples.taken()
                dropped, self._samples.dropped = self._samples.dropped, 0
            if dropped:
                _LOG.warning("%d values were too many for CloudWatch", dropped)
            for stream, events in lines.items():
                self._attempt(lambda s=stream, e=events: self._put_lines(s, e))
            for namespace, found in data(samples):
                self._attempt(lambda n=namespace, f=found: self._put_data(n, f))
            self._attempt(self._forget_the_oldest)
            if closing:
                for made in self._clients.values():
                    made.close()
                return

    def _attempt(self, send: Any) -> None:  # noqa: ANN401 - any call without arguments
        try:
            send()
        except (BotoCoreError, ClientError) as error:
            _LOG.warning("CloudWatch did not take a part of the telemetry: %s", error)
        except Exception:  # noqa: BLE001 - the next part may do
            _LOG.exception("a part of the telemetry could not be sent")

    def _put_lines(self, stream: Stream, events: list[Event]) -> None:
        logs = self._client("logs")
        if stream not in self._known:
            self._create(stream)
        for batch in batches(events):
            named = {"logGroupName": stream.group, "logStreamName": stream.name}
            try:
                logs.put_log_events(**named, logEvents=batch)
            except ClientError as error:
                if error.response["Error"]["Code"] != _GONE:
                    raise
                self._create(stream)  # somebody has deleted it
                logs.put_log_events(**named, logEvents=batch)
        if stream.group == TRAINING:
            self._kept[stream] = self._kept.get(stream, 0) + len(events)
            self._kept.move_to_end(stream)

    def _create(self, stream: Stream) -> None:
        logs, group = self._client("logs"), {"logGroupName": stream.group}
        named = {**group, "logStreamName": stream.name}
        try:
            _unless_there(logs.create_log_stream, named)
        except ClientError as error:
            if error.response["Error"]["Code"] != _GONE:
                raise
            _unless_there(logs.create_log_group, group)
            _unless_there(logs.create_log_stream, named)
        if len(self._known) >= STREAMS_KNOWN:
            self._known.clear()  # to create one again does no harm
        self._known.add(stream)

    def _put_data(self, namespace: str, found: list[Any]) -> None:
        self._client("cloudwatch").put_metric_data(Namespace=namespace, MetricData=found)

    def _forget_the_oldest(self) -> None:
        while sum(self._kept.values()) > LINES_KEPT and len(self._kept) > 1:
            stream, _ = self._kept.popitem(last=False)
            self._known.discard(stream)
            with self._guard:
                self._lines.forget(stream)
            self._client("logs").delete_log_stream(
                logGroupName=stream.group, logStreamName=stream.name
            )

    def _client(self, service: str) -> Any:  # noqa: ANN401 - botocore makes its classes when it runs
        if service not in self._clients:
            self._clients[service] = self._made(service)
        return self._clients[service]


def _unless_there(create: Callable[..., Any], named: Mapping[str, str]) -> None:
    """Create something that may be there already."""
    try:
        create(**named)
    except ClientError as error:
        if error.response["Error"]["Code"] != _THERE:
            raise
