"""Folders to ``tar.gz`` and back: always the same bytes, never outside the folder."""

import gzip
import tarfile
from pathlib import Path


class ArchiveError(Exception):
    """An archive cannot be read, or wants to write where it may not."""


def pack(folder: Path, archive: Path) -> None:
    """Write the files of a folder to an archive whose bytes depend on nothing but them."""
    with (
        archive.open("wb") as raw,
        gzip.GzipFile(filename="", mode="wb", fileobj=raw, compresslevel=6, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.GNU_FORMAT) as tar,
    ):
        for path in sorted(folder.rglob("*")):
            tar.add(path, path.relative_to(folder).as_posix(), recursive=False, filter=_anonymous)


def unpack(archive: Path, folder: Path) -> None:
    """Extract an archive that others made; refuse members that leave the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with tarfile.open(archive, mode="r:*") as tar:
            _extract(tar, folder)
    except (tarfile.TarError, EOFError, gzip.BadGzipFile) as error:
        raise ArchiveError(f"{archive.name} cannot be extracted: {error}") from error


def _extract(tar: tarfile.TarFile, folder: Path) -> None:
    if hasattr(tarfile, "data_filter"):
        tar.extractall(folder, filter="data")
        return
    # Python before 3.11.4 (Debian 12 has 3.11.2) has no filters: files and folders inside only.
    inside = folder.resolve()
    members = tar.getmembers()
    for member in members:
        if not (member.isfile() or member.isdir()):
            raise ArchiveError(f"{member.name} is neither a file nor a folder")
        if not (inside / member.name).resolve().is_relative_to(inside):
            raise ArchiveError(f"{member.name} would be outside of the folder")
        member.uid = member.gid = 0
        member.uname = member.gname = ""
        member.mode = 0o755 if member.isdir() or member.mode & 0o100 else 0o644
    tar.extractall(folder, members)  # noqa: S202 - each member was looked at


def is_empty(folder: Path) -> bool:
    """Whether a folder holds no file at any depth."""
    return not any(path.is_file() for path in folder.rglob("*"))


def _anonymous(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
    if not (member.isfile() or member.isdir()):
        return None  # links and sockets mean nothing on another machine
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    member.mtime = 0
    member.mode = 0o755 if member.isdir() else 0o644
    return member
