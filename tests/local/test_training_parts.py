import io
import json
import os
import subprocess
import sys
import tarfile
import time
from pathlib import Path

import pytest

from sagemaker_local.containers import archives
from sagemaker_local.containers.leftovers import reap, remember
from sagemaker_local.containers.process import Container, base_environment
from sagemaker_local.images.catalog import Catalog, UnknownImageError
from sagemaker_local.training.folder import JobFolder
from sagemaker_local.training.log import JobLog, LineSplitter
from sagemaker_local.training.metrics import MetricReader
from tests.local.training_world import spec, until


def evil_archive(path: Path, name: str, link: str | None = None) -> Path:
    with tarfile.open(path, "w:gz") as tar:
        member = tarfile.TarInfo(name)
        if link is not None:
            member.type, member.linkname = tarfile.SYMTYPE, link
            tar.addfile(member)
        else:
            member.size = 1
            tar.addfile(member, io.BytesIO(b"x"))
    return path


@pytest.fixture(params=["filters", "no filters"])
def python(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Python with tarfile's filters, and Python before 3.11.4, which had none."""
    if request.param == "no filters":
        monkeypatch.delattr(tarfile, "data_filter", raising=False)
    elif not hasattr(tarfile, "data_filter"):
        pytest.skip("this Python has no filters")
    return str(request.param)


@pytest.mark.usefixtures("python")
@pytest.mark.parametrize(
    ("name", "link"), [("../escaped", None), ("/escaped", "/etc"), ("in", "../../escaped")]
)
def test_an_archive_cannot_write_elsewhere(tmp_path: Path, name: str, link: str | None) -> None:
    archive = evil_archive(tmp_path / "evil.tar.gz", name, link)
    with pytest.raises(archives.ArchiveError):
        archives.unpack(archive, tmp_path / "a" / "b")
    assert not list(tmp_path.rglob("escaped"))


@pytest.mark.usefixtures("python")
def test_an_archive_comes_back_as_it_was_and_without_links(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    (folder / "deep").mkdir(parents=True)
    (folder / "deep" / "weights").write_bytes(b"1")
    (folder / "link").symlink_to("/etc/hostname")
    archives.pack(folder, tmp_path / "first.tar.gz")
    os.utime(folder / "deep" / "weights", (1, 1))
    archives.pack(folder, tmp_path / "second.tar.gz")
    first = (tmp_path / "first.tar.gz").read_bytes()
    assert first == (tmp_path / "second.tar.gz").read_bytes()
    archives.unpack(tmp_path / "first.tar.gz", tmp_path / "back")
    assert (tmp_path / "back" / "deep" / "weights").read_bytes() == b"1"
    assert not (tmp_path / "back" / "link").exists()
    assert archives.is_empty(tmp_path / "nowhere")


def test_lines_are_split_and_cut() -> None:
    lines = LineSplitter(limit=5)
    assert list(lines.feed(b"one\ntw")) == ["one"]
    assert list(lines.feed(b"o\r\n\n0123456789")) == ["two", ""]
    assert list(lines.feed(b"abc\nlast")) == ["01234"]
    assert list(lines.flush()) == ["last"]
    assert list(lines.flush()) == []
    assert list(lines.feed(b"\xff\n")) == ["�"]


def test_a_log_is_full_at_some_point(tmp_path: Path) -> None:
    with JobLog(tmp_path / "log", limit=50) as log:
        for number in range(100):
            log.line(f"line {number}")
        assert log.last_lines().endswith("line 99")
    text = (tmp_path / "log").read_text()
    assert text.endswith("the log is full; metrics are still read\n")
    assert len(text) < 150


def test_a_line_yields_each_metric_once() -> None:
    notes: list[str] = []
    reader = MetricReader.of((("f1", r"f1=([0-9.]+)|none"), ("loss", r"loss=(\S+)")), notes.append)
    assert list(reader.read("f1=0.5 f1=0.6 loss=0.1")) == [("f1", 0.5), ("loss", 0.1)]
    assert list(reader.read("none")) == []
    assert list(reader.read("loss=inf")) == []
    assert list(reader.read(" " * 5000 + "f1=0.5")) == []
    assert "is not finite" in notes[0]


def test_checkpoints_stay_below_the_base(tmp_path: Path) -> None:
    folder = JobFolder(tmp_path / "job")
    usual = folder.base / "checkpoints"
    assert folder.checkpoints({}) == usual
    assert folder.checkpoints({"LocalPath": "/opt/ml/checkpoints"}) == usual
    assert folder.checkpoints({"LocalPath": "/opt/ml/mine/here"}) == folder.base / "mine" / "here"
    assert folder.checkpoints({"LocalPath": "/etc"}) == usual
    assert folder.checkpoints({"LocalPath": "/opt/ml/../../etc"}) == usual


def test_a_folder_is_laid_out_anew(tmp_path: Path) -> None:
    folder = JobFolder(tmp_path / "job")
    folder.prepare(spec("job", {"a": "1"}))
    (folder.model / "old").touch()
    folder.prepare(spec("job", {"a": "2"}))
    assert not (folder.model / "old").exists()
    told = folder.base / "input" / "config" / "hyperparameters.json"
    assert json.loads(told.read_text()) == {"a": "2"}
    folder.sweep(keep_base=True)
    assert folder.base.exists()
    assert not folder.channel("train").parent.exists()


def test_images_are_found_by_uri_or_by_name() -> None:
    catalog = Catalog({"own": ("run",), "123.dkr.ecr/other:2": ("two",)})
    assert catalog.train_command("123.dkr.ecr/own:1", {}) == ("run", "train")
    assert catalog.train_command("123.dkr.ecr/own@sha256:ff", {}) == ("run", "train")
    assert catalog.serve_command("123.dkr.ecr/other:2", {}, has_code=False) == ("two", "serve")
    script = catalog.train_command("sagemaker-xgboost:1.7-1", {"sagemaker_program": "t.py"})
    assert script[-1].endswith("script_train")
    with pytest.raises(UnknownImageError, match="framework image"):
        catalog.train_command("sagemaker-scikit-learn:1.2-1-cpu-py3", {})


def started(folder: Path, code: str) -> Container:
    return Container(
        (sys.executable, "-c", code),
        environment=base_environment(folder, 1),
        folder=folder,
        pid_file=folder / "pid",
    )


def test_a_container_ends_within_its_grace(tmp_path: Path) -> None:
    container = started(tmp_path, "import time; time.sleep(60)")
    assert (tmp_path / "pid").exists()
    begun = time.monotonic()
    assert container.end(grace=10) == -15
    assert time.monotonic() - begun < 5
    assert not container.alive()
    assert not (tmp_path / "pid").exists()
    container.terminate()
    assert container.end() == -15


def test_a_container_that_cannot_be_noted_does_not_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a full disk there is no pid file, so nobody could end the process later."""
    started = []

    def full(pid_file: Path, pid: int) -> None:
        started.append(pid)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("sagemaker_local.containers.process.remember", full)
    with pytest.raises(OSError, match="No space left"):
        Container(
            ("sleep", "60"), environment=os.environ, folder=tmp_path, pid_file=tmp_path / "pid"
        )
    with pytest.raises(ProcessLookupError):
        os.kill(started[0], 0)


def test_a_container_has_no_core_and_bounded_files(tmp_path: Path) -> None:
    code = (
        "import resource, time; time.sleep(0.2); "
        "print([resource.getrlimit(r)[0] for r in (resource.RLIMIT_CORE, resource.RLIMIT_FSIZE)])"
    )
    container = started(tmp_path, code)
    until(lambda: not container.alive())
    assert container.output.read() == b"[0, 8589934592]\n"
    container.end()


def test_members_of_a_group_whose_leader_is_gone_are_reaped(tmp_path: Path) -> None:
    code = "import subprocess; print(subprocess.Popen(['sleep', '60']).pid, flush=True)"
    leader = subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        start_new_session=True,
        env=base_environment(tmp_path, 1),
    )
    remember(tmp_path / "pid", leader.pid)
    assert leader.stdout is not None
    member = int(leader.stdout.readline())
    leader.stdout.close()
    leader.wait()
    assert not reap(tmp_path / "pid", tmp_path / "other")
    remember(tmp_path / "pid", leader.pid)
    noted = json.loads((tmp_path / "pid").read_text())
    assert reap(tmp_path / "pid", tmp_path), noted
    until(lambda: not Path(f"/proc/{member}").exists())


def test_a_broken_pid_file_is_forgotten(tmp_path: Path) -> None:
    (tmp_path / "pid").write_text("{")
    assert not reap(tmp_path / "pid", tmp_path)
    assert not (tmp_path / "pid").exists()
