import hashlib
import threading
import xml.sax.saxutils
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from sagemaker_local.objects import ObjectStore, ObjectStoreError, S3Address, inside, relative_key

PAGE = 2


class Bucket(BaseHTTPRequestHandler):
    """As much of S3 as an object store asks for: one bucket, short pages."""

    protocol_version = "HTTP/1.1"
    content: dict[str, bytes]

    def do_GET(self) -> None:
        path, query = urlsplit(self.path).path, parse_qs(urlsplit(self.path).query)
        if "list-type" in query:
            self._list(query)
            return
        found = self.content.get(self._key(path))
        if found is None:
            self._send(404, b"<Error><Code>NoSuchKey</Code><Message>none</Message></Error>")
        else:
            self._send(200, found)

    def do_HEAD(self) -> None:
        found = self._key(urlsplit(self.path).path)
        status = 500 if found == "broken" else 200 if found in self.content else 404
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_PUT(self) -> None:
        length = int(self.headers["Content-Length"])
        self.content[self._key(urlsplit(self.path).path)] = self.rfile.read(length)
        self._send(200, b"")

    def log_message(self, *args: object) -> None:
        pass

    def _key(self, path: str) -> str:
        return unquote(path).removeprefix("/bucket/")

    def _list(self, query: dict[str, list[str]]) -> None:
        prefix = query.get("prefix", [""])[0]
        start = int(query.get("continuation-token", ["0"])[0])
        keys = [key for key in sorted(self.content) if key.startswith(prefix)]
        items = "".join(
            f"<Contents><Key>{xml.sax.saxutils.escape(key)}</Key>"
            f"<ETag>&quot;{hashlib.md5(self.content[key]).hexdigest()}&quot;</ETag>"  # noqa: S324
            f"<Size>{len(self.content[key])}</Size></Contents>"
            for key in keys[start : start + PAGE]
        )
        more = start + PAGE < len(keys)
        token = f"<NextContinuationToken>{start + PAGE}</NextContinuationToken>" if more else ""
        body = (
            f"<ListBucketResult><IsTruncated>{str(more).lower()}</IsTruncated>{token}{items}"
            "</ListBucketResult>"
        )
        self._send(200, body.encode())

    def _send(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def content() -> dict[str, bytes]:
    return {}


@pytest.fixture
def store(content: dict[str, bytes]) -> Iterator[ObjectStore]:
    handler = type("Handler", (Bucket,), {"content": content})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    store = ObjectStore(
        f"http://127.0.0.1:{server.server_port}",
        region="us-east-1",
        access_key="test",
        secret_key="test",
    )
    yield store
    store.close()
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_prefix_is_fetched_page_by_page(
    store: ObjectStore, content: dict[str, bytes], tmp_path: Path
) -> None:
    content |= {f"data/train/part-{number}.csv": b"%d" % number for number in range(5)}
    content |= {"data/train/sub/more & more.csv": b"x", "data/train/": b"", "data/other": b"y"}
    assert store.download_prefix("s3://bucket/data/train", tmp_path) == 6
    assert (tmp_path / "part-4.csv").read_bytes() == b"4"
    assert (tmp_path / "sub" / "more & more.csv").read_bytes() == b"x"
    assert not (tmp_path / "other").exists()
    listed = list(store.listing("s3://bucket/data/train"))
    assert len(listed) == 7
    assert listed[1].size == 1
    assert '"' not in listed[1].etag


def test_objects_are_stored_seen_and_read(
    store: ObjectStore, content: dict[str, bytes], tmp_path: Path
) -> None:
    (tmp_path / "model").write_bytes(b"weights")
    store.upload_file(tmp_path / "model", "s3://bucket/out/model.tar.gz")
    assert content == {"out/model.tar.gz": b"weights"}
    assert store.get("s3://bucket/out/model.tar.gz") == b"weights"
    assert store.exists("s3://bucket/out/model.tar.gz")
    assert not store.exists("s3://bucket/out/model")
    assert store.any_under("s3://bucket/out")
    assert not store.any_under("s3://bucket/elsewhere")
    store.download("s3://bucket/out/model.tar.gz", tmp_path / "deep" / "down")
    assert (tmp_path / "deep" / "down").read_bytes() == b"weights"


def test_what_s3_refuses_names_the_address(store: ObjectStore, tmp_path: Path) -> None:
    with pytest.raises(ObjectStoreError, match="cannot read s3://bucket/none"):
        store.get("s3://bucket/none")
    with pytest.raises(ObjectStoreError, match="cannot read s3://bucket/none"):
        store.download("s3://bucket/none", tmp_path / "file")
    with pytest.raises(ObjectStoreError, match="is not an S3 address"):
        store.get("https://bucket/none")


def test_a_key_cannot_leave_its_folder(
    store: ObjectStore, content: dict[str, bytes], tmp_path: Path
) -> None:
    content["data/../../escaped"] = b"x"
    with pytest.raises(ObjectStoreError, match="would leave its folder"):
        store.download_prefix("s3://bucket/data/", tmp_path / "a" / "b")
    assert not (tmp_path / "escaped").exists()


@pytest.mark.parametrize("relative", ["../x", "/etc/x", "a/../../x", "", "."])
def test_only_names_below_a_folder_are_inside(tmp_path: Path, relative: str) -> None:
    with pytest.raises(ObjectStoreError):
        inside(tmp_path, relative)


def test_a_link_that_leads_outside_is_not_inside(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "out").symlink_to(tmp_path)
    with pytest.raises(ObjectStoreError):
        inside(tmp_path / "in", "out/x")
    assert inside(tmp_path / "in", "a/b") == tmp_path / "in" / "a" / "b"


def test_keys_are_relative_to_the_folder_of_their_prefix() -> None:
    assert relative_key("data/tr", "data/train/a.csv") == "train/a.csv"
    assert relative_key("", "a/b.csv") == "a/b.csv"
    assert relative_key("data/", "data/a.csv") == "a.csv"


def test_addresses_keep_their_odd_characters() -> None:
    assert str(S3Address.parse("s3://b/what?#%20x")) == "s3://b/what?#%20x"
    assert S3Address.parse("s3://b") == S3Address("b", "")
