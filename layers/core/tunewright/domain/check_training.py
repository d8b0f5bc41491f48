"""Finds what contradicts itself in what a trial runs: its image, its data, its own members."""

import re
from collections.abc import Iterator, Mapping

from tunewright.domain import algorithms
from tunewright.domain.errors import Problem
from tunewright.domain.spec import StudySpec
from tunewright.domain.values import show_duration

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


def check_training(spec: StudySpec) -> Iterator[Problem]:
    """Find what is wrong with what a trial runs."""
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
    algorithm = algorithm_of(spec)
    for needed in algorithm.channels if algorithm else ():
        if needed not in inputs:
            yield missing_channel(needed, f"{spec.training.algorithm} does not start without it")


def _s3_uri(source: object) -> object:
    """Return the S3 prefix of AWS's `DataSource`, if that and nothing else is in it."""
    if not isinstance(source, Mapping) or source.keys() != {"S3DataSource"}:
        return None
    inner = source["S3DataSource"]
    return inner.get("S3Uri") if isinstance(inner, Mapping) else None


def missing_channel(name: str, why: str) -> Problem:
    """Tell of a channel that is not there, and of the line that would add it."""
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


def algorithm_of(spec: StudySpec) -> algorithms.Algorithm | None:
    """Return what is known of the built-in algorithm; None if it is another, or none."""
    return algorithms.ALGORITHMS.get((spec.training.algorithm or "").partition(":")[0])
