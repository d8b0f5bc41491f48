"""Refuses to start where somebody's real AWS could be meant."""

import ipaddress
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

_ENDPOINT = "AWS_ENDPOINT_URL"
_LOCAL_NAMES = frozenset({"localhost", "localhost.localdomain"})


class RealAwsError(Exception):
    """Real credentials and a real endpoint are configured together."""


def check(environment: Mapping[str, str], home: Path) -> None:
    """Refuse where real credentials and an endpoint that is not on this machine are configured.

    Credentials alone are no danger: this process talks to its own port. A remote endpoint alone is
    none either. Together they say that this shell works on something real.

    Raises:
        RealAwsError: Both are there.
    """
    remote = {
        name: value
        for name, value in environment.items()
        if (name == _ENDPOINT or name.startswith(f"{_ENDPOINT}_")) and not is_loopback(value)
    }
    found = _credentials(environment, home)
    if remote and found:
        name, value = next(iter(remote.items()))
        raise RealAwsError(
            f"{name} is {value}, which is not on this machine, and there are AWS credentials "
            f"({found}). Unset {name} first, so that nothing here can spend money."
        )


def is_loopback(url: str) -> bool:
    """Whether a URL is on this machine.

    >>> is_loopback("http://127.0.0.1:4566"), is_loopback("https://sts.us-east-1.amazonaws.com")
    (True, False)
    """
    if not url:
        return True
    host = (urlsplit(url).hostname or "").lower()
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host in _LOCAL_NAMES


def _credentials(environment: Mapping[str, str], home: Path) -> str | None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_PROFILE", "AWS_WEB_IDENTITY_TOKEN_FILE"):
        if environment.get(name):
            return name
    for name, default in (
        ("AWS_SHARED_CREDENTIALS_FILE", ".aws/credentials"),
        ("AWS_CONFIG_FILE", ".aws/config"),
    ):
        path = Path(environment.get(name) or home / default)
        if path.is_file() and path.stat().st_size:
            return str(path)
    return None
