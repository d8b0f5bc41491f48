"""Messages of a topic on their way to functions: tried again when they fail, kept until they end.

ministack hands such a message over in a thread, once; a crash, or a handler that raises, loses it.
Here a message waits in a list that is saved like a queue, and goes by the function's own settings
of retries and of where failures go.
"""

import json
import sys
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

_SNS = "ministack.services.sns"
_LAMBDA = "ministack.services.lambda_svc"

Call = dict[str, Any]


class Calls:
    """What functions are still to be told by topics; one list for the process, as ministack's."""

    def __init__(self) -> None:
        self._waiting: dict[str, Call] = {}
        self._known: set[str] = set()
        self._lock = threading.Lock()
        self._closed = threading.Event()

    def install(self, app: Any) -> None:  # noqa: ANN401 - ministack carries no types
        """Take over from ministack."""
        sns = app._get_module("sns")  # noqa: SLF001
        fan_out = getattr(sns, "_fan_out_of_ministack", sns._fanout)  # noqa: SLF001
        sns._fan_out_of_ministack = fan_out  # noqa: SLF001 - a later folder takes over from us
        sns._fanout = self._with_functions(fan_out)  # noqa: SLF001
        # They are handed over by us
        sns._deliver_to_lambda = lambda *_: None  # noqa: SLF001

    def waiting(self) -> list[Call]:
        """Return all that wait."""
        with self._lock:
            return list(self._waiting.values())

    def changes(self) -> tuple[list[Call], list[str]]:
        """Return what came and what went since the last time."""
        with self._lock:
            came = [call for id_, call in self._waiting.items() if id_ not in self._known]
            went = [id_ for id_ in self._known if id_ not in self._waiting]
            self._known = set(self._waiting)
        return came, went

    def apply(self, came: list[Call], went: list[str]) -> None:
        """Make a change again; nothing is handed over yet."""
        for call in came:
            self._waiting[call["id"]] = call
        for id_ in went:
            self._waiting.pop(id_, None)

    def resume(self) -> None:
        """Hand over what waited when the process ended."""
        for call in self.waiting():
            self._start(call)

    def close(self) -> None:
        """Try nothing again; what waits is saved."""
        self._closed.set()

    def _with_functions(self, fan_out: Callable[..., None]) -> Callable[..., None]:
        def publish(
            topic: str,
            message_id: str,
            message: str,
            subject: str,
            message_structure: str = "",
            message_attributes: Mapping[str, Any] | None = None,
            *rest: Any,  # noqa: ANN401 - of FIFO topics
            **more: Any,  # noqa: ANN401
        ) -> None:
            sns = sys.modules[_SNS]
            attributes = dict(message_attributes or {})
            held = sns._topic_by_arn_any_scope(topic)  # noqa: SLF001
            for each in held["subscriptions"] if held else ():
                if each.get("protocol") != "lambda" or not each.get("confirmed"):
                    continue
                text = sns._resolve_message_for_protocol(  # noqa: SLF001
                    message, message_structure, "lambda"
                )
                if not sns._matches_filter_policy(each, attributes, text):  # noqa: SLF001
                    continue
                envelope = sns._build_envelope(  # noqa: SLF001
                    topic, message_id, text, subject, attributes, False
                )
                record = {
                    "EventVersion": "1.0",
                    "EventSubscriptionArn": each["arn"],
                    "EventSource": "aws:sns",
                    "Sns": json.loads(envelope),
                }
                call = {
                    "id": f"{message_id} {each['arn']}",
                    "function": each["endpoint"],
                    "event": {"Records": [record]},
                }
                with self._lock:
                    self._waiting[call["id"]] = call
                self._start(call)
            fan_out(
                topic, message_id, message, subject, message_structure, attributes, *rest, **more
            )

        return publish

    def _start(self, call: Call) -> None:
        threading.Thread(target=self._hand_over, args=(call,), daemon=True).start()

    def _hand_over(self, call: Call) -> None:
        from ministack.core.arn import parse_arn  # noqa: PLC0415 - it reads the environment
        from ministack.core.responses import request_scope  # noqa: PLC0415

        lambdas = sys.modules[_LAMBDA]
        place = parse_arn(call["function"])
        with request_scope(place.account_id, place.region):
            function, config, name = lambdas._get_func_record_for_ref(  # noqa: SLF001
                call["function"]
            )
            if function and config:
                settings = _settings(function)
                attempts = 1 + int(settings.get("MaximumRetryAttempts", 2))
                record = lambdas._execution_record_for_config(function, config)  # noqa: SLF001
                result: dict[str, Any] = {}
                for attempt in range(attempts):
                    pause = lambdas._LAMBDA_ASYNC_RETRY_BASE_SECONDS * 2**attempt  # noqa: SLF001
                    result = lambdas._execute_function(record, call["event"])  # noqa: SLF001
                    if self._closed.is_set():
                        return  # ended or not, it is handed over again: at least once
                    if not result.get("error"):
                        break
                    if attempt + 1 < attempts:
                        time.sleep(pause)
                else:
                    target = settings.get("DestinationConfig", {}).get("OnFailure", {})
                    if target.get("Destination"):
                        lambdas._route_async_failure(  # noqa: SLF001
                            target["Destination"], name, call["event"], result
                        )
        with self._lock:
            self._waiting.pop(call["id"], None)


def _settings(function: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = (
        function.get("event_invoke_config")
        or (function.get("event_invoke_configs") or {}).get("$LATEST")
        or {}
    )
    return found
