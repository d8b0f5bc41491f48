"""Parts of the local cloud, each alone: history on disk, letters, who runs, what it refuses."""

import json
import os
import zipfile
from io import BytesIO
from pathlib import Path

import pytest
from click.testing import CliRunner

from embedded_aws.journal import History
from embedded_aws.operations import operation_of
from tunewright_client import cli_local
from tunewright_client.cli import main
from tunewright_local.__main__ import main as local_main
from tunewright_local.guard import RealAwsError, check
from tunewright_local.inbox import Letters, read_letters
from tunewright_local.instance import Folder, Instance, began
from tunewright_local.packages import pack_layer


def history(folder: Path) -> tuple[dict[str, bytes], list[bytes]]:
    """What a process that starts now would read."""
    found = History(folder)
    return dict(found.snapshot()), list(found.changes())


def test_changes_after_a_snapshot_are_read_back_in_order(tmp_path: Path) -> None:
    kept = History(tmp_path)
    kept.keep(kept.turn(lambda: {"a": b"1"}))
    kept.append(b'{"n": 1}')
    kept.append(b'{"n": 2}')
    kept.flush()
    assert history(tmp_path) == ({"a": b"1"}, [b'{"n": 1}', b'{"n": 2}'])
    kept.close()


def test_a_crash_between_the_steps_of_a_save_loses_nothing(tmp_path: Path) -> None:
    kept = History(tmp_path)
    kept.keep(kept.turn(lambda: {"a": b"1"}))
    kept.append(b'{"n": 1}')
    kept.turn(lambda: {"a": b"2"})  # and here the process dies, before it could keep it
    kept.append(b'{"n": 2}')
    kept.flush()
    assert history(tmp_path) == ({"a": b"1"}, [b'{"n": 1}', b'{"n": 2}'])
    again = History(tmp_path)
    again.keep(again.turn(lambda: {"a": b"3", "b": b"4"}))
    again.append(b'{"n": 3}')
    again.flush()
    assert history(tmp_path) == ({"a": b"3", "b": b"4"}, [b'{"n": 3}'])
    kept.close()
    again.close()


def test_of_two_saves_at_once_the_later_state_stays(tmp_path: Path) -> None:
    kept = History(tmp_path)
    first = kept.turn(lambda: {"a": b"1"})
    kept.append(b'{"n": 1}')
    second = kept.turn(lambda: {"a": b"2"})
    kept.append(b'{"n": 2}')
    kept.flush()
    kept.keep(first)
    assert history(tmp_path) == ({"a": b"1"}, [b'{"n": 1}', b'{"n": 2}'])
    kept.keep(second)
    assert history(tmp_path) == ({"a": b"2"}, [b'{"n": 2}'])
    kept.keep(first)
    assert history(tmp_path) == ({"a": b"2"}, [b'{"n": 2}'])
    kept.close()


def test_a_save_that_fails_leaves_what_was_there(tmp_path: Path) -> None:
    def fails() -> dict[str, bytes]:
        raise RuntimeError("it would not hold still")

    kept = History(tmp_path)
    kept.keep(kept.turn(lambda: {"a": b"1"}))
    with pytest.raises(RuntimeError, match="hold still"):
        kept.turn(fails)
    kept.append(b'{"n": 1}')
    kept.flush()
    assert history(tmp_path) == ({"a": b"1"}, [b'{"n": 1}'])
    kept.close()


def test_a_line_that_a_crash_cut_off_is_left_out(tmp_path: Path) -> None:
    kept = History(tmp_path)
    kept.keep(kept.turn(lambda: {"a": b"1"}))
    kept.append(b'{"n": 1}')
    kept.close()
    (journal,) = tmp_path.glob("journal.*")
    with journal.open("ab") as file:
        file.write(b'{"n": 2')
    assert history(tmp_path) == ({"a": b"1"}, [b'{"n": 1}'])


def test_what_is_kept_no_longer_is_removed(tmp_path: Path) -> None:
    kept = History(tmp_path)
    for number in range(5):
        kept.keep(kept.turn(lambda number=number: {"a": b"same", "b": b"%d" % number}))
    names = sorted(path.name.partition(".")[0] for path in tmp_path.iterdir())
    assert names == ["a", "b", "journal", "manifest"]
    kept.close()


SIGNED = "AWS4-HMAC-SHA256 Credential=K/20260101/us-east-1/{}/aws4_request, SignedHeaders=host"


@pytest.mark.parametrize(
    ("service", "target", "method", "path", "body", "changes"),
    [
        ("dynamodb", "DynamoDB_20120810.PutItem", "POST", "/", b"{}", True),
        ("dynamodb", "DynamoDB_20120810.TransactWriteItems", "POST", "/", b"{}", True),
        ("dynamodb", "DynamoDB_20120810.TransactGetItems", "POST", "/", b"{}", False),
        ("dynamodb", "DynamoDB_20120810.Query", "POST", "/", b"{}", False),
        ("sqs", "AmazonSQS.ReceiveMessage", "POST", "/", b"{}", False),
        ("sqs", "AmazonSQS.DeleteMessage", "POST", "/", b"{}", True),
        ("sns", "", "POST", "/", b"Action=Publish&Message=x", True),
        ("sns", "", "POST", "/", b"Action=ListTopics", False),
        ("lambda", "", "POST", "/2015-03-31/functions/f/invocations", b"{}", False),
        ("lambda", "", "PUT", "/2015-03-31/functions/f/code", b"{}", True),
        ("lambda", "", "GET", "/2015-03-31/functions/", b"", False),
        ("logs", "Logs_20140328.PutLogEvents", "POST", "/", b"{}", False),
        ("s3", "", "PUT", "/bucket", b"", True),
        ("s3", "", "PUT", "/bucket/", b"", True),
        ("s3", "", "DELETE", "/bucket", b"", True),
        ("s3", "", "GET", "/bucket", b"", False),
        ("s3", "", "POST", "/bucket", b"", False),
        ("s3", "", "PUT", "/bucket/key", b"", False),
        ("ssm", "AmazonSSM.PutParameter", "POST", "/", b"{}", True),
    ],
)
def test_what_changes_something_is_told_from_what_reads(
    service: str, target: str, method: str, path: str, body: bytes, changes: bool
) -> None:
    headers = {"authorization": SIGNED.format(service)}
    if target:
        headers["x-amz-target"] = target
    elif body.startswith(b"Action"):
        headers["content-type"] = "application/x-www-form-urlencoded; charset=utf-8"
    assert operation_of(method, path, headers, "", body).changes is changes


