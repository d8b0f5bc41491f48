"""The errors of the API as AWS words them; raised by operations, written out by `protocol`.

ApiError
  one class: SageMaker's errors differ by code, and clients tell them apart by code
"""


class ApiError(Exception):
    """An answer that is an error: its code, its text and its HTTP status."""

    def __init__(self, code: str, message: str, *, status: int = 400) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status


def validation(message: str) -> ApiError:
    """Say that a request is not acceptable."""
    return ApiError("ValidationException", message)


def in_use(message: str) -> ApiError:
    """Say that a name is taken."""
    return ApiError("ResourceInUse", message)


def not_found(message: str) -> ApiError:
    """Say that there is no such thing, where that has a code of its own."""
    return ApiError("ResourceNotFound", message)


def over_limit(message: str) -> ApiError:
    """Say that an account's limit is reached."""
    return ApiError("ResourceLimitExceeded", message)
