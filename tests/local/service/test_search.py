"""Search for training jobs and tuning jobs."""

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.local.service.conftest import World
from tests.local.service.fakes import METRIC, tuning_request


@pytest.fixture(scope="module")
def tuned(shared: World) -> Iterator[World]:
    shared.fakes.runner.score = lambda spec: float(spec.hyperparameters["eta"])
    request = tuning_request("found", trials=6, RandomSeed=1)
    shared.create({**request, "Tags": [{"Key": "team", "Value": "blue"}]})
    shared.create(tuning_request("other", trials=1))
    shared.ended("found")
    shared.ended("other")
    yield shared
    shared.fakes.runner.score = None


def hits(world: World, resource: str = "TrainingJob", **request: Any) -> list[dict[str, Any]]:
    found = []
    pages = world.sm.get_paginator("search").paginate(Resource=resource, **request)
    for page in pages:
        found += [each[resource] for each in page["Results"]]
    return found


def where(name: str, operator: str, value: str | None = None) -> dict[str, Any]:
    only = {"Name": name, "Operator": operator}
    return {"Filters": [only if value is None else {**only, "Value": value}]}


@pytest.mark.parametrize(
    ("name", "operator", "value", "count"),
    [
        ("TrainingJobName", "Contains", "found", 6),
        ("TrainingJobStatus", "Equals", "Completed", 7),
        ("TrainingJobStatus", "In", "Failed, Completed", 7),
        ("TrainingJobStatus", "NotEquals", "Completed", 0),
        ("Tags.team", "Equals", "blue", 6),
        ("Tags.Key", "Contains", "team", 6),
        ("Tags.team", "NotExists", None, 1),
        ("HyperParameters.epochs", "Equals", "5", 7),
        ("HyperParameters.eta", "GreaterThan", "0", 7),
        ("FailureReason", "Exists", None, 0),
        ("EnableManagedSpotTraining", "Equals", "false", 7),
        ("EnableManagedSpotTraining", "Equals", "true", 0),
        (f"Metrics.{METRIC}", "LessThanOrEqualTo", "0.5", 7),
        (f"Metrics.{METRIC}", "GreaterThan", "0.5", 0),
        ("CreationTime", "GreaterThan", "2020-01-01T00:00:00Z", 7),
        ("CreationTime", "LessThan", "2020-01-01", 0),
        ("InputDataConfig.DataSource.S3DataSource.S3Uri", "Contains", "s3://data/train", 7),
    ],
)
def test_a_filter_finds_what_it_is_true_of(
    tuned: World, name: str, operator: str, value: str | None, count: int
) -> None:
    assert len(hits(tuned, SearchExpression=where(name, operator, value))) == count


def test_filters_combine(tuned: World) -> None:
    both = {
        "SubExpressions": [
            where("TrainingJobName", "Contains", "other"),
            where("Tags.team", "Equals", "blue"),
        ]
    }
    assert hits(tuned, SearchExpression=both) == []
    assert len(hits(tuned, SearchExpression={**both, "Operator": "Or"})) == 7
    assert len(hits(tuned)) == 7


def test_a_nested_filter_wants_one_item_that_satisfies_all(tuned: World) -> None:
    def channel(name: str, uri: str) -> dict[str, Any]:
        prefix = "InputDataConfig"
        return {
            "NestedFilters": [
                {
                    "NestedPropertyName": prefix,
                    "Filters": [
                        {"Name": f"{prefix}.ChannelName", "Operator": "Equals", "Value": name},
                        {
                            "Name": f"{prefix}.DataSource.S3DataSource.S3Uri",
                            "Operator": "Contains",
                            "Value": uri,
                        },
                    ],
                }
            ]
        }

    assert len(hits(tuned, SearchExpression=channel("train", "data/train"))) == 7
    assert hits(tuned, SearchExpression=channel("train", "data/validation")) == []


def test_results_are_ordered_and_paged(tuned: World) -> None:
    request = {"SortBy": f"Metrics.{METRIC}", "SortOrder": "Descending", "MaxResults": 2}
    values = [job["FinalMetricDataList"][0]["Value"] for job in hits(tuned, **request)]
    assert len(values) == 7
    assert values == sorted(values, reverse=True)
    page = tuned.sm.search(Resource="TrainingJob", MaxResults=2)
    assert page["TotalHits"] == {"Value": 7, "Relation": "EqualTo"}


def test_tuning_jobs_are_found_too(tuned: World) -> None:
    expression = where("HyperParameterTuningJobConfig.Strategy", "Equals", "Random")
    found = hits(tuned, "HyperParameterTuningJob", SearchExpression=expression)
    assert {job["HyperParameterTuningJobName"] for job in found} == {"found", "other"}
    assert any(job["Tags"] == [{"Key": "team", "Value": "blue"}] for job in found)
    assert all(job["TrainingJobDefinition"]["ResourceConfig"] for job in found)


def test_what_cannot_be_searched_is_said(tuned: World) -> None:
    with pytest.raises(ClientError, match="does not search Pipeline; it searches TrainingJob"):
        tuned.sm.search(Resource="Pipeline")
    with pytest.raises(ClientError, match="needs a Value"):
        hits(tuned, SearchExpression=where("TrainingJobName", "Equals"))
