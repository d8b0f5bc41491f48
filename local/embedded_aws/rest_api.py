"""REST APIs as they were deployed: where a stage is served, and which methods are open."""

import sys


def place(api: str, stage: str, path: str) -> str:
    """Return where ministack serves a path of an API's stage, whatever the Host header."""
    return f"/restapis/{api}/{stage}/_user_request_{path}"


def is_open(api: str, stage: str, method: str, path: str) -> bool:
    """Whether the method that serves a path asks for no signature; False where none serves it."""
    gateway = sys.modules.get("ministack.services.apigateway_v1")
    if gateway is None:
        return False
    return bool(gateway.method_authorization_type(api, stage, method, path) == "NONE")
