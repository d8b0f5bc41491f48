"""Finds the local files that a study names, and puts them into S3 under the hash of their content.

The same content always gets the same place, so that the same files make the same study, and what
is there already is not sent again.
"""

import base64
import copy
import gzip
import hashlib
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any
from urllib.parse import unquote, urlsplit

from botocore.exceptions import BotoCoreError, ClientError
from botocore.session import Session

from tunewright.domain.errors import Problem
from tunewright_client.api_client import ApiError
from tunewright_client.spec_file import InvalidSpecError, SpecFile

KeyPath = tuple[str, ...]
MOST_BYTES = 5 * 1024**3
"""What S3 takes in one request."""
_CHUNK = 1024 * 1024
_ARCHIVE = "sourcedir.tar.gz"
_REFUSALS = frozenset({"AccessDenied", "403", "NoSuchBucket", "AllAccessDisabled"})


@dataclass(frozen=True)
class LocalFile:
    """A file to upload.

    Attributes:
        name: Its path below the folder that is uploaded, with slashes.
        path: Where it is.
        size: Its bytes.
        sha256: The hash of them.
        runs: Whether its owner may execute it.
    """

    name: str
    path: Path
    size: int
    sha256: bytes
    runs: bool


@dataclass(frozen=True)
class Upload:
    """What one key of a study names on this machine.

    Attributes:
        key: The key.
        given: What stands there.
        files: The files, by name.
        packed: Whether they go as one archive.
    """

    key: KeyPath
    given: str
    files: tuple[LocalFile, ...]
    packed: bool

    @property
    def size(self) -> int:
        """The bytes of all files."""
        return sum(each.size for each in self.files)

    @property
    def digest(self) -> str:
        """The hash of names and content; of an archive, not of how it happens to be compressed."""
        digest = hashlib.sha256(b"packed" if self.packed else b"files")
        for each in self.files:
            mode = b"x" if self.packed and each.runs else b"-"
            digest.update(each.name.encode() + b"\x00" + mode + each.sha256)
        return digest.hexdigest()

    def uri(self, base: str) -> str:
        """Return what stands for it in the spec, below the profile's prefix for uploads."""
        return f"{base}/{self.digest}/{_ARCHIVE if self.packed else ''}"

    @property
    def text(self) -> str:
        """What it is, in a person's words."""
        count = len(self.files)
        noun = "file" if count == 1 else "files"
        return f"{'.'.join(self.key)}: {count} {noun}, {show_size(self.size)} from {self.given}"

    def line(self) -> dict[str, Any]:
        """Show it to programs."""
        return {
            "key": ".".join(self.key),
            "path": self.given,
            "files": len(self.files),
            "bytes": self.size,
            "digest": self.digest,
        }


def find_uploads(spec: SpecFile, folder: Path) -> tuple[Upload, ...]:
    """Find the local paths of a checked spec file, and read what they hold.

    Args:
        spec: The file.
        folder: What relative paths are relative to.

    Raises:
        InvalidSpecError: A path leads nowhere, to nothing, or to what is too large.
    """
    found, problems = [], []
    for key, given, packed in _paths(spec.document):
        try:
            found.append(Upload(key, given, tuple(_files(folder, given, packed=packed)), packed))
        except ValueError as error:
            problems.append(Problem(key, str(error)))
    if problems:
        raise InvalidSpecError(spec.complaints(tuple(problems)))
    return tuple(found)


def with_uris(document: Any, uploads: tuple[Upload, ...], base: str) -> Any:  # noqa: ANN401 - JSON
    """Return the document with an S3 URI in the place of each local path."""
    changed = copy.deepcopy(document)
    for each in uploads:
        holder = changed
        for part in each.key[:-1]:
            holder = holder[part]
        holder[each.key[-1]] = each.uri(base)
    return changed


def _paths(document: Any) -> Iterator[tuple[KeyPath, str, bool]]:  # noqa: ANN401 - JSON
    training = document.get("training") or {}
    for name, channel in (training.get("inputs") or {}).items():
        key: KeyPath = ("training", "inputs", str(name))
        explicit = isinstance(channel, dict)
        given = channel["uri"] if explicit else channel
        if _is_local(given):
            yield (*key, "uri") if explicit else key, given, False
    script = training.get("script") or {}
    if script and _is_local(script["source_dir"]):
        yield ("training", "script", "source_dir"), script["source_dir"], True


def _is_local(given: str) -> bool:
    return given.startswith("file:") or "://" not in given


