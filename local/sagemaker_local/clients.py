"""Clients of the AWS behind one endpoint, that know nothing of the real one."""

import os
from typing import Any

import botocore.session
from botocore.config import Config


def client(
    service: str,
    endpoint: str,
    *,
    region: str,
    access_key: str,
    secret_key: str,
    **config: Any,  # noqa: ANN401 - whatever botocore's Config has
) -> Any:  # noqa: ANN401 - botocore makes its classes when it runs
    """A client with fixed keys; the files and profiles of who runs this are for the real AWS."""
    session = botocore.session.Session(
        session_vars={
            "profile": (None, None, None, None),
            "config_file": (None, None, os.devnull, None),
            "credentials_file": (None, None, os.devnull, None),
        },
    )
    # a loopback endpoint is never behind a proxy
    chosen = {"proxies": {}, "retries": {"mode": "standard", "max_attempts": 4}, **config}
    return session.create_client(
        service,
        region_name=region,
        endpoint_url=endpoint,
        aws_access_key_id=access_key,
        aws_secret_access_key=secret_key,
        config=Config(**chosen),
    )
