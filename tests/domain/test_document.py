"""A study is written back with every key, and reading that gives the same study."""

import copy
from typing import Any

import pytest

from tests.domain.specs import RAW
from tests.domain.test_checks import with_script
from tests.support.build import document, plan, profile, spec
from tunewright.domain.document import document_of
from tunewright.domain.expand import expand
from tunewright.domain.request import compile_request, training_image
from tunewright.domain.spec import DEFAULT_RULES


def image(**changes: Any) -> dict[str, Any]:
    """A study that runs a person's own image."""
    training = {
        **document()["training"],
        "image": "mine:1",
        "metrics": {"validation:auc": "auc=([0-9.]+)"},
        **changes,
    }
    del training["algorithm"]
    return document(training=training)


WRITTEN: dict[str, dict[str, Any]] = {
    "plain": document(),
    "script": with_script(),
    "image": image(environment={"A": 1}, definition={"EnableNetworkIsolation": True}),
    "spot": document(training={**document()["training"], "spot": {"max_wait": "90m"}}),
    "target": document(objective={"maximize": "validation:auc", "target": 0.9}),
    "words": document(search_space={"eta": [0.1, 0.5], "booster": {"choose": ["a", "b"]}}),
    "scaled": document(
        search_space={
            "eta": {"range": [0.01, 0.5], "scaling": "log"},
            "rate": {"range": [0.9, 0.99], "scaling": "reverse_log"},
        }
    ),
    "rounds": document(
        rounds={
            "max": 2,
            "trials": 8,
            "parallel": 2,
            "seed": 7,
            "parents": ["earlier"],
            "config": {"TuningJobCompletionCriteria": {}},
        }
    ),
    "patience": document(stop=[{"not_improving": {"trials": 4, "warm_up": 0}}]),
    "rules": document(stop=[{"failures": {"share": "10%"}}, {"target": 0.9}, {"spend": "$3"}]),
    "both": document(
        stop=[{"all": [{"trials": 6}, {"not_improving": {"trials": 4}}]}, {"trials": 20}]
    ),
    "no rules": document(stop=[]),
    "cheap": document(
        winner={
            "subject_to": {"validation:logloss": "<= 0.3", "train:auc": ">=0.5"},
            "within": "noise",
            "prefer": {"minimize": "cost"},
        }
    ),
    "knee": document(winner={"within": "knee", "prefer": {"maximize": "train:auc"}}),
    "limited": document(winner={"subject_to": {"cost": "<= 0.02 USD"}}),
    "as good": document(winner={"within": "1%", "prefer": {"minimize": "seconds"}}),
    "refine": document(refine={"when": {"gain_above": 0.001}, "keep_exploring": "20%"}),
    "no budget": {key: value for key, value in document().items() if key != "budget"},
    "deploy": document(deploy={"to": "churn-prod", "approve": True, "lease": "61s"}),
    "channel": document(
        training={
            **document()["training"],
            "inputs": {
                "train": {"uri": "s3://d/t/", "content_type": "text/libsvm"},
                "validation": {"uri": "s3://d/v/", "extra": {"CompressionType": "Gzip"}},
            },
        }
    ),
    "told": document(notify={"events": ["done"]}),
}


@pytest.mark.parametrize("name", WRITTEN)
def test_a_study_that_is_written_out_reads_as_itself(name: str) -> None:
    given = expand(WRITTEN[name])
    again = document_of(given)
    assert expand(again) == given
    assert document_of(expand(again)) == again


def test_spot_without_a_limit_leaves_room_for_one_interruption() -> None:
    training = document()["training"]
    assert spec(training={**training, "spot": True}).training.spot_max_wait == 1200
    assert spec(training={**training, "spot": False}).training.spot_max_wait is None


def test_rules_are_ours_unless_a_person_gives_some_or_none() -> None:
    assert spec().stop == DEFAULT_RULES
    assert spec(stop=[]).stop == ()


def request(name: str, **changes: Any) -> dict[str, Any]:
    given = expand(WRITTEN[name])
    return compile_request(given, profile(**changes), plan(space=given.search_space), {})


def test_a_script_runs_in_its_frameworks_image_with_its_program() -> None:
    definition = request("script")["TrainingJobDefinition"]
    assert definition["AlgorithmSpecification"]["TrainingImage"] == (
        "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.4-2-cpu-py3"
    )
    fixed = definition["StaticHyperParameters"]
    assert fixed["sagemaker_program"] == "train.py"
    assert fixed["sagemaker_submit_directory"] == "s3://data/source.tar.gz"
    assert fixed["sagemaker_region"] == "us-east-1"


def test_an_image_of_ones_own_brings_its_metrics_and_environment() -> None:
    definition = request("image")["TrainingJobDefinition"]
    assert definition["AlgorithmSpecification"] == {
        "TrainingInputMode": "File",
        "TrainingImage": "mine:1",
        "MetricDefinitions": [{"Name": "validation:auc", "Regex": "auc=([0-9.]+)"}],
    }
    assert definition["Environment"] == {"A": "1"}
    assert definition["EnableNetworkIsolation"] is True
    assert all("ContentType" not in each for each in definition["InputDataConfig"])
    assert training_image(expand(WRITTEN["image"]).training, profile()) == "mine:1"


def test_spot_keys_and_networks_reach_the_request() -> None:
    secured = {"kms_key": "k", "subnets": ("s",), "security_groups": ("g",)}
    definition = request("spot", **secured)["TrainingJobDefinition"]
    assert definition["EnableManagedSpotTraining"] is True
    assert definition["StoppingCondition"] == {
        "MaxRuntimeInSeconds": 600,
        "MaxWaitTimeInSeconds": 5400,
    }
    assert definition["OutputDataConfig"]["KmsKeyId"] == "k"
    assert definition["ResourceConfig"]["VolumeKmsKeyId"] == "k"
    assert definition["VpcConfig"] == {"Subnets": ["s"], "SecurityGroupIds": ["g"]}


def test_a_raw_request_reads_the_same_when_it_is_written_out() -> None:
    raw = copy.deepcopy(RAW)
    raw["TrainingJobDefinition"]["EnableManagedSpotTraining"] = True
    raw["TrainingJobDefinition"]["StoppingCondition"]["MaxWaitTimeInSeconds"] = 7200
    given = expand({"study": "churn", "tuning_job": raw})
    assert given.training.spot_max_wait == 7200
    assert expand(document_of(given)) == given
