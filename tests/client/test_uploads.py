"""Local files of a study go into S3 once, under their content; a plan only tells of them."""

import hashlib
import io
import json
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from click.testing import CliRunner

from sagemaker_local.server import LocalServer
from tests.client.test_studies import Gateway, gateway
from tests.support.build import document
from tunewright_client import uploads
from tunewright_client.cli import main
from tunewright_client.spec_file import SpecFile
from tunewright_client.uploads import Upload, find_uploads, pack, with_uris

__all__ = ["gateway"]
BASE = "s3://output/tunewright/uploads"


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with LocalServer(tmp_path_factory.mktemp("aws")) as server:
        client = boto3.client(
            "s3",
            endpoint_url=server.url,
            region_name="eu-west-1",
            aws_access_key_id="key",
            aws_secret_access_key="secret",
        )
        yield client
        client.close()


@pytest.fixture
def bucket(s3: Any) -> Iterator[Any]:
    s3.create_bucket(Bucket="output", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    yield s3
    for key in keys(s3):
        s3.delete_object(Bucket="output", Key=key)
    s3.delete_bucket(Bucket="output")


def keys(s3: Any) -> list[str]:
    return [each["Key"] for each in s3.list_objects_v2(Bucket="output").get("Contents", [])]


def study(folder: Path, **training: Any) -> Path:
    """A study beside its data and its script."""
    for name, text in (
        ("data/train/b.csv", "1,2\n"),
        ("data/train/deep/a.csv", "3,4\n"),
        ("data/train/.hidden", "?"),
        ("data/valid.csv", "5,6\n"),
        ("src/train.py", "print('validation:auc=0.5')\n"),
        ("src/__pycache__/train.pyc", "?"),
    ):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    values = {
        "script": {"framework": "sklearn", "entry_point": "train.py", "source_dir": "src"},
        "inputs": {"train": "data/train", "validation": {"uri": "./data/valid.csv"}},
        "metrics": {"validation:auc": "validation:auc=([0-9.]+)"},
        "max_run": "10m",
        **training,
    }
    path = folder / "study.json"
    path.write_text(json.dumps(document(training=values)))
    return path


def found(path: Path) -> tuple[Upload, ...]:
    return find_uploads(SpecFile.read(path), path.parent)


def submit(gateway: Gateway, s3: Any, path: Path, *flags: str) -> tuple[int, str, str]:
    return gateway.run("submit", str(path), *flags, AWS_ENDPOINT_URL=s3.meta.endpoint_url)


def test_a_plan_tells_what_would_be_uploaded_and_uploads_nothing(tmp_path: Path) -> None:
    path = study(tmp_path)
    shown = CliRunner().invoke(main, ["plan", str(path)])
    assert shown.exit_code == 0, shown.output
    assert "would upload training.inputs.train: 2 files, 8 B from data/train" in shown.stdout
    assert "would upload training.inputs.validation.uri: 1 file, 4 B from ./data" in shown.stdout
    assert "would upload training.script.source_dir: 1 file, 28 B from src" in shown.stdout
    told = json.loads(CliRunner().invoke(main, ["plan", "--json", str(path)]).stdout)
    assert [each["files"] for each in told["uploads"]] == [2, 1, 1]
    assert [each["bytes"] for each in told["uploads"]] == [8, 4, 28]


def test_a_study_is_submitted_with_its_files_in_s3(
    gateway: Gateway, bucket: Any, tmp_path: Path
) -> None:
    path = study(tmp_path)
    train, valid, source = found(path)
    code, out, err = submit(gateway, bucket, path)
    assert code == 0, err
    assert err.splitlines() == [
        "training.inputs.train: 2 files, 8 B from data/train: uploaded",
        "training.inputs.validation.uri: 1 file, 4 B from ./data/valid.csv: uploaded",
        "training.script.source_dir: 1 file, 28 B from src: uploaded",
    ]
    below = "tunewright/uploads"
    assert sorted(keys(bucket)) == sorted(
        [
            f"{below}/{train.digest}/b.csv",
            f"{below}/{train.digest}/deep/a.csv",
            f"{below}/{valid.digest}/valid.csv",
            f"{below}/{source.digest}/sourcedir.tar.gz",
        ]
    )
    kept = gateway.world.store.load(out.split()[0]).spec.training
    assert kept.inputs["train"].uri == f"{BASE}/{train.digest}/"
    assert kept.inputs["validation"].uri == f"{BASE}/{valid.digest}/"
    assert kept.script is not None
    assert kept.script.source_dir == f"{BASE}/{source.digest}/sourcedir.tar.gz"
    key = f"{below}/{source.digest}/sourcedir.tar.gz"
    packed = bucket.get_object(Bucket="output", Key=key)["Body"].read()
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        assert archive.getnames() == ["train.py"]
        inner = archive.extractfile("train.py")
        assert inner is not None
        assert inner.read() == (tmp_path / "src/train.py").read_bytes()


def test_the_same_files_are_sent_once_and_make_the_same_study(
    gateway: Gateway, bucket: Any, tmp_path: Path
) -> None:
    path = study(tmp_path)
    code, out, _ = submit(gateway, bucket, path, "--json")
    assert code == 0
    study_id = json.loads(out)["id"]
    times = {
        key: bucket.head_object(Bucket="output", Key=key)["LastModified"] for key in keys(bucket)
    }
    for each in tmp_path.rglob("*.csv"):
        each.touch()
    code, out, err = submit(gateway, bucket, path)
    assert (code, out.split()[0]) == (0, study_id)
    assert err.count(": there already\n") == 3
    assert "uploaded" not in err
    assert times == {
        key: bucket.head_object(Bucket="output", Key=key)["LastModified"] for key in keys(bucket)
    }
    (tmp_path / "data/valid.csv").write_text("7,8\n")
    code, out, err = submit(gateway, bucket, path)
    assert code == 0
    assert out.split()[0] != study_id
    assert (err.count(": there already\n"), err.count(": uploaded\n")) == (2, 1)


def test_an_upload_that_was_cut_off_goes_on_where_it_was(
    gateway: Gateway, bucket: Any, tmp_path: Path
) -> None:
    path = study(tmp_path)
    train = found(path)[0]
    key = f"tunewright/uploads/{train.digest}/b.csv"
    bucket.put_object(Bucket="output", Key=key, Body=b"1,2\n")
    bucket.put_object(Bucket="output", Key=key.replace("b.csv", "deep/a.csv"), Body=b"3")
    assert submit(gateway, bucket, path)[0] == 0
    again = bucket.get_object(Bucket="output", Key=key.replace("b.csv", "deep/a.csv"))
    assert again["Body"].read() == b"3,4\n"


def test_what_the_api_refuses_is_not_uploaded(
    gateway: Gateway, bucket: Any, tmp_path: Path
) -> None:
    path = study(tmp_path, instance="ml.unknown")
    code, _, err = submit(gateway, bucket, path)
    assert code == 4, err
    assert keys(bucket) == []


def test_a_bucket_that_cannot_be_written_to_is_told(
    gateway: Gateway, s3: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = study(tmp_path)
    code, out, err = submit(gateway, s3, path)  # there is no such bucket
    assert (code, out) == (4, "")
    assert err.startswith(f"upload_refused: S3 does not let you write to {BASE}: ")

    def refuse(*_: Any) -> None:
        denied = {"Error": {"Code": "AccessDenied", "Message": "no s3:PutObject for you"}}
        raise ClientError(denied, "PutObject")

    monkeypatch.setattr(uploads, "_put", refuse)
    code, _, err = submit(gateway, s3, path)
    assert code == 4
    assert "no s3:PutObject for you" in err
    assert not len(gateway.world.store)


def test_an_s3_that_does_not_answer_is_told_as_such(
    gateway: Gateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    path = study(tmp_path)
    code, _, err = gateway.run("submit", str(path), AWS_ENDPOINT_URL="http://127.0.0.1:9")
    assert code == 5
    assert "upload_failed: nothing was submitted" in err


def test_a_local_path_that_comes_to_the_api_itself_is_refused(gateway: Gateway) -> None:
    body = document(
        training={
            "script": {"framework": "sklearn", "entry_point": "train.py", "source_dir": "src"},
            "inputs": {"train": "data"},
            "metrics": {"validation:auc": "x=(.*)"},
        }
    )
    from tunewright_client.api_client import ApiClient, ApiError

    with pytest.MonkeyPatch.context() as patched:
        for name, value in gateway.environment.items():
            patched.setenv(name, value)
        with pytest.raises(ApiError) as caught:
            ApiClient(gateway.url, "eu-west-1").ask("POST", "/studies/plan", body)
    assert caught.value.status == 403
    assert any("src is no s3:// URI; the client uploads folders" in e for e in caught.value.details)
    assert any("does not allow the data data" in each for each in caught.value.details)


def test_an_administrators_prefixes_hold_and_uploads_go_beside_them() -> None:
    from tests.support.build import profile, spec
    from tunewright.domain.errors import NotAllowedError

    own = profile(data=("s3://lake/*",))
    channel = spec().training.inputs["train"]
    here = spec().training.but(
        inputs={
            "train": channel.but(uri=f"{BASE}/abc/"),
            "validation": channel.but(uri="s3://lake/v"),
        }
    )
    own.check(spec().but(training=here))
    for uri in ("s3://output/tunewright/uploads", "s3://output/tunewright/uploadsx/a", "s3://x/"):
        there = here.but(inputs={"train": channel.but(uri=uri)})
        with pytest.raises(NotAllowedError):
            own.check(spec().but(training=there))


@pytest.mark.parametrize(
    ("training", "key", "words"),
    [
        ({"inputs": {"train": "data/nothing"}}, "training.inputs.train", "there is no "),
        ({"inputs": {"train": "empty"}}, "training.inputs.train", "there are no files in "),
        ({"inputs": {"train": "file:///no/where"}}, "training.inputs.train", "no /no/where"),
        (
            {
                "script": {
                    "framework": "sklearn",
                    "entry_point": "a.py",
                    "source_dir": "src/train.py",
                }
            },
            "training.script.source_dir",
            "is no folder; give the folder of the script",
        ),
    ],
)
@pytest.mark.parametrize("command", ["plan", "submit"])
def test_a_path_that_leads_to_nothing_is_told_by_its_line(
    gateway: Gateway, tmp_path: Path, training: dict[str, Any], key: str, words: str, command: str
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty/.hidden").write_text("?")
    code, out, err = gateway.run(command, str(study(tmp_path, **training)))
    assert (code, out) == (4, "")
    assert f"study.json:1: {key}: " in err
    assert words in err
    assert "Nothing was launched." in err
    assert not gateway.signed


def test_a_file_that_is_too_large_is_told_with_a_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "MOST_BYTES", 3)
    shown = CliRunner().invoke(main, ["plan", str(study(tmp_path))])
    assert shown.exit_code == 4
    assert "b.csv has 4 B; at most 3 B are uploaded: put it into S3 yourself" in shown.stderr
    assert "3 problems" in shown.stderr


def test_paths_are_read_as_they_are_meant(tmp_path: Path) -> None:
    (tmp_path / "with space").mkdir()
    (tmp_path / "with space/a.csv").write_text("1\n")
    uri = (tmp_path / "with space").as_uri()
    inputs = {"train": uri, "validation": str(tmp_path / "with space"), "s": "s3://b/k/"}
    here = found(study(tmp_path, inputs=inputs))
    assert [each.key[-1] for each in here] == ["train", "validation", "source_dir"]
    assert here[0].digest == here[1].digest
    assert here[0].uri(BASE) == f"{BASE}/{here[0].digest}/"


def test_the_spec_file_itself_is_left_as_it_is(tmp_path: Path) -> None:
    file = SpecFile.read(study(tmp_path))
    before = json.dumps(file.document)
    changed = with_uris(file.document, find_uploads(file, tmp_path), BASE)
    assert json.dumps(file.document) == before
    assert changed["training"]["inputs"]["validation"]["uri"].startswith(f"{BASE}/")
    assert changed["training"]["fixed" if "fixed" in changed["training"] else "inputs"]


def test_an_archive_does_not_depend_on_times_or_owners(tmp_path: Path) -> None:
    hashes, digests = set(), set()
    for place in ("a", "b"):
        folder = tmp_path / place
        folder.mkdir()
        upload = found(study(folder))[2]
        (folder / "src/train.py").touch()
        file = io.BytesIO()
        pack(upload, file)
        hashes.add(hashlib.sha256(file.getvalue()).hexdigest())
        digests.add(upload.digest)
    assert (len(hashes), len(digests)) == (1, 1)
    (tmp_path / "a/src/train.py").chmod(0o755)
    assert found(tmp_path / "a/study.json")[2].digest not in digests


def test_other_names_or_content_are_another_digest(tmp_path: Path) -> None:
    path = study(tmp_path)
    first = found(path)[0].digest
    (tmp_path / "data/train/b.csv").rename(tmp_path / "data/train/c.csv")
    second = found(path)[0].digest
    (tmp_path / "data/train/c.csv").write_text("1,3\n")
    assert len({first, second, found(path)[0].digest}) == 3
