"""Input data from S3, fetched once for all trials that share it; it does not read them."""

import hashlib
import json
import os
import shutil
import threading
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sagemaker_local.objects import (
    ObjectStore,
    ObjectStoreError,
    S3Address,
    StoredObject,
    inside,
    relative_key,
)
from sagemaker_local.training.spec import JobClientError

CONTENTS = "contents.json"


class ChannelCache:
    """Downloads kept per listing, so that sixty trials fetch the same data once.

    The key is the listing with its etags: changed data have another key. Jobs get hard links;
    as a link is the same file, a job that writes into its input is found out by the time and
    size of the file, and the data are then fetched anew for the next one.
    """

    def __init__(self, folder: Path, objects: ObjectStore) -> None:
        self._folder = folder
        self._objects = objects
        self._guard = threading.Lock()
        self._locks: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)

    def fetch(self, channel: Mapping[str, Any], target: Path) -> int:
        """Put the data of a channel into a folder; return how many files there are."""
        name = channel["ChannelName"]
        wanted = self._wanted(name, channel)
        if not wanted:
            uri = channel["DataSource"]["S3DataSource"]["S3Uri"]
            raise JobClientError(f"Data download failed: no objects under {uri} for channel {name}")
        with self._lock(key := _key(wanted)):
            kept = self._folder / key
            if not _intact(kept):
                self._download(wanted, kept)
            for relative in wanted:
                _link(inside(kept / "data", relative), inside(target, relative))
        return len(wanted)

    def fetch_object(self, uri: str, target: Path) -> None:
        """Put one object, a source archive for example, into a file."""
        address = S3Address.parse(uri)
        found = next(
            (item for item in self._objects.listing(uri) if item.address == address),
            None,
        )
        if found is None:
            raise JobClientError(f"Data download failed: there is no object {uri}")
        with self._lock(key := _key({"object": found})):
            kept = self._folder / key
            if not _intact(kept):
                self._download({"object": found}, kept)
            _link(kept / "data" / "object", target)

    def _wanted(self, name: str, channel: Mapping[str, Any]) -> dict[str, StoredObject]:
        source = channel.get("DataSource", {}).get("S3DataSource")
        if source is None:
            raise JobClientError(f"channel {name}: only S3DataSource exists on this machine")
        if channel.get("InputMode") == "Pipe":
            raise JobClientError(f"channel {name}: InputMode Pipe is not emulated; use File")
        uri = source["S3Uri"]
        match source.get("S3DataType", "S3Prefix"):
            case "S3Prefix":
                prefix = S3Address.parse(uri).key
                return {
                    relative_key(prefix, item.address.key): item
                    for item in self._objects.listing(uri)
                    if not item.address.key.endswith("/")
                }
            case "ManifestFile":
                return self._manifest(uri)
            case other:
                raise JobClientError(f"channel {name}: S3DataType {other} is not emulated")

    def _manifest(self, uri: str) -> dict[str, StoredObject]:
        try:
            first, *names = json.loads(self._objects.get(uri))
            prefix = str(first["prefix"])
            addresses = {str(name): S3Address.parse(prefix + str(name)) for name in names}
        except (ValueError, KeyError, TypeError) as error:
            raise JobClientError(f"{uri} is not a manifest file: {error!r}") from error
        listed = {item.address: item for item in self._objects.listing(prefix)}
        missing = [str(address) for address in addresses.values() if address not in listed]
        if missing:
            raise JobClientError(f"Data download failed: {uri} names {missing[0]}; it is not there")
        return {name: listed[address] for name, address in addresses.items()}

    def _download(self, wanted: Mapping[str, StoredObject], kept: Path) -> None:
        shutil.rmtree(kept, ignore_errors=True)
        data = kept / "data"
        data.mkdir(parents=True)
        for relative, item in wanted.items():
            self._objects.download(str(item.address), inside(data, relative))
        contents = {
            path.relative_to(data).as_posix(): _stamp(path)
            for path in sorted(data.rglob("*"))
            if path.is_file()
        }
        (kept / CONTENTS).write_text(json.dumps(contents), encoding="utf-8")

    def _lock(self, key: str) -> threading.Lock:
        with self._guard:
            return self._locks[key]


def _key(wanted: Mapping[str, StoredObject]) -> str:
    listed = [(name, str(item.address), item.etag, item.size) for name, item in wanted.items()]
    return hashlib.sha256(json.dumps(listed).encode()).hexdigest()[:32]


def _intact(kept: Path) -> bool:
    try:
        contents = json.loads((kept / CONTENTS).read_text(encoding="utf-8"))
        return all(_stamp(kept / "data" / name) == stamp for name, stamp in contents.items())
    except (OSError, ValueError):
        return False


def _stamp(path: Path) -> list[int]:
    stat = path.stat()
    return [stat.st_size, stat.st_mtime_ns]


def _link(source: Path, target: Path) -> None:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(source, target)
        except OSError:  # another file system, or one without links
            shutil.copyfile(source, target)
    except OSError as error:
        raise ObjectStoreError(f"cannot place {target.name}: {error}") from error
