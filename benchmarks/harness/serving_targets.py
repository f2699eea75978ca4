"""Ways to serve eight tasks, asked one text at a time: what `serving_load` compares."""

import asyncio
import threading
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from benchmarks.harness.open_loop import Arrival, Ask
from benchmarks.harness.trunk_batching import TrunkBatching
from centrabert.export.engine.tensorflow_engine import Arrays
from centrabert.export.serving.batcher import Batcher
from centrabert.export.serving.row_batch import TEXT, RowBatch
from centrabert.export.serving.servable import Servable, ServingLimits
from centrabert.export.serving.version_loader import load_servable

LIMITS = ServingLimits(
    threads=2, batch_rows=32, waiting_rows=3200, request_rows=1024, text_bytes=65536
)  # what run_server has on two cores
IN_FLIGHT = 256  # threads that wait in the graph's own batching


def row(arrival: Arrival, tasks: Iterable[str]) -> RowBatch:
    """The text as a row for these tasks."""
    columns = [np.array([text.encode()], np.object_) for text in (arrival.text_a, arrival.text_b)]
    return RowBatch(TEXT, (columns[0], columns[1]), (frozenset(tasks),))


def row_per_task(arrival: Arrival) -> list[RowBatch]:
    """The text as often as there are tasks that it is for."""
    return [row(arrival, [task]) for task in arrival.tasks]


def load(version: Path, executor: ThreadPoolExecutor) -> Servable:
    return load_servable(version, LIMITS, executor, lambda rows: None, threading.Event())


def shared_queue(servable: Servable) -> Ask:
    """Our server: all tasks in common batches."""
    return _queued(servable.batcher, lambda arrival: [row(arrival, arrival.tasks)])


def all_tasks(servable: Servable) -> Ask:
    """Our server, every request for every task."""
    every = frozenset(servable.manifest.tasks)
    return _queued(servable.batcher, lambda arrival: [row(arrival, every)])


def queue_per_task(servable: Servable, executor: ThreadPoolExecutor) -> Ask:
    """The same model with one queue for each task's signature, as TF Serving batches."""
    return _queued(_by_task(servable.compute, executor), row_per_task)


def separate_models(versions: Mapping[str, Path], executor: ThreadPoolExecutor) -> Ask:
    """A full model for each task, each with its queue."""
    servables = {task: load(version, executor) for task, version in versions.items()}

    def compute(whole: RowBatch) -> Arrays:
        (task,) = whole.tasks[0]
        return servables[task].compute(whole)

    return _queued(_by_task(compute, executor), row_per_task)


def in_graph(merged: Path) -> Ask:
    """The trunk batched inside the graph; a thread waits for each request."""
    model = TrunkBatching(merged, LIMITS.threads, LIMITS.batch_rows, 2000)
    waiting = ThreadPoolExecutor(IN_FLIGHT)

    async def ask(arrival: Arrival) -> None:
        run = asyncio.get_running_loop().run_in_executor
        texts = (arrival.text_a, arrival.text_b)
        await asyncio.gather(*(run(waiting, model.ask, task, *texts) for task in arrival.tasks))

    return ask


def _queued(batcher: Batcher, parts: Callable[[Arrival], list[RowBatch]]) -> Ask:
    async def ask(arrival: Arrival) -> None:
        await batcher.predict(parts(arrival))

    return ask


def _by_task(compute: Callable[[RowBatch], Arrays], executor: ThreadPoolExecutor) -> Batcher:
    return Batcher(
        compute,
        executor,
        LIMITS.threads,
        LIMITS.batch_rows,
        LIMITS.waiting_rows,
        lambda rows: None,
        padding_id=0,
        batch_key=lambda part: part.tasks[0],
    )
