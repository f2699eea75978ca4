"""One client's connection, which is given up if it is too slow, and all of them, which are limited in number.

aiohttp waits for ever for the end of a request's head and for a client to take its response, and takes any
number of connections. A client that closes its half of a connection after its last request gets no response.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, cast

from aiohttp import StreamReader, web

from centrabert.export.rest.json_codec import error_body

INTERNAL = "internal error; the server's log has more"


class HttpConnections:
    """The connections that are open.

    Args:
      max_connections: Maximum number. Beyond it the one that has waited longest without a request is closed
        for a new one.
      head_seconds: Time from the beginning of a connection to the end of its first request's head.
      idle_seconds: Time from a response to the end of the next request's head; until then the client must
        also have taken the response.
    """

    def __init__(self, max_connections: int, head_seconds: float, idle_seconds: float) -> None:
        self.head_seconds = head_seconds
        self.idle_seconds = idle_seconds
        self._max_connections = max_connections
        self._waiting: dict[HttpConnection, None] = {}  # the longest first
        self._reading: set[HttpConnection] = set()  # of them, for the rest of a request
        self._busy: set[HttpConnection] = set()
        self._empty = asyncio.Event()
        self._empty.set()

    def __len__(self) -> int:
        return len(self._waiting) + len(self._busy)

    @property
    def reading_bodies(self) -> int:
        """Number of connections whose request has not been received whole."""
        return len(self._reading)

    @contextmanager
    def processing(self, request: web.Request) -> Iterator[None]:
        """While it lasts, the request's connection waits for nothing from its client, except in `reading`."""
        connection = cast(HttpConnection, request.protocol)
        if connection in self._waiting:  # else it has just been closed
            del self._waiting[connection]
            self._busy.add(connection)
        connection.wait_no_more()
        try:
            yield
        finally:
            if connection in self._busy:  # else its client has gone
                self._busy.remove(connection)
                self._waiting[connection] = None
                connection.wait(self.idle_seconds)

    @contextmanager
    def reading(self, request: web.Request) -> Iterator[None]:
        """While it lasts, the connection of a request that is being processed waits for the rest of it."""
        connection = cast(HttpConnection, request.protocol)
        if connection in self._busy:
            self._busy.remove(connection)
            self._waiting[connection] = None
            self._reading.add(connection)
        try:
            yield
        finally:
            if connection in self._reading:  # else it has been closed for another
                del self._waiting[connection]
                self._reading.remove(connection)
                self._busy.add(connection)

    async def drain(self, seconds: float) -> None:
        """Closes those without a request, and waits so long for the others."""
        for connection in self._waiting.keys() - self._reading:
            connection.finish()
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._empty.wait(), seconds)

    def add(self, connection: "HttpConnection") -> None:
        self._waiting[connection] = None
        self._empty.clear()
        if len(self) > self._max_connections:
            oldest = next(iter(self._waiting))
            self.remove(oldest)
            oldest.abort()

    def remove(self, connection: "HttpConnection") -> None:
        self._waiting.pop(connection, None)
        self._reading.discard(connection)
        self._busy.discard(connection)
        if not len(self):
            self._empty.set()


class HttpConnection(web.RequestHandler):
    """A connection of one client."""

    def __init__(self, server: web.Server, connections: HttpConnections) -> None:
        super().__init__(
            server,
            loop=asyncio.get_running_loop(),
            access_log=None,  # type: ignore[arg-type]
            auto_decompress=False,  # see content_encoding.py
        )
        self._all = connections
        self._socket: asyncio.Transport | None = None  # aiohttp lets go of its own before all is sent
        self._deadline: asyncio.TimerHandle | None = None
        self._unanswered = 0  # requests whose head has been received
        self._last_body: StreamReader | None = None
        self._is_half_closed = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._socket = cast(asyncio.Transport, transport)
        super().connection_made(transport)
        self.wait(self._all.head_seconds)
        self._all.add(self)

    def connection_lost(self, exc: BaseException | None) -> None:
        self._all.remove(self)
        self.wait_no_more()
        self._socket = None
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        before = len(self._messages)
        super().data_received(data)
        if len(self._messages) > before:
            self._unanswered += len(self._messages) - before
            _, self._last_body = self._messages[-1]

    def eof_received(self) -> bool:  # type: ignore[override]  # aiohttp always lets the connection close
        """Keeps the connection open for the responses if all requests on it have been received whole.

        The client may as well be gone; this shows only when something is sent to it.
        """
        whole = self._last_body is not None and self._last_body.is_eof()
        self._is_half_closed = whole and self._unanswered > 0
        return self._is_half_closed

    def was_last_request(self) -> bool:
        """Counts a request as answered, and tells whether its client sends no other."""
        self._unanswered -= 1
        return self._is_half_closed and not self._unanswered

    def wait(self, seconds: float) -> None:
        """Gives the client so long, instead of what it was given before."""
        if self._deadline is not None:
            self._deadline.cancel()
        self._deadline = asyncio.get_running_loop().call_later(seconds, self.abort)

    def wait_no_more(self) -> None:
        """Waits for nothing more."""
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def finish(self) -> None:
        """Closes it when the client has taken its response."""
        self.close()
        if self._socket is not None:
            self._socket.close()

    def abort(self) -> None:
        """Closes it at once, whatever the client has not taken."""
        if self._socket is not None:
            self._socket.abort()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Tells what is no HTTP, and mistakes of ours, in the shape of all other errors; then closes."""
        if status == 400:
            response = error_response(malformed(message or str(exc)), status)
        else:
            self.log_exception("%s %s", request.method, request.path, exc_info=exc)
            response = error_response(INTERNAL, status)
        response.force_close()
        return response

    def log_exception(self, *args: Any, **named: Any) -> None:
        """What a client did wrong, it has been told; it may not fill the log."""
        if not isinstance(named.get("exc_info"), web.RequestPayloadError):
            super().log_exception(*args, **named)


def json_response(body: bytes, status: int = 200) -> web.Response:
    return web.Response(body=body, status=status, content_type="application/json")


def error_response(message: str, status: int) -> web.Response:
    """An error in TF Serving's shape."""
    return json_response(error_body(message), status)


def malformed(reason: str) -> str:
    """What is wrong, in one line; further lines of aiohttp's reason draw an arrow under a byte."""
    first, *_ = reason.split("\n\n")
    return f"malformed request: {' '.join(first.split()).removesuffix(':')}"