def _files(folder: Path, given: str, *, packed: bool) -> Iterator[LocalFile]:
    """Read a file, or the files of a folder; hidden ones and compiled Python are left out.

    Raises:
        ValueError: There is nothing to upload, or it cannot be.
    """
    text = unquote(urlsplit(given).path) if given.startswith("file:") else given
    root = folder / Path(text).expanduser()
    if not root.exists():
        raise ValueError(f"there is no {root}; give a file, a folder, or an s3:// URI")
    if packed and not root.is_dir():
        raise ValueError(f"{root} is no folder; give the folder of the script")
    whole = sorted(root.rglob("*")) if root.is_dir() else [root]
    named = [(path.relative_to(root) if root.is_dir() else Path(path.name), path) for path in whole]
    kept = [(name.as_posix(), path) for name, path in named if path.is_file() and _is_meant(name)]
    if not kept:
        raise ValueError(f"there are no files in {root} (hidden ones are left out)")
    for name, path in sorted(kept):
        yield _read(name, path)


def _is_meant(name: Path) -> bool:
    return not any(part.startswith(".") or part == "__pycache__" for part in name.parts)


def _read(name: str, path: Path) -> LocalFile:
    try:
        size, mode = path.stat().st_size, path.stat().st_mode
        if size > MOST_BYTES:
            message = (
                f"{path} has {show_size(size)}; at most {show_size(MOST_BYTES)} are uploaded: put "
                "it into S3 yourself, with `aws s3 cp`, and give its s3:// URI"
            )
            raise ValueError(message)
        with path.open("rb") as file:
            return LocalFile(name, path, size, _sha256(file), bool(mode & 0o100))
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}") from error


def _sha256(file: IO[bytes]) -> bytes:
    digest = hashlib.sha256()
    while chunk := file.read(_CHUNK):
        digest.update(chunk)
    return digest.digest()


def send(uploads: tuple[Upload, ...], base: str, region: str, tell: Callable[[str], None]) -> None:
    """Upload what is not in S3 yet, signed with the user's AWS credentials.

    Args:
        uploads: What to upload.
        base: The profile's prefix for uploads.
        region: The region of the stack.
        tell: Is told what is done, a line at a time.

    Raises:
        ApiError: S3 did not take it; status 403 if the user may not write there.
    """
    try:
        client = Session().create_client("s3", region_name=region)
        for each in uploads:
            sent = sum(_send(client, each, base))
            tell(f"{each.text}: {'uploaded' if sent else 'there already'}")
    except ClientError as error:
        told = error.response["Error"]
        code, words = str(told.get("Code", "")), str(told.get("Message", ""))
        status = 403 if code in _REFUSALS else 0
        message = f"S3 does not let you write to {base}: {words or code}"
        raise ApiError(status, "upload_refused", message) from error
    except (BotoCoreError, OSError) as error:
        raise ApiError(0, "upload_failed", f"nothing was submitted: {error}") from error


def _send(client: Any, upload: Upload, base: str) -> Iterator[bool]:  # noqa: ANN401 - botocore's
    """Put each object of an upload that is not there; say for each whether it was put."""
    bucket, _, prefix = base.removeprefix("s3://").partition("/")
    below = f"{prefix}/{upload.digest}"
    if not upload.packed:
        for each in upload.files:
            key = f"{below}/{each.name}"
            there = _is_there(client, bucket, key, each.size)
            if not there:
                with each.path.open("rb") as file:
                    _put(client, bucket, key, file, each.sha256)
            yield not there
        return
    key = f"{below}/{_ARCHIVE}"
    there = _is_there(client, bucket, key, None)
    if not there:
        with tempfile.TemporaryFile() as file:
            pack(upload, file)
            file.seek(0)
            sha256 = _sha256(file)
            file.seek(0)
            _put(client, bucket, key, file, sha256)
    yield not there


def _put(client: Any, bucket: str, key: str, file: IO[bytes], sha256: bytes) -> None:  # noqa: ANN401
    """Put an object; S3 refuses it if the file is not what was hashed any more."""
    checksum = base64.b64encode(sha256).decode()
    client.put_object(Bucket=bucket, Key=key, Body=file, ChecksumSHA256=checksum)


def _is_there(client: Any, bucket: str, key: str, size: int | None) -> bool:  # noqa: ANN401
    try:
        held = client.head_object(Bucket=bucket, Key=key)
    except ClientError:
        return False  # Not there, or not to be seen: putting it will tell.
    return size is None or held["ContentLength"] == size


def pack(upload: Upload, file: IO[bytes]) -> None:
    """Pack files so that the same ones always make the same archive: no times, no owners."""
    with (
        gzip.GzipFile(filename="", mode="wb", fileobj=file, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive,
    ):
        for each in upload.files:
            entry = tarfile.TarInfo(each.name)
            entry.size, entry.mode = each.size, 0o755 if each.runs else 0o644
            with each.path.open("rb") as content:
                archive.addfile(entry, content)


def show_size(size: int) -> str:
    """Write a number of bytes.

    >>> show_size(1), show_size(1500), show_size(5 * 1024**3)
    ('1 B', '1.5 kB', '5.4 GB')
    """
    if size < 1000:
        return f"{size} B"
    amount = float(size)
    for unit in ("kB", "MB", "GB"):
        amount /= 1000
        if amount < 1000:
            return f"{amount:.1f} {unit}"
    return f"{amount / 1000:.1f} TB"
