"""What a hyperparameter may be: rules of one value each, and how all of a job are read by them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sagemaker_local.images.opt_ml import UserError

Value = str | int | float | tuple[str, ...]


@dataclass(frozen=True)
class Rule:
    """How to read a value, which values are right, and how to tell what is right."""

    read: Callable[[str], Value]
    accepts: Callable[[Value], bool]
    right: str


def integer(low: int | None = None, high: int | None = None) -> Rule:
    """A whole number within bounds."""
    return Rule(int, lambda value: _within(value, low, high), _interval(low, high))


def number(
    low: float | None = None,
    high: float | None = None,
    *,
    open_low: bool = False,
    open_high: bool = False,
) -> Rule:
    """A number within bounds, each of which may be excluded."""

    def accepts(value: Value) -> bool:
        excluded = (open_low and value == low) or (open_high and value == high)
        return _within(value, low, high) and not excluded

    return Rule(float, accepts, _interval(low, high, open_low=open_low, open_high=open_high))


def one_of(*choices: str) -> Rule:
    """One of a few words."""
    return Rule(str, lambda value: value in choices, f"[{', '.join(choices)}]")


def _within(value: Value, low: float | None, high: float | None) -> bool:
    if not isinstance(value, (int, float)) or value != value:  # noqa: PLR0124 - not a number
        return False
    return (low is None or value >= low) and (high is None or value <= high)


def _interval(
    low: float | None, high: float | None, *, open_low: bool = False, open_high: bool = False
) -> str:
    left = "(-inf" if low is None else f"{'(' if open_low else '['}{low}"
    right = "+inf)" if high is None else f"{high}{')' if open_high else ']'}"
    return f"{left}, {right}"


NONE: Mapping[str, str] = {}


def read(
    texts: Mapping[str, str],
    rules: Mapping[str, Rule],
    *,
    required: tuple[str, ...],
    aliases: Mapping[str, str] = NONE,
) -> dict[str, Value]:
    """All hyperparameters of a job, each of its own type; the first wrong one is an error."""
    values: dict[str, Value] = {}
    for given, text in texts.items():
        if given.startswith("sagemaker_"):
            continue
        name = aliases.get(given, given)
        if name not in rules:
            raise UserError(f"Extraneous hyperparameter found: {given}")
        if name in values:
            raise UserError(f"Hyperparameter {name} is given twice: {given} is another name of it")
        values[name] = _read(name, text, rules[name])
    for name in required:
        if name not in values:
            raise UserError(f"Missing required hyperparameter: {name}")
    return values


def _read(name: str, text: str, rule: Rule) -> Value:
    try:
        value = rule.read(text.strip())
    except ValueError as error:
        raise UserError(
            f"Hyperparameter {name}: could not parse value (caused by {type(error).__name__})"
        ) from error
    if not rule.accepts(value):
        raise UserError(f"Hyperparameter {name}: {text} is not in {rule.right}")
    return value
