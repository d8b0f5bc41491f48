"""On PYTHONPATH, sends to AWS_ENDPOINT_URL what the SageMaker SDK would send to AWS's own STS.

Both major versions of the SDK ask STS for the caller's role at an address that they make up
themselves, whatever AWS_ENDPOINT_URL says. Nothing else is changed, and nothing at all without
AWS_ENDPOINT_URL.
"""

import contextlib
import os
import sys
from typing import Any


def _patch() -> None:
    from botocore.session import Session

    create_client = Session.create_client

    def at_the_endpoint(self: Any, service_name: str, *args: Any, **kwargs: Any) -> Any:
        local = os.environ.get("AWS_ENDPOINT_URL")
        if local and str(kwargs.get("endpoint_url") or "").startswith("https://sts."):
            kwargs["endpoint_url"] = local
        return create_client(self, service_name, *args, **kwargs)

    Session.create_client = at_the_endpoint


class _WhenImported:
    """Patches botocore once something imports it: programs without it stay as quick as they are."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> None:
        if name in {"boto3", "botocore.session"}:
            sys.meta_path.remove(self)
            with contextlib.suppress(ImportError):
                _patch()


if os.environ.get("AWS_ENDPOINT_URL"):
    sys.meta_path.insert(0, _WhenImported())
