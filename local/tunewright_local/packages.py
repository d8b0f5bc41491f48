"""Packs functions and layers for this machine: our sources and their bytecode, no library.

Libraries come from the interpreter that runs the local cloud, so nothing is installed at `up`.
"""

import hashlib
import importlib.util
import io
import marshal
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

_UNCHECKED_HASH = (1).to_bytes(4, "little")
"""The kind of bytecode that is taken as it is, whatever its source's date (PEP 552)."""
_EPOCH = (2020, 1, 1, 0, 0, 0)
"""One time for all files, so that the same sources make the same package."""


@dataclass(frozen=True)
class Package:
    """A zip file, and the key that it is stored under: a hash of what is in it."""

    key: str
    body: bytes


def pack_functions(folder: Path) -> Package:
    """Pack a folder of doors, each file at the top."""
    return _pack({path.name: path for path in sorted(folder.glob("*.py"))}, "functions")


def pack_layer(package: Path) -> Package:
    """Pack one of our packages as a layer, under `python/` as Lambda wants it."""
    files = {
        f"python/{path.relative_to(package.parent).as_posix()}": path
        for path in sorted(package.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }
    return _pack(files, package.name)


def _pack(files: Mapping[str, Path], name: str) -> Package:
    packed = io.BytesIO()
    digest = hashlib.sha256()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, body in _entries(files):
            digest.update(f"{path}\0{len(body)}\0".encode() + body)
            archive.writestr(zipfile.ZipInfo(path, _EPOCH), body, zipfile.ZIP_DEFLATED)
    return Package(f"{name}/{digest.hexdigest()[:32]}.zip", packed.getvalue())


def _entries(files: Mapping[str, Path]) -> Iterator[tuple[str, bytes]]:
    for path, source in files.items():
        body = source.read_bytes()
        yield path, body
        if path.endswith(".py"):
            # Each cold start unpacks the zip anew; without bytecode it would compile anew, too
            yield importlib.util.cache_from_source(path), _bytecode(path, body)


def _bytecode(path: str, body: bytes) -> bytes:
    code = marshal.dumps(compile(body, path, "exec", dont_inherit=True))
    source = importlib.util.source_hash(body)
    return importlib.util.MAGIC_NUMBER + _UNCHECKED_HASH + source + code
