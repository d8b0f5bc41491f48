"""What SageMaker refuses is tried another way, and then a person is asked, in AWS's own words."""

import io
import tarfile
from pathlib import Path
from typing import Any

import boto3
import pytest

from tests.support.build import script_training
from tests.support.one_process import LocalStack, local_stack
from tunewright.domain.study import DecisionKind, Phase, Study
from tunewright_local.profile import BUCKET

TRAIN = """
import argparse, math
parser = argparse.ArgumentParser()
parser.add_argument("--rate", type=float)
parser.add_argument("--width", type=int)
args, _ = parser.parse_known_args()
print(f"score={-abs(math.log(args.rate / 0.001)) - 0.1 * abs(args.width - 4):.6f}")
"""
# The best rate lies far below the range: the range grows until a log scale is the right one.
SPEC: dict[str, Any] = {
    "study": "refused",
    "objective": {"maximize": "score"},
    "training": script_training(BUCKET),
    "search_space": {
        "rate": {"range": [0.05, 0.3], "never_beyond": [0.001, 0.5]},
        "width": {"range": [2, 6], "never_beyond": [1, 8]},
    },
    "rounds": {
        "max": 2,
        "trials": 10,
        "parallel": 2,
        "strategy": "random",
        "sizes": "fixed",
        "early_stopping": False,
    },
    "stop": [{"failures": {"share": "50%", "after": 5}}],
    "refine": {"when": {"gain_above": 0}},
}


def source() -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        entry = tarfile.TarInfo("train.py")
        entry.size = len(TRAIN)
        archive.addfile(entry, io.BytesIO(TRAIN.encode()))
    return packed.getvalue()


def run(local: LocalStack) -> Study:
    s3 = boto3.client("s3", endpoint_url=local.server.url)
    s3.create_bucket(Bucket=BUCKET)
    s3.put_object(Bucket=BUCKET, Key="code/source.tar.gz", Body=source())
    s3.put_object(Bucket=BUCKET, Key="train/data.csv", Body=b"1,2\n")
    s3.close()
    study_id = local.stack.studies.submit(SPEC, caller="test", key="1").id
    return local.run(study_id)


def refusals(local: LocalStack, study: Study) -> list[str]:
    return [
        each.reason
        for each in local.stack.store.decisions(study.id)
        if each.kind is DecisionKind.ROUND_REFUSED
    ]


def words_on_the_wire(local: LocalStack) -> list[str]:
    return [
        each.outcome
        for each in local.server.sagemaker.requests
        if each.operation == "CreateHyperParameterTuningJob"
    ]


def scalings(local: LocalStack) -> list[str]:
    return [
        each.body["HyperParameterTuningJobConfig"]["ParameterRanges"]["ContinuousParameterRanges"][
            0
        ]["ScalingType"]
        for each in local.server.sagemaker.requests
        if each.operation == "CreateHyperParameterTuningJob"
    ]


@pytest.mark.parametrize(
    ("refuses", "attempt", "refused", "warm"),
    [("nothing", 1, 0, True), ("scaling", 2, 1, True), ("all_warm_start", 3, 2, False)],
)
def test_another_attempt_runs(
    tmp_path: Path, refuses: Any, attempt: int, refused: int, warm: bool
) -> None:
    with local_stack(tmp_path, cpus=1, warm_start_refuses=refuses) as local:
        study = run(local)
        told = refusals(local, study)
        assert scalings(local)[:2] == ["Linear", "Logarithmic"]
        outcomes = words_on_the_wire(local)
    assert study.phase is Phase.DONE
    second = study.rounds[1]
    assert second.plan.attempt == attempt
    assert (second.plan.warm_start is not None) is warm
    assert second.launched == 10
    assert len(told) == refused
    assert outcomes.count("ValidationException") == refused
    if refused:
        assert "SageMaker refused attempt 1 at round 2" in told[0]
        assert "parents' scalings" in told[0]
    if refused == 2:
        assert "attempt 3 goes without warm start" in told[1]


def test_a_person_is_asked_when_everything_is_refused(tmp_path: Path) -> None:
    with local_stack(tmp_path, cpus=1, warm_start_refuses="everything") as local:
        study = run(local)
        last = local.stack.store.decisions(study.id)[-1]
        (create,) = [
            each
            for each in local.server.sagemaker.requests
            if each.operation == "CreateHyperParameterTuningJob"
        ]
    assert create.outcome == "ValidationException"
    assert study.phase is Phase.NEEDS_PERSON
    assert last.kind is DecisionKind.NEEDS_PERSON
    assert "SageMaker refused attempt 1 at round 1" in last.reason
    assert "resume, stop or cancel" in last.reason
    assert study.ledger.reserved == 0
