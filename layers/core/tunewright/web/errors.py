"""Every error as HTTP, in one table; one body for all: error, message, details, request id."""

from typing import Any

from tunewright.domain.errors import (
    ConflictError,
    NotAllowedError,
    NotFoundError,
    SpecError,
    StaleVersionError,
    TunewrightError,
)
from tunewright.web.request import BadRequestError

TABLE: tuple[tuple[type[TunewrightError], int, str], ...] = (
    (NotAllowedError, 403, "not_allowed"),
    (SpecError, 422, "invalid_spec"),
    (NotFoundError, 404, "not_found"),
    (ConflictError, 409, "conflict"),
    (StaleVersionError, 409, "conflict"),
)
"""The first that fits counts: narrower errors stand before those that they are kinds of."""


def answer_of(error: Exception, request_id: str) -> tuple[int, dict[str, Any]]:
    """Return status and body for an error; what is not known is our fault, and tells no secrets."""
    if isinstance(error, BadRequestError):
        return error.status, body(error.code, str(error), request_id)
    for kind, status, code in TABLE:
        if isinstance(error, kind):
            return status, body(code, _message(error), request_id, _details(error))
    return 500, body("internal", "something went wrong here; try again", request_id)


def _message(error: TunewrightError) -> str:
    if isinstance(error, SpecError):
        count = len(error.problems)
        return f"{count} problem{'s' if count != 1 else ''} in the spec; nothing was launched"
    return str(error)


def _details(error: TunewrightError) -> list[dict[str, str]]:
    if not isinstance(error, SpecError):
        return []
    return [{"where": each.where, "message": each.message} for each in error.problems]


def body(
    code: str, message: str, request_id: str, details: list[dict[str, str]] | None = None
) -> dict[str, Any]:
    """Build the body that every error has."""
    return {"error": code, "message": message, "details": details or [], "request_id": request_id}
