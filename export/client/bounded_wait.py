"""Waiting for something that knows no deadline of its own."""

from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from threading import Thread
from typing import TypeVar

from centrabert.export.client.errors import RequestError

T = TypeVar("T")


def within(seconds: float, work: Callable[[], T]) -> T:
    """What `work` returns, if it takes no longer than so many seconds.

    The timeouts of requests hold for each connection attempt and each read, and for no look-up of a name: a
    server that sends a byte now and then could hold up the caller for ever. So a thread waits for it; what
    comes too late is thrown away.

    Raises:
      RequestError: DEADLINE_EXCEEDED, or whatever `work` raises.
    """
    future: Future[T] = Future()
    Thread(target=_fulfil, args=(future, work), daemon=True).start()
    try:
        return future.result(seconds)
    except FutureTimeoutError:
        raise RequestError("DEADLINE_EXCEEDED", f"no whole answer within {seconds:g} s") from None


def _fulfil(future: "Future[T]", work: Callable[[], T]) -> None:
    try:
        future.set_result(work())
    except RequestError as error:
        future.set_exception(error)
    except BaseException as error:
        future.set_exception(error)
        raise
