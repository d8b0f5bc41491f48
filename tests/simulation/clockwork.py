"""The kernel: one thread, a virtual clock, each invocation a greenlet that yields at each call.

Who goes on next, and how long a step takes, comes from one seeded generator: the same seed gives
the same order.
"""

import random
from collections.abc import Callable
from heapq import heappop, heappush
from itertools import count
from typing import Any

from greenlet import getcurrent, greenlet

_LONGEST_STEP = 0.05


class Crash(BaseException):
    """The process dies here: no handler may catch it, and nothing after it runs."""


class Task:
    """One run of some code: an invocation of a function, or a person at a keyboard."""

    __slots__ = ("done", "function", "green", "id", "skew", "stack", "started")

    def __init__(self, number: int, function: str, skew: float, started: float) -> None:
        self.id = number
        self.function = function
        self.skew = skew
        self.started = started
        self.done: Callable[[Any, BaseException | None], None] = lambda _result, _error: None
        self.green: Any = None
        self.stack: Any = None


class Clockwork:
    """Timers and tasks under a virtual clock, in seconds from the start."""

    def __init__(self, seed: str) -> None:
        self.now = 0.0
        self._main = getcurrent()
        self.steps = 0
        self.one_by_one = False
        self.current: Task | None = None
        self._random = random.Random(f"{seed}/order").random  # noqa: S311 - a simulation's luck
        self._timers: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = count()
        self._ready: list[Task] = []
        self._all: dict[int, Task] = {}

    def after(self, seconds: float, act: Callable[[], None]) -> None:
        """Do something later; it must not make API calls itself."""
        heappush(self._timers, (self.now + seconds, next(self._numbers), act))

    def spawn(
        self,
        function: str,
        act: Callable[[], Any],
        done: Callable[[Any, BaseException | None], None] | None = None,
        *,
        skew: float = 0.0,
    ) -> Task:
        """Begin a task; `done` is told what it returned, or what it died of."""
        task = Task(next(self._numbers), function, skew, self.now)
        if done is not None:
            task.done = done

        def body() -> None:
            result: Any = None
            error: BaseException | None = None
            try:
                result = act()
            except Exception as raised:  # noqa: BLE001 - whoever began it is told
                error = raised
            except Crash as raised:
                error = raised
            self._end(task, result, error)

        task.green = greenlet(body, parent=self._main)
        self._ready.append(task)
        self._all[task.id] = task
        return task

    def _end(self, task: Task, result: Any, error: BaseException | None) -> None:
        if task in self._ready:
            self._ready.remove(task)
        del self._all[task.id]
        task.done(result, error)

    def pause(self) -> None:
        """Let the others go on, unless each is to run to its end."""
        if not self.one_by_one:
            self._yield()

    def _yield(self) -> None:
        if getcurrent() is not self._main:
            self._main.switch()

    def sleep(self, seconds: float) -> None:
        """Let time pass for the task that asks."""
        task = self.current
        if task is None:
            return
        self._ready.remove(task)
        self.after(seconds, lambda: self._ready.append(task) if task.id in self._all else None)
        self._yield()

    def step(self, until: float) -> bool:
        """Go one step on; False when nothing is left to do before a time."""
        timers, ready = self._timers, self._ready
        while timers and (timers[0][0] <= self.now or not ready):
            if timers[0][0] > until:
                break
            due, _, act = heappop(timers)
            self.now = max(self.now, due)
            act()
        if not ready:
            return False
        self.steps += 1
        task = ready[int(self._random() * len(ready))]
        self.current = task
        task.green.switch()
        self.current = None
        self.now += self._random() * _LONGEST_STEP
        return True

    @property
    def idle(self) -> bool:
        """Whether no task is under way, not even one that sleeps."""
        return not self._all

    def close(self) -> None:
        """Kill what still runs, so that the next simulation begins with nothing."""
        for task in list(self._all.values()):
            task.done = lambda _result, _error: None
            if task.green:
                task.green.throw(Crash())
        self._timers.clear()
