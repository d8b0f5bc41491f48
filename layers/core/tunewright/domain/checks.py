"""Finds what contradicts itself, or AWS's rules, in an explicit study; it asks nobody."""

import math
import re
from collections.abc import Iterator, Mapping
from decimal import Decimal

from tunewright.domain import algorithms, budget, names, prices
from tunewright.domain.checks_rules import check_rules
from tunewright.domain.checks_space import check_space
from tunewright.domain.errors import Problem
from tunewright.domain.objective import Goal
from tunewright.domain.space import CategoricalRange, IntegerRange
from tunewright.domain.spec import MAX_TRIALS_WARM, Strategy, StudySpec
from tunewright.domain.values import cents_up, show_duration, show_money

MAX_HYPERPARAMETERS = 100
_MAX_VALUE = 2500
_SECRET = re.compile(r"AKIA[0-9A-Z]{16}|xox[bap]-|hooks\.slack\.com|-----BEGIN")


_HAS_A_KEY = {
    "HyperParameterRanges": "search_space",
    "HyperParameterTuningResourceConfig": "training.instance",
    "InputDataConfig": "training.inputs",
    "OutputDataConfig": "the profile's output",
    "ResourceConfig": "training.instance",
    "StaticHyperParameters": "training.fixed",
    "StoppingCondition": "training.max_run",
}
"""Members that would go round what the profile and the budget check, or be ignored."""


def check_spec(spec: StudySpec, extra_prices: Mapping[str, Decimal]) -> list[Problem]:
    """Return everything that is wrong with a study; nothing, if it can be run.

    Args:
        spec: The study.
        extra_prices: What its profile says of prices, beside our table.
    """
    return [
        *_name(spec),
        *check_space(spec),
        *_training(spec),
        *_objective(spec),
        *_hyperparameters(spec),
        *_rounds(spec),
        *check_rules(spec),
        *_winner(spec),
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


def notes(spec: StudySpec) -> tuple[Problem, ...]:
    """Return what is not wrong, but may not be what the person meant."""
    found = []
    algorithm = algorithms.named(spec.training.algorithm)
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


def _training(spec: StudySpec) -> Iterator[Problem]:
    training = spec.training
    given = [key for key in ("algorithm", "image", "script") if getattr(training, key) is not None]
    if len(given) != 1:
        yield Problem(("training",), "needs exactly one of algorithm, image and script")
    yield from _versions(spec)
    yield from _channels(spec)
    for member in sorted(_HAS_A_KEY.keys() & training.definition.keys()):
        yield Problem(
            ("training", "definition", member), f"has a key of its own: {_HAS_A_KEY[member]}"
        )
    if training.spot_max_wait is not None and training.spot_max_wait < training.max_run:
        yield Problem(
            ("training", "spot", "max_wait"),
            f"{show_duration(training.spot_max_wait)} is shorter than max_run "
            f"({show_duration(training.max_run)}), which AWS refuses; make it at least as long",
        )
    for name, text in {**training.fixed, **training.environment}.items():
        if _SECRET.search(text):
            message = "looks like a secret; hyperparameters are no place for one"
            yield Problem(("training", "fixed", name), message)


def _channels(spec: StudySpec) -> Iterator[Problem]:
    path, inputs = ("training", "inputs"), spec.training.inputs
    if not inputs:
        yield Problem(path, "is required: name the channels, such as train: s3://bucket/train/")
        return
    for name, channel in inputs.items():
        if not re.fullmatch(r"[A-Za-z0-9.\-_]{1,64}", name):
            yield Problem((*path, name), "is no channel name: letters, digits, . - _")
        if not channel.uri:
            yield Problem((*path, name), "needs the S3 prefix of its data")
        source = channel.extra.get("DataSource")
        if source is not None and _s3_uri(source) != channel.uri:
            yield Problem(
                (*path, name, "extra", "DataSource"), "must be the S3 data that uri names"
            )
    algorithm = algorithms.named(spec.training.algorithm)
    for needed in algorithm.channels if algorithm else ():
        if needed not in inputs:
            yield _missing_channel(needed, f"{spec.training.algorithm} does not start without it")


def _s3_uri(source: object) -> object:
    """Return the S3 prefix of AWS's `DataSource`, if that and nothing else is in it."""
    if not isinstance(source, Mapping) or source.keys() != {"S3DataSource"}:
        return None
    inner = source["S3DataSource"]
    return inner.get("S3Uri") if isinstance(inner, Mapping) else None


def _missing_channel(name: str, why: str) -> Problem:
    return Problem(
        ("training", "inputs"), f"lacks the channel {name}: {why}; add {name}: s3://bucket/{name}/"
    )


def _versions(spec: StudySpec) -> Iterator[Problem]:
    training = spec.training
    if training.algorithm is not None:
        name, _, version = training.algorithm.partition(":")
        known = algorithms.ALGORITHMS.get(name)
        where: tuple[str, ...] = ("training", "algorithm")
        if known is None:
            yield Problem(
                where, f"no such algorithm is known; {', '.join(algorithms.ALGORITHMS)} is"
            )
        elif version not in known.versions:
            yield Problem(
                where, f"there is no version {version}; AWS lists {', '.join(known.versions)}"
            )
    if training.script is not None:
        framework = algorithms.FRAMEWORKS.get(training.script.framework)
        where = ("training", "script", "framework")
        if framework is None:
            yield Problem(
                where, f"no such framework is known; {', '.join(algorithms.FRAMEWORKS)} are"
            )
        elif training.script.version not in framework.versions:
            listed = ", ".join(framework.versions)
            yield Problem(("training", "script", "version"), f"AWS lists the versions {listed}")


def _objective(spec: StudySpec) -> Iterator[Problem]:
    metric, path = spec.objective.metric, ("objective",)
    algorithm = algorithms.named(spec.training.algorithm)
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
        yield _missing_channel(split, f"{metric} is measured on it")


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


def _winner(spec: StudySpec) -> Iterator[Problem]:
    """Find quantities that no trial will have."""
    algorithm, winner = algorithms.named(spec.training.algorithm), spec.winner
    metrics = algorithm.metrics if algorithm else tuple(spec.training.metrics)
    asked: list[tuple[tuple[str, ...], str]] = [
        (("winner", "subject_to", each.quantity), each.quantity) for each in winner.subject_to
    ]
    if winner.prefer is not None:
        asked.append((("winner", "prefer"), winner.prefer.metric))
    for path, name in asked:
        told = name.replace("train:", "validation:", 1) if algorithm else name
        if told not in {"cost", "seconds", *metrics}:
            listed = ", ".join(("cost", "seconds", *metrics))
            yield Problem(path, f"no trial has {name}; there is {listed}")


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
