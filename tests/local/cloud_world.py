"""Ways to ask a local cloud: as its owner, through its API, and without a signature."""

import urllib.error
import urllib.request
from typing import Any

import boto3
from botocore.config import Config

from tunewright_client.api_client import ApiClient
from tunewright_local.cloud import LocalCloud


def client(cloud: LocalCloud, service: str, *, secret: str | None = None) -> Any:
    instance = cloud.instance
    return boto3.client(
        service,
        endpoint_url=instance.url,
        region_name="us-east-1",
        aws_access_key_id=instance.access_key,
        aws_secret_access_key=secret or instance.secret_key,
        config=Config(retries={"total_max_attempts": 1}, signature_version=None),
    )


def ask(cloud: LocalCloud, path: str, *, body: bytes | None = None, **headers: str) -> Any:
    """Ask without a signature, and return status, headers and body."""
    url = cloud.instance.url + path
    request = urllib.request.Request(url, data=body, headers=headers)  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310
            return answer.status, answer.headers, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers, error.read().decode()


def api(cloud: LocalCloud) -> ApiClient:
    return ApiClient(cloud.instance.environment["TUNEWRIGHT_API"], "us-east-1")
