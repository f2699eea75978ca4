"""The queue in front of the model, with a model that does what the test says."""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from waiting import until

from centrabert.export.engine.tensorflow_engine import Arrays
from centrabert.export.serving.batcher import Batcher, select_batch_mates
from centrabert.export.serving.errors import ServingError
from centrabert.export.serving.row_batch import IDS, TEXT, RowBatch

MAX_ROWS, MAX_WAITING = 8, 20


def texts(*values: str, task: str = "rte") -> RowBatch:
    array = np.array([value.encode() for value in values], np.object_)
    return RowBatch(
        TEXT, (array, np.array([b""] * len(values), np.object_)), (frozenset([task]),) * len(values)
    )


def ids(rows: int, length: int, value: int) -> RowBatch:
    array = np.full([rows, length], value, np.int32)
    return RowBatch(IDS, (array, array % 2), (frozenset(["rte"]),) * rows)


class Model:
    """Answers the first column, and blocks before each batch until told to go."""

    def __init__(self) -> None:
        self.batches: list[RowBatch] = []
        self.go = threading.Semaphore(0)

    def __call__(self, part: RowBatch) -> Arrays:
        self.batches.append(part)
        assert self.go.acquire(timeout=10)
        if part.columns[0].dtype == object and b"fail" in part.columns[0]:
            raise ServingError("INTERNAL", "failed")
        return {"echo": part.columns[0]}


def run(test: Callable[[Batcher, Model], Coroutine[Any, Any, None]], threads: int = 1) -> list[int]:
    """Runs the test; returns the rows of each batch."""
    rows: list[int] = []

    async def main() -> None:
        with ThreadPoolExecutor(threads) as executor:
            model = Model()
            batcher = Batcher(model, executor, threads, MAX_ROWS, MAX_WAITING, rows.append, padding_id=5)
            await test(batcher, model)

    asyncio.run(asyncio.wait_for(main(), 20))
    return rows


async def ask(batcher: Batcher, *parts: RowBatch) -> "asyncio.Task[list[Arrays]]":
    """A request that has reached the queue."""
    task = asyncio.ensure_future(batcher.predict(list(parts)))
    await asyncio.sleep(0)
    return task


def echo(arrays: list[Arrays]) -> list[bytes]:
    return [text for each in arrays for text in each["echo"]]


def test_a_lone_request_goes_at_once_and_the_rest_together() -> None:
    async def test(batcher: Batcher, model: Model) -> None:
        asked = [await ask(batcher, texts(f"text {number}")) for number in range(4)]
        assert batcher.waiting == 3
        model.go.release(2)
        answers = [echo(await task) for task in asked]
        assert answers == [[f"text {number}".encode()] for number in range(4)]
        assert batcher.waiting == 0

    assert run(test) == [1, 3]


def test_each_thread_has_a_batch() -> None:
    async def test(batcher: Batcher, model: Model) -> None:
        asked = [await ask(batcher, texts(f"text {number}")) for number in range(3)]
        await until(lambda: len(model.batches) == 2)
        assert batcher.waiting == 1
        model.go.release(3)
        await asyncio.gather(*asked)

    assert run(test, threads=2) == [1, 1, 1]


def test_pieces_of_a_request_come_back_in_order() -> None:
    async def test(batcher: Batcher, model: Model) -> None:
        first = await ask(batcher, texts("x"))
        parts = [texts(*[f"{part} {row}" for row in range(5)]) for part in range(3)]
        asked = await ask(batcher, *parts)
        model.go.release(4)
        assert echo(await asked) == [f"{part} {row}".encode() for part in range(3) for row in range(5)]
        await first

    assert run(test) == [1, 5, 5, 5]


def test_a_full_queue_refuses_and_forgets() -> None:
    async def test(batcher: Batcher, model: Model) -> None:
        asked = [await ask(batcher, texts("a")), await ask(batcher, *[texts(*"b" * 8), texts(*"c" * 8)])]
        with pytest.raises(
            ServingError, match="overloaded: 16 rows wait and 5 more would be over 20"
        ) as error:
            await batcher.predict([texts(*"ddddd")])
        assert error.value.code == "RESOURCE_EXHAUSTED"
        assert batcher.waiting == 16
        asked.append(await ask(batcher, texts(*"eeee")))
        model.go.release(4)
        await asyncio.gather(*asked)
        assert batcher.waiting == 0

    assert run(test) == [1, 8, 8, 4]


def test_what_would_wait_for_half_its_time_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0.0, 2.0, 2.0, 3.0, 3.0, 4.0, 4.0, 5.0])
    monkeypatch.setattr("centrabert.export.serving.batcher.monotonic", lambda: next(clock))

    async def test(batcher: Batcher, model: Model) -> None:
        model.go.release(1)
        await (await ask(batcher, texts("a", "b")))  # 2 s for two rows, so 1 s a row
        asked = [await ask(batcher, texts(text)) for text in ("c", "d", "e")]
        with pytest.raises(ServingError, match=r"take about 2 s, and the deadline is in 3\.9 s"):
            await batcher.predict([texts("f")], 3.9)
        asked.append(asyncio.ensure_future(batcher.predict([texts("g")], 4.1)))
        asked.append(asyncio.ensure_future(batcher.predict([texts("h")])))
        model.go.release(2)
        assert [echo(await task) for task in asked] == [[b"c"], [b"d"], [b"e"], [b"g"], [b"h"]]

    assert run(test) == [2, 1, 4]


