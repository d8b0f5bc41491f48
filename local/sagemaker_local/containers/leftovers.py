"""Processes that were left behind, found again by pid files or by their folder, and ended."""

import contextlib
import json
import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
_BASE = b"SAGEMAKER_BASE_DIR="


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


def end_strays(folder: Path) -> list[Path]:
    """Kill what runs with its base folder below a folder; return those base folders.

    A server may be killed after it has started a process and before it has noted which, and a
    process may leave its group.
    """
    found = []
    for entry in PROC.iterdir() if PROC.is_dir() else ():
        base = _base_folder(entry) if entry.name.isdecimal() else None
        if base is not None and base.is_relative_to(folder):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(int(entry.name), signal.SIGKILL)
                found.append(base)
    return found


def session_size(session: int) -> int:
    """How many processes a session has."""
    return sum(1 for _ in _members(session))


def _kill_member(member: Stat, base_folder: Path) -> bool:
    if _base_folder(PROC / str(member.pid)) != base_folder:
        return False
    with contextlib.suppress(OSError):
        os.kill(member.pid, signal.SIGKILL)
        return True
    return False


def _base_folder(process: Path) -> Path | None:
    """The base folder in a process's environment, by which every container is known."""
    with contextlib.suppress(OSError):
        for entry in (process / "environ").read_bytes().split(b"\0"):
            if entry.startswith(_BASE):
                return Path(os.fsdecode(entry.removeprefix(_BASE)))
    return None


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
