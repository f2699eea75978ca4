"""A small local server, whose patience may be lost and whose model may be held."""

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from exported import small, small_predictor
from grpc_requests import TEXT_A
from raw_http import RawAnswer, RawClient, post
from running_server import NAME, running, settings
from session import session
from waiting import eventually

from centrabert.export.engine.tensorflow_engine import Arrays
from centrabert.export.local_server import Server
from centrabert.export.serving.batcher import Batcher
from centrabert.export.serving.grpc_interceptor import GrpcInterceptor
from centrabert.export.serving.row_batch import RowBatch
from centrabert.export.serving.servable import Servable, ServingLimits

SOON = 0.5  # seconds
CONCURRENT = 3
BODY_BYTES = 2 << 20
LIMITS = ServingLimits(threads=1, batch_rows=8, waiting_rows=64, request_rows=50, text_bytes=1000)
PREDICT, STATUS = f"/v1/models/{NAME}:predict", f"/v1/models/{NAME}"
TEXT = "the dog sees a small bird"


class AbusedServer:
    """It, and what is left behind in it.

    Attributes:
      gate: Batches are computed while it is set.
    """

    def __init__(self, server: Server, gate: threading.Event) -> None:
        self.server = server
        self.gate = gate
        self.port = server.rest_port

    def lose_patience(self, patch: pytest.MonkeyPatch) -> None:
        """Everything is given up soon."""
        patch.setattr(self.server.http, "_seconds", SOON)
        patch.setattr(self.server.http.connections, "head_seconds", SOON)
        patch.setattr(self.server.http.connections, "idle_seconds", 2 * SOON)

    @property
    def batcher(self) -> Batcher:
        (version,) = self.server.versions.available
        assert version.servable is not None
        return version.servable.batcher

    @property
    def connections(self) -> int:
        return len(self.server.http.connections)

    @property
    def in_flight(self) -> int:
        return self.server.http.limit.in_use

    @property
    def interceptor(self) -> GrpcInterceptor:
        return self.server.interceptor

    @property
    def tasks(self) -> int:
        """Of its event loop, for requests and connections."""
        tasks = asyncio.all_tasks(self.server.http._listener.get_loop())
        return sum(any(kind in repr(task) for kind in ("Batcher", "RequestHandler")) for task in tasks)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Nothing is computed until the block ends."""
        self.gate.clear()
        try:
            yield
        finally:
            self.gate.set()

    @contextmanager
    def busy(self) -> Iterator[threading.Event]:
        """Its event loop does nothing until the event is set, or the block ends."""
        idle = threading.Event()
        self.server.http._listener.get_loop().call_soon_threadsafe(idle.wait)
        try:
            yield idle
        finally:
            idle.set()

    def check_that_nothing_is_left(self) -> None:
        """And that it still answers."""
        with RawClient(self.port) as client:
            check(client.send(GOOD).answer())
        eventually(lambda: not (self.connections or self.in_flight or self.batcher.waiting or self.tasks))
        eventually(lambda: not (self.interceptor.limit.in_use or self.interceptor.arriving))


@cache
def abused_server() -> AbusedServer:
    """The only one, stopped when the tests end."""
    gate, compute = threading.Event(), Servable.compute
    gate.set()

    def held_back(servable: Servable, batch: RowBatch) -> Arrays:
        gate.wait()
        return compute(servable, batch)

    chosen = replace(settings(small().version.parent, LIMITS), body_bytes=BODY_BYTES, concurrent=CONCURRENT)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Servable, "compute", held_back)
        return AbusedServer(session.enter_context(running(chosen)), gate)


def is_delivered(port: int) -> bool:
    """Whether the kernel holds nothing any more that was sent to, or from, a port of this machine."""
    connections = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    ours = [words for words in connections if f":{port:04X}" in words[1] + words[2]]
    return all(words[4] == "00000000:00000000" for words in ours)


def many(rows: int) -> bytes:
    """A good request."""
    return post(PREDICT, json.dumps({"signature_name": "tone", "instances": [TEXT] * rows}).encode())


def check(answer: RawAnswer, rows: int = 1) -> None:
    """It is that to `many(rows)`."""
    assert answer.status == 200, answer.body
    expected = small_predictor().predict("tone", {"text_a": TEXT_A[:1]})["probabilities"][0]
    found = [row["probabilities"] for row in json.loads(answer.body)["predictions"]]
    np.testing.assert_allclose(found, [expected] * rows, atol=2e-6)


GOOD = many(1)
