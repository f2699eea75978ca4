"""TF Serving's REST API: what each address means, and the responses that need no body."""

import json
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote
from weakref import WeakKeyDictionary

from google.protobuf.json_format import MessageToDict  # type: ignore[import-untyped]
from google.protobuf.message import Message  # type: ignore[import-untyped]
from tensorflow_serving.apis.get_model_metadata_pb2 import SignatureDefMap

from centrabert.export.contract.version_folder import HIGHEST
from centrabert.export.rest.json_codec import Body, response_body
from centrabert.export.rest.json_tensors import read_inputs
from centrabert.export.serving.errors import ServingError, invalid
from centrabert.export.serving.prediction_service import PredictionService, Target
from centrabert.export.serving.servable import Servable

ROOT = "/v1/"
PATTERN = re.compile(
    r"/v1/models(?:/(?P<name>[^/:]+))?(?:/versions/(?P<number>\d+)|/labels/(?P<label>[^/:]+))?"
    r"(?P<action>:[^/:]+|/metadata)?",
    re.ASCII | re.IGNORECASE,
)
STATUS, METADATA, PREDICT, CLASSIFY, REGRESS = "", "/metadata", ":predict", ":classify", ":regress"
# The metadata of each version, made once: of 64 tasks they take 60 ms, in which nobody else is answered.
_METADATA: WeakKeyDictionary[Servable, bytes] = WeakKeyDictionary()
METHODS = {STATUS: "GET", METADATA: "GET", PREDICT: "POST", CLASSIFY: "POST", REGRESS: "POST"}


@dataclass(frozen=True)
class RestAddress:
    """What an address means.

    Attributes:
      number, label: The version, by one of them or none.
      action: STATUS, METADATA, PREDICT, CLASSIFY or REGRESS.
    """

    name: str
    number: int | None
    label: str | None
    action: str

    def target(self, signature: str = "") -> Target:
        return Target(self.name, signature, self.number, self.label)


def read_address(method: str, path: str) -> RestAddress:
    """What a request is for. As in TF Serving, the case of `/V1/Models` is free, and a query is a mistake.

    Args:
      path: As it was sent: %2F in a name is no slash between names.

    Raises:
      ServingError: NOT_FOUND; it is not of the API. INVALID_ARGUMENT; it is, and is malformed.
    """
    if not path.lower().startswith(ROOT):
        raise ServingError("NOT_FOUND", f"there is nothing at {path}")
    found = PATTERN.fullmatch(path)
    action = (found["action"] or STATUS) if found else ""
    if not found or METHODS.get(action) != method:
        raise invalid(f"malformed request: {method} {path}")
    if not found["name"]:
        raise invalid("the address names no model")
    label = found["label"]
    return RestAddress(unquote(found["name"]), _number(found["number"]), label and unquote(label), action)


def describe(service: PredictionService, address: RestAddress) -> bytes:
    """The response to what is no prediction: the state of the model, or its signatures.

    Raises:
      ServingError: There is no such model or version, or the address asks for what no signature does.
    """
    if address.action == STATUS:
        return _dumped(_document(service.status(address.target())))
    if address.action == METADATA:
        return _metadata(service, address.target())
    raise invalid(f"the model has no signature for {address.action}; use {PREDICT}")


async def predict(service: PredictionService, address: RestAddress, body: Body, seconds: float) -> bytes:
    """The response to a prediction, computed within so many seconds; raises ServingError."""
    with service.request(address.target(body.signature)) as served:
        inputs = read_inputs(body.form, body.values, served.signature, served.servable.limits)
        outputs = await served.predict(inputs, (), seconds)
    return response_body(outputs, body.form)


def _number(digits: str | None) -> int | None:
    if digits is None:
        return None
    number = digits.lstrip("0") or "0"
    if len(number) > len(str(HIGHEST)) or int(number) > HIGHEST:
        raise invalid(f"version {digits} is above {HIGHEST}")
    return int(number)


def _metadata(service: PredictionService, target: Target) -> bytes:
    with service.acquire(target) as servable:
        if servable not in _METADATA:
            signatures = SignatureDefMap(signature_def=servable.predictor.signature_defs)
            spec = {"name": target.name, "signature_name": "", "version": str(servable.number)}
            document = {"model_spec": spec, "metadata": {"signature_def": _document(signatures)}}
            _METADATA[servable] = _dumped(document)
        return _METADATA[servable]


def _document(message: Message) -> dict[str, Any]:
    return dict(
        MessageToDict(message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True)
    )


def _dumped(document: dict[str, Any]) -> bytes:
    return json.dumps(document, indent=1).encode()
