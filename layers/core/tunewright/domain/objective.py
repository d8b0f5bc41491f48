"""What is to be made better, and which of two values is better; not how it is measured."""

from enum import StrEnum

from tunewright.domain.values import Value


class Goal(StrEnum):
    """The direction of an objective."""

    MAXIMIZE = "maximize"
    MINIMIZE = "minimize"


class Objective(Value):
    """A metric with a direction, and perhaps a value that is good enough.

    Attributes:
        metric: The metric's name as SageMaker knows it, such as `validation:auc`.
        goal: Whether more or less of it is better.
        target: A value at which the search may end; None for none.
        best_possible: The value that the metric can never better; None where that is not known.
    """

    metric: str
    goal: Goal
    target: float | None = None
    best_possible: float | None = None

    def loss(self, value: float) -> float:
        """Turn a value into a number of which less is always better."""
        return -value if self.goal is Goal.MAXIMIZE else value

    def gain(self, before: float, after: float) -> float:
        """Say how much better `after` is than `before`; negative when it is worse.

        >>> round(Objective(metric="validation:auc", goal=Goal.MAXIMIZE).gain(0.91, 0.93), 6)
        0.02
        """
        return self.loss(before) - self.loss(after)

    def better(self, challenger: float, than: float | None) -> bool:
        """Say whether a value beats another; anything beats nothing."""
        return than is None or self.gain(than, challenger) > 0
