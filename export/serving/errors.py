"""What a server answers instead of a prediction, in the words of gRPC and of HTTP."""

# What TF Serving's REST API makes of a gRPC status; whatever is not here is 500.
HTTP_STATUS = {
    "INVALID_ARGUMENT": 400,
    "FAILED_PRECONDITION": 400,
    "PERMISSION_DENIED": 403,
    "NOT_FOUND": 404,
    "RESOURCE_EXHAUSTED": 429,
    "CANCELLED": 499,
    "UNIMPLEMENTED": 501,
    "UNAVAILABLE": 503,
    "DEADLINE_EXCEEDED": 504,
}


class ServingError(Exception):
    """A request that cannot be answered.

    Attributes:
      code: The name of a gRPC status, such as "INVALID_ARGUMENT".
      message: What is wrong, for the client.
      http_status: Unless another is given, the one that TF Serving has for the code.
    """

    def __init__(self, code: str, message: str, http_status: int | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.http_status = http_status or HTTP_STATUS.get(code, 500)


def invalid(message: str) -> ServingError:
    """The client's mistake, whatever the state of the server."""
    return ServingError("INVALID_ARGUMENT", message)
