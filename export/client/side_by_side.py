"""Work done by several threads, its results in order."""

from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


def side_by_side(
    work: Callable[[T], R], items: Sequence[T], threads: int, give_up: Callable[[], None]
) -> list[R]:
    """What `work` returns of every item, in their order.

    The first error is raised at once. What has not begun by then never does; what runs is not waited for.

    Args:
      threads: Items worked on at a time.
      give_up: Called before an error is raised, for what runs to end early.
    """
    if threads == 1 or len(items) == 1:
        return [work(item) for item in items]
    executor = ThreadPoolExecutor(threads, "centrabert-client")
    try:
        futures = [executor.submit(work, item) for item in items]
        done, _ = wait(futures, return_when=FIRST_EXCEPTION)
        return [future.result() for future in (futures if len(done) == len(futures) else done)]
    except BaseException:
        give_up()
        raise
    finally:
        executor.shutdown(wait=False, cancel_futures=True)
