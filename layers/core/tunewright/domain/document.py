"""Writes an explicit study back as a document with every key; reading it gives the same study."""

from typing import Any, assert_never

from tunewright.domain.space import CategoricalRange, IntegerRange, Range, Scaling
from tunewright.domain.spec import (
    All,
    Deploy,
    Failures,
    Gain,
    NoMetric,
    NotImproving,
    Refine,
    Regret,
    Rounds,
    Rule,
    Spend,
    StudySpec,
    Target,
    Training,
    Trials,
    WallClock,
    Winner,
)
from tunewright.domain.values import parse_duration

_SCALINGS = {
    Scaling.LINEAR: "linear",
    Scaling.LOGARITHMIC: "log",
    Scaling.REVERSE_LOGARITHMIC: "reverse_log",
}


def document_of(spec: StudySpec) -> dict[str, Any]:
    """Write a study as a document in which nothing is left to a default."""
    objective: dict[str, Any] = {spec.objective.goal.value: spec.objective.metric}
    if spec.objective.target is not None:
        objective["target"] = spec.objective.target
    document: dict[str, Any] = {
        "study": spec.study,
        "objective": objective,
        "training": _training(spec.training),
        "search_space": {each.name: _range(each) for each in spec.search_space.ranges},
        "rounds": _rounds(spec.rounds),
        "stop": [_rule(rule) for rule in spec.stop],
        "refine": _refine(spec.refine),
        "notify": {"events": [event.value for event in spec.notify]},
    }
    if spec.budget is not None:
        document["budget"] = f"{spec.budget} USD"
    if spec.winner != Winner():
        document["winner"] = _winner(spec.winner)
    if spec.deploy is not None:
        document["deploy"] = _deploy(spec.deploy)
    return document


def _winner(winner: Winner) -> dict[str, Any]:
    written: dict[str, Any] = {
        "subject_to": {
            each.quantity: f">= {each.at_least}" if each.at_most is None else f"<= {each.at_most}"
            for each in winner.subject_to
        }
    }
    if winner.prefer is not None:
        within = winner.within
        written["within"] = within if isinstance(within, str) else _gain(within)
        written["prefer"] = {winner.prefer.goal.value: winner.prefer.metric}
    return written


def _training(training: Training) -> dict[str, Any]:
    written: dict[str, Any] = {}
    for key in ("algorithm", "image"):
        if getattr(training, key) is not None:
            written[key] = getattr(training, key)
    if training.script is not None:
        written["script"] = training.script.model_dump()
    written |= {
        "profile": training.profile,
        "instance": training.instance,
        "count": training.count,
        "volume_gb": training.volume_gb,
        "max_run": _duration(training.max_run),
        "spot": False
        if training.spot_max_wait is None
        else {"max_wait": _duration(training.spot_max_wait)},
        "inputs": {
            name: {key: value for key, value in each.model_dump().items() if value}
            for name, each in training.inputs.items()
        },
        "fixed": dict(training.fixed),
    }
    for key in ("metrics", "environment", "definition"):
        if getattr(training, key):
            written[key] = dict(getattr(training, key))
    return written


def _range(range_: Range) -> dict[str, Any]:
    if isinstance(range_, CategoricalRange):
        return {"choose": list(range_.choices)}
    return {
        "range": [range_.low, range_.high],
        "type": "integer" if isinstance(range_, IntegerRange) else "continuous",
        "scaling": "auto" if range_.auto_scaling else _SCALINGS[range_.scaling],
        "never_beyond": [range_.hard_low, range_.hard_high],
    }


def _rounds(rounds: Rounds) -> dict[str, Any]:
    written: dict[str, Any] = {
        "max": rounds.max,
        "trials": rounds.trials,
        "parallel": rounds.parallel,
        "strategy": rounds.strategy.value.lower(),
        "early_stopping": rounds.early_stopping,
        "sizes": rounds.sizes,
    }
    if rounds.seed is not None:
        written["seed"] = rounds.seed
    if rounds.parents:
        written["parents"] = list(rounds.parents)
    if rounds.config:
        written["config"] = dict(rounds.config)
    return written


def _rule(rule: Rule) -> dict[str, Any]:
    match rule:
        case NotImproving() | Regret():
            return {rule.rule: _of_gain(rule)}
        case Failures():
            return {rule.rule: {"share": rule.share, "after": rule.after}}
        case NoMetric():
            return {rule.rule: {"after": rule.after}}
        case WallClock():
            return {rule.rule: _duration(rule.limit)}
        case Spend():
            return {rule.rule: f"{rule.limit} USD"}
        case Target():
            return {rule.rule: rule.value}
        case Trials():
            return {rule.rule: rule.limit}
        case All():
            return {rule.rule: [_rule(each) for each in rule.rules]}
        case _ as never:  # pragma: no cover
            assert_never(never)


def _of_gain(rule: NotImproving | Regret) -> dict[str, Any]:
    written: dict[str, Any]
    if isinstance(rule, NotImproving):
        written = {"trials": rule.trials, "min_gain": _gain(rule.min_gain)}
    else:
        written = {"below": _gain(rule.below), "chance": rule.chance}
    return written if rule.warm_up is None else {**written, "warm_up": rule.warm_up}


def _gain(gain: Gain) -> float | str:
    if gain.kind == "absolute":
        return gain.amount
    share = f"{gain.amount * 100:.12g}%"
    return share if gain.kind == "relative" else f"{share} of spread"


def _refine(refine: Refine) -> dict[str, Any]:
    written: dict[str, Any] = {"keep_exploring": refine.keep_exploring}
    if refine.gain_above is not None:
        written["when"] = {"gain_above": refine.gain_above}
    return written


def _deploy(deploy: Deploy) -> dict[str, Any]:
    return {
        "to": deploy.to,
        "instance": deploy.instance,
        "count": deploy.count,
        "when": {"better_than_live_by": deploy.better_than_live_by},
        "approve": deploy.approve,
        "lease": _duration(deploy.lease),
    }


def _duration(seconds: int) -> str:
    """Write seconds in the largest unit that holds them exactly.

    >>> _duration(7200), _duration(90)
    ('2h', '90s')
    """
    for unit in ("d", "h", "m"):
        if seconds % parse_duration(f"1{unit}") == 0:
            return f"{seconds // parse_duration(f'1{unit}')}{unit}"
    return f"{seconds}s"
