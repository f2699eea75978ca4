"""Which gRPC requests are answered: those that arrive soon, and are not too many."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, cast

import grpc
from google.protobuf.message import DecodeError, Message  # type: ignore[import-untyped]

from centrabert.export.serving.concurrency_limit import Places, overloaded
from centrabert.export.serving.errors import ServingError, invalid
from centrabert.export.serving.metrics import ServingMetrics

LONGEST = 2048  # bytes of an error message; escaped three times that, and of more than 8 KB gRPC refuses some
PATIENCE = 1.0  # seconds, far more than a message takes after its head
Context = Any  # grpc.aio.ServicerContext, which has no types
Handler = Any  # grpc.RpcMethodHandler, likewise
Task = asyncio.Task[Any]


class GrpcAdmission(grpc.aio.ServerInterceptor):
    """Refuses what is too much, and tells a client whatever else is wrong with its request.

    gRPC's own limit, maximum_concurrent_rpcs, lets clients that send the head of a request and nothing more
    keep out all others. Here such a request, after PATIENCE, gives way to another one that needs its place.

    Args:
      most: Requests at a time.
    """

    def __init__(self, most: int, metrics: ServingMetrics) -> None:
        self.places = Places(most)
        self._metrics = metrics
        self._handlers: dict[str, Handler] = {}
        self._arriving: dict[Task, float] = {}  # the longest first, each with when it began
        self._refusal = grpc.stream_unary_rpc_method_handler(self._refuse)  # which waits for no message

    @property
    def arriving(self) -> int:
        """Requests whose message has not come."""
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
        if self.arriving < self.places.left or self._gives_way():
            return self._handlers[method]
        return self._refusal

    def _gives_way(self) -> bool:
        """Ends the request that has been arriving the longest, if that is too long."""
        task, since = next(iter(self._arriving.items()), (None, 0.0))
        if task is None or task.get_loop().time() - since < PATIENCE:
            return False
        del self._arriving[task]
        return task.cancel()

    async def _refuse(self, messages: Any, context: Context) -> None:
        self._metrics.observe_request((), "RESOURCE_EXHAUSTED", 0.0)
        await abort(context, overloaded())

    def _guarded(self, handler: Handler) -> Handler:
        async def answer(messages: Any, context: Context) -> Any:
            try:
                request = await self._request(handler, context)
                with self.places.one():
                    return await handler.unary_unary(request, context)
            except ServingError as error:
                await abort(context, error)

        # A message is a stream of one, whose reading can be given up.
        return grpc.stream_unary_rpc_method_handler(answer, None, handler.response_serializer)

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
            if task in self._arriving:  # its client has gone
                raise
            raise ServingError(
                "RESOURCE_EXHAUSTED", "overloaded: the request took too long to arrive"
            ) from None
        finally:
            self._arriving.pop(task, None)
        if message is grpc.aio.EOF:
            raise invalid("there is no message")
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
    """What fits into an answer's metadata; instead of more, gRPC sends an error of its own."""
    if len(message.encode()) <= LONGEST:
        return message
    return f"{message.encode()[:LONGEST].decode(errors='ignore')}..."
