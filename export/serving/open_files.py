"""How many files this process may open, a connection being one."""

import resource

from absl import logging

CONNECTIONS = 2  # for each request at a time, so that those too many are told so
SHARE = 2  # one file in so many may be a connection over HTTP; gRPC and the model have the others


def allow_requests(concurrent: int) -> None:
    """Raises this process's limit, so far as it may, to what so many requests at a time need over HTTP."""
    files, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if _within(files, needed := SHARE * CONNECTIONS * concurrent):
        return
    resource.setrlimit(resource.RLIMIT_NOFILE, (needed if _within(most, needed) else most, most))
    if not _within(most, needed):
        logging.warning(
            "max_concurrent_requests=%d: over REST %d, for this process may open %d files; see ulimit -n",
            concurrent,
            most_requests(concurrent),
            most,
        )


def most_connections(concurrent: int) -> int:
    """How many may be open over HTTP, where so many requests at a time are allowed."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = CONNECTIONS * concurrent
    return most if files == resource.RLIM_INFINITY else min(most, max(files // SHARE, 1))


def most_requests(concurrent: int) -> int:
    """How many may be answered at a time over HTTP, where so many are allowed."""
    return max(most_connections(concurrent) // CONNECTIONS, 1)


def _within(limit: int, number: int) -> bool:
    return limit == resource.RLIM_INFINITY or number <= limit
