"""A local server of the tiny model, in a thread of this process, shared by all tests that only ask it."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from exported import exported
from plain_sessions import plain_sessions
from session import session

from centrabert.export.local_server import Server, ServerSettings
from centrabert.export.serving.servable import ServingLimits

LIMITS = ServingLimits(threads=2, batch_rows=8, waiting_rows=64, request_rows=50, text_bytes=1000)
NAME = "tiny"


def settings(
    base_path: Path, limits: ServingLimits = LIMITS, config_file: Path | None = None
) -> ServerSettings:
    return ServerSettings(
        name=NAME,
        base_path=base_path,
        config_file=config_file,
        host="127.0.0.1",
        port=0,
        rest_port=0,
        poll_seconds=0.05,
        rest_seconds=20.0,
        body_bytes=100_000,
        concurrent=20,
        limits=limits,
    )


@contextmanager
def running(chosen: ServerSettings) -> Iterator[Server]:
    """A server that answers until the block ends."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        server = Server(chosen)
        asyncio.run_coroutine_threadsafe(server.start(), loop).result(300)
        try:
            yield server
        finally:
            asyncio.run_coroutine_threadsafe(server.stop(5.0), loop).result(60)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


@cache
def shared_server() -> Server:
    """The server of `exported()`, stopped when the tests end."""
    with plain_sessions():  # those of `predictor()`, with which its answers are compared, are optimised
        return session.enter_context(running(settings(exported().version.parent)))
