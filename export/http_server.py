"""The HTTP side of the local server: the REST API, /metrics, /healthz and the page."""

import asyncio
from collections.abc import Awaitable, Callable

from absl import logging
from aiohttp import web

from centrabert.export import rest_api
from centrabert.export.answering import Answering
from centrabert.export.rest_format import error_body
from centrabert.export.serving_error import ServingError

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class HttpServer:
    """Answers over HTTP.

    Args:
      seconds: A request may take; the reading of its body may take as long.
      body_bytes: A body may have.
      concurrent: Requests answered at a time; more are refused.
    """

    def __init__(self, answering: Answering, seconds: float, body_bytes: int, concurrent: int) -> None:
        self._answering = answering
        self._seconds = seconds
        self._body_bytes = body_bytes
        self._free = concurrent

    def application(self) -> web.Application:
        application = web.Application(middlewares=[self._guarded], client_max_size=self._body_bytes)
        application.router.add_get("/metrics", self._metrics)
        application.router.add_get("/healthz", self._health)
        application.router.add_route("*", "/{path:.*}", self._rest)
        return application

    @web.middleware
    async def _guarded(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Errors in TF Serving's shape."""
        try:
            return await self._admitted(request, handler)
        except ServingError as error:
            return _json(error_body(error.message), error.http_status)
        except web.HTTPException as error:
            return _json(error_body(error.reason), error.status)
        except Exception:
            logging.exception("%s %s", request.method, request.path)
            return _json(error_body("internal error; the server's log has more"), 500)

    async def _admitted(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if not self._free:
            raise ServingError("RESOURCE_EXHAUSTED", "overloaded: too many requests at once; try again later")
        self._free -= 1
        try:
            return await handler(request)
        finally:
            self._free += 1

    async def _rest(self, request: web.Request) -> web.Response:
        async def read() -> bytes:
            try:
                return await asyncio.wait_for(request.read(), self._seconds)
            except asyncio.TimeoutError:
                message = f"the body did not arrive within {self._seconds:g} s"
                raise ServingError("DEADLINE_EXCEEDED", message) from None

        return _json(
            await rest_api.answer(self._answering, request.method, request.path, read, self._seconds)
        )

    async def _metrics(self, request: web.Request) -> web.Response:
        body, kind = self._answering.metrics.text(), "text/plain; version=0.0.4; charset=utf-8"
        return web.Response(body=body, headers={"Content-Type": kind})

    async def _health(self, request: web.Request) -> web.Response:
        """200 as long as there is a version that answers."""
        self._answering.versions.find(None, None)
        return web.Response(text="ok\n")


def _json(body: bytes, status: int = 200) -> web.Response:
    return web.Response(body=body, status=status, content_type="application/json")
