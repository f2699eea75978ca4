"""The HTTP side of the local server: the REST API, /metrics, /healthz and the page."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import cast
from weakref import WeakKeyDictionary

from aiohttp import HttpVersion11, web

from centrabert.export.page.page import content_security_policy, page
from centrabert.export.rest import rest_api
from centrabert.export.rest.content_encoding import decode_content, too_large
from centrabert.export.rest.http_connection import (
    HttpConnection,
    HttpConnections,
    error_response,
    json_response,
    malformed,
)
from centrabert.export.rest.json_codec import Body, read_body
from centrabert.export.rest.origin_check import check_origin, is_loopback, says_same_origin
from centrabert.export.serving.concurrency_limit import (
    ConcurrencyLimit,
    max_http_connections,
    max_http_requests,
)
from centrabert.export.serving.errors import ServingError, invalid
from centrabert.export.serving.prediction_service import PredictionService
from centrabert.export.serving.servable import Servable

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
HEAD_SECONDS = 10.0  # far more than any client takes for a few lines
IDLE_SECONDS = 75.0  # longer than the usual 60 of proxies, so that they close an idle connection first
AFTER_GRACE_SECONDS = 0.1  # for what did not end within the grace and is given up


@dataclass(frozen=True)
class CachedPage:
    """The page of a version, and the header that lets a browser run it."""

    html: str
    policy: str


class HttpServer:
    """Serves HTTP from `listen` to `stop`.

    Args:
      seconds: Maximum time that a request may take; the reading of its body may take as long.
      body_bytes: Maximum size of a body.
      concurrent: Maximum number of POST requests at a time, if there are files for them; more are refused.
        GET needs nothing that could run out.

    Attributes:
      connections: Those that are open.
      limit: Of POST requests that are being processed.
    """

    def __init__(self, service: PredictionService, seconds: float, body_bytes: int, concurrent: int) -> None:
        self._service = service
        self._seconds = seconds
        self._body_bytes = body_bytes
        self._loopback = False
        self._stopping = False
        self._pages: WeakKeyDictionary[Servable, CachedPage] = WeakKeyDictionary()
        self._listener: asyncio.Server | None = None
        self.connections = HttpConnections(max_http_connections(concurrent), HEAD_SECONDS, IDLE_SECONDS)
        self.limit = ConcurrencyLimit(max_http_requests(concurrent))

    async def listen(self, host: str, port: int) -> int:
        """Begins to serve; returns the port, which it chooses if `port` is 0.

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
        if self._listener is not None:
            self._listener.close()
        self._stopping = True
        await self.connections.drain(grace)  # aiohttp would throw away what is still to come of a body
        await self._aiohttp_server().shutdown(AFTER_GRACE_SECONDS)
        await self._runner.cleanup()

    def _connection(self) -> HttpConnection:
        return HttpConnection(self._aiohttp_server(), self.connections)

    def _aiohttp_server(self) -> web.Server:
        if self._runner.server is None:
            raise AssertionError("it does not run")
        return self._runner.server

    def _application(self) -> web.Application:
        application = web.Application(middlewares=[self._guarded], client_max_size=self._body_bytes)
        for path, handler in (("/", self._get_page), ("/metrics", self._metrics), ("/healthz", self._health)):
            application.router.add_get(path, handler, expect_handler=check_expectation)
        application.router.add_route("*", "/{path:.*}", self._rest, expect_handler=check_expectation)
        return application

    @web.middleware
    async def _guarded(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Errors in TF Serving's shape."""
        with self.connections.processing(request):
            response = await self._response(request, handler)
        if cast(HttpConnection, request.protocol).was_last_request() or self._stopping:
            response.force_close()
        return response

    async def _response(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            headers = request.headers
            same_origin = says_same_origin(headers)
            check_origin(headers.get("Host"), headers.get("Origin"), self._loopback, same_origin)
            return await handler(request)
        except ServingError as error:
            return error_response(error.message, error.http_status)
        except web.HTTPException as error:
            return error_response(error.reason, error.status)

    async def _rest(self, request: web.Request) -> web.Response:
        address = rest_api.read_address(request.method, request.rel_url.raw_path_qs)
        if address.action != rest_api.PREDICT:
            return json_response(rest_api.describe(self._service, address))
        with ExitStack() as slot:
            body = await self._predict_body(request, slot)
            return json_response(await rest_api.predict(self._service, address, body, self._seconds))

    async def _predict_body(self, request: web.Request, slot: ExitStack) -> Body:
        """Takes a slot once the body has been received. Raises ServingError, and counts it, if it is none."""
        try:
            self.limit.check()
            with self.connections.reading(request):
                content = await self._content(request)
            slot.enter_context(self.limit.slot())
            encoding = request.headers.get("Content-Encoding", "")
            return read_body(decode_content(content, encoding, self._body_bytes))
        except ServingError as error:
            self._service.metrics.observe_request((), error.code, 0.0)
            raise

    async def _content(self, request: web.Request) -> bytes:
        """The body as it was sent."""
        try:
            if (request.content_length or 0) > self._body_bytes:
                raise too_large(self._body_bytes)
            return await asyncio.wait_for(request.read(), self._seconds)
        except web.HTTPRequestEntityTooLarge:
            raise too_large(self._body_bytes) from None
        except asyncio.TimeoutError:
            message = f"the body did not arrive within {self._seconds:g} s"
            raise ServingError("DEADLINE_EXCEEDED", message) from None
        except web.RequestPayloadError as error:
            raise invalid(malformed(str(error).removeprefix("400, message:"))) from None
        except ConnectionError:
            raise ServingError("CANCELLED", "the client has gone") from None

    async def _get_page(self, request: web.Request) -> web.Response:
        """The page of the version that serves, made once for each; a number may come back with another."""
        with self._service.versions.acquire(None, None) as servable:
            if servable not in self._pages:
                html = page(servable.manifest, self._service.versions.name)
                self._pages[servable] = CachedPage(html, content_security_policy(html))
            cached = self._pages[servable]
        headers = {"Content-Security-Policy": cached.policy}
        return web.Response(text=cached.html, content_type="text/html", headers=headers)

    async def _metrics(self, request: web.Request) -> web.Response:
        body, kind = self._service.metrics.text(), "text/plain; version=0.0.4; charset=utf-8"
        return web.Response(body=body, headers={"Content-Type": kind})

    async def _health(self, request: web.Request) -> web.Response:
        """200 as long as there is a version that can be asked."""
        if not self._service.versions.available:
            raise ServingError("UNAVAILABLE", "no version of the model is served")
        return web.Response(text="ok\n")


async def check_expectation(request: web.Request) -> web.StreamResponse | None:
    """Lets a client that asks first send its body; to any other expectation the response is an error."""
    expected = request.headers["Expect"]
    if request.version < HttpVersion11:
        return None
    if expected.lower() != "100-continue":
        return error_response(f"Expect: {expected} is not supported", web.HTTPExpectationFailed.status_code)
    await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    request.writer.output_size = 0  # or the response would be taken for one that has begun
    return None
