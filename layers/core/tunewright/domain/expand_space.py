"""Turns the ranges of a form into explicit ones, with their scaling and hard limits."""

from typing import Literal

from tunewright.domain import algorithms
from tunewright.domain.errors import Problem
from tunewright.domain.form import ChoiceForm, RangeForm
from tunewright.domain.space import (
    CategoricalRange,
    ContinuousRange,
    IntegerRange,
    Scaling,
    choose_scaling,
)
from tunewright.domain.spec import Training
from tunewright.domain.values import word

CLOSER = 100
"""How much nearer than a person's own bound a log range may come to what it can never reach."""
_SCALINGS = {
    "linear": Scaling.LINEAR,
    "log": Scaling.LOGARITHMIC,
    "reverse_log": Scaling.REVERSE_LOGARITHMIC,
}


def expand_range(
    name: str,
    entry: list[int | float] | ChoiceForm | RangeForm,
    training: Training,
    problems: list[Problem],
) -> ContinuousRange | IntegerRange | CategoricalRange | None:
    """Expand the range of one parameter; None if that cannot be done, for the reason noted."""
    path = ("search_space", name)
    if isinstance(entry, ChoiceForm):
        words = tuple(word(value) for value in entry.choose)
        return CategoricalRange(name=name, choices=words, hard_choices=words)
    form = RangeForm(range=entry) if isinstance(entry, list) else entry
    if form.range is None:
        problems.append(Problem(path, "needs range: [least, greatest] or choose: [a, b]"))
        return None
    if form.log is not None and form.scaling is not None:
        problems.append(Problem(path, "log and scaling say the same; leave one of the two out"))
        return None
    return _numeric(name, form, training, problems)


def _numeric(
    name: str, form: RangeForm, training: Training, problems: list[Problem]
) -> ContinuousRange | IntegerRange | None:
    low, high = form.range or (0, 0)
    whole = isinstance(low, int) and isinstance(high, int)
    kind: Literal["continuous", "integer"] = form.type or ("integer" if whole else "continuous")
    scaling = _scaling(form, low, high)
    hard = _hard_limits(name, low, high, form.never_beyond, training, kind, scaling)
    if kind == "continuous":
        return ContinuousRange(
            name=name,
            low=float(low),
            high=float(high),
            hard_low=hard[0],
            hard_high=hard[1],
            scaling=scaling,
            auto_scaling=form.log is None and form.scaling in {None, "auto"},
        )
    if any(each != int(each) for each in (low, high, *hard)):
        problems.append(
            Problem(("search_space", name), "an integer range has whole numbers as bounds")
        )
        return None
    return IntegerRange(
        name=name,
        low=int(low),
        high=int(high),
        hard_low=int(hard[0]),
        hard_high=int(hard[1]),
        scaling=scaling,
        auto_scaling=form.log is None and form.scaling in {None, "auto"},
    )


def _scaling(form: RangeForm, low: float, high: float) -> Scaling:
    if form.log is not None:
        return Scaling.LOGARITHMIC if form.log else Scaling.LINEAR
    return _SCALINGS.get(form.scaling or "auto") or choose_scaling(low, high)


def _hard_limits(
    name: str,
    low: float,
    high: float,
    never_beyond: list[int | float] | None,
    training: Training,
    kind: str,
    scaling: Scaling,
) -> tuple[float, float]:
    """Find how far a range may ever move: the person's word, else what the algorithm allows.

    No logarithm reaches 0 (and no reversed one 1): where the algorithm allows that, the range may
    go a hundred times nearer to it.
    """
    if never_beyond is not None:
        return float(never_beyond[0]), float(never_beyond[1])
    known = algorithms.named(training.algorithm)
    limits = known.parameters.get(name) if known else None
    if limits is None or limits.kind != kind:
        return float(low), float(high)
    least, most = limits.low, limits.high
    if scaling is Scaling.LOGARITHMIC and least <= 0 < low:
        least = low / CLOSER if kind == "continuous" else 1
    if scaling is Scaling.REVERSE_LOGARITHMIC and high < 1 <= most:
        most = 1 - (1 - high) / CLOSER
    return min(float(low), least), max(float(high), most)


def with_limits(
    range_: ContinuousRange | IntegerRange | CategoricalRange,
    entry: object,
    training: Training,
    problems: list[Problem],
) -> ContinuousRange | IntegerRange | CategoricalRange:
    """Give a raw range its hard limits: the person's `never_beyond`, else the catalogue's."""
    path = ("search_space", range_.name)
    if entry is not None and not (
        isinstance(entry, RangeForm) and entry.model_fields_set == {"never_beyond"}
    ):
        problems.append(Problem(path, "comes from tuning_job; only never_beyond may be given here"))
        return range_
    if isinstance(range_, CategoricalRange):
        return range_
    pair = entry.never_beyond if isinstance(entry, RangeForm) else None
    low, high = _hard_limits(
        range_.name, range_.low, range_.high, pair, training, range_.kind, range_.scaling
    )
    return range_.but(hard_low=low, hard_high=high)
