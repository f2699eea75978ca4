"""Requests of the official client of TF Serving to the shared local server."""

from functools import cache
from typing import Any

import grpc
import numpy as np
import pytest
import tensorflow as tf
import tiny
from running_server import NAME, shared_server
from tensorflow_serving.apis.predict_pb2 import PredictRequest
from tensorflow_serving.apis.prediction_service_pb2_grpc import PredictionServiceStub

TEXT_A, TEXT_B = (
    np.array([text.encode() for text in texts], np.object_) for texts in (tiny.TEXT_A, tiny.TEXT_B)
)
TASKS = np.array([b"rte", b"*", b"sim, tone", b"nonsense", b"tone"], np.object_)
IDS, SEGMENTS = tiny.random_ids(rows=5, length=11, seed=3)
TOLERANCE = 2e-6  # a row's last bits depend on the rows around it
Arrays = dict[str, np.ndarray]


@cache
def channel() -> grpc.Channel:
    return grpc.insecure_channel(f"127.0.0.1:{shared_server().port}")


def message(signature: str, inputs: dict[str, Any], *outputs: str, name: str = NAME) -> PredictRequest:
    request = PredictRequest(output_filter=outputs)
    request.model_spec.name = name
    request.model_spec.signature_name = signature
    for key, value in inputs.items():
        request.inputs[key].CopyFrom(tf.make_tensor_proto(value))
    return request


def ask(request: PredictRequest, seconds: float = 20.0) -> Arrays:
    response = PredictionServiceStub(channel()).Predict(request, seconds)
    assert response.model_spec.version.value == 1
    assert response.model_spec.name == NAME
    assert response.model_spec.signature_name == (request.model_spec.signature_name or "serving_default")
    return {name: tf.make_ndarray(proto) for name, proto in response.outputs.items()}


def refusal(request: PredictRequest) -> tuple[str, str]:
    with pytest.raises(grpc.RpcError) as error:
        ask(request)
    return error.value.code().name, error.value.details()


def same(found: Arrays, expected: Arrays) -> None:
    assert found.keys() == expected.keys()
    for name, array in expected.items():
        assert found[name].shape == array.shape, name
        if array.dtype == np.float32:
            assert found[name].dtype == np.float32
            np.testing.assert_allclose(found[name], array, rtol=1e-5, atol=TOLERANCE, err_msg=name)
        else:
            assert found[name].tolist() == array.tolist(), name


TEXTS = {"text_a": TEXT_A, "text_b": TEXT_B}
PIECES = {"input_ids": IDS, "segment_ids": SEGMENTS}
