"""Finds what contradicts itself, or AWS's rules, in an explicit study; it asks nobody."""

import math
import re
from collections.abc import Iterator, Mapping
from decimal import Decimal

from tunewright.domain import budget, names, prices
from tunewright.domain.check_training import algorithm_of, check_training, missing_channel
from tunewright.domain.errors import Problem
from tunewright.domain.objective import Goal
from tunewright.domain.space import (
    MAX_CATEGORIES,
    MAX_PARAMETERS,
    CategoricalRange,
    ContinuousRange,
    IntegerRange,
    Scaling,
)
from tunewright.domain.spec import DEFAULT_RULES, NotImproving, Strategy, StudySpec
from tunewright.domain.values import cents_up, show_duration, show_money

MAX_HYPERPARAMETERS = 100
MAX_TRIALS_WARM = 500
"""AMT counts the trials of all parents; one of its pages says 500, another 750: the safe one."""
_MAX_VALUE = 2500


def check_spec(spec: StudySpec, extra_prices: Mapping[str, Decimal]) -> list[Problem]:
    """Return everything that is wrong with a study; nothing, if it can be run.

    Args:
        spec: The study.
        extra_prices: What its profile says of prices, beside our table.
    """
    return [
        *_name(spec),
        *_space(spec),
        *check_training(spec),
        *_objective(spec),
        *_hyperparameters(spec),
        *_rounds(spec),
        *_rules(spec),
        *_deploy(spec),
        *_budget(spec, extra_prices),
    ]


def _name(spec: StudySpec) -> Iterator[Problem]:
    if not names.is_slug(spec.study):
        yield Problem(
            ("study",),
            f"{spec.study!r} is no study name: lower-case letters and digits with single hyphens "
            f"inside, at most {names.SLUG_MAX} long; {names.suggest_slug(spec.study)} would do",
        )


def _space(spec: StudySpec) -> Iterator[Problem]:
    count = len(spec.search_space)
    if count == 0:
        yield Problem(("search_space",), "is empty: name at least one parameter with its range")
    if count > MAX_PARAMETERS:
        yield Problem(
            ("search_space",),
            f"has {count} parameters; AMT searches at most {MAX_PARAMETERS}: move "
            f"{count - MAX_PARAMETERS} of them to training.fixed",
        )
    for each in spec.search_space.ranges:
        path = ("search_space", each.name)
        if isinstance(each, CategoricalRange):
            yield from _choices(each, path)
        else:
            yield from _numeric(each, path)
            yield from _fits_algorithm(spec, each, path)


def _choices(range_: CategoricalRange, path: tuple[str, ...]) -> Iterator[Problem]:
    if len(set(range_.choices)) < len(range_.choices):
        yield Problem(path, "names a choice twice")
    if len(range_.choices) > MAX_CATEGORIES:
        yield Problem(path, f"has {len(range_.choices)} choices; AMT takes {MAX_CATEGORIES}")
    if not range_.choices:
        yield Problem(path, "has no choice at all")
    elif len(range_.choices) < 2:
        yield Problem(
            path, f"has one choice only: move {path[-1]}: {range_.choices[0]} to training.fixed"
        )


def _numeric(range_: ContinuousRange | IntegerRange, path: tuple[str, ...]) -> Iterator[Problem]:
    low, high = range_.low, range_.high
    if low > high:
        yield Problem(path, f"the least value {low:g} is above the greatest {high:g}; swap them")
        return
    if low == high:
        yield Problem(
            path,
            f"is one value only, which AMT refuses: move {path[-1]}: {low:g} to training.fixed",
        )
        return
    if range_.hard_low > low or range_.hard_high < high:
        yield Problem(
            (*path, "never_beyond"),
            f"{range_.hard_low:g}–{range_.hard_high:g} must hold the range {low:g}–{high:g}",
        )
    least, greatest = min(low, range_.hard_low), max(high, range_.hard_high)
    if range_.scaling is Scaling.LOGARITHMIC and least <= 0:
        right = high / 1000 if isinstance(range_, ContinuousRange) else 1
        yield Problem(
            path,
            f"a log range must start above 0, but {least:g} is in it; {right:g} would be right",
        )
    if range_.scaling is Scaling.REVERSE_LOGARITHMIC and (
        isinstance(range_, IntegerRange) or least < 0 or greatest >= 1
    ):
        yield Problem(
            path, "a reverse log range is continuous and lies in 0 ≤ x < 1, such as [0.9, 0.999]"
        )


