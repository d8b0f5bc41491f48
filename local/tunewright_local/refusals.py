"""Says no as AWS says it: JSON, XML or REST, by the protocol that was asked in."""

import json
import uuid
from collections.abc import Mapping
from xml.sax.saxutils import escape

from tunewright_local.signature import SignatureError

FORBIDDEN = 403
_IN_JSON = {
    "SignatureDoesNotMatch": "InvalidSignatureException",
    "InvalidSignature": "InvalidSignatureException",
    "RequestTimeTooSkewed": "InvalidSignatureException",
    "XAmzContentSHA256Mismatch": "InvalidSignatureException",
    "InvalidClientTokenId": "UnrecognizedClientException",
}
_IN_S3 = {
    "InvalidClientTokenId": "InvalidAccessKeyId",
    "MissingAuthenticationToken": "AccessDenied",
}
"""Other words of AWS's for the same; where there is none, its JSON protocols add `Exception`."""

Answer = tuple[int, dict[str, str], bytes]


def refuse(headers: Mapping[str, str], service: str, error: SignatureError) -> Answer:
    """Return status, headers and body of the answer to a request that was not verified.

    Args:
        headers: The request's, by name in lower case.
        service: What the request says that it is for; empty where it does not say.
        error: What is wrong with it.
    """
    request_id = str(uuid.uuid4())
    name = _IN_JSON.get(error.code, f"{error.code}Exception")
    told = {"x-amzn-RequestId": request_id}
    if "x-amz-target" in headers:
        told["Content-Type"] = headers.get("content-type", "application/x-amz-json-1.1")
        told["x-amzn-ErrorType"] = name
        body = {"__type": name, "message": str(error)}
        return FORBIDDEN, told, json.dumps(body).encode()
    if headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        told["Content-Type"] = "text/xml"
        text = (
            f"<ErrorResponse><Error><Type>Sender</Type><Code>{error.code}</Code>"
            f"<Message>{escape(str(error))}</Message></Error>"
            f"<RequestId>{request_id}</RequestId></ErrorResponse>"
        )
        return FORBIDDEN, told, text.encode()
    if service == "s3":
        told["Content-Type"] = "application/xml"
        text = (
            '<?xml version="1.0" encoding="UTF-8"?>\n'
            f"<Error><Code>{_IN_S3.get(error.code, error.code)}</Code>"
            f"<Message>{escape(str(error))}</Message>"
            f"<RequestId>{request_id}</RequestId></Error>"
        )
        return FORBIDDEN, told, text.encode()
    told["Content-Type"] = "application/json"
    told["x-amzn-ErrorType"] = name
    return FORBIDDEN, told, json.dumps({"message": str(error)}).encode()
