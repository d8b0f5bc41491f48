"""S3's own key for what asks for encryption by KMS and names none, which ministack demands."""

from collections.abc import MutableMapping
from typing import Any

ASKED = b"x-amz-server-side-encryption"
KEY = b"x-amz-server-side-encryption-aws-kms-key-id"
OWN_KEY = b"alias/aws/s3"


def with_key(scope: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Name the key that AWS takes when none is named; other requests stay as they are.

    >>> with_key({"headers": [(ASKED, b"aws:kms")]})["headers"][-1]
    (b'x-amz-server-side-encryption-aws-kms-key-id', b'alias/aws/s3')
    """
    headers = dict(scope.get("headers", ()))
    if headers.get(ASKED) != b"aws:kms" or KEY in headers:
        return scope
    return {**scope, "headers": [*scope["headers"], (KEY, OWN_KEY)]}
