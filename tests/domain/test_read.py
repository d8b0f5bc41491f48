"""What does not have the form of a study is told in a person's words, at the key's own path."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.domain.specs import changed, problems
from tunewright.domain.errors import Problem, SpecError
from tunewright.domain.read import read_form

MANY = {"choose": list(range(31))}


@pytest.mark.parametrize(
    ("path", "value", "where", "message"),
    [
        ("study", 7, "study", "7 is not a text"),
        ("studdy", "x", "studdy", "did you mean study?"),
        ("training.colour", "red", "training.colour", "the keys here are algorithm, image"),
        ("training.spot", {"max_weight": "2h"}, "training.spot.max_weight", "mean max_wait?"),
        ("search_space.eta", {"ranges": [1, 2]}, "search_space.eta.ranges", "mean range?"),
        ("stop", [{"failure": {}}], "stop[0].failure", "did you mean failures?"),
        ("stop", [{}], "stop[0]", "exactly one of the keys not_improving, regret"),
        ("stop", {"failures": {}}, "stop", "is not a list"),
        ("stop", [{"all": [{"trials": 3}]}], "stop[0].all", "at least 2"),
        ("stop", [{"all": [{"trials": 3}, {"all": []}]}], "stop[0].all[1].all", "no such key"),
        ("rounds", 3, "rounds", "3 is not a mapping of keys to values"),
        ("rounds.max", 9, "rounds.max", "it must be at most 6"),
        ("rounds.trials", 0, "rounds.trials", "it must be at least 1"),
        ("rounds.trials", 2.5, "rounds.trials", "2.5 is not a whole number"),
        ("rounds.strategy", "guess", "rounds.strategy", "none of 'bayesian', 'random'"),
        ("rounds.parents", ["a"] * 5, "rounds.parents", "has 5 entries; at most 4 are allowed"),
        ("search_space.eta", 0.1, "search_space.eta", "0.1 is no range: write [least, greatest]"),
        ("search_space.eta", [0.1], "search_space.eta", "a range is two numbers"),
        ("search_space.eta", ["a", "b"], "search_space.eta[0]", "'a' is not a number"),
        ("search_space.eta", MANY, "search_space.eta.choose", "has 31 entries; at most 30"),
        ("search_space.eta", {"choose": []}, "search_space.eta.choose", "at least 1 are needed"),
        ("notify", {"events": ["parties"]}, "notify.events[0]", "is none of started, new_best"),
        ("notify", {}, "notify.events", "is required: list what to be told of"),
        ("deploy", {}, "deploy.to", "is required: name the endpoint"),
        ("objective.maximize", "", "objective.maximize", "string should have at least 1"),
        ("training.max_run", [1], "training.max_run", "such as 20m"),
        ("budget", [40], "budget", "written 40 USD"),
        ("refine", {"keep_exploring": {}}, "refine.keep_exploring", "a share is"),
    ],
)
def test_what_does_not_fit_the_form_is_told_with_what_would(
    path: str, value: Any, where: str, message: str
) -> None:
    told = problems(changed(path, value))
    assert where in told, told
    assert message in told[where]


@pytest.mark.parametrize("document", [None, [], "study: churn", 7])
def test_a_study_is_a_mapping(document: object) -> None:
    with pytest.raises(SpecError, match="a mapping that begins with study: NAME"):
        read_form(document)


def test_a_key_that_yaml_took_for_a_boolean_is_explained() -> None:
    told = problems({"study": "churn", True: {}})
    assert "the key True is no text; put it in quotes" in told["True"]
    assert "YAML reads on, yes and no as true/false" in told["True"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)
KEYS = ["objective", "training", "search_space", "rounds", "stop", "deploy", "budget", "notify"]


@given(
    path=st.sampled_from([*KEYS, "training.inputs", "training.max_run", "training.spot"])
    | st.sampled_from(["search_space.eta", "rounds.trials", "tuning_job", "training.fixed"]),
    value=JSON,
)
def test_whatever_is_written_is_read_or_told_and_nothing_else_happens(
    path: str, value: Any
) -> None:
    try:
        read_form(changed(path, value))
    except SpecError as error:
        told = error.problems
    else:
        told = ()
    assert all(each.path[:1] in {(path.partition(".")[0],), ()} for each in told)


def test_a_problem_is_told_with_where_it_is() -> None:
    assert str(Problem(("stop", 0, "spend"), "needs a value")) == "stop[0].spend: needs a value"
    assert str(Problem((), "is no study")) == "is no study"
