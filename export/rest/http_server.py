"""The HTTP side of the local server: the REST API, /metrics, /healthz and the page."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import ExitStack

from aiohttp import web

from centrabert.export.page.page import content_security_policy, page
from centrabert.export.rest import rest_api
from centrabert.export.rest.http_answer import error_answer, json_answer, malformed
from centrabert.export.rest.http_connection import HttpConnection, HttpConnections
from centrabert.export.rest.origin_check import check_origin, is_loopback
from centrabert.export.serving.concurrency_limit import Places
from centrabert.export.serving.errors import ServingError, invalid
from centrabert.export.serving.open_files import most_connections, most_requests
from centrabert.export.serving.prediction_service import Answering

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
HEAD_SECONDS = 10.0  # far more than any client takes for a few lines
IDLE_SECONDS = 75.0  # longer than the usual 60 of proxies, so that they close an idle connection first
AFTER_GRACE = 0.1  # seconds for what did not end within the grace and is given up


class HttpServer:
    """Answers over HTTP from `listen` to `stop`.

    Args:
      seconds: A request may take; the reading of its body may take as long.
      body_bytes: A body may have.
      concurrent: POST requests at a time, if there are files for them; more are refused. GET needs nothing
        that could run out.

    Attributes:
      connections: Those that are open.
      places: Of POST requests that are being answered.
    """

    def __init__(self, answering: Answering, seconds: float, body_bytes: int, concurrent: int) -> None:
        self._answering = answering
        self._seconds = seconds
        self._body_bytes = body_bytes
        self._loopback = False
        self._stopping = False
        self.connections = HttpConnections(most_connections(concurrent), HEAD_SECONDS, IDLE_SECONDS)
        self.places = Places(most_requests(concurrent))

    async def listen(self, host: str, port: int) -> int:
        """Begins to answer; returns the port, which it chooses if `port` is 0.

        Raises:
          OSError: There is no such address, or the port is taken.
        """
        self._runner = web.AppRunner(self._application(), handler_cancellation=True)
        await self._runner.setup()
        self._listener = await asyncio.get_running_loop().create_server(self._connection, host, port)
        addresses = [socket.getsockname() for socket in self._listener.sockets]
        self._loopback = all(is_loopback(address[0]) for address in addresses)
        return int(addresses[0][1])

    async def stop(self, grace: float) -> None:
        """Takes no new requests, and waits so many seconds for those in flight."""
        self._listener.close()
        self._stopping = True
        await self.connections.drain(grace)  # aiohttp would throw away what is still to come of a body
        await self._aiohttp_server().shutdown(AFTER_GRACE)
        await self._runner.cleanup()

    def _connection(self) -> HttpConnection:
        return HttpConnection(self._aiohttp_server(), self.connections)

    def _aiohttp_server(self) -> web.Server:
        if self._runner.server is None:
            raise AssertionError("it does not run")
        return self._runner.server

    def _application(self) -> web.Application:
        application = web.Application(middlewares=[self._guarded], client_max_size=self._body_bytes)
        application.router.add_get("/", self._page)
        application.router.add_get("/metrics", self._metrics)
        application.router.add_get("/healthz", self._health)
        application.router.add_route("*", "/{path:.*}", self._rest)
        return application

    @web.middleware
    async def _guarded(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Errors in TF Serving's shape."""
        with self.connections.answering(request):
            answer = await self._answer_or_error(request, handler)
        if self._stopping:
            answer.force_close()
        return answer

    async def _answer_or_error(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            check_origin(request.headers.get("Host"), request.headers.get("Origin"), self._loopback)
            return await handler(request)
        except ServingError as error:
            return error_answer(error.message, error.http_status)
        except web.HTTPException as error:
            return error_answer(error.reason, error.status)

    async def _rest(self, request: web.Request) -> web.Response:
        path = request.rel_url.raw_path_qs
        with ExitStack() as place:
            body = await rest_api.answer(
                self._answering, request.method, path, lambda: self._body(request, place), self._seconds
            )
        return json_answer(body)

    async def _body(self, request: web.Request, place: ExitStack) -> bytes:
        """Takes a place when it has come. Raises ServingError if it does not, is too large, or too much."""
        self.places.check()
        with self.connections.reading(request):
            body = await self._whole(request)
        place.enter_context(self.places.one())
        return body

    async def _whole(self, request: web.Request) -> bytes:
        try:
            if (request.content_length or 0) > self._body_bytes:
                raise web.HTTPRequestEntityTooLarge(self._body_bytes)
            return await asyncio.wait_for(request.read(), self._seconds)
        except web.HTTPRequestEntityTooLarge:
            message = f"a body of more than {self._body_bytes} bytes; send its rows in several requests"
            raise ServingError("RESOURCE_EXHAUSTED", message, http_status=413) from None
        except asyncio.TimeoutError:
            message = f"the body did not arrive within {self._seconds:g} s"
            raise ServingError("DEADLINE_EXCEEDED", message) from None
        except web.RequestPayloadError as error:
            raise invalid(malformed(str(error).removeprefix("400, message:"))) from None
        except ConnectionError:
            raise ServingError("CANCELLED", "the client has gone") from None

    async def _page(self, request: web.Request) -> web.Response:
        with self._answering.versions.lease(None, None) as servable:
            html = page(servable.manifest, self._answering.versions.name)
        headers = {"Content-Security-Policy": content_security_policy(html)}
        return web.Response(text=html, content_type="text/html", headers=headers)

    async def _metrics(self, request: web.Request) -> web.Response:
        body, kind = self._answering.metrics.text(), "text/plain; version=0.0.4; charset=utf-8"
        return web.Response(body=body, headers={"Content-Type": kind})

    async def _health(self, request: web.Request) -> web.Response:
        """200 as long as there is a version that answers."""
        if not self._answering.versions.available:
            raise ServingError("UNAVAILABLE", "no version of the model is served")
        return web.Response(text="ok\n")
