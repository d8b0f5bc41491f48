"""A whole study against a real local SageMaker: what was recorded is what happened."""

import io
import tarfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import boto3
import numpy as np
import pytest
import xgboost
from sklearn.datasets import load_digits
from sklearn.metrics import roc_auc_score

from tests.support.one_process import LocalStack, local_stack
from tunewright.domain.study import CommandKind, Decision, DecisionKind, Phase, Study
from tunewright.domain.trial import Trial
from tunewright_local.profile import BUCKET

PATIENCE, MIN_GAIN, WARM_UP = 4, 0.002, 5
SPEC: dict[str, Any] = {
    "study": "digits",
    "objective": {"maximize": "validation:auc"},
    "training": {
        "algorithm": "xgboost:3.2-0",
        "max_run": "5m",
        "inputs": {name: f"s3://{BUCKET}/{name}/" for name in ("train", "validation")},
        "fixed": {"objective": "binary:logistic", "num_round": 30},
    },
    "search_space": {
        "eta": {"range": [0.002, 0.02], "log": True, "never_beyond": [0.001, 0.5]},
        "max_depth": {"range": [1, 3], "never_beyond": [1, 8]},
        "subsample": {"range": [0.5, 1.0], "never_beyond": [0.5, 1.0]},
    },
    "rounds": {"max": 3, "trials": 14, "parallel": 2, "sizes": "fixed"},
    "stop": [
        {"not_improving": {"trials": PATIENCE, "min_gain": MIN_GAIN, "warm_up": WARM_UP}},
        {"failures": {"share": "50%", "after": 5}},
    ],
    "refine": {"when": {"gain_above": 0}},
    "budget": "5 USD",
    "deploy": {"to": "digits", "lease": "1h"},
}
HELD_OUT = slice(1350, None)


@dataclass
class Ran:
    """What a study left behind, read while everything still ran."""

    study: Study
    trials: tuple[Trial, ...]
    decisions: tuple[Decision, ...]
    jobs: dict[str, dict[str, Any]]
    requests: list[tuple[str, Any, str]]
    answers: list[float]
    model: bytes
    validation: tuple[Any, Any]
    held_out: tuple[Any, Any]
    resynced: str = ""
    ended: str = ""
    left: tuple[Any, ...] = ("not looked at",)


def csv(features: Any, labels: Any | None = None) -> bytes:
    rows = features if labels is None else np.column_stack([labels, features])
    text = io.StringIO()
    np.savetxt(text, rows, delimiter=",", fmt="%g")
    return text.getvalue().encode()


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ran]:
    digits = load_digits()
    order = np.random.default_rng(1).permutation(len(digits.target))
    features, labels = digits.data[order], digits.target[order] % 2
    root = tmp_path_factory.mktemp("study")
    with local_stack(root, cpus=1, stop_grace_seconds=5.0) as local:
        clients = {
            name: boto3.client(name, endpoint_url=local.server.url)
            for name in ("s3", "sagemaker", "sagemaker-runtime")
        }
        clients["s3"].create_bucket(Bucket=BUCKET)
        for name, rows in (("train", slice(0, 900)), ("validation", slice(900, 1350))):
            body = csv(features[rows], labels[rows])
            clients["s3"].put_object(Bucket=BUCKET, Key=f"{name}/rows.csv", Body=body)
        study = local.run(local.stack.studies.submit(SPEC, caller="test", key="1").id)
        assert study.phase is Phase.DONE, local.stack.store.decisions(study.id)[-1].reason
        assert study.incumbent is not None
        assert study.incumbent.model is not None
        ran = Ran(
            study=study,
            trials=local.stack.store.of_study(study.id),
            decisions=local.stack.store.decisions(study.id),
            jobs=training_jobs(clients["sagemaker"], study.id),
            requests=[(s.operation, s.body, s.outcome) for s in local.server.sagemaker.requests],
            answers=ask(clients["sagemaker-runtime"], "tw-digits", features[HELD_OUT]),
            model=fetch(clients["s3"], study.incumbent.model),
            validation=(features[900:1350], labels[900:1350]),
            held_out=(features[HELD_OUT], labels[HELD_OUT]),
        )
        ran.resynced = resync(local, study.id)
        ran.ended = end_lease(local, study.id)
        ran.left = hosted(clients["sagemaker"])
        yield ran
        for client in clients.values():
            client.close()