def test_a_request_larger_than_the_queue_is_taken_when_nothing_waits() -> None:
    async def test(batcher: Batcher, model: Model) -> None:
        asked = await ask(batcher, *[texts(*"abcdefgh")] * 3)
        model.go.release(3)
        assert len(echo(await asked)) == 24

    assert run(test) == [8, 8, 8]


def test_who_gave_up_is_not_computed() -> None:
    async def test(batcher: Batcher, model: Model) -> None:
        first, second, third = [await ask(batcher, texts(text)) for text in ("a", "b", "c")]
        second.cancel()
        await asyncio.sleep(0)
        assert batcher.waiting == 1
        model.go.release(2)
        await asyncio.gather(first, third)
        assert [list(batch.columns[0]) for batch in model.batches] == [[b"a"], [b"c"]]

    run(test)


def test_who_gives_up_while_computed_harms_nobody() -> None:
    async def test(batcher: Batcher, model: Model) -> None:
        first = await ask(batcher, texts("a"))
        second, third = [await ask(batcher, texts(text)) for text in ("b", "c")]
        model.go.release(1)
        await first
        second.cancel()
        model.go.release(1)
        assert echo(await third) == [b"c"]

    assert run(test) == [1, 2]


def test_a_failure_is_its_clients_alone() -> None:
    """Whoever shared the batch gets the answer, from a batch without it."""

    async def test(batcher: Batcher, model: Model) -> None:
        first = await ask(batcher, texts("a"))
        failing = [await ask(batcher, texts("fail")), await ask(batcher, texts("b"))]
        later = await ask(batcher, *[texts(*"x" * 8)])
        model.go.release(5)
        failed, answered = await asyncio.gather(*failing, return_exceptions=True)
        assert str(failed) == "failed"
        assert echo(answered) == [b"b"]
        assert echo(await first) == [b"a"]
        assert echo(await later) == [b"x"] * 8

    assert run(test) == [1, 2, 1, 1, 8]


def test_ids_are_padded_and_not_mixed_with_texts() -> None:
    async def test(batcher: Batcher, model: Model) -> None:
        asked = [await ask(batcher, p) for p in (texts("a"), ids(2, 3, 7), texts("b"), ids(1, 5, 9))]
        model.go.release(3)
        await asyncio.gather(*asked)
        assert model.batches[1].columns[0].tolist() == [[7, 7, 7, 5, 5], [7, 7, 7, 5, 5], [9, 9, 9, 9, 9]]
        assert model.batches[1].columns[1].tolist() == [[1, 1, 1, 0, 0], [1, 1, 1, 0, 0], [1, 1, 1, 1, 1]]

    assert run(test) == [1, 3, 1]


def test_the_oldest_goes_first_with_those_nearest_in_length() -> None:
    async def test(batcher: Batcher, model: Model) -> None:
        lengths = (9, 50, 1, 51, *[49] * 7, 52, 200)
        asked = [await ask(batcher, texts("x" * length)) for length in lengths]
        model.go.release(5)
        await asyncio.gather(*asked)
        batches = [[len(text) for text in batch.columns[0]] for batch in model.batches]
        assert batches == [[9], [50, 51, *[49] * 6], [1], [49, 52], [200]]

    run(test)


def test_rows_of_the_same_task_go_alone_and_short_ones_together() -> None:
    tasks = ("sim", "rte", "sim", "rte", "rte")
    others = [(number, texts("x" * (30 + number), task=task)) for number, task in enumerate(tasks)]
    assert select_batch_mates(texts("x" * 30, task="rte"), others, 3) == [1, 3]
    assert select_batch_mates(texts("x" * 30, task="rte"), others, 6) == [1, 3, 4]
    assert select_batch_mates(texts("x" * 30, task="tone"), others, 6) == [0, 1, 2, 3, 4]
    edge = [(0, texts("x" * 64, task="sim")), (1, texts("x" * 65, task="sim"))]
    assert select_batch_mates(texts("x" * 64, task="tone"), edge, 6) == [0]
    assert select_batch_mates(texts("x" * 65, task="tone"), edge, 6) == []
    assert select_batch_mates(texts("x" * 65, task="sim"), edge, 6) == [1, 0]


def test_long_rows_make_smaller_batches() -> None:
    others = list(enumerate([texts("x" * 1000)] * 9))
    assert select_batch_mates(texts("x" * 1000), others, 32) == [0, 1, 2]  # four times 1000 of 4096 bytes


def test_a_piece_too_large_for_the_rest_of_a_batch_lets_smaller_ones_by() -> None:
    others = list(enumerate([texts(*"abcdef"), texts(*"abcd"), texts("a")]))
    assert select_batch_mates(texts(*"abc"), others, MAX_ROWS) == [1, 2]
