"""Which gRPC requests are processed: those that arrive soon, and are not too many."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, cast

import grpc
from google.protobuf.message import DecodeError, Message  # type: ignore[import-untyped]

from centrabert.export.serving.concurrency_limit import ConcurrencyLimit, overloaded
from centrabert.export.serving.errors import ServingError, invalid
from centrabert.export.serving.metrics import ServingMetrics

MAX_MESSAGE_BYTES = 2048  # of an error; escaped three times that, and of more than 8 KB gRPC refuses some
ARRIVAL_TIMEOUT_SECONDS = 1.0  # far more than a message takes after its head
Context = Any  # grpc.aio.ServicerContext, which has no types
Handler = Any  # grpc.RpcMethodHandler, likewise
Task = asyncio.Task[Any]


class GrpcInterceptor(grpc.aio.ServerInterceptor):
    """Refuses what is too much, and tells a client whatever else is wrong with its request.

    gRPC's own limit, maximum_concurrent_rpcs, lets clients that send the head of a request and nothing more
    keep out all others. Here such a request is ended after ARRIVAL_TIMEOUT_SECONDS if another one needs its
    slot.

    Args:
      max_requests: Maximum number of requests at a time.
    """

    def __init__(self, max_requests: int, metrics: ServingMetrics) -> None:
        self.limit = ConcurrencyLimit(max_requests)
        self._metrics = metrics
        self._handlers: dict[str, Handler] = {}
        self._arriving: dict[Task, float] = {}  # the oldest first, each with when it began
        self._refusal = grpc.stream_unary_rpc_method_handler(self._refuse)  # which waits for no message

    @property
    def arriving(self) -> int:
        """Number of requests whose message has not been received."""
        return len(self._arriving)

    async def intercept_service(
        self, continuation: Callable[[Any], Awaitable[Handler]], handler_call_details: Any
    ) -> Handler:
        method = handler_call_details.method
        if method not in self._handlers:
            handler = await continuation(handler_call_details)
            # Of the methods that nobody has written, the official classes make an error for the log.
            if handler is None or not asyncio.iscoroutinefunction(handler.unary_unary):
                return None
            self._handlers[method] = self._guarded(handler)
        if self.arriving < self.limit.free or self._evict_oldest_arrival():
            return self._handlers[method]
        return self._refusal

    def _evict_oldest_arrival(self) -> bool:
        """Ends the request that has been arriving the longest, if that is too long."""
        task, since = next(iter(self._arriving.items()), (None, 0.0))
        if task is None or task.get_loop().time() - since < ARRIVAL_TIMEOUT_SECONDS:
            return False
        del self._arriving[task]
        return task.cancel()

    async def _refuse(self, messages: Any, context: Context) -> None:
        self._metrics.observe_request((), "RESOURCE_EXHAUSTED", 0.0)
        await abort(context, overloaded())

    def _guarded(self, handler: Handler) -> Handler:
        async def respond(messages: Any, context: Context) -> Any:
            try:
                request = await self._request(handler, context)
                with self.limit.slot():
                    return await handler.unary_unary(request, context)
            except ServingError as error:
                await abort(context, error)

        # A message is a stream of one, whose reading can be given up.
        return grpc.stream_unary_rpc_method_handler(respond, None, handler.response_serializer)

    async def _request(self, handler: Handler, context: Context) -> Message:
        """Raises ServingError, and counts it, if there is none."""
        try:
            return parsed(handler, await self._message(context))
        except ServingError as error:
            self._metrics.observe_request((), error.code, 0.0)
            raise

    async def _message(self, context: Context) -> bytes:
        task = cast(Task, asyncio.current_task())
        self._arriving[task] = task.get_loop().time()
        try:
            message = await context.read()
        except asyncio.CancelledError:
            if task in self._arriving:  # not evicted, so its client has gone
                raise
            raise ServingError(
                "RESOURCE_EXHAUSTED", "overloaded: the request took too long to arrive"
            ) from None
        finally:
            self._arriving.pop(task, None)
        if message is grpc.aio.EOF:
            raise invalid("the request holds no message")
        return bytes(message)


async def abort(context: Context, error: ServingError) -> None:
    """Tells the error; raises CancelledError if nobody waits for it, which gRPC would write to the log."""
    try:
        await context.abort(grpc.StatusCode[error.code], shortened(error.message))
    except grpc.aio.InternalError:
        raise asyncio.CancelledError from None


def parsed(handler: Handler, message: bytes) -> Message:
    """Raises ServingError if it is none of the handler's."""
    try:
        return handler.request_deserializer(message)
    except DecodeError as error:
        raise invalid(str(error)) from None


def shortened(message: str) -> str:
    """What fits into a response's metadata; instead of more, gRPC sends an error of its own."""
    if len(message.encode()) <= MAX_MESSAGE_BYTES:
        return message
    return f"{message.encode()[:MAX_MESSAGE_BYTES].decode(errors='ignore')}..."