def _fits_algorithm(
    spec: StudySpec, range_: ContinuousRange | IntegerRange, path: tuple[str, ...]
) -> Iterator[Problem]:
    algorithm = algorithm_of(spec)
    limits = algorithm.parameters.get(range_.name) if algorithm else None
    if algorithm and limits and limits.kind == "integer" and isinstance(range_, ContinuousRange):
        yield Problem(
            path,
            f"{algorithm.name} takes whole numbers here; [{math.floor(range_.low)}, "
            f"{math.ceil(range_.high)}] would be right",
        )


def notes(spec: StudySpec) -> tuple[Problem, ...]:
    """Return what is not wrong, but may not be what the person meant."""
    found = []
    algorithm = algorithm_of(spec)
    for each in spec.search_space.ranges:
        limits = algorithm.parameters.get(each.name) if algorithm else None
        if limits and limits.kind == "continuous" and isinstance(each, IntegerRange):
            message = (
                f"two whole numbers make an integer range; "
                f"[{each.low}.0, {each.high}.0] would search the values between, too"
            )
            found.append(Problem(("search_space", each.name), message))
    if spec.budget is None:
        found.append(Problem((), "no budget is given: only the profile limits what may be spent"))
    return tuple(found)


def _objective(spec: StudySpec) -> Iterator[Problem]:
    metric, path = spec.objective.metric, ("objective",)
    algorithm = algorithm_of(spec)
    if algorithm is None:
        if spec.training.metrics.get(metric) is None:
            yield Problem(
                path,
                f"nothing finds {metric} in the log: add to training.metrics a line such as "
                f"{metric}: '{metric.rpartition(':')[2]}: ([0-9.]+)'",
            )
        yield from _patterns(spec)
        return
    if spec.training.metrics:
        yield Problem(("training", "metrics"), "AWS refuses own metrics for a built-in algorithm")
    direction = algorithm.metric_direction(metric)
    if direction is None:
        listed = ", ".join(algorithm.metrics)
        yield Problem(path, f"{algorithm.name} has no metric {metric}; it has {listed}")
    elif direction is not spec.objective.goal:
        yield Problem(
            path, f"{metric} is better when {_BETTER[direction]}: write {direction.value}"
        )
    split = metric.partition(":")[0]
    if direction and spec.training.inputs and split not in spec.training.inputs:
        yield missing_channel(split, f"{metric} is measured on it")


_BETTER = {Goal.MAXIMIZE: "larger", Goal.MINIMIZE: "smaller"}


def _patterns(spec: StudySpec) -> Iterator[Problem]:
    for name, pattern in spec.training.metrics.items():
        path = ("training", "metrics", name)
        try:
            groups = re.compile(pattern).groups
        except re.error as error:
            yield Problem(path, f"is no regular expression: {error}")
            continue
        if groups < 1:
            yield Problem(path, f"has no group to read the number from; such as {name}=([0-9.]+)")
        if "\t" in pattern or r"\t" in pattern:
            yield Problem(path, "waits for a tab, which SageMaker's log shows as #011")


def _hyperparameters(spec: StudySpec) -> Iterator[Problem]:
    both = sorted(set(spec.search_space.names) & spec.training.fixed.keys())
    for name in both:
        yield Problem(("training", "fixed", name), "is searched as well; leave one of the two out")
    total = len(spec.search_space) + len(spec.training.fixed) + 1  # AMT adds the objective's name
    if total > MAX_HYPERPARAMETERS:
        yield Problem(("training", "fixed"), f"makes {total} hyperparameters; SageMaker takes 100")
    for name, value in spec.training.fixed.items():
        if len(value) > _MAX_VALUE:
            yield Problem(("training", "fixed", name), f"is longer than {_MAX_VALUE} characters")


