"""TF Serving's gRPC services: PredictionService and ModelService, on the official messages.

They raise ServingError, of which GrpcInterceptor makes a status.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf
from tensorflow.core.framework.tensor_pb2 import TensorProto
from tensorflow.core.framework.types_pb2 import DT_FLOAT
from tensorflow_serving.apis.get_model_metadata_pb2 import (
    GetModelMetadataRequest,
    GetModelMetadataResponse,
    SignatureDefMap,
)
from tensorflow_serving.apis.get_model_status_pb2 import GetModelStatusRequest, GetModelStatusResponse
from tensorflow_serving.apis.model_service_pb2_grpc import ModelServiceServicer
from tensorflow_serving.apis.predict_pb2 import PredictRequest, PredictResponse
from tensorflow_serving.apis.prediction_service_pb2_grpc import PredictionServiceServicer

from centrabert.export.serving.errors import invalid
from centrabert.export.serving.input_validation import decode_inputs
from centrabert.export.serving.prediction_service import PredictionService, Target

METADATA = "signature_def"  # the only field of metadata that there is
Context = Any  # grpc.aio.ServicerContext, which has no types


class GrpcPredictionService(PredictionServiceServicer):
    """Predict and GetModelMetadata; the other methods answer UNIMPLEMENTED."""

    def __init__(self, service: PredictionService) -> None:
        self._service = service

    async def Predict(self, request: PredictRequest, context: Context) -> PredictResponse:  # noqa: N802
        with self._service.request(target_of(request)) as served:
            inputs = decode_inputs(served.signature, request.inputs, served.servable.limits)
            outputs = await served.predict(inputs, request.output_filter, context.time_remaining())
        response = PredictResponse()
        response.model_spec.name = request.model_spec.name
        response.model_spec.signature_name = served.signature.name
        response.model_spec.version.value = served.servable.number
        for name, array in outputs.items():
            response.outputs[name].CopyFrom(_proto(array))
        return response

    async def GetModelMetadata(  # noqa: N802
        self, request: GetModelMetadataRequest, context: Context
    ) -> GetModelMetadataResponse:
        if not request.metadata_field:
            raise invalid(f"the request names no metadata_field; there is {METADATA}")
        for field in request.metadata_field:
            if field != METADATA:
                raise invalid(f"there is no metadata_field {field}; there is {METADATA}")
        target = target_of(request)
        with self._service.acquire(target) as servable:
            response = GetModelMetadataResponse()
            response.model_spec.name = target.name
            response.model_spec.version.value = servable.number
            response.metadata[METADATA].Pack(SignatureDefMap(signature_def=servable.predictor.signature_defs))
            return response


class GrpcModelService(ModelServiceServicer):
    """GetModelStatus. HandleReloadConfigRequest answers UNIMPLEMENTED: no client chooses what is loaded."""

    def __init__(self, service: PredictionService) -> None:
        self._service = service

    async def GetModelStatus(  # noqa: N802
        self, request: GetModelStatusRequest, context: Context
    ) -> GetModelStatusResponse:
        return self._service.status(target_of(request))


def target_of(request: PredictRequest | GetModelMetadataRequest | GetModelStatusRequest) -> Target:
    """Raises ServingError unless it names a model."""
    spec = request.model_spec
    if not request.HasField("model_spec"):
        raise invalid("the request has no model_spec")
    number = spec.version.value if spec.HasField("version") else None
    label = spec.version_label if spec.HasField("version_label") else None
    return Target(spec.name, spec.signature_name, number, label)


def _proto(array: npt.NDArray[Any]) -> TensorProto:
    """Every value in the field of its type, where clients of TF Serving look; TensorFlow packs several."""
    if array.dtype != np.float32:
        return tf.make_tensor_proto(array)  # which has a field for every text and bool
    proto = TensorProto(dtype=DT_FLOAT, float_val=array.ravel())
    for size in array.shape:
        proto.tensor_shape.dim.add(size=size)
    return proto
