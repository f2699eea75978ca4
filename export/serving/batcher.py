"""The queue in front of the model: rows of all clients, and short ones of all tasks, share batches.

A free thread takes what waits at once, so a lone request never waits for others, and under load batches fill
by themselves. The rows that have waited longest always go next, and others like them go along. All methods
belong to one event loop; only `compute` runs in threads.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Executor
from itertools import islice
from time import monotonic

from centrabert.export.engine.tensorflow_engine import Arrays
from centrabert.export.serving.errors import ServingError
from centrabert.export.serving.row_batch import RowBatch, concatenate

MAX_CANDIDATES = 256  # entries of the queue among which batch mates are sought
MAX_MIXED_ROW_BYTES = 64  # of a row, about 14 word pieces, up to which batches across tasks pay
# Rows go together if the longest has at most so many times the bytes of the shortest, and so many more.
MAX_LENGTH_RATIO, LENGTH_SLACK_BYTES = 1.5, 20
MAX_BATCH_BYTES = 4096  # padding included; a larger batch is computed no faster, row by row
LATEST_BATCH_WEIGHT = 0.1  # of the last batch in the running mean of the seconds of a row
QueueEntry = tuple[RowBatch, "asyncio.Future[Arrays]"]


class Batcher:
    """Computes rows in batches.

    Args:
      compute: From rows to their arrays, rows first; called in a thread of `executor`.
      threads: Number of batches that are computed at a time.
      max_batch_size: Maximum number of rows in a batch, and in what is given to `predict`.
      max_waiting: Maximum number of rows that may wait. More are refused: whoever waits longer than that has
        given up.
      observe: Called with the number of rows in every batch, for the metrics.
      padding_id: What rows of ids are padded with.
      batch_key: Rows with the same key may share a batch.
    """

    def __init__(
        self,
        compute: Callable[[RowBatch], Arrays],
        executor: Executor,
        threads: int,
        max_batch_size: int,
        max_waiting: int,
        observe: Callable[[int], None],
        padding_id: int,
        batch_key: Callable[[RowBatch], Hashable] = lambda batch: batch.input_kind,
    ) -> None:
        self._compute = compute
        self._executor = executor
        self._threads = self._free = threads
        self._max_batch_size = max_batch_size
        self._max_waiting = max_waiting
        self._observe = observe
        self._padding_id = padding_id
        self._batch_key = batch_key
        self._queue: OrderedDict[int, QueueEntry] = OrderedDict()
        self._running: set[asyncio.Future[None]] = set()  # asyncio itself holds tasks weakly
        self._number = 0
        self._waiting = 0
        self._row_seconds = 0.0

    @property
    def waiting(self) -> int:
        """Number of rows in the queue."""
        return self._waiting

    async def predict(self, parts: list[RowBatch], seconds: float | None = None) -> list[Arrays]:
        """The arrays of every part of one request, which waits and fails as a whole.

        Cancelling it, as a deadline does, takes what still waits out of the queue.

        Args:
          seconds: Time until the request's deadline. A request that would spend half of it in the queue is
            refused at once: a queue as long as deadlines are would be one of requests that end too late.

        Raises:
          ServingError: RESOURCE_EXHAUSTED; the queue is full, or too long for the deadline.
        """
        rows = sum(part.rows for part in parts)
        if self._waiting and (reason := self._overload(rows, seconds)):
            raise ServingError("RESOURCE_EXHAUSTED", f"overloaded: {reason}; try again later")
        futures = [self._enqueue(part) for part in parts]
        self._start()
        try:
            return list(await asyncio.gather(*futures))
        finally:
            for future in futures:
                future.cancel()  # of a request that failed, what still waits

    def _overload(self, rows: int, seconds: float | None) -> str | None:
        """Why no more rows are taken, if they are not."""
        if self._waiting + rows > self._max_waiting:
            return f"{self._waiting} rows wait and {rows} more would be over {self._max_waiting}"
        wait = self._waiting * self._row_seconds / self._threads
        if seconds is not None and wait > seconds / 2:
            return f"the rows that wait take about {wait:.2g} s, and the deadline is in {seconds:.2g} s"
        return None

    def _enqueue(self, part: RowBatch) -> "asyncio.Future[Arrays]":
        future: asyncio.Future[Arrays] = asyncio.get_running_loop().create_future()
        number = self._number = self._number + 1
        self._queue[number] = (part, future)
        self._waiting += part.rows
        future.add_done_callback(lambda _: self._remove(number))
        return future

    def _remove(self, number: int) -> None:
        if number in self._queue:
            part, _ = self._queue.pop(number)
            self._waiting -= part.rows

    def _start(self) -> None:
        """Gives work to every free thread."""
        while self._free and self._queue:
            self._free -= 1
            task = asyncio.ensure_future(self._run(self._take()))
            self._running.add(task)
            task.add_done_callback(self._running.discard)

    def _take(self) -> list[QueueEntry]:
        """Removes the next batch from the queue, in the order of arrival."""
        candidates = islice(self._queue.items(), MAX_CANDIDATES)
        first, (oldest, _) = next(candidates)
        key = self._batch_key(oldest)
        others = [(number, part) for number, (part, _) in candidates if self._batch_key(part) == key]
        chosen = [first, *select_batch_mates(oldest, others, self._max_batch_size)]
        batch = [self._queue[number] for number in sorted(chosen)]
        for number in chosen:
            self._remove(number)
        return batch

    async def _run(self, entries: list[QueueEntry]) -> None:
        """Computes a batch; where that fails, each part alone, for one client's fault is no other's."""
        parts = [part for part, _ in entries]
        futures = [future for _, future in entries]
        outcome = await self._outcome(parts)
        alone = isinstance(outcome, BaseException) and len(parts) > 1
        outcomes = [await self._outcome([part]) for part in parts] if alone else []
        self._free += 1
        self._start()
        if not alone:
            _deliver(outcome, parts, futures)
        for own, part, future in zip(outcomes, parts, futures, strict=False):
            _deliver(own, [part], [future])

    async def _outcome(self, parts: list[RowBatch]) -> Arrays | BaseException:
        """What is computed for the parts together, or why it is not."""
        batch = concatenate(parts, self._padding_id)
        self._observe(batch.rows)
        start = monotonic()
        computed = asyncio.get_running_loop().run_in_executor(self._executor, self._compute, batch)
        await asyncio.wait([computed])
        latest = (monotonic() - start) / batch.rows
        change = LATEST_BATCH_WEIGHT * (latest - self._row_seconds) if self._row_seconds else latest
        self._row_seconds += change
        return computed.exception() or computed.result()


def select_batch_mates(oldest: RowBatch, others: list[tuple[int, RowBatch]], max_rows: int) -> list[int]:
    """The numbers of the entries to compute with `oldest`, within `max_rows` and MAX_BATCH_BYTES.

    They are those for the same tasks; if there are none, short ones for any. A core computes a long row alone
    as fast as among others: to mix long rows would only let each wait for all.
    """
    same = [(number, part) for number, part in others if part.tasks[0] == oldest.tasks[0]]
    if chosen := _nearest_in_length(oldest, same, max_rows):
        return chosen
    short = [
        (number, part) for number, part in others if max(oldest.length, part.length) <= MAX_MIXED_ROW_BYTES
    ]
    return _nearest_in_length(oldest, short, max_rows)


def _nearest_in_length(oldest: RowBatch, others: list[tuple[int, RowBatch]], max_rows: int) -> list[int]:
    """Those nearest in length go first, and what is much longer or shorter, and so would pad, not at all."""
    chosen, rows, longest = [], oldest.rows, oldest.length
    for _, number, part in sorted((abs(each.length - oldest.length), n, each) for n, each in others):
        rows_then, longest_then = rows + part.rows, max(longest, part.length)
        limit = MAX_LENGTH_RATIO * min(oldest.length, part.length) + LENGTH_SLACK_BYTES
        fits = rows_then <= max_rows and rows_then * longest_then <= MAX_BATCH_BYTES
        if longest_then <= limit and fits:
            chosen.append(number)
            rows, longest = rows_then, longest_then
    return chosen


def _deliver(
    outcome: Arrays | BaseException, parts: list[RowBatch], futures: list["asyncio.Future[Arrays]"]
) -> None:
    """Gives each part its rows, or the error, unless nobody waits for them any more."""
    start = 0
    for part, future in zip(parts, futures, strict=True):
        stop = start + part.rows
        if not future.done():
            if isinstance(outcome, BaseException):
                future.set_exception(outcome)
            else:
                future.set_result({name: array[start:stop] for name, array in outcome.items()})
        start = stop
