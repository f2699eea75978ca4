"""The queue in front of the model: rows of all clients, and short ones of all tasks, share batches.

A free thread takes what waits at once, so a lone request never waits for company, and under load batches
fill by themselves. The piece that has waited longest always goes next, and others like it go along.
All methods belong to one event loop; only `compute` runs in threads.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Executor
from itertools import islice
from time import monotonic

from centrabert.export.engine.tensorflow_engine import Arrays
from centrabert.export.serving.errors import ServingError
from centrabert.export.serving.row_batch import Piece, joined

WINDOW = 256  # pieces among which company of like length is sought
MIXED = 64  # bytes of a row, about 14 word pieces, up to which batches across tasks pay
LIKE, SHORT = 1.5, 20  # lengths that go together: up to so many times, and so many bytes more
WORK = 4096  # bytes of a batch, padding included; a larger one is computed no faster, row by row
NEWEST = 0.1  # weight of the last batch in the running mean of what a row costs
Waiting = tuple[Piece, "asyncio.Future[Arrays]"]


class Batcher:
    """Computes pieces in batches.

    Args:
      compute: From a piece to its arrays, rows first; called in a thread of `executor`.
      threads: Batches computed at a time.
      max_batch_size: Rows of a batch; a piece may not have more.
      max_waiting: Rows that may wait. More are refused: who waits longer than that has given up.
      observe: Is told the rows of every batch, for the metrics.
      alike: Pieces for which it says the same may share a batch.
    """

    def __init__(
        self,
        compute: Callable[[Piece], Arrays],
        executor: Executor,
        threads: int,
        max_batch_size: int,
        max_waiting: int,
        observe: Callable[[int], None],
        alike: Callable[[Piece], Hashable] = lambda piece: piece.lane,
    ) -> None:
        self._compute = compute
        self._executor = executor
        self._threads = self._free = threads
        self._max_batch_size = max_batch_size
        self._max_waiting = max_waiting
        self._observe = observe
        self._alike = alike
        self._queue: OrderedDict[int, Waiting] = OrderedDict()
        self._running: set[asyncio.Future[None]] = set()  # asyncio itself holds tasks weakly
        self._number = 0
        self._waiting = 0
        self._row_seconds = 0.0

    @property
    def waiting(self) -> int:
        """Rows in the queue."""
        return self._waiting

    async def answer(self, pieces: list[Piece], seconds: float | None = None) -> list[Arrays]:
        """The arrays of every piece of one request, which waits and fails as a whole.

        Cancelling it, as a deadline does, takes what still waits out of the queue.

        Args:
          seconds: Until its deadline. What would spend half of that in the queue is refused at once: a queue
            as long as deadlines are would be one of requests that end too late.

        Raises:
          ServingError: RESOURCE_EXHAUSTED; the queue is full, or too long for the deadline.
        """
        rows = sum(piece.rows for piece in pieces)
        if self._waiting and (reason := self._too_much(rows, seconds)):
            raise ServingError("RESOURCE_EXHAUSTED", f"overloaded: {reason}; try again later")
        futures = [self._enqueue(piece) for piece in pieces]
        self._start()
        try:
            return list(await asyncio.gather(*futures))
        finally:
            for future in futures:
                future.cancel()  # of a request that failed, what still waits

    def _too_much(self, rows: int, seconds: float | None) -> str | None:
        """Why no more rows are taken, if they are not."""
        if self._waiting + rows > self._max_waiting:
            return f"{self._waiting} rows wait and {rows} more would be over {self._max_waiting}"
        wait = self._waiting * self._row_seconds / self._threads
        if seconds is not None and wait > seconds / 2:
            return f"the rows that wait take about {wait:.2g} s, and the deadline is in {seconds:.2g} s"
        return None

    def _enqueue(self, piece: Piece) -> "asyncio.Future[Arrays]":
        future: asyncio.Future[Arrays] = asyncio.get_running_loop().create_future()
        number = self._number = self._number + 1
        self._queue[number] = (piece, future)
        self._waiting += piece.rows
        future.add_done_callback(lambda _: self._remove(number))
        return future

    def _remove(self, number: int) -> None:
        if number in self._queue:
            piece, _ = self._queue.pop(number)
            self._waiting -= piece.rows

    def _start(self) -> None:
        """Gives work to every free thread."""
        while self._free and self._queue:
            self._free -= 1
            task = asyncio.ensure_future(self._run(self._take()))
            self._running.add(task)
            task.add_done_callback(self._running.discard)

    def _take(self) -> list[Waiting]:
        """Removes the next batch from the queue, in the order of arrival."""
        window = islice(self._queue.items(), WINDOW)
        first, (head, _) = next(window)
        kind = self._alike(head)
        others = [(number, piece) for number, (piece, _) in window if self._alike(piece) == kind]
        chosen = [first, *company(head, others, self._max_batch_size)]
        batch = [self._queue[number] for number in sorted(chosen)]
        for number in chosen:
            self._remove(number)
        return batch

    async def _run(self, batch: list[Waiting]) -> None:
        pieces = [piece for piece, _ in batch]
        whole = joined(pieces)
        self._observe(whole.rows)
        start = monotonic()
        computed = asyncio.get_running_loop().run_in_executor(self._executor, self._compute, whole)
        await asyncio.wait([computed])
        latest = (monotonic() - start) / whole.rows
        self._row_seconds += NEWEST * (latest - self._row_seconds) if self._row_seconds else latest
        self._free += 1
        self._start()
        waiting = [future for _, future in batch]
        if error := computed.exception():
            for future in waiting:
                _fail(future, error)
        else:
            _deliver(computed.result(), pieces, waiting)


def company(head: Piece, others: list[tuple[int, Piece]], most: int) -> list[int]:
    """The numbers of the pieces to compute with `head`, at most `most` rows and WORK bytes with padding.

    Those for the same tasks; if there are none, short ones for any. A core computes a long row alone as fast
    as among others: to mix long rows would only let each wait for all. Those nearest in length go first, and
    what is more than LIKE times as long, or as short, not at all: it would be padded, or make others be.
    """
    same = [(number, piece) for number, piece in others if piece.tasks[0] == head.tasks[0]]
    if chosen := _nearest(head, same, most):
        return chosen
    short = [(number, piece) for number, piece in others if max(head.length, piece.length) <= MIXED]
    return _nearest(head, short, most)


def _nearest(head: Piece, others: list[tuple[int, Piece]], most: int) -> list[int]:
    chosen, rows, longest = [], head.rows, head.length
    for _, number, piece in sorted((abs(each.length - head.length), n, each) for n, each in others):
        rows_then, longest_then = rows + piece.rows, max(longest, piece.length)
        like = longest_then <= LIKE * min(head.length, piece.length) + SHORT
        if like and rows_then <= most and rows_then * longest_then <= WORK:
            chosen.append(number)
            rows, longest = rows_then, longest_then
    return chosen


def _deliver(arrays: Arrays, pieces: list[Piece], waiting: list["asyncio.Future[Arrays]"]) -> None:
    """To each piece its rows, unless nobody waits for them any more."""
    start = 0
    for piece, future in zip(pieces, waiting, strict=True):
        stop = start + piece.rows
        if not future.done():
            future.set_result({name: array[start:stop] for name, array in arrays.items()})
        start = stop


def _fail(future: "asyncio.Future[Arrays]", error: BaseException) -> None:
    if not future.done():
        future.set_exception(error)
