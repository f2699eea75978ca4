"""TF Serving's REST API: what each address answers."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

from google.protobuf.json_format import MessageToDict  # type: ignore[import-untyped]
from google.protobuf.message import Message  # type: ignore[import-untyped]
from tensorflow_serving.apis.get_model_metadata_pb2 import SignatureDefMap

from centrabert.export.answering import Answering, Target
from centrabert.export.model_status import model_status
from centrabert.export.rest_format import answer_body, read_arrays, read_body
from centrabert.export.rest_path import METADATA, PREDICT, STATUS, RestPath, read_path
from centrabert.export.serving_error import ServingError


async def answer(
    answering: Answering, method: str, path: str, read: Callable[[], Awaitable[bytes]], seconds: float
) -> bytes:
    """The JSON that answers a request.

    Args:
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
        method = asked.action.removeprefix(":")
        raise ServingError("UNIMPLEMENTED", f"the model has no signatures for {method}; use predict")
    return await _predict(answering, asked, await read(), seconds)


async def _predict(answering: Answering, asked: RestPath, content: bytes, seconds: float) -> bytes:
    body = read_body(content)
    target = Target(asked.name, body.signature, asked.number, asked.label)
    found = await answering.predict(
        target, lambda definition, limits: read_arrays(body, definition, limits), (), seconds
    )
    return answer_body(found.outputs, body.form)


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
