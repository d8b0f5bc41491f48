"""Signs and reads the tokens of links by which a person answers for exactly one plan.

A token is a version, the short name of its key, when it expires, a MAC over all of it, the study
and the plan, in base64url without padding. It is read strictly: one text for one link, no other.
"""

import base64
import hashlib
import hmac
import re
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from tunewright.domain.values import Value

LONGEST = timedelta(hours=72)
"""How long a link may be answered: a message that lies about is no standing permission."""
LASTS = LONGEST - timedelta(hours=1)
"""How long a link is made for: an hour less, for whoever reads it goes by another clock."""
KEY_BYTES = 32
_VERSION = b"\x01"
_NAME_BYTES, _TIME_BYTES, _MAC_BYTES = 4, 8, 32
_HEAD = len(_VERSION) + _NAME_BYTES + _TIME_BYTES
_LATEST = 32_503_680_000
"""The year 3000, in seconds since 1970: no time of ours is later, and a datetime holds it."""
_TEXT = re.compile(r"[A-Za-z0-9_-]{1,512}")
_SUBJECT = re.compile(r"(?P<study>[a-z0-9-]{1,64})/(?P<plan>[0-9a-f]{1,64})")


class Link(Value):
    """What a token stands for: an answer to one plan of one study, until it expires."""

    study_id: str
    plan_hash: str
    expires: datetime


class Flaw(StrEnum):
    """Why a token is refused."""

    NOT_WHOLE = "not whole"
    OTHER_KEY = "another key"
    EXPIRED = "expired"


class BadLinkError(ValueError):
    """A token is refused.

    Attributes:
        flaw: Why.
        link: What it stood for, where that is certain: it is ours, but has expired.
    """

    def __init__(self, flaw: Flaw, link: Link | None = None) -> None:
        super().__init__(f"the link is refused: {flaw}")
        self.flaw = flaw
        self.link = link


def sign(link: Link, key: bytes) -> str:
    """Write a link as a token.

    Args:
        link: The link; its expiry is written in whole seconds.
        key: The stack's key, 32 random bytes.

    Raises:
        ValueError: Study or plan have names that no link can hold, or the key is no key.
    """
    if len(key) != KEY_BYTES:
        raise ValueError(f"a key has {KEY_BYTES} bytes")
    subject = f"{link.study_id}/{link.plan_hash}"
    if _SUBJECT.fullmatch(subject) is None:
        raise ValueError(f"{subject} is no plan of a study")
    expires = int(link.expires.timestamp()).to_bytes(_TIME_BYTES, "big")
    head = _VERSION + _name(key) + expires
    return _encode(head + _mac(key, head, subject.encode()) + subject.encode())


def read(token: str, key: bytes | None, now: datetime) -> Link:
    """Read a token.

    Args:
        token: The token, as it came.
        key: The stack's key; None if it has none.
        now: The time.

    Raises:
        BadLinkError: It is not whole, was signed with another key, or has expired.
    """
    whole = _decode(token)
    name, time = whole[1 : 1 + _NAME_BYTES], whole[1 + _NAME_BYTES : _HEAD]
    if key is None or not hmac.compare_digest(name, _name(key)):
        raise BadLinkError(Flaw.OTHER_KEY)
    mac, subject = whole[_HEAD : _HEAD + _MAC_BYTES], whole[_HEAD + _MAC_BYTES :]
    if not hmac.compare_digest(mac, _mac(key, whole[:_HEAD], subject)):
        raise BadLinkError(Flaw.NOT_WHOLE)
    found = _SUBJECT.fullmatch(subject.decode("ascii", "replace"))
    seconds = int.from_bytes(time, "big")
    if found is None or seconds > _LATEST:  # We sign no such thing.
        raise BadLinkError(Flaw.NOT_WHOLE)
    expires = datetime.fromtimestamp(seconds, UTC)
    link = Link(study_id=found["study"], plan_hash=found["plan"], expires=expires)
    if not now < expires <= now + LONGEST:
        raise BadLinkError(Flaw.EXPIRED, link)
    return link


def _name(key: bytes) -> bytes:
    """Name a key without telling anything of it."""
    return hashlib.sha256(b"tunewright link key\x00" + key).digest()[:_NAME_BYTES]


def _mac(key: bytes, head: bytes, subject: bytes) -> bytes:
    return hmac.new(key, b"tunewright link\x00" + head + subject, hashlib.sha256).digest()


def _encode(whole: bytes) -> str:
    return base64.urlsafe_b64encode(whole).rstrip(b"=").decode()


def _decode(token: str) -> bytes:
    """Decode a token that could be one of ours; two texts never mean the same bytes."""
    if _TEXT.fullmatch(token) is None or len(token) % 4 == 1:
        raise BadLinkError(Flaw.NOT_WHOLE)
    whole = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    if _encode(whole) != token or whole[:1] != _VERSION or len(whole) <= _HEAD + _MAC_BYTES:
        raise BadLinkError(Flaw.NOT_WHOLE)
    return whole
