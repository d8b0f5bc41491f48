"""What is wrong with a spec is told with its path, all of it at once."""

from typing import Any

import pytest

from tests.domain.specs import assert_told, changed, problems
from tunewright.domain.checks import notes
from tunewright.domain.expand import expand


@pytest.mark.parametrize(
    ("path", "value", "where", "message"),
    [
        ("study", ..., "study", "give the study a short name"),
        ("objective", ..., "objective", "say what is to be made better"),
        ("objective", {}, "objective", "exactly one of maximize"),
        ("objective.maximize", "validation:rmse", "objective", "write minimize"),
        ("objective.maximize", "validation:speed", "objective", "has no metric validation:speed"),
        ("training.algorithm", "xgboost:9", "training.algorithm", "AWS lists 1.2-1"),
        ("training.algorithm", "magic:1", "training.algorithm", "xgboost is"),
        ("training.image", "x.dkr.ecr.y/z:1", "training", "exactly one of algorithm, image"),
        ("training.max_run", "1 week", "training.max_run", "such as 20m"),
        ("training.spot", {"max_wait": "5m"}, "training.spot.max_wait", "at least as long"),
        ("training.fixed.eta", 0.1, "training.fixed.eta", "is searched as well"),
        ("training.fixed.key", "AKIAABCDEFGHIJKLMNOP", "training.fixed.key", "like a secret"),
        ("training.metrics", {"a": "b=(.*)"}, "training.metrics", "AWS refuses own metrics"),
        ("search_space", {}, "search_space", "is empty"),
        ("search_space.eta", {"log": True}, "search_space.eta", "needs range"),
        (
            "search_space.eta",
            {"range": [0.1, 0.2], "log": True, "scaling": "log"},
            "search_space.eta",
            "say the same",
        ),
        (
            "search_space.eta",
            {"range": [0.1, 0.2], "never_beyond": [0.15, 0.3]},
            "search_space.eta.never_beyond",
            "must hold the range",
        ),
        (
            "search_space.eta",
            {"range": [0.9, 1.0], "scaling": "reverse_log"},
            "search_space.eta",
            "0 ≤ x < 1",
        ),
        (
            "search_space.max_depth",
            {"range": [1.5, 3.5], "type": "integer"},
            "search_space.max_depth",
            "whole numbers",
        ),
        ("search_space.max_depth", [2.0, 6.0], "search_space.max_depth", "[2, 6] would be right"),
        ("search_space.booster", {"choose": ["a"]}, "search_space.booster", "one choice only"),
        ("search_space.booster", {"choose": ["a", "a"]}, "search_space.booster", "twice"),
        ("search_space.eta", [0.1, float("inf")], "search_space.eta[1]", "finite number"),
        ("rounds.parallel", 9, "rounds.parallel", "more than 8 trials"),
        ("rounds.strategy", "grid", "rounds.strategy", "rounds.max must be 1"),
        ("rounds", {"max": 6, "trials": 100, "parallel": 2}, "rounds", "trials: 83 would do"),
        ("stop", [{"not_improving": {"trials": 30}}], "stop[0].not_improving.trials", "never has"),
        (
            "stop",
            [{"not_improving": {"min_gain": "a lot"}}],
            "stop[0].not_improving.min_gain",
            "1%",
        ),
        (
            "stop",
            [{"not_improving": {"trials": 2, "warm_up": 8}}],
            "stop[0].not_improving.warm_up",
            "over before",
        ),
        (
            "stop",
            [{"not_improving": {"trials": 8}}, {"not_improving": {"trials": 4, "min_gain": "1%"}}],
            "stop[1].not_improving.min_gain",
            "give all of them the same",
        ),
        (
            "stop",
            [
                {"all": [{"trials": 9}, {"not_improving": {"trials": 4, "min_gain": 0.1}}]},
                {"all": [{"trials": 9}, {"not_improving": {"trials": 4}}]},
            ],
            "stop[1].all[1].not_improving.min_gain",
            "differs from that of the first",
        ),
        ("stop", [{"spend": None}], "stop[0].spend", "needs a value"),
        ("winner", {"within": "1%"}, "winner.within", "give prefer"),
        ("winner", {"within": "a bit", "prefer": {"minimize": "cost"}}, "winner.within", "knee"),
        ("winner", {"subject_to": {"cost": "2"}}, "winner.subject_to.cost", "no limit"),
        ("winner", {"subject_to": {"mem": "<= 2"}}, "winner.subject_to.mem", "there is cost"),
        ("winner", {"prefer": {"minimize": "mem"}}, "winner.prefer", "there is cost"),
        (
            "stop",
            [{"all": [{"spend": "$3"}, {"not_improving": {"trials": 30}}]}],
            "stop[0].all[1].not_improving.trials",
            "never has",
        ),
        ("stop", [{"all": [{"spend": "$3"}, {"trials": None}]}], "stop[0].all[1].trials", "value"),
        ("deploy", {"to": "Prod"}, "deploy.to", "is no endpoint name"),
        ("deploy", {"to": "p", "instance": "ml.huge"}, "deploy.instance", "no price is known"),
        ("training.instance", "ml.huge", "training.instance", "no price is known"),
        ("budget", "1 EUR", "budget", "written 40 USD"),
    ],
)
def test_what_is_wrong_is_told_with_its_path(
    path: str, value: Any, where: str, message: str
) -> None:
    assert_told(path, value, where, message)


def test_rules_that_ask_for_one_gain_may_be_several() -> None:
    rules = [{"not_improving": {"trials": count, "min_gain": "1%"}} for count in (8, 4)]
    assert len(expand(changed("stop", rules)).stop) == 2


def test_all_problems_are_told_at_once() -> None:
    spec = changed("search_space.max_depth", [6, 2])
    spec["study"] = "No Name"
    spec["objective"]["maximize"] = "validation:rmse"
    assert {"study", "objective", "search_space.max_depth"} <= problems(spec).keys()


@pytest.mark.parametrize("metrics", [{"f1": "f1=[0-9.]+"}, {"f1": "f1=("}, {"f1": r"a\tf1=(.*)"}])
def test_a_pattern_that_finds_nothing_is_told(metrics: dict[str, str]) -> None:
    spec = changed("training.metrics", metrics)
    del spec["training"]["algorithm"]
    spec["training"]["image"] = "mine"
    spec["objective"] = {"maximize": "f1"}
    assert "training.metrics.f1" in problems(spec)


def test_what_may_not_be_meant_is_noted() -> None:
    spec = expand(changed("search_space.subsample", [0, 1]))
    told = {note.where: note.message for note in notes(spec)}
    assert "[0.0, 1.0] would search the values between" in told["search_space.subsample"]
    assert "no budget is given" in notes(expand(changed("budget", ...)))[-1].message
