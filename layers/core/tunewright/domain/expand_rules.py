"""Turns the stopping rules of a form into explicit ones."""

import math
from typing import Any, Literal

from tunewright.domain.checks_rules import one_bar
from tunewright.domain.errors import Problem, SpecError
from tunewright.domain.form import NotImprovingForm, RegretForm, RuleForm, SimpleRuleForm
from tunewright.domain.read import read_rules
from tunewright.domain.spec import (
    DEFAULT_GAIN,
    All,
    Failures,
    Gain,
    NoMetric,
    NotImproving,
    Regret,
    Rule,
    SimpleRule,
    Spend,
    Target,
    Trials,
    WallClock,
)
from tunewright.domain.values import as_float


def expand_rules(document: object) -> tuple[Rule, ...]:
    """Expand rules that stand by themselves: `{stop: [RULE, …]}`, each as in a spec.

    Raises:
        SpecError: Something is wrong with them; every problem that can be found is told.
    """
    problems: list[Problem] = []
    forms = enumerate(read_rules(document))
    rules = tuple(expand_rule(form, index, problems) for index, form in forms)
    problems.extend(one_bar(rules))
    if problems:
        raise SpecError(tuple(problems))
    return rules


def expand_rule(form: RuleForm, index: int, problems: list[Problem]) -> Rule:
    """Expand one rule; what is wrong with it is noted at its place in the list."""
    if form.all is None:
        return _simple(form, ("stop", index), problems)
    parts = enumerate(form.all)
    return All(rules=tuple(_simple(p, ("stop", index, "all", n), problems) for n, p in parts))


def _simple(
    form: SimpleRuleForm, place: tuple[str | int, ...], problems: list[Problem]
) -> SimpleRule:
    key = next(iter(form.model_fields_set))
    path = (*place, key)
    match key:
        case "not_improving":
            return _not_improving(form.not_improving or NotImprovingForm(), path, problems)
        case "regret":
            return _regret(form.regret or RegretForm(), path, problems)
        case "failures":
            return Failures(**given(form.failures, "share", "after"))
        case "no_metric":
            return NoMetric(**given(form.no_metric, "after"))
        case "wall_clock" if form.wall_clock is not None:
            return WallClock(limit=form.wall_clock)
        case "spend" if form.spend is not None:
            return Spend(limit=form.spend)
        case "target" if form.target is not None:
            return Target(value=form.target)
        case "trials" if form.trials is not None:
            return Trials(limit=form.trials)
    problems.append(Problem(path, "needs a value"))
    return NoMetric()


def _not_improving(
    form: NotImprovingForm, path: tuple[str | int, ...], problems: list[Problem]
) -> NotImproving:
    gain = _gain(form.min_gain, DEFAULT_GAIN, (*path, "min_gain"), problems)
    return NotImproving(**given(form, "trials", "warm_up"), min_gain=gain)


def _regret(form: RegretForm, path: tuple[str | int, ...], problems: list[Problem]) -> Regret:
    rule = Regret(**given(form, "chance", "warm_up"))
    return rule.but(below=_gain(form.below, rule.below, (*path, "below"), problems))


def _gain(
    text: str | float | None, default: Gain, path: tuple[str | int, ...], problems: list[Problem]
) -> Gain:
    try:
        return default if text is None else parse_gain(text)
    except ValueError as error:
        problems.append(Problem(path, str(error)))
        return default


def parse_gain(text: str | float) -> Gain:
    """Read a gain: `0.001` (in the metric's units), `1%` (of the best), `2% of spread`.

    Raises:
        ValueError: It is none of these, or less than nothing.

    >>> parse_gain("2% of spread")
    Gain(kind='spread', amount=0.02)
    """
    wrong = ValueError("a gain is a number such as 0.001, a share such as 1%, or 2% of spread")
    kind: Literal["absolute", "relative", "spread"] = "absolute"
    if isinstance(text, str):
        share, _, of = text.partition("%")
        if of.strip() not in {"", "of spread"}:
            raise wrong
        if "%" in text:
            kind = "spread" if of.strip() else "relative"
        try:
            text = float(share) / (100 if "%" in text else 1)
        except ValueError as error:
            raise wrong from error
    if isinstance(text, bool) or not 0 <= as_float(text) < math.inf:
        raise wrong
    return Gain(kind=kind, amount=float(text))


def given(form: Any, *keys: str) -> dict[str, Any]:  # noqa: ANN401 - any of the forms
    """Return those keys of a form that a person gave a value."""
    values = {key: getattr(form, key, None) for key in keys}
    return {key: value for key, value in values.items() if value is not None}
