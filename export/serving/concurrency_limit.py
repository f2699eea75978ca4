"""How many requests a protocol processes at a time, and how many files this process may open for them."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager

from absl import logging

from centrabert.export.serving.errors import ServingError

CONNECTIONS_PER_REQUEST = 2  # over HTTP, for each request at a time, so that those too many are told so
FILES_PER_CONNECTION = 2  # one file in so many may be an HTTP connection; gRPC and the model have the others


class ConcurrencyLimit:
    """Limits how many requests are processed at a time.

    A slot is taken once the whole request has been received.

    Attributes:
      in_use: Number of slots taken by requests that are being processed.
    """

    def __init__(self, max_requests: int) -> None:
        self._max_requests = max_requests
        self.in_use = 0

    @property
    def free(self) -> int:
        """Number of slots that no request has taken."""
        return self._max_requests - self.in_use

    def check(self) -> None:
        """Raises ServingError if there is no free slot."""
        if not self.free:
            raise overloaded()

    @contextmanager
    def slot(self) -> Iterator[None]:
        """Takes a slot for as long as the block lasts. Raises ServingError if there is no free slot."""
        self.check()
        self.in_use += 1
        try:
            yield
        finally:
            self.in_use -= 1


def overloaded() -> ServingError:
    """What a client is told for whose request there is no free slot."""
    return ServingError("RESOURCE_EXHAUSTED", "overloaded: too many requests at once; try again later")


def raise_file_limit(concurrent: int) -> None:
    """Raises the limit of open files, so far as this process may, to what so many HTTP requests need."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = FILES_PER_CONNECTION * CONNECTIONS_PER_REQUEST * concurrent
    if _is_within(soft, needed):
        return
    resource.setrlimit(resource.RLIMIT_NOFILE, (needed if _is_within(hard, needed) else hard, hard))
    if not _is_within(hard, needed):
        logging.warning(
            "max_concurrent_requests=%d: over REST %d, for this process may open %d files; see ulimit -n",
            concurrent,
            max_http_requests(concurrent),
            hard,
        )


def max_http_connections(concurrent: int) -> int:
    """How many connections may be open over HTTP, where so many requests at a time are allowed."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = CONNECTIONS_PER_REQUEST * concurrent
    if files == resource.RLIM_INFINITY:
        return wanted
    return min(wanted, max(files // FILES_PER_CONNECTION, 1))


def max_http_requests(concurrent: int) -> int:
    """How many requests may be processed at a time over HTTP, where so many are allowed."""
    return max(max_http_connections(concurrent) // CONNECTIONS_PER_REQUEST, 1)


def _is_within(limit: int, number: int) -> bool:
    return limit == resource.RLIM_INFINITY or number <= limit
