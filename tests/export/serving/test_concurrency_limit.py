"""How many connections and requests there may be where files are few."""

import resource
from typing import Any

import pytest

from centrabert.export.serving import concurrency_limit

ANY = resource.RLIM_INFINITY
Limits = tuple[int, int]


@pytest.fixture
def limits(monkeypatch: pytest.MonkeyPatch) -> list[Limits]:
    """What this process may open; the last ones count."""
    found: list[Limits] = []
    monkeypatch.setattr(resource, "getrlimit", lambda _: found[-1])
    monkeypatch.setattr(resource, "setrlimit", lambda _, limits: found.append(limits))
    return found


@pytest.mark.parametrize(
    ("files", "connections", "requests"),
    [(1024, 512, 256), (4000, 2000, 1000), (10_000, 2000, 1000), (ANY, 2000, 1000), (1, 1, 1)],
)
def test_connections_leave_files_for_the_rest(
    files: int, connections: int, requests: int, limits: list[Limits]
) -> None:
    limits.append((files, files))
    assert concurrency_limit.max_http_connections(1000) == connections
    assert concurrency_limit.max_http_requests(1000) == requests


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ((1024, 4096), (4000, 4096), []),
        ((1024, ANY), (4000, ANY), []),
        ((5000, 6000), (5000, 6000), []),
        ((ANY, ANY), (ANY, ANY), []),
        (
            (1024, 2048),
            (2048, 2048),
            [
                "max_concurrent_requests=1000: over REST 512, for this process may open 2048 files; "
                "see ulimit -n"
            ],
        ),
    ],
)
def test_the_limit_is_raised_and_what_is_still_missing_is_told(
    before: Limits, after: Limits, told: list[str], limits: list[Limits], warnings: Any
) -> None:
    limits.append(before)
    concurrency_limit.raise_file_limit(1000)
    assert limits[-1] == after
    assert warnings == told
