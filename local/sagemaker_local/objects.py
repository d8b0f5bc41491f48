"""Objects in S3 as the emulator needs them; it knows prefixes and files, not jobs."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Self
from urllib.parse import urlsplit

from botocore.exceptions import BotoCoreError, ClientError

from sagemaker_local.clients import client


class ObjectStoreError(Exception):
    """S3 did not do what it was asked; the text names the address."""


@dataclass(frozen=True)
class S3Address:
    """A bucket and a key, or a prefix of keys."""

    bucket: str
    key: str

    @classmethod
    def parse(cls, uri: str) -> Self:
        """Read ``s3://bucket/key``.

        >>> S3Address.parse("s3://data/train/a.csv")
        S3Address(bucket='data', key='train/a.csv')
        """
        parts = urlsplit(uri, allow_fragments=False)
        if parts.scheme != "s3" or not parts.netloc:
            raise ObjectStoreError(
                f"{uri!r} is not an S3 address; it should look like s3://bucket/key"
            )
        query = f"?{parts.query}" if parts.query else ""
        return cls(parts.netloc, (parts.path + query).removeprefix("/"))

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.key}"


@dataclass(frozen=True)
class StoredObject:
    """One object of a listing."""

    address: S3Address
    etag: str
    size: int


def relative_key(prefix: str, key: str) -> str:
    """Name of an object below the folder that its prefix stands for.

    >>> relative_key("data/train", "data/train/part/a.csv")
    'part/a.csv'
    >>> relative_key("data/train.csv", "data/train.csv")
    'train.csv'
    """
    folder = prefix if prefix.endswith("/") or not prefix else f"{prefix}/"
    if key.startswith(folder):
        return key[len(folder) :]
    return key[prefix.rfind("/") + 1 :]


def inside(folder: Path, relative: str) -> Path:
    """Resolve a relative key below a folder; refuse one that would leave it."""
    parts = PurePosixPath(relative).parts
    target = (folder / relative).resolve()
    if not parts or ".." in parts or not target.is_relative_to(folder.resolve()):
        raise ObjectStoreError(f"the object key {relative!r} would leave its folder")
    return target


class ObjectStore:
    """S3 behind one endpoint, with path-style addresses and fixed keys."""

    def __init__(self, endpoint: str, *, region: str, access_key: str, secret_key: str) -> None:
        self.environment: Mapping[str, str] = {
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_REGION": region,
            "AWS_DEFAULT_REGION": region,
            "AWS_ACCESS_KEY_ID": access_key,
            "AWS_SECRET_ACCESS_KEY": secret_key,
        }
        self._client = client(
            "s3",
            endpoint,
            region=region,
            access_key=access_key,
            secret_key=secret_key,
            s3={"addressing_style": "path"},
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        )

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def listing(self, uri: str) -> Iterator[StoredObject]:
        """Every object whose key begins with the prefix, in the order of keys."""
        address = S3Address.parse(uri)
        pages = self._client.get_paginator("list_objects_v2")
        try:
            for page in pages.paginate(Bucket=address.bucket, Prefix=address.key):
                for item in page.get("Contents", ()):
                    found = S3Address(address.bucket, item["Key"])
                    yield StoredObject(found, item["ETag"].strip('"'), item["Size"])
        except (BotoCoreError, ClientError) as error:
            raise ObjectStoreError(f"cannot list {uri}: {error}") from error

    def any_under(self, uri: str) -> bool:
        """Whether the prefix holds at least one object."""
        return next(self.listing(uri), None) is not None

    def exists(self, uri: str) -> bool:
        """Whether there is an object of exactly this key."""
        address = S3Address.parse(uri)
        try:
            self._client.head_object(Bucket=address.bucket, Key=address.key)
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] == 404:
                return False
            raise ObjectStoreError(f"cannot look at {uri}: {error}") from error
        except BotoCoreError as error:
            raise ObjectStoreError(f"cannot look at {uri}: {error}") from error
        return True

    def get(self, uri: str) -> bytes:
        """The whole of one (small) object."""
        address = S3Address.parse(uri)
        try:
            answer = self._client.get_object(Bucket=address.bucket, Key=address.key)
            content: bytes = answer["Body"].read()
        except (BotoCoreError, ClientError) as error:
            raise ObjectStoreError(f"cannot read {uri}: {error}") from error
        return content

    def download(self, uri: str, path: Path) -> None:
        """Write one object to a file, piece by piece."""
        address = S3Address.parse(uri)
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            answer = self._client.get_object(Bucket=address.bucket, Key=address.key)
            with path.open("wb") as file:
                for piece in answer["Body"].iter_chunks(1 << 20):
                    file.write(piece)
        except (BotoCoreError, ClientError) as error:
            raise ObjectStoreError(f"cannot read {uri}: {error}") from error

    def download_prefix(self, uri: str, folder: Path) -> int:
        """Write every object below a prefix to a folder; return how many there were."""
        folder.mkdir(parents=True, exist_ok=True)
        prefix = S3Address.parse(uri).key
        count = 0
        for item in self.listing(uri):
            if not item.address.key.endswith("/"):  # consoles store folders as empty objects
                relative = relative_key(prefix, item.address.key)
                self.download(str(item.address), inside(folder, relative))
                count += 1
        return count

    def upload_file(self, path: Path, uri: str) -> None:
        """Store a file as one object."""
        address = S3Address.parse(uri)
        try:
            with path.open("rb") as file:
                self._client.put_object(Bucket=address.bucket, Key=address.key, Body=file)
        except (BotoCoreError, ClientError) as error:
            raise ObjectStoreError(f"cannot write {uri}: {error}") from error
