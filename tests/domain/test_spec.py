"""Both forms of a spec compile to the same study, and a profile says what it may ask for."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.domain.specs import KEYS, RAW, changed
from tests.support.build import document, profile
from tunewright.domain.document import document_of
from tunewright.domain.errors import NotAllowedError
from tunewright.domain.expand import expand
from tunewright.domain.expand_rules import parse_gain
from tunewright.domain.space import Scaling


def test_both_forms_compile_to_the_same_study() -> None:
    assert expand({"study": "churn", "tuning_job": RAW}) == expand(KEYS)


def test_the_algorithms_limits_are_taken_where_a_person_gives_none() -> None:
    spec = expand(document())
    eta, depth = spec.search_space["eta"], spec.search_space["max_depth"]
    assert eta.kind == "continuous"
    assert depth.kind == "integer"
    assert (eta.hard_low, eta.hard_high) == (0.001, 0.5)
    assert (depth.hard_low, depth.hard_high) == (1, 15)
    assert depth.auto_scaling
    log = expand(changed("search_space.eta", [0.001, 0.5])).search_space["eta"]
    assert log.kind == "continuous"
    assert log.scaling is Scaling.LOGARITHMIC


def test_a_strategy_that_cannot_be_warm_started_gets_one_round() -> None:
    spec = changed(
        "rounds", {"trials": 4, "parallel": 2, "strategy": "grid", "early_stopping": False}
    )
    spec["search_space"] = {"a": {"choose": [1, 2]}, "b": {"choose": [True, False]}}
    assert expand(spec).rounds.max == 1


def test_gains_are_read_in_three_ways() -> None:
    kinds = [parse_gain(text) for text in (0.001, "0.002", "1%", "2% of spread")]
    assert [(each.kind, each.amount) for each in kinds] == [
        ("absolute", 0.001),
        ("absolute", 0.002),
        ("relative", 0.01),
        ("spread", 0.02),
    ]
    for wrong in ("some", "1% of all", -1, True, float("nan")):
        with pytest.raises(ValueError, match="a gain is"):
            parse_gain(wrong)


@given(
    st.sampled_from([None, 0.001, "1%", "3% of spread"]),
    st.sampled_from(["auto", "fixed"]),
    st.booleans(),
    st.sampled_from([None, {"to": "prod", "lease": "36h", "when": {"better_than_live_by": 0.1}}]),
)
def test_an_explicit_document_is_the_same_study(
    gain: Any, sizes: str, early: bool, deploy: Any
) -> None:
    rounds = {"max": 2, "trials": 9, "parallel": 3, "sizes": sizes, "early_stopping": early}
    stop = [{"not_improving": {"trials": 5, **({"min_gain": gain} if gain else {})}}]
    stop += [{"spend": 3}, {"wall_clock": "90s"}, {"target": 0.9}, {"no_metric": {}}]
    spec = expand({**document(rounds=rounds, stop=stop), **({"deploy": deploy} if deploy else {})})
    written = document_of(spec)
    assert expand(written) == spec
    assert expand(json.loads(json.dumps(written))) == spec


def test_a_profile_refuses_by_name_what_it_does_not_allow() -> None:
    strict = profile(
        data=("s3://data/*",),
        instances=("ml.m5.*",),
        max_budget="5",
        subnets=("subnet-1",),
        security_groups=("sg-1",),
    )
    spec = changed("training.instance", "ml.p3.2xlarge")
    spec["training"]["inputs"]["train"] = "s3://elsewhere/train/"
    spec["training"]["definition"] = {
        "RoleArn": "arn:aws:iam::123456789012:role/admin",
        "VpcConfig": {"Subnets": ["subnet-2"], "SecurityGroupIds": ["sg-1"]},
        "CheckpointConfig": {"S3Uri": "s3://elsewhere/checkpoints/"},
    }
    with pytest.raises(NotAllowedError) as caught:
        strict.check(expand(spec))
    told = str(caught.value)
    for name in (
        "ml.p3.2xlarge",
        "s3://elsewhere/train/",
        "role/admin",
        "subnets",
        "s3://elsewhere/checkpoints/",
        "$20.00",
    ):
        assert name in told
    strict.check(expand(document(budget="5 USD")))


def test_a_profile_refuses_foreign_images_and_unknown_regions() -> None:
    spec = changed("training.metrics", {"f1": "f1=(.*)"})
    del spec["training"]["algorithm"]
    spec["training"]["image"] = "123.dkr.ecr.us-east-1.amazonaws.com/mine:1"
    spec["objective"] = {"maximize": "f1"}
    with pytest.raises(NotAllowedError, match="does not allow the image"):
        profile().check(expand(spec))
    profile(images=("123.dkr.*/mine:*",)).check(expand(spec))
    with pytest.raises(NotAllowedError, match=r"give training\.image itself"):
        profile(region="mars-1").check(expand(document()))
