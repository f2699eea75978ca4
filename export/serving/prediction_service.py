"""From a client's request to its answer, whichever protocol carried it."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass

from tensorflow.core.protobuf.meta_graph_pb2 import SignatureDef

from centrabert.export.contract.signature_names import DEFAULT, DESCRIBE
from centrabert.export.engine.tensorflow_engine import Arrays
from centrabert.export.serving.errors import ServingError, invalid
from centrabert.export.serving.input_validation import RequestLimits, check_outputs
from centrabert.export.serving.metrics import ServingMetrics
from centrabert.export.serving.request_rows import Computed, outputs_of, read_rows
from centrabert.export.serving.servable import Servable
from centrabert.export.serving.version_manager import ModelVersions

Read = Callable[[SignatureDef, RequestLimits], Arrays]  # a request's inputs, checked; raises ServingError


@dataclass(frozen=True)
class Target:
    """What a request is meant for.

    Attributes:
      signature: "" for serving_default.
      number, label: The version, by one of them or none.
    """

    name: str
    signature: str = ""
    number: int | None = None
    label: str | None = None


@dataclass(frozen=True)
class Answer:
    """The outputs by name, and what computed them."""

    number: int
    signature: str
    outputs: Arrays


class Answering:
    """Answers for one model, and counts what it does."""

    def __init__(self, versions: ModelVersions, metrics: ServingMetrics) -> None:
        self.versions = versions
        self.metrics = metrics

    def is_named(self, target: Target) -> bool:
        """Whether the model of that name is served here. Raises ServingError if there is no name."""
        if not target.name:
            raise invalid("ModelSpec has no name specified.")
        return target.name == self.versions.name

    def check_name(self, target: Target) -> None:
        """Raises ServingError unless the model of that name is served here."""
        if not self.is_named(target):
            asked = f"Latest({target.name})"
            if target.number is not None:
                asked = f"Specific({target.name}, {target.number})"
            raise ServingError("NOT_FOUND", f"Servable not found for request: {asked}")

    async def predict(
        self, target: Target, read: Read, outputs: Iterable[str], seconds: float | None
    ) -> Answer:
        """Answers a request within so many seconds, or however long it takes.

        Args:
          outputs: The names wanted, none for all.

        Raises:
          ServingError: Whatever is wrong with the request or the server.
        """
        start, tasks, code = time.monotonic(), frozenset[str](), "INTERNAL"
        try:
            self.check_name(target)
            with self.versions.lease(target.number, target.label) as servable:
                signature = target.signature or DEFAULT
                definition = find_signature(servable, signature)
                wanted = check_outputs(definition, outputs)
                inputs = read(definition, servable.limits)
                if signature == DESCRIBE:
                    code = "OK"
                    return Answer(servable.number, signature, servable.described(len(inputs["text_a"])))
                rows = read_rows(signature, inputs, wanted, servable.manifest.tasks)
                tasks = rows.tasks
                computed = await _within(seconds, servable.answer(rows, seconds))
                arrays = outputs_of(definition, signature, wanted, rows, computed)
            code = "OK"
            return Answer(servable.number, signature, arrays)
        except ServingError as error:
            code = error.code
            raise
        except asyncio.CancelledError:
            code = "CANCELLED"
            raise
        finally:
            self.metrics.observe_request(tasks, code, time.monotonic() - start)


def find_signature(servable: Servable, name: str) -> SignatureDef:
    """Raises ServingError if the model has no such signature."""
    if name not in servable.predictor.signatures:
        raise ServingError("FAILED_PRECONDITION", f'Serving signature key "{name}" not found.')
    return servable.predictor.signatures[name]


async def _within(seconds: float | None, answer: Awaitable[Computed]) -> Computed:
    """What waits longer is taken out of the queue."""
    try:
        return await asyncio.wait_for(answer, seconds)
    except asyncio.TimeoutError:
        raise ServingError(
            "DEADLINE_EXCEEDED", "the deadline passed before the answer was computed"
        ) from None
