"""From a client's request to its outputs or to the state of the model, whichever protocol carried it."""

import asyncio
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tensorflow.core.protobuf.error_codes_pb2 import UNKNOWN
from tensorflow_serving.apis.get_model_status_pb2 import GetModelStatusResponse, ModelVersionStatus

from centrabert.export.contract.signature_names import DEFAULT, DESCRIBE
from centrabert.export.contract.signature_spec import SignatureSpec
from centrabert.export.engine.tensorflow_engine import Arrays
from centrabert.export.serving.errors import ServingError, invalid
from centrabert.export.serving.input_validation import check_outputs
from centrabert.export.serving.metrics import ServingMetrics
from centrabert.export.serving.request_rows import read_rows, request_outputs
from centrabert.export.serving.servable import Servable
from centrabert.export.serving.version_manager import ModelVersions, Version


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


@dataclass
class ServedRequest:
    """A request on its way through the version that it is meant for.

    Attributes:
      tasks: The tasks that are computed for it, once that is known.
    """

    servable: Servable
    signature: SignatureSpec
    tasks: frozenset[str] = frozenset()

    async def predict(self, inputs: Arrays, outputs: Iterable[str], seconds: float | None) -> Arrays:
        """The outputs by name, computed within so many seconds, or however long it takes.

        Args:
          inputs: As `input_validation` has checked them.
          outputs: The names of the outputs to fetch, none for all.

        Raises:
          ServingError: There is no such output, or the server cannot compute it.
        """
        names = check_outputs(self.signature, outputs)
        if self.signature.name == DESCRIBE:
            return self.servable.describe(len(inputs["text_a"]))
        rows = read_rows(self.signature, inputs, names, self.servable.manifest.tasks)
        self.tasks = rows.tasks
        try:
            computed = await asyncio.wait_for(self.servable.predict(rows, seconds), seconds)
        except asyncio.TimeoutError:  # what still waited has left the queue
            message = "the deadline passed before the outputs were computed"
            raise ServingError("DEADLINE_EXCEEDED", message) from None
        return request_outputs(self.signature, names, rows, computed)


class PredictionService:
    """Serves one model, and counts the requests."""

    def __init__(self, versions: ModelVersions, metrics: ServingMetrics) -> None:
        self.versions = versions
        self.metrics = metrics

    @contextmanager
    def request(self, target: Target) -> Iterator[ServedRequest]:
        """Finds what a request is meant for, keeps it loaded while the block lasts, and counts the request.

        Raises:
          ServingError: NOT_FOUND, INVALID_ARGUMENT; there is no such version. FAILED_PRECONDITION; it has no
            such signature.
        """
        start, served, code = time.monotonic(), None, "INTERNAL"
        try:
            with self.acquire(target) as servable:
                served = ServedRequest(servable, find_signature(servable, target.signature or DEFAULT))
                yield served
            code = "OK"
        except ServingError as error:
            code = error.code
            raise
        except asyncio.CancelledError:
            code = "CANCELLED"
            raise
        finally:
            self.metrics.observe_request(served.tasks if served else (), code, time.monotonic() - start)

    @contextmanager
    def acquire(self, target: Target) -> Iterator[Servable]:
        """The version that is meant, which stays loaded while the block lasts; raises ServingError."""
        if not self._is_served(target):
            raise ServingError("NOT_FOUND", f"model {target.name} is not served; {self.versions.name} is")
        with self.versions.acquire(target.number, target.label) as servable:
            yield servable

    def status(self, target: Target) -> GetModelStatusResponse:
        """The state of every version that was seen, or of the one that is meant, as TF Serving tells it.

        Raises:
          ServingError: NOT_FOUND; there is no such model or version.
        """
        versions = self.versions.statuses if self._is_served(target) else []
        if versions and target.label is not None:
            versions = [self.versions.find(None, target.label)]
        if target.number is not None:
            versions = [version for version in versions if version.number == target.number]
        if not versions:
            which = "no version" if target.number is None else f"no version {target.number}"
            raise ServingError("NOT_FOUND", f"{which} of model {target.name} was seen")
        return GetModelStatusResponse(model_version_status=[_version_status(each) for each in versions])

    def _is_served(self, target: Target) -> bool:
        """Whether the model of that name is served here. Raises ServingError if there is no name."""
        if not target.name:
            raise invalid("the request names no model")
        return target.name == self.versions.name


def find_signature(servable: Servable, name: str) -> SignatureSpec:
    """Raises ServingError if the model has no such signature."""
    signatures = servable.predictor.signatures
    if name not in signatures:
        known = ", ".join(sorted(signatures))
        raise ServingError("FAILED_PRECONDITION", f'there is no signature "{name}"; the model has {known}')
    return signatures[name]


def _version_status(version: Version) -> ModelVersionStatus:
    status = ModelVersionStatus(version=version.number, state=version.state)
    status.status.SetInParent()  # OK
    if version.error:
        status.status.error_code = UNKNOWN
        status.status.error_message = version.error
    return status
