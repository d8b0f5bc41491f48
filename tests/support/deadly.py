"""A store, a queue or a service in whose calls a process dies."""

from typing import Any


class Deadly:
    """Passes everything on to a store or a queue, and dies in a call when it is told to."""

    def __init__(self, inner: Any, dies: list[str]) -> None:
        self._inner, self._dies = inner, dies

    def __getattr__(self, name: str) -> Any:
        def call(*given: Any) -> Any:
            if self._dies and self._dies[0] == f"before {name}":
                raise SystemError(self._dies.pop(0))
            answer = getattr(self._inner, name)(*given)
            if self._dies and self._dies[0] == f"after {name}":
                raise SystemError(self._dies.pop(0))
            return answer

        return call
