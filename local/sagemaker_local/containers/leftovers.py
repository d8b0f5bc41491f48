"""Process groups that a dead server left behind, found again by their pid files and ended."""

import contextlib
import json
import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")


@dataclass(frozen=True)
class Stat:
    """What the kernel tells of one process."""

    pid: int
    session: int
    started: str


def remember(pid_file: Path, pid: int) -> None:
    """Note which process this is; its start time tells it from a later one of the same id."""
    stat = _stat(pid)
    content = {"pid": pid, "started": stat.started if stat else "", "boot": _boot()}
    pid_file.write_text(json.dumps(content), encoding="utf-8")


def forget(pid_file: Path) -> None:
    """The process has ended in good order."""
    pid_file.unlink(missing_ok=True)


def reap(pid_file: Path, base_folder: Path) -> bool:
    """Kill what a pid file of a dead server points at; return whether something was killed.

    The leader is known by its start time. If only members of its group are left, they are
    known by their session and by the base folder in their environment.
    """
    try:
        noted = json.loads(pid_file.read_text(encoding="utf-8"))
        pid, started, boot = int(noted["pid"]), str(noted["started"]), str(noted["boot"])
    except (OSError, ValueError, KeyError, TypeError):
        forget(pid_file)
        return False
    killed = False
    if boot == _boot():
        leader = _stat(pid)
        if leader is not None and leader.started == started and leader.session == pid:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(pid, signal.SIGKILL)
                killed = True
        for member in _members(pid):
            killed |= _kill_member(member, base_folder)
    forget(pid_file)
    return killed


def session_size(session: int) -> int:
    """How many processes a session has."""
    return sum(1 for _ in _members(session))


def _kill_member(member: Stat, base_folder: Path) -> bool:
    marker = f"SAGEMAKER_BASE_DIR={base_folder}".encode()
    with contextlib.suppress(OSError):
        if marker in (PROC / str(member.pid) / "environ").read_bytes().split(b"\0"):
            os.kill(member.pid, signal.SIGKILL)
            return True
    return False


def _members(session: int) -> Iterator[Stat]:
    for entry in PROC.iterdir() if PROC.is_dir() else ():
        stat = _stat(int(entry.name)) if entry.name.isdecimal() else None
        if stat is not None and stat.session == session:
            yield stat


def _stat(pid: int) -> Stat | None:
    try:
        text = (PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    fields = text[text.rfind(")") + 2 :].split()  # the name in parentheses may hold anything
    return Stat(pid, session=int(fields[3]), started=fields[19])


def _boot() -> str:
    with contextlib.suppress(OSError):
        return (PROC / "sys/kernel/random/boot_id").read_text(encoding="utf-8").strip()
    return ""
