"""What was once wrong in the brain, and stays right."""

from decimal import Decimal

import pytest

from tests.support.build import document, profile
from tunewright.domain.document import document_of
from tunewright.domain.errors import SpecError
from tunewright.domain.expand import expand
from tunewright.domain.space import ContinuousRange


def told(changes: dict[str, object]) -> dict[str, str]:
    with pytest.raises(SpecError) as caught:
        expand(document(**changes))
    return {problem.where: problem.message for problem in caught.value.problems}


def test_a_channel_cannot_read_other_data_than_its_uri_names() -> None:
    training = document()["training"]
    other = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://secrets/"}}
    inputs = {
        **training["inputs"],
        "train": {"uri": "s3://data/train/", "extra": {"DataSource": other}},
    }
    problems = told({"training": {**training, "inputs": inputs}})
    assert "training.inputs.train.extra.DataSource" in problems


def test_members_that_go_round_budget_and_profile_are_refused() -> None:
    training = document()["training"]
    huge = {"InstanceType": "ml.p3.2xlarge", "InstanceCount": 50, "VolumeSizeInGB": 1}
    definition = {"HyperParameterTuningResourceConfig": huge}
    problems = told({"training": {**training, "definition": definition}})
    message = problems["training.definition.HyperParameterTuningResourceConfig"]
    assert "has a key of its own: training.instance" in message


def test_what_a_profile_prices_may_be_used() -> None:
    training = {**document()["training"], "instance": "ml.x9.huge"}
    prices = profile(prices={"ml.x9.huge": Decimal(2)}).prices
    spec = expand(document(training=training), {"default": prices})
    assert expand(document_of(spec), {"default": prices}) == spec


def test_misshapen_members_of_a_raw_request_are_told_with_their_path() -> None:
    raw = {
        "HyperParameterTuningJobConfig": {"ParameterRanges": {"IntegerParameterRanges": 3}},
        "TrainingJobDefinition": {"VpcConfig": {"Subnets": "a"}, "InputDataConfig": [7]},
    }
    with pytest.raises(SpecError) as caught:
        expand({"study": "churn", "tuning_job": raw})
    where = {problem.where for problem in caught.value.problems}
    assert {
        "tuning_job.HyperParameterTuningJobConfig.ParameterRanges.IntegerParameterRanges",
        "tuning_job.TrainingJobDefinition.VpcConfig.Subnets",
        "tuning_job.TrainingJobDefinition.InputDataConfig[0]",
    } <= where


@pytest.mark.parametrize("entry", [[0.01, 5.0], {"range": [0.01, 5.0], "log": True}])
def test_a_log_range_of_what_may_be_zero_needs_no_hard_limits_of_the_person(entry: object) -> None:
    """XGBoost's gamma may be 0, which no log range can hold: that is no mistake of the person's."""
    gamma = expand(document(search_space={"gamma": entry})).search_space["gamma"]
    assert isinstance(gamma, ContinuousRange)
    assert (gamma.low, gamma.hard_low) == (0.01, 0.0001)


def test_a_grid_takes_choices_and_each_of_its_points_once() -> None:
    rounds = {"max": 1, "trials": 3, "parallel": 1, "strategy": "grid"}
    assert "search_space.max_depth" in told({"rounds": rounds})
    space = {"booster": {"choose": ["gbtree", "dart"]}}
    problems = told({"rounds": rounds, "search_space": space})
    assert problems["rounds.trials"].endswith("trials: 2 is right")
