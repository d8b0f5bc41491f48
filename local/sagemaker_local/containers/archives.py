"""Folders to ``tar.gz`` and back: always the same bytes, never outside the folder."""

import gzip
import tarfile
import zlib
from pathlib import Path
from typing import IO, cast

GZIP = b"\x1f\x8b"
MOST_BYTES = 4 << 30
MOST_MEMBERS = 100_000
MOST_PIECE = 16 << 20


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


def unpack(archive: Path, folder: Path, *, most_bytes: int = MOST_BYTES) -> None:
    """Extract an archive that others made; refuse what leaves the folder, and what is a bomb."""
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with archive.open("rb") as raw:
            is_packed = raw.read(2) == GZIP
            raw.seek(0)
            plain = gzip.GzipFile(fileobj=raw) if is_packed else raw
            bounded = cast("IO[bytes]", _Bounded(cast("IO[bytes]", plain)))
            with tarfile.open(fileobj=bounded, mode="r:") as tar:
                _extract(tar, folder, most_bytes)
    except (tarfile.TarError, EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise ArchiveError(f"{archive.name} cannot be extracted: {error}") from error


class _Bounded:
    """A file that gives no huge pieces: tarfile reads whole headers, however long they say."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.seek, self.tell = file.seek, file.tell

    def read(self, size: int = -1) -> bytes:
        if size < 0 or size > MOST_PIECE:
            raise tarfile.ReadError(f"a header of {size} bytes is no header")
        return self._file.read(size)


def _extract(tar: tarfile.TarFile, folder: Path, most_bytes: int) -> None:
    inside = folder.resolve()
    size = 0
    for number, member in enumerate(tar, start=1):
        size += member.size
        if number > MOST_MEMBERS or size > most_bytes:
            raise tarfile.TarError(
                f"it holds more than {MOST_MEMBERS} members or {most_bytes} bytes"
            )
        if hasattr(tarfile, "data_filter"):
            tar.extract(member, folder, filter="data")
            continue
        # Python before 3.11.4 (Debian 12 has 3.11.2) has no filters: files and folders inside only.
        if not (member.isfile() or member.isdir()):
            raise tarfile.TarError(f"{member.name} is neither a file nor a folder")
        if not (inside / member.name).resolve().is_relative_to(inside):
            raise tarfile.TarError(f"{member.name} would be outside of the folder")
        member.uid = member.gid = 0
        member.uname = member.gname = ""
        member.mode = 0o755 if member.isdir() or member.mode & 0o100 else 0o644
        tar.extract(member, folder)


def size_of(folder: Path) -> int:
    """Bytes of all files of a folder."""
    return sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file())


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
