"""Lets the pollers of functions touch queues where requests do, and only there.

ministack's pollers replace a queue's list of messages in their own thread; a message that a request
appends to the former list at that moment is lost.
"""

from collections.abc import Callable
from typing import Any

_POLLERS = ("_receive_messages_for_esm", "_delete_messages_for_esm")


def take_turns(app: Any, on_loop: Callable[[Callable[[], Any]], Any]) -> None:  # noqa: ANN401
    """Have queues polled on the loop that serves requests.

    Args:
        app: ministack's module.
        on_loop: Does something there, and returns what came of it.
    """
    sqs = app._get_module("sqs")  # noqa: SLF001
    for name in _POLLERS:
        original = getattr(sqs, f"{name}_of_ministack", getattr(sqs, name))
        # A later folder takes over from us
        setattr(sqs, f"{name}_of_ministack", original)
        setattr(sqs, name, _on_loop(original, on_loop))


def _on_loop(
    original: Callable[..., Any], on_loop: Callable[[Callable[[], Any]], Any]
) -> Callable[..., Any]:
    def turn(*given: Any) -> Any:  # noqa: ANN401
        return on_loop(lambda: original(*given))

    return turn