def _rounds(spec: StudySpec) -> Iterator[Problem]:
    rounds, path = spec.rounds, ("rounds",)
    if rounds.parallel > rounds.trials:
        yield Problem(
            (*path, "parallel"), f"{rounds.parallel} at a time is more than {rounds.trials} trials"
        )
    if rounds.max > 1 and rounds.strategy not in {Strategy.BAYESIAN, Strategy.RANDOM}:
        yield Problem(
            (*path, "strategy"),
            f"AMT warm-starts Bayesian and Random; with {rounds.strategy} rounds.max must be 1",
        )
    if rounds.strategy is Strategy.HYPERBAND and rounds.early_stopping:
        yield Problem((*path, "early_stopping"), "must be false: Hyperband stops trials by itself")
    if rounds.max > 1 and rounds.max * rounds.trials > MAX_TRIALS_WARM:
        yield Problem(
            path,
            f"{rounds.max} rounds of {rounds.trials} trials pass the {MAX_TRIALS_WARM} that AMT "
            f"takes over a job and its parents; trials: {MAX_TRIALS_WARM // rounds.max} would do",
        )
    points = spec.search_space.combinations()
    if rounds.strategy is Strategy.GRID:
        yield from _grid(spec, points)
    elif points < rounds.trials:
        yield Problem(
            (*path, "trials"),
            f"the search space has only {points:.0f} points; trials: {points:.0f} would be right",
        )


def _grid(spec: StudySpec, points: float) -> Iterator[Problem]:
    for each in spec.search_space.ranges:
        if not isinstance(each, CategoricalRange):
            yield Problem(
                ("search_space", each.name),
                "is a range of numbers, which AMT's grid does not take: write {choose: [a, b]}",
            )
    if points not in {math.inf, spec.rounds.trials}:
        yield Problem(
            ("rounds", "trials"),
            f"a grid tries each of its {points:.0f} points once: trials: {points:.0f} is right",
        )


def _rules(spec: StudySpec) -> Iterator[Problem]:
    if spec.stop == DEFAULT_RULES:
        return  # ours wait longer than a short round lasts, which is no mistake of the person's
    for index, rule in enumerate(spec.stop):
        if isinstance(rule, NotImproving) and rule.trials > spec.rounds.trials:
            yield Problem(
                ("stop", index, "not_improving", "trials"),
                f"a round of {spec.rounds.trials} trials never has {rule.trials} in a row; "
                f"{max(1, spec.rounds.trials // 2)} would be right",
            )


def _deploy(spec: StudySpec) -> Iterator[Problem]:
    if spec.deploy is None:
        return
    if not names.is_endpoint_alias(spec.deploy.to):
        yield Problem(
            ("deploy", "to"),
            f"{spec.deploy.to!r} is no endpoint name: lower-case letters, digits, single hyphens",
        )


def _no_price(path: tuple[str, ...], instance: str) -> Problem:
    listed = ", ".join(prices.USD_PER_HOUR)
    return Problem(
        path, f"no price is known of {instance}; known are {listed}; a profile may add others"
    )


def _budget(spec: StudySpec, extra_prices: Mapping[str, Decimal]) -> Iterator[Problem]:
    known = {**prices.USD_PER_HOUR, **extra_prices}
    needed = [(("training", "instance"), spec.training.instance)]
    if spec.deploy is not None:
        needed.append((("deploy", "instance"), spec.deploy.instance))
    unknown = [_no_price(path, instance) for path, instance in needed if instance not in known]
    yield from unknown
    if unknown or spec.budget is None:
        return
    round_cost = budget.least_round_cost(spec, known)
    reserve = budget.deployment_reserve(spec, known)
    least = round_cost + reserve
    kept = f", the endpoint's lease {show_money(cents_up(reserve))}" if reserve else ""
    if least > spec.budget:
        yield Problem(
            ("budget",),
            f"{show_money(spec.budget)} does not pay for one round: {budget.least_trials(spec)} "
            f"trials of at most {show_duration(spec.training.max_run)} can cost "
            f"{show_money(cents_up(round_cost))}{kept}; at least "
            f"{show_money(cents_up(least))} would be right, or a shorter training.max_run",
        )
