"""Finds what contradicts itself in stopping rules: rules that cannot fire, or not as they say."""

from collections.abc import Iterable, Iterator

from tunewright.domain.errors import Problem
from tunewright.domain.spec import (
    DEFAULT_RULES,
    All,
    NotImproving,
    Regret,
    Rule,
    SimpleRule,
    StudySpec,
)

Place = tuple[str | int, ...]


def check_rules(spec: StudySpec) -> Iterator[Problem]:
    """Find what is wrong with the rules of a study."""
    if spec.stop == DEFAULT_RULES:
        return  # ours wait longer than a short round lasts, which is no mistake of the person's
    for place, rule in _placed(spec.stop):
        yield from _patience(spec, rule, place)
    yield from one_bar(spec.stop)


def one_bar(rules: Iterable[Rule]) -> Iterator[Problem]:
    """Find rules that ask for other gains than the first of them.

    A study has one bar, which a gain above `min_gain` raises: patience is counted from there.
    """
    asked = [
        (place, rule.min_gain) for place, rule in _placed(rules) if isinstance(rule, NotImproving)
    ]
    for place, gain in asked[1:]:
        if gain != asked[0][1]:
            yield Problem(
                (*place, "not_improving", "min_gain"),
                "differs from that of the first not_improving rule, and a study counts its "
                "patience by one: give all of them the same",
            )


def _placed(rules: Iterable[Rule]) -> Iterator[tuple[Place, SimpleRule]]:
    """Give every rule, those within `all` too, with its place in the document."""
    for index, rule in enumerate(rules):
        if isinstance(rule, All):
            for part, each in enumerate(rule.rules):
                yield ("stop", index, "all", part), each
        else:
            yield ("stop", index), rule


def _patience(spec: StudySpec, rule: SimpleRule, place: Place) -> Iterator[Problem]:
    most = spec.rounds.trials
    if isinstance(rule, NotImproving) and rule.trials > most:
        yield Problem(
            (*place, "not_improving", "trials"),
            f"a round of {most} trials never has {rule.trials} in a row; "
            f"{max(1, most // 2)} would be right",
        )
    if isinstance(rule, NotImproving | Regret) and (rule.warm_up or 0) >= most:
        yield Problem(
            (*place, rule.rule, "warm_up"),
            f"a round of {most} trials is over before the rule may fire; {most // 2} would be "
            "right",
        )
