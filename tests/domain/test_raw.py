"""Whatever a raw request holds, it is read or told wrong by its members, and never breaks."""

import contextlib
import copy
from decimal import Decimal
from typing import Any

import pytest

from tests.domain.specs import RAW, problems
from tests.support.build import plan, profile
from tunewright.domain.algorithms import recognise
from tunewright.domain.budget import worst_case
from tunewright.domain.errors import SpecError
from tunewright.domain.expand import expand
from tunewright.domain.request import compile_request

CONFIG, DEFINITION = "HyperParameterTuningJobConfig", "TrainingJobDefinition"
Path = tuple[str | int, ...]
ODD: tuple[Any, ...] = (
    *(None, True, 5, -1, 1.5, float("nan"), "", "x", "inf", "nan"),
    *([], [1], [None], [[]], {}, {"a": 1}),
)
LEANER: tuple[Path, ...] = ((DEFINITION, "VpcConfig"), (DEFINITION, "CheckpointConfig"))


def changed(path: Path, value: Any) -> dict[str, Any]:
    """The raw request with one member set, or removed when the value is `...`."""
    raw: Any = copy.deepcopy(RAW)
    holder = raw
    for key in path[:-1]:
        holder = holder[key]
    if value is ...:
        del holder[path[-1]]
    else:
        holder[path[-1]] = value
    return {"study": "churn", "tuning_job": raw}


def members(node: Any, path: Path = ()) -> list[Path]:
    """The paths of all members and entries of a request."""
    if not isinstance(node, dict | list):
        return []
    pairs = node.items() if isinstance(node, dict) else enumerate(node)
    return [
        found for key, inner in pairs for found in ((*path, key), *members(inner, (*path, key)))
    ]


@pytest.mark.parametrize(
    "path",
    [*members({k: v for k, v in RAW.items() if k != "Tags"}), *LEANER],
    ids=lambda path: ".".join(str(part) for part in path),
)
def test_a_member_of_any_shape_is_taken_or_told(path: Path) -> None:
    for value in ODD:
        with contextlib.suppress(SpecError):
            spec = expand(changed(path, value))
            assert compile_request(spec, profile(), plan(space=spec.search_space), {})
            assert worst_case(spec, {spec.training.instance: Decimal(1)}, 1) > 0


@pytest.mark.parametrize(
    ("path", "value", "where", "message"),
    [
        ((CONFIG, "Strategy"), [], f"{CONFIG}.Strategy", "[] is not a text"),
        ((CONFIG, "RandomSeed"), True, f"{CONFIG}.RandomSeed", "True is not a whole number"),
        ((DEFINITION, "InputDataConfig"), 5, f"{DEFINITION}.InputDataConfig", "5 is not a list"),
        (
            (DEFINITION, "InputDataConfig", 0),
            None,
            f"{DEFINITION}.InputDataConfig[0]",
            "None is not a mapping",
        ),
        (
            (DEFINITION, "StoppingCondition"),
            "1h",
            f"{DEFINITION}.StoppingCondition",
            "'1h' is not a mapping",
        ),
        (
            (CONFIG, "ParameterRanges", "ContinuousParameterRanges", 0, "MaxValue"),
            "inf",
            f"{CONFIG}.ParameterRanges.ContinuousParameterRanges[0]",
            "must be a finite number",
        ),
        (
            (DEFINITION, "HyperParameterTuningResourceConfig"),
            {"InstanceConfigs": [{"InstanceType": "ml.m5.large"}]},
            f"{DEFINITION}.ResourceConfig.InstanceConfigs",
            "money is counted by one instance type",
        ),
        (
            (CONFIG, "ParameterRanges", "AutoParameters"),
            [{"Name": "eta"}],
            f"{CONFIG}.ParameterRanges.AutoParameters",
            "Autotune chooses ranges by itself",
        ),
        (
            (CONFIG, "HyperParameterTuningJobObjective", "MetricName"),
            "",
            f"{CONFIG}.HyperParameterTuningJobObjective.MetricName",
            "is required, as a text",
        ),
        (
            (DEFINITION, "AlgorithmSpecification", "TrainingImage"),
            ...,
            f"{DEFINITION}.AlgorithmSpecification.TrainingImage",
            "is required, as a text",
        ),
    ],
)
def test_what_is_of_another_shape_is_told_at_its_place(
    path: Path, value: Any, where: str, message: str
) -> None:
    told = problems(changed(path, value))
    assert message in told[f"tuning_job.{where}"]


def test_keys_beside_a_raw_request_must_not_say_the_same_again() -> None:
    beside = {
        "training": {"profile": "p", "instance": "ml.m5.large"},
        "rounds": {"max": 2, "trials": 9},
        "search_space": {"gamma": {"never_beyond": [0.0, 9.0]}, "lambda": {"never_beyond": [0, 1]}},
    }
    told = problems({"study": "churn", "tuning_job": RAW, **beside})
    assert told == {
        "training.instance": "comes from tuning_job; leave it out here",
        "rounds.trials": "comes from tuning_job; leave it out here",
        "search_space.lambda": "tuning_job searches no such parameter",
    }


def test_a_raw_request_may_name_its_profile_beside_it() -> None:
    assert expand({**changed(("Tags",), []), "training": {"profile": "p"}}).training.profile == "p"


def test_channels_that_no_key_can_say_and_pipe_mode_are_kept() -> None:
    spec = changed((DEFINITION, "AlgorithmSpecification", "TrainingInputMode"), "Pipe")
    source = {"S3DataType": "ManifestFile", "S3Uri": "s3://data/train"}
    channel = spec["tuning_job"][DEFINITION]["InputDataConfig"][0]
    channel["DataSource"] = {"S3DataSource": source}
    request = compile_request(expand(spec), profile(), plan(), {})[DEFINITION]
    assert request["InputDataConfig"][0]["DataSource"] == {"S3DataSource": source}
    assert request["AlgorithmSpecification"]["TrainingInputMode"] == "Pipe"


@pytest.mark.parametrize(
    "image",
    [
        "mine",
        "123456789012.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1",
        "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.2-1",
    ],
)
def test_only_awss_own_images_of_built_in_algorithms_are_recognised(image: str) -> None:
    assert recognise(image) is None
