"""One loaded version: from the rows of any request to their outputs, by way of common batches.

Whatever the signature, a request is rows that each ask for some tasks. Rows of all clients are computed
together: by the task's own signature where all ask for the same one, else by `route`. So TensorFlow sees few
sets of outputs, each of which costs it time at first sight, and a client's `output_filter` only picks from
them.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass

import numpy as np
import tensorflow.compat.v1 as tf

from centrabert.export.contract.signature_names import (
    DESCRIBE,
    DESCRIPTION,
    ROUTE,
    ROUTE_IDS,
    ids_signature,
    words_signature,
)
from centrabert.export.contract.task_selector import task_selector
from centrabert.export.engine.tensorflow_engine import Arrays, Predictor
from centrabert.export.serving.batcher import Batcher
from centrabert.export.serving.checked_files import CheckedFiles
from centrabert.export.serving.errors import ServingError
from centrabert.export.serving.input_validation import RequestLimits
from centrabert.export.serving.request_rows import Computed, RequestRows
from centrabert.export.serving.row_batch import IDS, TEXT, WORDS, RowBatch
from centrabert.merge.manifest import Manifest


@dataclass(frozen=True)
class ServingLimits:
    """How much a servable takes on.

    Attributes:
      threads: Number of batches that are computed at a time.
      batch_rows: Maximum number of rows in a batch.
      waiting_rows: Maximum number of rows in the queue; more are refused.
      request_rows: Maximum number of rows in one request.
      text_bytes: Maximum size of one text in bytes.
    """

    threads: int
    batch_rows: int
    waiting_rows: int
    request_rows: int
    text_bytes: int


class Servable:
    """A version that can be asked.

    Args:
      number: The version's number.
      executor: Threads that compute; at least `limits.threads`.
      observe: Called with the number of rows in every batch.
      padding_id: That of the model's tokenizer.
      files: Where the version comes from a store, its files as they were when it was loaded.
    """

    def __init__(
        self,
        number: int,
        manifest: Manifest,
        predictor: Predictor,
        limits: ServingLimits,
        executor: Executor,
        observe: Callable[[int], None],
        padding_id: int,
        files: CheckedFiles | None = None,
    ) -> None:
        self.number = number
        self.files = files
        self.manifest = manifest
        self.predictor = predictor
        self.batcher = Batcher(
            self.compute,
            executor,
            limits.threads,
            limits.batch_rows,
            limits.waiting_rows,
            observe,
            padding_id,
        )
        self.limits = RequestLimits(
            limits.request_rows,
            limits.text_bytes,
            manifest.max_seq_length,
            manifest.config.vocab_size,
            manifest.config.type_vocab_size,
            padding_id,
        )
        self._batch_rows = limits.batch_rows
        self._description = _description(predictor)
        self._pairs = {branch.task.name: branch.task.pair for branch in manifest.plan.branches}

    def describe(self, rows: int) -> Arrays:
        """The output of the signature `describe`; every row is the same, so it is computed once."""
        return {DESCRIPTION: np.full([rows], self._description, np.object_)}

    async def predict(self, rows: RequestRows, seconds: float | None) -> Computed:
        """Computes the rows of a request.

        Args:
          seconds: Time until the deadline.

        Raises:
          ServingError: RESOURCE_EXHAUSTED; too many rows wait. INTERNAL; TensorFlow failed.
        """
        batches = rows.batches(self._batch_rows)
        arrays = await self.batcher.predict([batch for _, batch in batches], seconds)
        return [(indices, each) for (indices, _), each in zip(batches, arrays, strict=True)]

    def compute(self, batch: RowBatch) -> Arrays:
        """All outputs of the batch's tasks, by full name; for threads.

        Raises:
          ServingError: INTERNAL; TensorFlow failed.
        """
        (tasks, *others) = set(batch.tasks)
        try:
            if not others and len(tasks) == 1:
                (task,) = tasks
                if batch.input_kind == IDS:
                    return self._by_own_signature(task, ids_signature(task), batch, IDS)
                if batch.input_kind == WORDS:
                    return self._by_own_signature(task, words_signature(task), batch, WORDS)
                return self._by_own_signature(task, task, batch, TEXT if self._pairs[task] else TEXT[:1])
            return self._by_route(batch)
        except tf.errors.OpError as error:
            raise ServingError("INTERNAL", error.message) from None

    def _by_own_signature(self, task: str, signature: str, batch: RowBatch, names: Sequence[str]) -> Arrays:
        inputs = dict(zip(names, batch.columns, strict=False))
        outputs = self.predictor.predict(signature, inputs)
        return {f"{task}/{name}": array for name, array in outputs.items()}

    def _by_route(self, batch: RowBatch) -> Arrays:
        tasks = np.array([task_selector(tasks).encode() for tasks in batch.tasks], np.object_)
        inputs = {**dict(zip(batch.input_kind, batch.columns, strict=True)), "tasks": tasks}
        return self.predictor.predict(ROUTE if batch.input_kind == TEXT else ROUTE_IDS, inputs)


def _description(predictor: Predictor) -> bytes:
    """What the model says of itself; of versions exported before there was a `describe` nothing."""
    if DESCRIBE not in predictor.signatures:
        return b""
    (text,) = predictor.predict(DESCRIBE, {"text_a": [b""]})[DESCRIPTION]
    return bytes(text)
