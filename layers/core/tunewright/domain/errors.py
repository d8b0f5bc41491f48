"""Every error of the core, in one tree; how HTTP or a terminal shows them is not decided here.

TunewrightError
├── SpecError               what was submitted is wrong; carries every problem found
├── NotAllowedError         the profile does not allow it
├── NotFoundError           there is no such study
├── ConflictError           the study is in no state for this command, or a key was used before
├── StaleVersionError       another writer was first: load again, decide again
├── OverBudgetError         the stack's budget of the month has no room for it
├── PublishError            nobody was told: try again
└── SageMakerError
    ├── RefusedError        SageMaker said no, and would say no again
    ├── CapacityError       SageMaker said not now: a quota is used up
    ├── ForeignError        the name is taken by something that is not ours
    └── UnknownOutcomeError nobody can say whether it was done: look again, never a new name
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with a submission.

    Attributes:
        path: The keys that lead to it, as the person wrote them.
        message: What is wrong and what would be right, in one sentence.
    """

    path: tuple[str | int, ...]
    message: str

    @property
    def where(self) -> str:
        """The path as a person reads it.

        >>> Problem(("search_space", "eta", "range", 0), "…").where
        'search_space.eta.range[0]'
        """
        text = ""
        for part in self.path:
            text += f"[{part}]" if isinstance(part, int) else f".{part}"
        return text.lstrip(".")

    def __str__(self) -> str:
        return f"{self.where}: {self.message}" if self.path else self.message


class TunewrightError(Exception):
    """The base of every error that the core raises on purpose."""


class SpecError(TunewrightError):
    """What was submitted is wrong; `problems` holds everything that was found, not the first."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems


class NotAllowedError(SpecError):
    """What was submitted is well formed, but its profile does not allow it."""


class NotFoundError(TunewrightError):
    """There is no such study."""


class ConflictError(TunewrightError):
    """The study is in no state for this command, or the key was used for something else."""


class StaleVersionError(TunewrightError):
    """Another writer was first."""


class OverBudgetError(TunewrightError):
    """The stack's budget of the month has no room for a step; nothing was written."""


class PublishError(TunewrightError):
    """Nobody was told, or nobody can say whether they were: it may be tried again."""


class SageMakerError(TunewrightError):
    """SageMaker did not do what was asked.

    Attributes:
        code: AWS's error code.
        words: AWS's own message, which is always told to the person.
    """

    def __init__(self, code: str, words: str) -> None:
        super().__init__(f"{code}: {words}")
        self.code = code
        self.words = words


class RefusedError(SageMakerError):
    """SageMaker said no, and would say no again."""


class CapacityError(SageMakerError):
    """SageMaker said not now: an account limit is used up."""


class ForeignError(SageMakerError):
    """The name is taken by something that is not ours, which must not be touched."""


class UnknownOutcomeError(SageMakerError):
    """Nobody can say whether it was done: look again, never use a new name."""
