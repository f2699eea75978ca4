"""Ways to serve eight tasks, asked one request at a time: what `serving_load` compares."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from benchmarks.open_loop import Arrival, Ask
from benchmarks.trunk_batching import TrunkBatching
from centrabert.export.batcher import Batcher
from centrabert.export.piece import TEXT, Piece
from centrabert.export.predictor import Arrays
from centrabert.export.servable import Servable, ServingLimits
from centrabert.export.version_loading import load_servable

LIMITS = ServingLimits(
    threads=2, batch_rows=32, waiting_rows=3200, request_rows=1024, text_bytes=65536
)  # what run_server has on two cores
IN_FLIGHT = 256  # threads that wait in the graph's own batching


def piece(arrival: Arrival, tasks: frozenset[str]) -> Piece:
    """The request as a row."""
    columns = [np.array([text.encode()], np.object_) for text in (arrival.text_a, arrival.text_b)]
    return Piece(TEXT, (columns[0], columns[1]), (tasks,))


def load(version: Path, executor: ThreadPoolExecutor) -> Servable:
    return load_servable(version, LIMITS, executor, lambda rows: None)


def shared_queue(servable: Servable) -> Ask:
    """Our server: all tasks in common batches."""
    return _queued(servable.batcher, lambda arrival: frozenset([arrival.task]))


def all_tasks(servable: Servable) -> Ask:
    """Our server, every request for every task."""
    every = frozenset(servable.manifest.tasks)
    return _queued(servable.batcher, lambda arrival: every)


def queue_per_task(servable: Servable, executor: ThreadPoolExecutor) -> Ask:
    """The same model with one queue for each task's signature, as TF Serving batches."""
    return _queued(_by_task(servable.compute, executor), lambda a: frozenset([a.task]))


def separate_models(versions: Mapping[str, Path], executor: ThreadPoolExecutor) -> Ask:
    """A full model for each task, each with its queue."""
    servables = {task: load(version, executor) for task, version in versions.items()}

    def compute(whole: Piece) -> Arrays:
        (task,) = whole.tasks[0]
        return servables[task].compute(whole)

    return _queued(_by_task(compute, executor), lambda arrival: frozenset([arrival.task]))


def in_graph(merged: Path) -> Ask:
    """The trunk batched inside the graph; a thread waits for each request."""
    model = TrunkBatching(merged, LIMITS.threads, LIMITS.batch_rows, 2000)
    waiting = ThreadPoolExecutor(IN_FLIGHT)

    async def ask(arrival: Arrival) -> None:
        await asyncio.get_running_loop().run_in_executor(
            waiting, model.ask, arrival.task, arrival.text_a, arrival.text_b
        )

    return ask


def _queued(batcher: Batcher, tasks: Callable[[Arrival], frozenset[str]]) -> Ask:
    def ask(arrival: Arrival) -> Awaitable[None]:
        return _ask(batcher, piece(arrival, tasks(arrival)))

    return ask


async def _ask(batcher: Batcher, row: Piece) -> None:
    await batcher.answer([row])


def _by_task(compute: Callable[[Piece], Arrays], executor: ThreadPoolExecutor) -> Batcher:
    return Batcher(
        compute,
        executor,
        LIMITS.threads,
        LIMITS.batch_rows,
        LIMITS.waiting_rows,
        lambda rows: None,
        alike=lambda row: row.tasks[0],
    )
