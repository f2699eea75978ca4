"""What a client raises when it gets no answer: one kind of error, whichever protocol carried the request."""

QUEUE_FULL = "batch scheduling queue to which this task was submitted is full"  # TF Serving, with UNAVAILABLE
# gRPC, with RESOURCE_EXHAUSTED, of a message or an error's text: trying again would not make it smaller.
TOO_LARGE = ("larger than max", "metadata size exceeds")


class RequestError(Exception):
    """A request without an answer.

    Attributes:
      code: The name of a gRPC status, such as "INVALID_ARGUMENT" or "DEADLINE_EXCEEDED".
      message: What is wrong.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message

    @property
    def overload(self) -> bool:
        """Whether the server was only too busy, so that the same request may succeed later."""
        if self.code == "RESOURCE_EXHAUSTED":
            return not any(reason in self.message for reason in TOO_LARGE)
        return self.code == "UNAVAILABLE" and QUEUE_FULL in self.message


class Overloaded(RequestError):  # noqa: N818 (a server's state, as the caller knows it)
    """The server was still too busy at the last try."""


class ModelChanged(RequestError):  # noqa: N818 (likewise)
    """The server no longer offers what its metadata said: another version has taken over."""
