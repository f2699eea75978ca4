"""Which gRPC requests are answered: those that have arrived whole, and are not too many."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import grpc
from google.protobuf.message import DecodeError, Message  # type: ignore[import-untyped]

from centrabert.export.places import Places
from centrabert.export.serving_error import ServingError, invalid
from centrabert.export.serving_metrics import ServingMetrics

LONGEST = 2048  # bytes of an error message; escaped three times that, and of more than 8 KB gRPC refuses some
Context = Any  # grpc.aio.ServicerContext, which has no types
Handler = Any  # grpc.RpcMethodHandler, likewise


class GrpcAdmission(grpc.aio.ServerInterceptor):
    """Refuses what is too much, and tells a client whatever else is wrong with its request.

    gRPC's own limit, maximum_concurrent_rpcs, counts a request from its head on, so that clients which send
    nothing more keep out all others. Here those wait apart, as many as there are places; beyond, whichever
    has waited longest is refused for the new one.

    Args:
      most: Requests answered at a time.
    """

    def __init__(self, most: int, metrics: ServingMetrics) -> None:
        self.places = Places(most)
        self._most = most
        self._metrics = metrics
        self._arriving: dict[asyncio.Future[None], None] = {}  # the longest first; done when it must give way

    @property
    def arriving(self) -> int:
        """Requests whose message has not come."""
        return len(self._arriving)

    async def intercept_service(
        self, continuation: Callable[[Any], Awaitable[Handler]], handler_call_details: Any
    ) -> Handler:
        handler = await continuation(handler_call_details)
        # Of the methods that nobody has written, the official classes make an error for the log.
        if handler is None or not asyncio.iscoroutinefunction(handler.unary_unary):
            return None

        async def answer(_: Any, context: Context) -> Any:
            return await self._answer(handler, context)

        # A message is a stream of one, which need not be read before it is known whether there is a place.
        return grpc.stream_unary_rpc_method_handler(answer, None, handler.response_serializer)

    async def _answer(self, handler: Handler, context: Context) -> Any:
        try:
            request = await self._request(handler, context)
            with self.places.one():
                return await handler.unary_unary(request, context)
        except ServingError as error:
            await context.abort(grpc.StatusCode[error.code], shortened(error.message))

    async def _request(self, handler: Handler, context: Context) -> Message:
        """Raises ServingError, and counts it, if there is none or no place."""
        try:
            self.places.check()
            message = await self._message(context)
            self.places.check()
            return parsed(handler, message)
        except ServingError as error:
            self._metrics.observe_request((), error.code, 0.0)
            raise

    async def _message(self, context: Context) -> bytes:
        reading = asyncio.ensure_future(context.read())
        gives_way = asyncio.get_running_loop().create_future()
        self._arriving[gives_way] = None
        if len(self._arriving) > self._most:
            longest = next(iter(self._arriving))
            del self._arriving[longest]
            longest.set_result(None)
        try:
            await asyncio.wait([reading, gives_way], return_when=asyncio.FIRST_COMPLETED)
            if not reading.done():
                raise ServingError("RESOURCE_EXHAUSTED", "overloaded: the request took too long to arrive")
        finally:
            self._arriving.pop(gives_way, None)
            reading.cancel()
        message = reading.result()
        if message is grpc.aio.EOF:
            raise invalid("there is no message")
        return bytes(message)


def parsed(handler: Handler, message: bytes) -> Message:
    """Raises ServingError if it is none of the handler's."""
    try:
        return handler.request_deserializer(message)
    except DecodeError as error:
        raise invalid(str(error)) from None


def shortened(message: str) -> str:
    """What fits into an answer's metadata; instead of more, gRPC sends an error of its own."""
    if len(message.encode()) <= LONGEST:
        return message
    return f"{message.encode()[:LONGEST].decode(errors='ignore')}..."
