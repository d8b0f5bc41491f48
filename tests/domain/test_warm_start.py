"""The parents of a round are chosen by AMT's rules, and each broken rule is named."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.build import plan, profile, spec, study
from tunewright.domain.request import compile_request
from tunewright.domain.round import WarmStart
from tunewright.domain.warm_start import (
    Ancestor,
    Parent,
    count_changes,
    forbidden,
    plan_warm_start,
)

Request = dict[str, Any]
SPACE = {
    "eta": [0.05, 0.3],
    "max_depth": [2, 6],
    "booster": {"choose": ["gbtree", "dart", "gblinear"]},
}
DEFINITION, CONFIG = "TrainingJobDefinition", "HyperParameterTuningJobConfig"


def requests() -> tuple[Request, Request]:
    """A round's request and its parent's, between which AMT finds nothing wrong."""
    warm = WarmStart(parents=(plan(1).job,))
    given = spec(search_space=SPACE)
    made = [
        compile_request(
            given,
            profile(),
            plan(number, space=given.search_space, warm_start=warm if number == 2 else None),
            study().tags,
        )
        for number in (2, 1)
    ]
    return copy.deepcopy(made[0]), copy.deepcopy(made[1])


def parent(request: Request, **changes: Any) -> Parent:
    return Parent(**{"request": request, "status": "Completed", "trials": 8, **changes})


def told(child: Request, *parents: Parent) -> list[str]:
    return [str(each) for each in forbidden(child, parents)]


def fix(request: Request, kind: str, name: str, value: str) -> None:
    """Make a searched parameter a fixed one."""
    ranges = request[CONFIG]["ParameterRanges"]
    ranges[kind] = [each for each in ranges[kind] if each["Name"] != name]
    request[DEFINITION]["StaticHyperParameters"][name] = value


def test_a_round_may_learn_from_the_one_before_it() -> None:
    child, before = requests()
    assert told(child, *[parent(before, status=end) for end in ("Completed", "Stopped")]) == []


def test_ranges_sizes_and_amts_own_fixed_parameter_may_differ() -> None:
    child, before = requests()
    before[DEFINITION]["StaticHyperParameters"]["_tuning_objective_metric"] = "validation:auc"
    before[CONFIG]["ResourceLimits"]["MaxNumberOfTrainingJobs"] = 3
    before[CONFIG]["ParameterRanges"]["IntegerParameterRanges"][0]["MaxValue"] = "9"
    before[DEFINITION]["RoleArn"] = "another"
    child[DEFINITION]["Environment"] = before[DEFINITION]["Environment"] = {"A": "1"}
    before[DEFINITION]["ResourceConfig"]["InstanceCount"] = 3
    assert told(child, parent(before)) == []


def _rename(child: Request) -> None:
    child[DEFINITION]["StaticHyperParameters"]["gamma"] = "1"


def _retype(child: Request) -> None:
    ranges = child[CONFIG]["ParameterRanges"]
    ranges["ContinuousParameterRanges"] += ranges["IntegerParameterRanges"]
    ranges["IntegerParameterRanges"] = []


def _refix(child: Request) -> None:
    fix(child, "CategoricalParameterRanges", "booster", "dart")  # 3
    fix(child, "IntegerParameterRanges", "max_depth", "3")  # 2
    fix(child, "ContinuousParameterRanges", "eta", "0.1")  # 2
    child[DEFINITION]["StaticHyperParameters"] |= {"objective": "x", "num_round": "9"}  # 4


def _data(child: Request) -> None:
    child[DEFINITION]["InputDataConfig"][0]["DataSource"] = {}


def _image(child: Request) -> None:
    child[DEFINITION]["AlgorithmSpecification"]["TrainingImage"] = "another"


def _environment(child: Request) -> None:
    child[DEFINITION]["Environment"] = {"A": "1"}


def _objective(child: Request) -> None:
    child[CONFIG]["HyperParameterTuningJobObjective"]["Type"] = "Minimize"


def _strategy(child: Request) -> None:
    child[CONFIG]["Strategy"] = "Hyperband"


def _several(child: Request) -> None:
    child["TrainingJobDefinitions"] = [child[DEFINITION]]


def _large(child: Request) -> None:
    child[CONFIG]["ResourceLimits"]["MaxNumberOfTrainingJobs"] = 493


@pytest.mark.parametrize(
    ("broken", "sentence"),
    [
        (
            _rename,
            "ParameterRanges: searched and fixed parameters together must have the names of "
            "tw-churn-aaaaaa-r01: gamma",
        ),
        (
            _retype,
            "ParameterRanges.max_depth: was integer in tw-churn-aaaaaa-r01 and must stay",
        ),
        (
            _refix,
            "StaticHyperParameters: 11 changes of fixed parameters against tw-churn-aaaaaa-r01; "
            "AMT takes 10",
        ),
        (
            _data,
            "TrainingJobDefinition.InputDataConfig: must be that of tw-churn-aaaaaa-r01 under "
            "IdenticalDataAndAlgorithm",
        ),
        (
            _image,
            "TrainingJobDefinition.AlgorithmSpecification: must be that of tw-churn-aaaaaa-r01 "
            "under IdenticalDataAndAlgorithm",
        ),
        (_environment, "TrainingJobDefinition.Environment: must be that of tw-churn-aaaaaa-r01"),
        (
            _objective,
            "HyperParameterTuningJobObjective: the objective must be that of tw-churn-aaaaaa-r01",
        ),
        (_strategy, "Strategy: warm start takes Bayesian and Random, not Hyperband"),
        (
            _several,
            "TrainingJobDefinitions: a job of several algorithms cannot be warm-started",
        ),
        (
            _large,
            "ResourceLimits.MaxNumberOfTrainingJobs: with its parents' trials it comes to 501; "
            "AMT takes 500",
        ),
    ],
)
def test_each_rule_that_is_broken_is_named(
    broken: Callable[[Request], None], sentence: str
) -> None:
    child, before = requests()
    broken(child)
    assert told(child, parent(before)) == [sentence]


def test_exactly_five_hundred_trials_are_taken() -> None:
    child, before = requests()
    child[CONFIG]["ResourceLimits"]["MaxNumberOfTrainingJobs"] = 492
    assert told(child, parent(before)) == []


@pytest.mark.parametrize("status", ["InProgress", "Stopping"])
def test_a_parent_must_have_ended(status: str) -> None:
    child, before = requests()
    assert told(child, parent(before, status=status)) == [
        f"tw-churn-aaaaaa-r01: the parent is {status}: it must have ended first"
    ]


def test_five_parents_are_taken_and_six_are_not() -> None:
    child, before = requests()
    assert told(child, *[parent(before)] * 5) == []
    assert told(child, *[parent(before)] * 6) == [
        "WarmStartConfig.ParentHyperParameterTuningJobs: 6 parents are named; AMT takes 5"
    ]


def test_other_data_and_another_image_may_be_learned_from_by_transfer() -> None:
    child, before = requests()
    _data(child)
    _image(child)
    child["WarmStartConfig"]["WarmStartType"] = "TransferLearning"
    assert told(child, parent(before)) == []


def test_changes_of_fixed_parameters_are_counted_as_amt_counts_them() -> None:
    child, before = requests()
    assert count_changes(child, before) == 0
    fix(child, "CategoricalParameterRanges", "booster", "dart")
    assert count_changes(child, before) == 3  # one for each of its words
    child[DEFINITION]["StaticHyperParameters"]["num_round"] = "9"
    assert count_changes(child, before) == 5  # red to blue is two
    fix(child, "ContinuousParameterRanges", "eta", "0.1")
    assert count_changes(child, before) == 7  # like its two bounds
    assert count_changes(before, child) == 2  # to search what was fixed is free


def test_ten_changes_are_taken() -> None:
    child, before = requests()
    _refix(child)
    before[CONFIG]["ParameterRanges"]["CategoricalParameterRanges"][0]["Values"].pop()
    assert count_changes(child, before) == 10
    assert told(child, parent(before)) == []


def chosen(*trials: int, best: int = 0, outside: tuple[str, ...] = (), own: int = 10) -> Any:
    """The parents for rounds with so many trials, of which one holds the best."""
    ancestors = tuple(
        Ancestor(job=f"r{number}", trials=count, holds_best=number == best)
        for number, count in enumerate(trials, start=1)
    )
    return plan_warm_start(ancestors, outside, own)


def test_the_best_trials_job_comes_first_then_the_newest() -> None:
    assert chosen(10, 10, 10, best=2).parents == ("r2", "r3", "r1")
    assert chosen(10, 10, 10, best=2).kind == "IdenticalDataAndAlgorithm"


def test_the_oldest_are_left_out_where_there_are_more_than_five() -> None:
    assert chosen(*[10] * 7, best=1).parents == ("r1", "r7", "r6", "r5", "r4")


def test_parents_without_trials_tell_nothing() -> None:
    assert chosen(10, 0).parents == ("r1",)
    assert chosen(0) is None
    assert chosen() is None


def test_parents_that_would_pass_the_limit_of_trials_are_left_out() -> None:
    assert chosen(100, 300, 150, own=50).parents == ("r3", "r2")
    assert chosen(100, 301, 150, own=50).parents == ("r3", "r1")
    assert chosen(500, own=1) is None


def test_jobs_from_outside_keep_their_places_and_make_it_transfer_learning() -> None:
    warm = chosen(10, 10, 10, outside=("a", "b", "c"))
    assert warm.parents == ("r3", "r2", "a", "b", "c")
    assert warm.kind == "TransferLearning"
    assert chosen(outside=("a",)).parents == ("a",)
