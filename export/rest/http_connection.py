"""One client's connection, which may not dawdle, and all of them, which may not become too many.

aiohttp waits for ever for the end of a request's head and for a client to take its answer, and takes any
number of connections.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, cast

from aiohttp import web

from centrabert.export.rest.http_answer import INTERNAL, error_answer, malformed


class HttpConnections:
    """Those that are open.

    Args:
      most: May be open. Beyond, whichever has waited longest without a request is closed for the new one.
      head_seconds: From the beginning of a connection to the end of its first request's head.
      idle_seconds: From an answer to the end of the next request's head; until then the client must also have
        taken the answer.
    """

    def __init__(self, most: int, head_seconds: float, idle_seconds: float) -> None:
        self.head_seconds = head_seconds
        self.idle_seconds = idle_seconds
        self._most = most
        self._waiting: dict[HttpConnection, None] = {}  # the longest first
        self._reading: set[HttpConnection] = set()  # of them, for the rest of a request
        self._busy: set[HttpConnection] = set()
        self._empty = asyncio.Event()
        self._empty.set()

    def __len__(self) -> int:
        return len(self._waiting) + len(self._busy)

    @property
    def reading_bodies(self) -> int:
        """Connections of requests that have not come whole."""
        return len(self._reading)

    @contextmanager
    def answering(self, request: web.Request) -> Iterator[None]:
        """While it lasts, the request's connection waits for nothing from its client, but in `reading`."""
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
        """While it lasts, the connection of a request that is being answered waits for the rest of it."""
        connection = cast(HttpConnection, request.protocol)
        if connection in self._busy:
            self._busy.remove(connection)
            self._waiting[connection] = None
            self._reading.add(connection)
        try:
            yield
        finally:
            if connection in self._reading:  # else it has given way
                del self._waiting[connection]
                self._reading.remove(connection)
                self._busy.add(connection)

    async def drain(self, seconds: float) -> None:
        """Closes those without a request, and waits so long for the others to be answered."""
        for connection in self._waiting.keys() - self._reading:
            connection.finish()
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._empty.wait(), seconds)

    def add(self, connection: "HttpConnection") -> None:
        self._waiting[connection] = None
        self._empty.clear()
        if len(self) > self._most:
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
    """One of them, of `server`."""

    def __init__(self, server: web.Server, connections: HttpConnections) -> None:
        super().__init__(server, loop=asyncio.get_running_loop(), access_log=None)  # type: ignore[arg-type]
        self._all = connections
        self._socket: asyncio.Transport | None = None  # aiohttp lets go of its own before all is sent
        self._deadline: asyncio.TimerHandle | None = None

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
        """Closes it when the client has taken its answer."""
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
        """Answers what is no HTTP, and mistakes of ours, in the shape of all other errors; then closes."""
        if status == 400:
            answer = error_answer(malformed(message or str(exc)), status)
        else:
            self.log_exception("%s %s", request.method, request.path, exc_info=exc)
            answer = error_answer(INTERNAL, status)
        answer.force_close()
        return answer

    def log_exception(self, *args: Any, **named: Any) -> None:
        """What a client did wrong, it has been told; it may not fill the log."""
        if not isinstance(named.get("exc_info"), web.RequestPayloadError):
            super().log_exception(*args, **named)
