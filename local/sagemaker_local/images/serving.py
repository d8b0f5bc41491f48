"""The HTTP side of a serving container; what is predicted, and from what, is its model's."""

import json
import os
import signal
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Protocol

from sagemaker_local.images.opt_ml import UserError, say

BODY_LIMIT = 6_291_456
DEFAULT_PORT = "8080"


class RequestError(Exception):
    """A request that cannot be answered as it wishes."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True)
class Answer:
    """What a model says to a request."""

    body: bytes
    content_type: str
    status: int = 200


class Model(Protocol):
    """Anything that answers requests."""

    def answer(self, body: bytes, content_type: str, accept: str) -> Answer:
        """Answer one request; raise RequestError with the status if it cannot be done."""


def serve(load: Callable[[], Model]) -> int:
    """Load a model and serve it until the process is told to end; return an exit code if it cannot.

    Args:
        load: Gives the model, or raises; what it raises is told in the log.
    """
    try:
        model = load()
    except UserError as error:
        say(str(error))
        return 1
    except Exception:  # noqa: BLE001 - the log is all there is to tell
        traceback.print_exc()
        return 1
    port = int(os.environ.get("SAGEMAKER_BIND_TO_PORT", DEFAULT_PORT))

    class Handler(_Handler):
        served = model

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    server.daemon_threads = True
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    say(f"serving on port {port}")
    server.serve_forever()
    return 0


class _Handler(BaseHTTPRequestHandler):
    served: Model
    protocol_version = "HTTP/1.1"
    timeout = 75

    def do_GET(self) -> None:
        if self.path == "/ping":
            self._send(Answer(b"", "text/plain"))
        elif self.path == "/execution-parameters":
            self._send(Answer(_execution_parameters(), "application/json"))
        else:
            self._send(_refusal(404, f"there is no {self.path}"))

    def do_POST(self) -> None:
        if self.path != "/invocations":
            self.close_connection = True  # the body was not read
            self._send(_refusal(404, f"there is no {self.path}"))
            return
        try:
            self._send(self._answer())
        except RequestError as error:
            self._send(_refusal(error.status, str(error)))
        except Exception as error:  # noqa: BLE001 - the server must outlive any request
            traceback.print_exc()
            self._send(_refusal(500, f"{type(error).__name__}: {error}"))

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        if getattr(self, "path", "") != "/ping":  # a broken request has none
            say(format % args)

    def _answer(self) -> Answer:
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal():
            self.close_connection = True
            raise RequestError(411, "a request needs its Content-Length")
        if int(length) > BODY_LIMIT:
            self.close_connection = True
            raise RequestError(413, f"a request may have {BODY_LIMIT} bytes at most")
        body = self.rfile.read(int(length))
        if not body:
            return Answer(b"", "text/plain", 204)
        content_type = self.headers.get("Content-Type", "")
        return self.served.answer(body, content_type, self.headers.get("Accept", ""))

    def _send(self, answer: Answer) -> None:
        self.send_response(answer.status)
        if answer.status != 204:
            self.send_header("Content-Type", answer.content_type)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body)


def accepted(accept: str, known: tuple[str, ...], default: str) -> str:
    """The media type to answer in: the first wish that is known.

    >>> accepted("application/json;q=0.9, */*", ("text/csv", "application/json"), "text/csv")
    'application/json'
    """
    wishes = [wish.partition(";")[0].strip().lower() for wish in accept.split(",")]
    for wish in filter(None, wishes):
        if wish in known:
            return wish
        if wish in {"*/*", "text/*", "application/*"}:
            return default
    if any(wishes):
        raise RequestError(406, f"Accept {accept} is not one of {', '.join(known)}")
    return default


def _execution_parameters() -> bytes:
    told = {
        "BatchStrategy": "MULTI_RECORD",
        "MaxConcurrentTransforms": int(os.environ.get("SM_NUM_CPUS", "1")),
        "MaxPayloadInMB": BODY_LIMIT >> 20,
    }
    return json.dumps(told).encode()


def _refusal(status: int, message: str) -> Answer:
    return Answer(message.encode(), "text/plain", status)