def resync(local: LocalStack, study_id: str) -> str:
    """Have everything looked at again; return what was told of it."""
    stack = local.stack
    stack.studies.command(study_id, CommandKind.RESYNC, by="test", command_id="resync")
    while stack.work():
        pass
    return stack.store.decisions(study_id)[-1].reason


def end_lease(local: LocalStack, study_id: str) -> str:
    """Let the lease end at once, and sweep until the endpoint is gone; return what was told."""
    stack = local.stack
    known = stack.endpoints.load("tw-digits")
    assert known.champion is not None
    over = known.champion.but(lease_ends=stack.clock.now())
    stack.endpoints.save(known.but(champion=over))
    deadline = time.monotonic() + 30
    while stack.store.decisions(study_id)[-1].kind is not DecisionKind.LEASE_ENDED:
        assert time.monotonic() < deadline, stack.endpoints.load("tw-digits")
        stack.sweep()
        while stack.work():
            pass
        time.sleep(0.1)
    return stack.store.decisions(study_id)[-1].reason


def hosted(sagemaker: Any) -> tuple[Any, ...]:
    """Return every endpoint, endpoint config and model that there is."""
    return (
        *sagemaker.list_endpoints()["Endpoints"],
        *sagemaker.list_endpoint_configs()["EndpointConfigs"],
        *sagemaker.list_models()["Models"],
    )


def training_jobs(sagemaker: Any, study_id: str) -> dict[str, dict[str, Any]]:
    pages = sagemaker.get_paginator("list_training_jobs").paginate(NameContains=study_id)
    names = [each["TrainingJobName"] for page in pages for each in page["TrainingJobSummaries"]]
    return {name: sagemaker.describe_training_job(TrainingJobName=name) for name in names}


def ask(runtime: Any, endpoint: str, features: Any) -> list[float]:
    answer = runtime.invoke_endpoint(
        EndpointName=endpoint, ContentType="text/csv", Body=csv(features)
    )
    text = answer["Body"].read().decode().replace("\n", ",")
    return [float(each) for each in text.split(",") if each]


def fetch(s3: Any, uri: str) -> bytes:
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    body: bytes = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    return body


def sent(ran: Ran, operation: str) -> list[Any]:
    return [body for name, body, outcome in ran.requests if name == operation and outcome == "OK"]


def test_the_endpoint_answers_better_than_round_ones_best_would(ran: Ran) -> None:
    _, labels = ran.held_out
    assert len(ran.answers) == len(labels)
    assert roc_auc_score(labels, ran.answers) > 0.97
    assert ran.study.incumbent is not None
    first = max(t.objective or 0 for t in ran.trials if t.round_number == 1 and t.is_scored)
    assert ran.study.incumbent.value > first


def test_a_resync_finds_that_nothing_differs(ran: Ran) -> None:
    assert ran.resynced.endswith("recounted: nothing differed")


def test_when_the_lease_ends_nothing_is_left_that_costs_money(ran: Ran) -> None:
    assert ran.ended.startswith("the lease of tw-digits has ended: tw-digits is deleted; ")
    assert ran.left == ()


def test_the_incumbents_model_loads_in_plain_xgboost_and_gives_what_was_recorded(
    ran: Ran, tmp_path: Path
) -> None:
    with tarfile.open(fileobj=io.BytesIO(ran.model)) as archive:
        held = archive.extractfile("xgboost-model")
        assert held is not None
        (tmp_path / "model.ubj").write_bytes(held.read())
    booster = xgboost.Booster()
    booster.load_model(tmp_path / "model.ubj")
    features, labels = ran.validation
    score = roc_auc_score(labels, booster.predict(xgboost.DMatrix(features)))
    assert ran.study.incumbent is not None
    assert abs(score - ran.study.incumbent.value) <= 1e-5


