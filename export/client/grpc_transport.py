"""A client's requests over gRPC, on TF Serving's own messages, which need TensorFlow."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import grpc
import numpy as np
import numpy.typing as npt
import tensorflow as tf
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from tensorflow.core.framework.tensor_pb2 import TensorProto
from tensorflow.core.framework.types_pb2 import DT_STRING
from tensorflow_serving.apis.get_model_metadata_pb2 import GetModelMetadataRequest, SignatureDefMap
from tensorflow_serving.apis.model_pb2 import ModelSpec
from tensorflow_serving.apis.predict_pb2 import PredictRequest
from tensorflow_serving.apis.prediction_service_pb2_grpc import PredictionServiceStub

from centrabert.errors import UserError
from centrabert.export.client.errors import ModelChanged, RequestError
from centrabert.export.client.transport import (
    Description,
    Metadata,
    Reply,
    RouteRequest,
    Signature,
    WantedModel,
    malformed,
)
from centrabert.export.contract.signature_names import DESCRIBE, DESCRIPTION, ROUTE

T = TypeVar("T")
SIGNATURES = "signature_def"  # the only field of metadata that there is
NO_OUTPUT = "output tensor alias not found in signature"  # TF Serving, about an output_filter
OPTIONS = (
    ("grpc.enable_retries", 0),  # `Retry` alone decides
    # Of a name with several addresses all are used; else a connection stays with the first.
    ("grpc.service_config", '{"loadBalancingConfig": [{"round_robin": {}}]}'),
    ("grpc.max_receive_message_length", 64 << 20),  # bytes; the standard is 4 MiB
    ("grpc.max_send_message_length", 64 << 20),
    # A server hangs up on clients that ping more often than every 5 minutes. The timeout is also the kernel's
    # for a connection whose other end no longer answers.
    ("grpc.keepalive_time_ms", 300_000),
    ("grpc.keepalive_timeout_ms", 20_000),
    ("grpc.max_reconnect_backoff_ms", 2_000),  # else a server that was away is not looked for up to 2 minutes
)


class GrpcTransport:
    """A channel to a server.

    Args:
      address: "host:port", or another name that gRPC can resolve, such as "dns:///host:port".
      credentials: Of grpc.ssl_channel_credentials; None for a channel that is not encrypted.
      filter_outputs: Whether requests name the outputs that they read, in `output_filter`.
    """

    def __init__(
        self, address: str, model: WantedModel, credentials: Any = None, filter_outputs: bool = False
    ) -> None:
        if not address or "://" in address.replace(":///", ":"):
            raise UserError(f"address={address!r}: give host:port, such as localhost:8500")
        self._model = model
        self._filter_outputs = filter_outputs
        self._channel = (
            grpc.insecure_channel(address, OPTIONS)
            if credentials is None
            else grpc.secure_channel(address, credentials, OPTIONS)
        )
        self._stub = PredictionServiceStub(self._channel)

    def route(self, request: RouteRequest, seconds: float) -> Reply:
        message = PredictRequest(
            model_spec=self._spec(ROUTE),
            inputs={name: _proto(texts) for name, texts in request.inputs.items()},
            output_filter=list(request.outputs) if self._filter_outputs else (),
        )
        response = _call(lambda: self._stub.Predict(message, timeout=seconds))
        columns = {
            name: _array(name, response.outputs[name]) for name in request.outputs if name in response.outputs
        }
        return Reply(response.model_spec.version.value, frozenset(response.outputs), columns)

    def metadata(self, seconds: float) -> Metadata:
        message = GetModelMetadataRequest(model_spec=self._spec(), metadata_field=[SIGNATURES])
        response = _call(lambda: self._stub.GetModelMetadata(message, timeout=seconds))
        found = SignatureDefMap()
        try:
            unpacked = response.metadata[SIGNATURES].Unpack(found)
        except DecodeError:
            unpacked = False
        if not unpacked:
            raise RequestError("INTERNAL", malformed(f"its metadata has no {SIGNATURES}"))
        signatures = {
            name: Signature(frozenset(definition.inputs), frozenset(definition.outputs))
            for name, definition in found.signature_def.items()
        }
        return Metadata(response.model_spec.version.value, signatures)

    def describe(self, seconds: float) -> Description:
        message = PredictRequest(model_spec=self._spec(DESCRIBE), inputs={"text_a": _proto([""])})
        response = _call(lambda: self._stub.Predict(message, timeout=seconds))
        if DESCRIPTION not in response.outputs:
            raise RequestError("INTERNAL", malformed(f"it has no output {DESCRIPTION}"))
        (text,) = _array(DESCRIPTION, response.outputs[DESCRIPTION])
        return Description(response.model_spec.version.value, text)

    def close(self) -> None:
        """Ends the requests that still run."""
        self._channel.close()

    def _spec(self, signature: str = "") -> ModelSpec:
        spec = ModelSpec(name=self._model.name, signature_name=signature)
        if self._model.version is not None:
            spec.version.value = self._model.version
        if self._model.label is not None:
            spec.version_label = self._model.label
        return spec


def _call(call: Callable[[], T]) -> T:
    """What the call returns; raises RequestError where it fails."""
    try:
        return call()
    except grpc.RpcError as error:
        code, message = error.code().name, error.details() or "no reason given"
        kind = ModelChanged if NO_OUTPUT in message else RequestError
        raise kind(code, message) from error


def _proto(texts: Sequence[str]) -> TensorProto:
    proto = TensorProto(dtype=DT_STRING, string_val=[text.encode() for text in texts])
    proto.tensor_shape.dim.add(size=len(texts))
    return proto


def _array(name: str, proto: TensorProto) -> npt.NDArray[Any]:
    try:
        array = np.asarray(tf.make_ndarray(proto))
        if array.dtype == object:
            texts = [text.decode() for text in array.ravel().tolist()]
            return np.array(texts, object).reshape(array.shape)
    except (TypeError, ValueError) as error:
        raise RequestError("INTERNAL", malformed(f"{name}: {error}")) from None
    return array
