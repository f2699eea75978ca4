"""TF Serving's REST API: what each address answers."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

from google.protobuf.json_format import MessageToDict  # type: ignore[import-untyped]
from google.protobuf.message import Message  # type: ignore[import-untyped]
from tensorflow_serving.apis.get_model_metadata_pb2 import SignatureDefMap

from centrabert.export.contract.signature_names import DEFAULT
from centrabert.export.rest.json_codec import Body, answer_body, read_body
from centrabert.export.rest.json_tensors import read_arrays
from centrabert.export.rest.rest_path import METADATA, PREDICT, STATUS, RestPath, read_path
from centrabert.export.serving.errors import ServingError, invalid
from centrabert.export.serving.model_status import model_status
from centrabert.export.serving.prediction_service import Answering, Target

Read = Callable[[], Awaitable[bytes]]


async def answer(answering: Answering, method: str, path: str, read: Read, seconds: float) -> bytes:
    """The JSON that answers a request.

    Args:
      path: As it was sent, with the query.
      read: Reads the request's body.
      seconds: Until the deadline.

    Raises:
      ServingError: There is no such address, or the request cannot be answered.
    """
    asked = read_path(method, path)
    target = Target(asked.name, number=asked.number, label=asked.label)
    if asked.action == STATUS:
        return _dumped(_document(model_status(answering, target)))
    if asked.action == METADATA:
        return _metadata(answering, target)
    if asked.action != PREDICT:
        raise _no_signature_for(asked.action.removeprefix(":"))
    return await _predict(answering, asked, await _body(answering, read), seconds)


async def _body(answering: Answering, read: Read) -> Body:
    """Raises ServingError, and counts it, if there is nothing to predict from."""
    try:
        return read_body(await read())
    except ServingError as error:
        answering.metrics.observe_request((), error.code, 0.0)
        raise


async def _predict(answering: Answering, asked: RestPath, body: Body, seconds: float) -> bytes:
    target = Target(asked.name, body.signature, asked.number, asked.label)
    try:
        found = await answering.predict(
            target,
            lambda definition, limits: read_arrays(body.form, body.values, definition, limits),
            (),
            seconds,
        )
    except ServingError as error:
        if error.code == "FAILED_PRECONDITION":  # what gRPC says of the same is another
            name = body.signature or DEFAULT
            raise invalid(f'Serving signature name: "{name}" not found in signature def') from None
        raise
    return answer_body(found.outputs, body.form)


def _no_signature_for(method: str) -> ServingError:
    kind = "tensorflow/serving"
    return invalid(
        f"Expected {method} signature method_name to be {kind}/{method}. Was: {kind}/predict; use :predict"
    )


def _metadata(answering: Answering, target: Target) -> bytes:
    answering.check_name(target)
    with answering.versions.lease(target.number, target.label) as servable:
        signatures = SignatureDefMap(signature_def=servable.predictor.signatures)
        spec = {"name": target.name, "signature_name": "", "version": str(servable.number)}
        return _dumped({"model_spec": spec, "metadata": {"signature_def": _document(signatures)}})


def _document(message: Message) -> dict[str, Any]:
    return dict(
        MessageToDict(message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True)
    )


def _dumped(document: dict[str, Any]) -> bytes:
    return json.dumps(document, indent=1).encode()