def test_every_training_job_is_recorded_exactly_once_as_it_was(ran: Ran) -> None:
    assert len(ran.trials) == len({trial.name for trial in ran.trials})
    assert {trial.name for trial in ran.trials} == set(ran.jobs)
    for trial in ran.trials:
        job = ran.jobs[trial.name]
        assert trial.parameters == {name: job["HyperParameters"][name] for name in trial.parameters}
        assert set(trial.parameters) == set(SPEC["search_space"])
        told = {each["MetricName"]: each["Value"] for each in job.get("FinalMetricDataList", [])}
        assert trial.objective == told.get("validation:auc")
        assert trial.status == job["TrainingJobStatus"]
        assert trial.created == job["CreationTime"]
        assert trial.ended == job["TrainingEndTime"]
        assert trial.billable_seconds == job["BillableTimeInSeconds"]
        exact = Decimal("0.23") * job["BillableTimeInSeconds"] / 3600
        assert exact <= trial.cost < exact + Decimal("0.000001")
        assert job["TuningJobArn"].endswith(f"/{trial.tuning_job}")
        assert trial.tuning_job.endswith(f"-r{trial.round_number:02d}")


def test_the_studys_aggregates_equal_a_recount(ran: Ran) -> None:
    assert ran.study.spent == sum((trial.cost for trial in ran.trials), Decimal(0))
    assert ran.study.ledger.used_trials == len(ran.trials)
    assert ran.study.ledger.reserved == 0
    best = max((t for t in ran.trials if t.is_scored), key=lambda t: t.objective or 0)
    assert ran.study.incumbent is not None
    assert ran.study.incumbent.value == best.objective
    for each in ran.study.rounds:
        own = [trial for trial in ran.trials if trial.tuning_job == each.plan.job]
        scored = [trial for trial in own if trial.is_scored]
        assert each.launched == each.progress.finished == len(own)
        assert each.progress.completed == len(scored)
        assert each.progress.best == max(trial.objective or 0 for trial in scored)


def test_round_two_was_accepted_as_a_warm_start_from_round_one(ran: Ran) -> None:
    first, second, *_ = sent(ran, "CreateHyperParameterTuningJob")
    parents = second["WarmStartConfig"]["ParentHyperParameterTuningJobs"]
    assert parents == [{"HyperParameterTuningJobName": first["HyperParameterTuningJobName"]}]
    assert second["WarmStartConfig"]["WarmStartType"] == "IdenticalDataAndAlgorithm"
    assert names_of(first) == names_of(second) == set(SPEC["search_space"])
    for each in ranges_of(second):
        low, high = SPEC["search_space"][each["Name"]]["never_beyond"]
        assert low <= float(each["MinValue"]) < float(each["MaxValue"]) <= high
    assert ranges_of(second) != ranges_of(first)


def ranges_of(request: Any) -> list[dict[str, Any]]:
    kinds = request["HyperParameterTuningJobConfig"]["ParameterRanges"]
    return [each for kind in sorted(kinds) for each in kinds[kind]]


def names_of(request: Any) -> set[str]:
    return {each["Name"] for each in ranges_of(request)}


def test_a_rule_stopped_a_round_before_its_last_trial_and_its_numbers_are_right(ran: Ran) -> None:
    stops = [d for d in ran.decisions if d.kind is DecisionKind.STOPPING]
    assert stops
    jobs = [
        body["HyperParameterTuningJobName"] for body in sent(ran, "StopHyperParameterTuningJob")
    ]
    assert len(jobs) == len(set(jobs)) == len(stops)
    unused = []
    for decision in stops:
        stopped = next(
            each for each in ran.study.rounds if each.plan.number == decision.round_number
        )
        assert stopped.plan.job in jobs
        assert decision.numbers["trials_left"] > 0
        unused.append(stopped.plan.trials - stopped.launched)
        check_patience(ran, decision)
    assert max(unused) > 0  # on a busy machine the last trial of another may have begun already


def check_patience(ran: Ran, decision: Decision) -> None:
    """Recount patience by hand: the bar rises only by more than the gain that was asked for."""
    bar: float | None = None
    for number in range(1, decision.round_number + 1):
        raised, since, seen = None, 0, 0
        own = [trial for trial in ran.trials if trial.round_number == number]
        for trial in sorted(own, key=lambda each: (each.ended, each.name)):
            if number == decision.round_number and since >= PATIENCE and seen >= WARM_UP:
                break
            if trial.objective is None:
                continue
            seen += 1
            if trial.is_scored and (bar is None or trial.objective - bar > MIN_GAIN):
                bar, raised, since = trial.objective, trial.ended, 0
            elif raised is None or trial.created >= raised:
                since += 1
    assert decision.numbers["since"] == since
    assert decision.numbers["bar"] == bar
    assert decision.numbers["scored"] == seen
    assert decision.numbers["needed_gain"] == MIN_GAIN
