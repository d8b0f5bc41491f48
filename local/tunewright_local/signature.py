"""Verifies AWS Signature Version 4, in headers or in the query, as AWS does."""

import hashlib
import hmac
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, quote, unquote

SKEW = timedelta(minutes=15)
_LONGEST = timedelta(days=7)
_ALGORITHM = "AWS4-HMAC-SHA256"
_HEADER = re.compile(
    _ALGORITHM + r" Credential=([^/, ]+)/(\d{8})/([^/, ]+)/([^/, ]+)/aws4_request, ?"
    r"SignedHeaders=([a-z0-9;-]+), ?Signature=([0-9a-f]{64})"
)
_HASH = re.compile(r"[0-9a-f]{64}")
_UNSIGNED = "UNSIGNED-PAYLOAD"

Secrets = Callable[[str, str | None], str | None]
"""Gives the secret of an access key and its session token; None for a key that is not known."""


class SignatureError(Exception):
    """A request is not signed, or not by whom it says; `code` is AWS's word for why."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class Request:
    """A request as it came over the wire.

    Attributes:
        method: The HTTP method.
        path: The path as it was sent, with its escapes.
        query: The query as it was sent, without the question mark.
        headers: Values by name in lower case.
        body: The body.
    """

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class _Claim:
    key: str
    day: str
    region: str
    service: str
    signed: str
    signature: str
    at: str
    token: str | None
    presigned: bool


def verify(request: Request, secrets: Secrets, now: datetime) -> str:
    """Verify who sent a request, and return their access key.

    The body is compared with the hash that was signed; of a body that comes in signed chunks only
    the headers are verified.

    Raises:
        SignatureError: It is not signed, or not by them, or not now.
    """
    claim = _claim(request)
    _check_time(request, claim, now)
    secret = secrets(claim.key, claim.token)
    if secret is None:
        raise SignatureError("InvalidClientTokenId", "The access key is not known here.")
    body_hash = _body_hash(request, claim)
    names = claim.signed.split(";")
    if "host" not in names:
        raise SignatureError("InvalidSignature", "The header Host must be signed.")
    canonical = "\n".join(
        (
            request.method,
            _path(request.path, claim.service),
            _query(request.query),
            "".join(f"{name}:{' '.join(_header(request, name).split())}\n" for name in names),
            claim.signed,
            body_hash,
        )
    )
    scope = f"{claim.day}/{claim.region}/{claim.service}/aws4_request"
    hashed = hashlib.sha256(canonical.encode()).hexdigest()
    text = f"{_ALGORITHM}\n{claim.at}\n{scope}\n{hashed}"
    key = f"AWS4{secret}".encode()
    for part in (claim.day, claim.region, claim.service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    computed = hmac.digest(key, text.encode(), "sha256").hex()
    if not hmac.compare_digest(computed, claim.signature):
        raise SignatureError(
            "SignatureDoesNotMatch",
            "The request signature we calculated does not match the signature you provided. "
            "Check your AWS Secret Access Key and signing method.",
        )
    return claim.key


def _claim(request: Request) -> _Claim:
    header = request.headers.get("authorization")
    if header is not None:
        found = _HEADER.fullmatch(header)
        if found is None:
            raise SignatureError("IncompleteSignature", "Authorization is no Signature Version 4.")
        key, day, region, service, signed, signature = found.groups()
        at = request.headers.get("x-amz-date", "")
        token = request.headers.get("x-amz-security-token")
        return _Claim(key, day, region, service, signed, signature, at, token, presigned=False)
    query = {name: values[0] for name, values in parse_qs(request.query).items()}
    credential = query.get("X-Amz-Credential", "").split("/")
    if query.get("X-Amz-Algorithm") != _ALGORITHM or len(credential) != 5:
        raise SignatureError("MissingAuthenticationToken", "Missing Authentication Token")
    key, day, region, service, _ = credential
    return _Claim(
        key=key,
        day=day,
        region=region,
        service=service,
        signed=query.get("X-Amz-SignedHeaders", ""),
        signature=query.get("X-Amz-Signature", ""),
        at=query.get("X-Amz-Date", ""),
        token=query.get("X-Amz-Security-Token"),
        presigned=True,
    )


def _check_time(request: Request, claim: _Claim, now: datetime) -> None:
    try:
        at = datetime.strptime(claim.at, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        raise SignatureError("IncompleteSignature", "X-Amz-Date is no date.") from None
    if claim.at[:8] != claim.day:
        raise SignatureError("SignatureDoesNotMatch", "The credential is of another day.")
    lasts = SKEW
    if claim.presigned:
        seconds = parse_qs(request.query).get("X-Amz-Expires", [""])[0]
        if not seconds.isdigit() or timedelta(seconds=int(seconds)) > _LONGEST:
            raise SignatureError("IncompleteSignature", "X-Amz-Expires is no number of seconds.")
        lasts = timedelta(seconds=int(seconds))
    if now - at > lasts or at - now > SKEW:
        raise SignatureError(
            "RequestTimeTooSkewed" if not claim.presigned else "AccessDenied",
            f"The request is of {claim.at}, and it is {now:%Y%m%dT%H%M%SZ} now.",
        )


def _body_hash(request: Request, claim: _Claim) -> str:
    told = request.headers.get("x-amz-content-sha256")
    if claim.presigned and claim.service == "s3":
        return told if told is not None and "x-amz-content-sha256" in claim.signed else _UNSIGNED
    true = hashlib.sha256(request.body).hexdigest()
    if told is None:
        return true
    if _HASH.fullmatch(told) and not hmac.compare_digest(told, true):
        raise SignatureError(
            "XAmzContentSHA256Mismatch", "The body is not the one that was signed."
        )
    if not _HASH.fullmatch(told) and claim.service != "s3":
        raise SignatureError("InvalidSignature", "The body must be signed.")
    return told


def _header(request: Request, name: str) -> str:
    found = request.headers.get(name)
    if found is None:
        raise SignatureError("SignatureDoesNotMatch", f"The signed header {name} did not come.")
    return found


def _path(path: str, service: str) -> str:
    """Write the path as it was signed: S3's as it is, others' normalised and escaped again."""
    if service == "s3":
        return path or "/"
    parts: list[str] = []
    for part in path.split("/"):
        if part == "..":
            del parts[-1:]
        elif part not in {"", "."}:
            parts.append(part)
    normal = "/" + "/".join(parts) + ("/" if parts and path.endswith("/") else "")
    return quote(normal, safe="/~")


def _query(query: str) -> str:
    pairs = []
    for each in query.split("&") if query else ():
        name, _, value = each.partition("=")
        if name != "X-Amz-Signature":
            pairs.append((_escaped(name), _escaped(value)))
    return "&".join(f"{name}={value}" for name, value in sorted(pairs))


def _escaped(text: str) -> str:
    return quote(unquote(text), safe="-_.~")