def test_letters_are_kept_once_even_after_a_line_that_was_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "letters.jsonl"
    assert Letters(path).take("1", "mail", {"subject": "a"})
    with path.open("ab") as file:
        file.write(b'\n{"id": "2", "ki')
    again = Letters(path)
    assert not again.take("1", "mail", {"subject": "a"})
    assert again.take("3", "slack", {"blocks": [{"type": "header", "text": {"text": "b"}}]})
    assert [(each.id, each.title) for each in read_letters(path)] == [("1", "a"), ("3", "b")]


REMOTE = "https://sagemaker.eu-west-1.amazonaws.com"


@pytest.mark.parametrize(
    ("environment", "shared", "refused"),
    [
        ({}, False, False),
        ({"AWS_ACCESS_KEY_ID": "AKIA"}, True, False),
        ({"AWS_ENDPOINT_URL": REMOTE}, False, False),
        ({"AWS_ENDPOINT_URL": REMOTE, "AWS_ACCESS_KEY_ID": "AKIA"}, False, True),
        ({"AWS_ENDPOINT_URL": REMOTE, "AWS_PROFILE": "work"}, False, True),
        ({"AWS_ENDPOINT_URL": REMOTE}, True, True),
        ({"AWS_ENDPOINT_URL_S3": REMOTE, "AWS_ACCESS_KEY_ID": "AKIA"}, False, True),
        ({"AWS_ENDPOINT_URL": "http://127.0.0.1:4566", "AWS_ACCESS_KEY_ID": "x"}, True, False),
        ({"AWS_ENDPOINT_URL": "http://[::1]:4566", "AWS_PROFILE": "x"}, False, False),
        ({"AWS_ENDPOINT_URL": "http://localhost.evil.example", "AWS_PROFILE": "x"}, False, True),
    ],
)
def test_real_credentials_and_a_real_endpoint_together_are_refused(
    tmp_path: Path, environment: dict[str, str], shared: bool, refused: bool
) -> None:
    if shared:
        (tmp_path / ".aws").mkdir()
        (tmp_path / ".aws/credentials").write_text("[default]\n")
    if refused:
        with pytest.raises(RealAwsError, match="Unset AWS_ENDPOINT_URL"):
            check(environment, tmp_path)
    else:
        check(environment, tmp_path)


def test_up_refuses_before_anything_is_started(tmp_path: Path) -> None:
    real = {"AWS_ENDPOINT_URL": REMOTE, "AWS_PROFILE": "work"}
    result = CliRunner().invoke(local_main, ["up", "--dir", str(tmp_path / "new")], env=real)
    assert result.exit_code == 4
    assert "is not on this machine" in result.output
    assert not (tmp_path / "new").exists()


def test_a_process_of_another_time_with_the_same_number_does_not_count(tmp_path: Path) -> None:
    ours = Instance(1, "s", "w", "g", pid=os.getpid(), began=began(os.getpid()))
    assert ours.runs
    assert not Instance(1, "s", "w", "g", pid=os.getpid(), began=ours.began - 1).runs
    assert not Instance(1, "s", "w", "g").runs


def test_only_the_user_may_read_the_keys(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "state")
    folder.write(folder.take(0))
    assert (tmp_path / "state/instance.json").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "state").stat().st_mode & 0o777 == 0o700
    folder.leave()
    found = folder.read()
    assert found is not None
    assert not found.runs


def test_nothing_running_is_told(tmp_path: Path) -> None:
    for word, code in (("status", 5), ("down", 0), ("env", 4)):
        result = CliRunner().invoke(local_main, [word, "--dir", str(tmp_path)])
        assert result.exit_code == code
        assert str(tmp_path) in result.output


def test_what_is_not_installed_is_told_with_its_cure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli_local, "_NEEDED", ("no_such_module",))
    result = CliRunner().invoke(main, ["local", "up"])
    assert result.exit_code == 4
    assert "pip install 'tunewright[local]'" in result.output


def test_a_package_is_the_same_for_the_same_sources_and_holds_bytecode(tmp_path: Path) -> None:
    package = tmp_path / "some"
    package.mkdir()
    (package / "__init__.py").write_text('"""Some."""\n')
    (package / "data.json").write_text(json.dumps({}))
    first, second = pack_layer(package), pack_layer(package)
    assert first == second
    names = zipfile.ZipFile(BytesIO(first.body)).namelist()
    assert "python/some/data.json" in names
    assert any(name.startswith("python/some/__pycache__/__init__") for name in names)
    (package / "__init__.py").write_text('"""Other."""\n')
    assert pack_layer(package).key != first.key
