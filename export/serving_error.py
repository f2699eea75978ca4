"""What a server answers instead of a prediction, in the words of gRPC and of HTTP."""

# What TF Serving's REST API makes of a gRPC status; whatever is not here is 500.
HTTP_STATUS = {
    "INVALID_ARGUMENT": 400,
    "FAILED_PRECONDITION": 400,
    "NOT_FOUND": 404,
    "RESOURCE_EXHAUSTED": 429,
    "UNIMPLEMENTED": 501,
    "UNAVAILABLE": 503,
    "DEADLINE_EXCEEDED": 504,
}


class ServingError(Exception):
    """A request that cannot be answered.

    Attributes:
      code: The name of a gRPC status, such as "INVALID_ARGUMENT".
      message: What is wrong, for the client.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message

    @property
    def http_status(self) -> int:
        return HTTP_STATUS.get(self.code, 500)


def invalid(message: str) -> ServingError:
    """The client's mistake, whatever the state of the server."""
    return ServingError("INVALID_ARGUMENT", message)
