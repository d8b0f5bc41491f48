"""Whose an access key is: users and roles as IAM and STS know them."""

import sys
import time
from typing import Any


def secret_of(access_key: str, token: str | None) -> str | None:
    """Return the secret of a user's or a session's access key; None if there is no such key now.

    Args:
        access_key: The key.
        token: The session token that came with it, which a session must show.
    """
    sts = sys.modules.get("ministack.services.sts")
    session = sts._sessions.get(access_key) if sts is not None else None  # noqa: SLF001
    if session is not None:
        return _live(session, token)
    iam = sys.modules.get("ministack.services.iam")
    for scope, record in iam._access_keys._data.items() if iam is not None else ():  # noqa: SLF001
        if scope[-1] == access_key and record.get("Status") == "Active":
            found: str = record["SecretAccessKey"]
            return found
    return None


def _live(session: dict[str, Any], token: str | None) -> str | None:
    if session.get("SessionToken") != token:
        return None
    expires = session.get("ExpiresAt") or session.get("Expiration")
    if isinstance(expires, int | float) and expires < time.time():
        return None
    found: str | None = session.get("SecretAccessKey")
    return found
