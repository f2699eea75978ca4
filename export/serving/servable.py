"""One loaded version: from the rows of any request to their answers, by way of common batches.

Whatever the signature, a request is rows that each want some tasks. Rows of all clients are computed
together: by the task's own signature where all want the same one, else by `route`. So
TensorFlow sees few sets of outputs, each of which costs it time at first sight, and a client's
`output_filter` only picks from them.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass

import numpy as np
import tensorflow.compat.v1 as tf

from centrabert.export.contract.signature_names import DESCRIBE, DESCRIPTION, ROUTE, ROUTE_IDS, ids_signature
from centrabert.export.contract.task_selector import task_selector
from centrabert.export.engine.tensorflow_engine import Arrays, Predictor
from centrabert.export.serving.batcher import Batcher
from centrabert.export.serving.errors import ServingError
from centrabert.export.serving.input_validation import RequestLimits
from centrabert.export.serving.request_rows import Computed, RequestRows
from centrabert.export.serving.row_batch import IDS, TEXT, Piece
from centrabert.merge.manifest import Manifest


@dataclass(frozen=True)
class ServingLimits:
    """How much a servable takes on.

    Attributes:
      threads: Batches computed at a time.
      batch_rows: Rows of a batch.
      waiting_rows: Rows in the queue; more are refused.
      request_rows: Rows of one request.
      text_bytes: Of one text.
    """

    threads: int
    batch_rows: int
    waiting_rows: int
    request_rows: int
    text_bytes: int


class Servable:
    """A version that answers.

    Args:
      number: Of the version.
      executor: Threads that compute; at least `limits.threads`.
      observe: Is told the rows of every batch.
    """

    def __init__(
        self,
        number: int,
        manifest: Manifest,
        predictor: Predictor,
        limits: ServingLimits,
        executor: Executor,
        observe: Callable[[int], None],
    ) -> None:
        self.number = number
        self.manifest = manifest
        self.predictor = predictor
        self.batcher = Batcher(
            self.compute, executor, limits.threads, limits.batch_rows, limits.waiting_rows, observe
        )
        self.limits = RequestLimits(
            limits.request_rows,
            limits.text_bytes,
            manifest.max_seq_length,
            manifest.config.vocab_size,
            manifest.config.type_vocab_size,
        )
        self._batch_rows = limits.batch_rows
        self._description = _description(predictor)
        self._pairs = {branch.task.name: branch.task.pair for branch in manifest.plan.branches}

    def described(self, rows: int) -> Arrays:
        """What the signature `describe` answers; every row the same, so it is computed once."""
        return {DESCRIPTION: np.full([rows], self._description, np.object_)}

    async def answer(self, rows: RequestRows, seconds: float | None) -> Computed:
        """Where rows stand in their request, and their answers by full name.

        Args:
          seconds: Until the deadline.

        Raises:
          ServingError: RESOURCE_EXHAUSTED; too many rows wait. INTERNAL; TensorFlow failed.
        """
        places = rows.pieces(self._batch_rows)
        answers = await self.batcher.answer([piece for _, piece in places], seconds)
        return [(place, arrays) for (place, _), arrays in zip(places, answers, strict=True)]

    def compute(self, piece: Piece) -> Arrays:
        """All answers of the piece's tasks, by full name; for threads.

        Raises:
          ServingError: INTERNAL; TensorFlow failed.
        """
        (task, *others) = set(piece.tasks)
        try:
            if not others and len(task) == 1:
                (name,) = task
                if piece.lane == IDS:
                    return self._own(name, ids_signature(name), piece, IDS)
                if self._pairs[name] or not any(piece.columns[1]):
                    return self._own(name, name, piece, TEXT if self._pairs[name] else TEXT[:1])
            return self._routed(piece)
        except tf.errors.OpError as error:
            raise ServingError("INTERNAL", error.message) from None

    def _own(self, task: str, signature: str, piece: Piece, names: Sequence[str]) -> Arrays:
        inputs = dict(zip(names, piece.columns, strict=False))
        answers = self.predictor.predict(signature, inputs)
        return {f"{task}/{name}": array for name, array in answers.items()}

    def _routed(self, piece: Piece) -> Arrays:
        tasks = np.array([task_selector(tasks).encode() for tasks in piece.tasks], np.object_)
        inputs = {**dict(zip(piece.lane, piece.columns, strict=True)), "tasks": tasks}
        return self.predictor.predict(ROUTE if piece.lane == TEXT else ROUTE_IDS, inputs)


def _description(predictor: Predictor) -> bytes:
    """What the model says of itself; of versions exported before there was a `describe` nothing."""
    if DESCRIBE not in predictor.signatures:
        return b""
    (text,) = predictor.predict(DESCRIBE, {"text_a": [b""]})[DESCRIPTION]
    return bytes(text)
