"""Opens ministack on a folder: it reads its environment on import, and opens once a process."""

import contextlib
import importlib
import os
import sys
from pathlib import Path
from typing import Any

from embedded_aws.processes import Processes

_SILENT_SECONDS = 0.005
_PROCESSES = Processes()
"""One for the process, as ministack's own list is."""


def opened(directory: Path, *, url: str, region: str, account: str, secret: str) -> Any:  # noqa: ANN401
    """Return ministack's module, empty but for the objects that the folder holds."""
    directory.mkdir(parents=True, exist_ok=True)
    _configure(directory, url=url, region=region, account=account)
    first = "ministack.app" not in sys.modules
    import ministack.app  # noqa: PLC0415 - it reads the environment
    from ministack.core import hypercorn_compat, lambda_runtime, persistence  # noqa: PLC0415
    from ministack.services import lambda_svc, s3  # noqa: PLC0415

    hypercorn_compat.install()
    _import_quietly("jsonata")
    app = ministack.app
    # It saves on a clean end only, service by service; we keep its state ourselves
    app.PERSIST_STATE = False
    # It waits 50 ms for the log of a handler that writes none
    drain = lambda_runtime.Worker._drain_stderr_bounded  # noqa: SLF001
    drain.__defaults__ = (_SILENT_SECONDS, 0.002, 0.25)
    _PROCESSES.watch(lambda_runtime)
    # The access key of a function is its account, as everywhere in ministack
    lambda_runtime.execution_credentials = lambda _: {
        "AWS_ACCESS_KEY_ID": account,
        "AWS_SECRET_ACCESS_KEY": secret,
        "AWS_SESSION_TOKEN": "",
    }
    if not first:
        _forget(app)
        s3.DATA_DIR = str(directory / "s3")
        s3._load_persisted_data()  # noqa: SLF001 - what it does when first imported
    persistence.STATE_DIR = str(directory / "unused")
    lambda_svc.CODE_BLOB_DIR = str(directory / "code")
    return app


def _import_quietly(name: str) -> None:
    """Import a library of ministack's that would let this whole process recurse more deeply."""
    limit = sys.getrecursionlimit()
    with contextlib.suppress(ImportError):
        importlib.import_module(name)
    sys.setrecursionlimit(limit)


def end_functions() -> None:
    """End the processes in which functions run; what they were doing is done again."""
    runtime = sys.modules.get("ministack.core.lambda_runtime")
    if runtime is not None:
        _PROCESSES.end(runtime)


def _configure(directory: Path, *, url: str, region: str, account: str) -> None:
    host, _, port = url.removeprefix("http://").partition(":")
    os.environ.update(
        {
            "BIND_HOST": host,
            "EDGE_PORT": port,
            "GATEWAY_PORT": port,
            "MINISTACK_ACCOUNT_ID": account,
            "MINISTACK_REGION": region,
            "PERSIST_STATE": "1",
            "STATE_DIR": str(directory / "unused"),
            "S3_PERSIST": "1",
            "S3_DATA_DIR": str(directory / "s3"),
            "IOT_MTLS_ENABLED": "0",
            "SFTP_ENABLED": "0",
        }
    )
    os.environ.setdefault("LOG_LEVEL", "ERROR")


def _forget(app: Any) -> None:  # noqa: ANN401 - ministack carries no types
    for name in app._registry_module_names():  # noqa: SLF001 - as its own reset does
        module = sys.modules.get(f"ministack.services.{name}")
        if module is not None and hasattr(module, "reset"):
            with contextlib.suppress(Exception):
                module.reset()
