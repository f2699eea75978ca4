"""Waiting for a condition, which must come true within a deadline that is far more than it takes."""

import asyncio
import time
from collections.abc import Callable

import pytest

DEADLINE_SECONDS = 120.0
PAUSE_SECONDS = 0.01


def eventually(condition: Callable[[], bool]) -> None:
    """Returns once it is true; fails the test after the deadline."""
    end = time.monotonic() + DEADLINE_SECONDS
    while not condition():
        if time.monotonic() > end:
            pytest.fail("it never came true")
        time.sleep(PAUSE_SECONDS)


async def until(condition: Callable[[], bool]) -> None:
    """The same on an event loop, which goes on meanwhile."""
    end = time.monotonic() + DEADLINE_SECONDS
    while not condition():
        if time.monotonic() > end:
            pytest.fail("it never came true")
        await asyncio.sleep(PAUSE_SECONDS)
