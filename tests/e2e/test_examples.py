"""Every example is a valid study, and the script of ours trains in a study of its own."""

import io
import tarfile
from pathlib import Path

import boto3
import numpy as np
import pytest
import yaml
from click.testing import CliRunner
from sklearn.datasets import load_breast_cancer

from tests.support.one_process import local_stack
from tunewright.domain.study import Phase
from tunewright_client.cli import main
from tunewright_local.profile import BUCKET

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.mark.parametrize(
    "path", sorted(EXAMPLES.rglob("*.yaml")), ids=lambda path: path.parent.name
)
def test_an_example_can_be_planned(path: Path) -> None:
    result = CliRunner().invoke(main, ["plan", str(path)])
    assert result.exit_code == 0, result.output
    assert "0 problems" in result.output


def test_the_script_trains_in_a_study(tmp_path: Path) -> None:
    spec = yaml.safe_load(
        (EXAMPLES / "sklearn/study.yaml").read_text().replace("my-bucket", BUCKET)
    )
    spec["rounds"] = {"max": 1, "trials": 3, "parallel": 2, "early_stopping": False}
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        archive.add(EXAMPLES / "sklearn/train.py", arcname="train.py")
    features, labels = load_breast_cancer(return_X_y=True)
    rows = np.column_stack([labels, features])
    with local_stack(tmp_path, cpus=1) as local:
        s3 = boto3.client("s3", endpoint_url=local.server.url)
        s3.create_bucket(Bucket=BUCKET)
        s3.put_object(Bucket=BUCKET, Key="code/source.tar.gz", Body=packed.getvalue())
        for name, part in (("train", rows[::2]), ("validation", rows[1::2])):
            text = io.StringIO()
            np.savetxt(text, part, delimiter=",", fmt="%g")
            s3.put_object(Bucket=BUCKET, Key=f"data/{name}/r.csv", Body=text.getvalue().encode())
        s3.close()
        study = local.run(local.stack.studies.submit(spec, caller="test", key="1").id)
        trials = local.stack.store.of_study(study.id)
    assert study.phase is Phase.DONE
    assert [trial.is_scored for trial in trials] == [True] * 3, trials[0].failure_reason
    assert all(0.9 < (trial.objective or 0) <= 1 for trial in trials)
    assert {trial.parameters["criterion"] for trial in trials} <= {"gini", "entropy"}
