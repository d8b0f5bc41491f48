"""Turns what a form says of the winner into limits and a preference."""

import math
import re
from typing import Literal

from tunewright.domain.errors import Problem
from tunewright.domain.expand_rules import parse_gain
from tunewright.domain.form import WinnerForm
from tunewright.domain.objective import Goal, Objective
from tunewright.domain.spec import DEFAULT_GAIN, Bound, Gain, Winner

_LIMIT = re.compile(r"(<=|>=)\s*([-+0-9.eE]+)\s*(USD|s)?")


def expand_winner(form: WinnerForm | None, problems: list[Problem]) -> Winner:
    """Expand what is said of the winner; what is wrong with it is noted."""
    if form is None:
        return Winner()
    bounds = []
    for name, text in form.subject_to.items():
        try:
            bounds.append(parse_bound(name, text))
        except ValueError as error:
            problems.append(Problem(("winner", "subject_to", name), str(error)))
    within: Gain | Literal["noise", "knee"] = DEFAULT_GAIN
    if form.within is not None and form.prefer is None:
        message = "says which trials are as good as the best: give prefer to choose among them"
        problems.append(Problem(("winner", "within"), message))
    try:
        if form.within is not None:
            within = _within(form.within)
    except ValueError as error:
        message = f"{error}; or the words noise and knee"
        problems.append(Problem(("winner", "within"), message))
    prefer = None
    if form.prefer is not None:
        goal = Goal.MAXIMIZE if form.prefer.maximize else Goal.MINIMIZE
        metric = form.prefer.maximize or form.prefer.minimize or ""
        prefer = Objective(metric=metric, goal=goal)
    return Winner(subject_to=tuple(bounds), within=within, prefer=prefer)


def _within(text: str | float) -> Gain | Literal["noise", "knee"]:
    match text:
        case "noise":
            return "noise"
        case "knee":
            return "knee"
        case _:
            return parse_gain(text)


def parse_bound(name: str, text: str) -> Bound:
    """Read a limit.

    Raises:
        ValueError: It is none.

    >>> parse_bound("cost", "<= 0.02 USD")
    Bound(quantity='cost', at_most=0.02, at_least=None)
    """
    found = _LIMIT.fullmatch(text.strip())
    try:
        value = float(found[2]) if found else math.nan
    except ValueError:
        value = math.nan
    if found is None or not math.isfinite(value):
        raise ValueError(f"{text!r} is no limit: write one such as '<= 0.3' or '>= 0.9'")
    if found[1] == "<=":
        return Bound(quantity=name, at_most=value)
    return Bound(quantity=name, at_least=value)
