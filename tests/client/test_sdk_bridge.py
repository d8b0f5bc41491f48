"""The bridge from the SDKs' tuners to studies, with tuners that send what the real ones sent."""

import json
from pathlib import Path
from typing import Any

import botocore.session
import pytest

from tunewright.domain.expand import expand
from tunewright_client.sdk_bridge import NotTakenError, from_tuner

CAPTURED = Path(__file__).parents[1] / "local/service/captured"


def client() -> Any:
    return botocore.session.get_session().create_client(
        "sagemaker",
        region_name="us-east-1",
        endpoint_url="http://127.0.0.1:9",
        aws_access_key_id="a",
        aws_secret_access_key="b",
    )


class Tuner2:
    """Has `fit`, as version 2 has, and sends a captured request."""

    def __init__(self, name: str) -> None:
        self.request = json.loads((CAPTURED / f"{name}.json").read_text())
        self.given: list[Any] = []

    def fit(self, inputs: Any, *, wait: bool) -> None:
        assert not wait
        self.given.append(inputs)
        client().create_hyper_parameter_tuning_job(**self.request)


class Tuner3(Tuner2):
    """Has `tune`, as version 3 has."""

    fit = None  # type: ignore[assignment]

    def tune(self, inputs: Any, *, wait: bool) -> None:
        Tuner2.fit(self, inputs, wait=wait)


def plain(study: dict[str, Any]) -> dict[str, Any]:
    """Without what the two captures were given differently: the role, and a bucket's folder."""
    definition = dict(study["tuning_job"]["TrainingJobDefinition"])
    del definition["RoleArn"], definition["OutputDataConfig"]
    return {**study, "tuning_job": {**study["tuning_job"], "TrainingJobDefinition": definition}}


@pytest.mark.parametrize("name", ["guide-tuner", "guide-spot", "guide-completion-criteria"])
def test_both_versions_make_the_same_study(name: str) -> None:
    inputs = {"train": "s3://somewhere"}
    two, three = Tuner2(f"sdk2-{name}"), Tuner3(f"sdk3-{name}")
    studies = [from_tuner(t, inputs, study="guide", budget="40 USD") for t in (two, three)]
    assert plain(studies[0]) == plain(studies[1])
    assert two.given == three.given == [inputs]
    spec = expand(studies[0])
    assert spec.study == "guide"
    assert spec.rounds.trials in {4, 50}
    assert len(spec.search_space) == 7


def test_a_tuner_that_asks_for_nothing_is_said() -> None:
    class Idle:
        def fit(self, inputs: Any, *, wait: bool) -> None:
            pass

    with pytest.raises(NotTakenError, match="is it a tuner"):
        from_tuner(Idle(), study="idle")


def test_other_calls_go_where_they_would_and_all_do_again_afterwards() -> None:
    class Describing:
        def fit(self, inputs: Any, *, wait: bool) -> None:
            client().describe_training_job(TrainingJobName="a")

    with pytest.raises(Exception, match="Could not connect"):
        from_tuner(Describing(), study="other")
    with pytest.raises(Exception, match="Could not connect"):
        client().create_hyper_parameter_tuning_job(**Tuner2("sdk2-guide-tuner").request)
