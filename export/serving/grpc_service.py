"""TF Serving's gRPC services: PredictionService and ModelService, on the official messages.

They raise ServingError, of which GrpcAdmission makes a status.
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
from centrabert.export.serving.input_validation import decoded
from centrabert.export.serving.model_status import model_status
from centrabert.export.serving.prediction_service import Answering, Target

METADATA = "signature_def"  # the only field of metadata that there is
Context = Any  # grpc.aio.ServicerContext, which has no types


class PredictionService(PredictionServiceServicer):
    """Predict and GetModelMetadata; the other methods answer UNIMPLEMENTED."""

    def __init__(self, answering: Answering) -> None:
        self._answering = answering

    async def Predict(self, request: PredictRequest, context: Context) -> PredictResponse:  # noqa: N802
        answer = await self._answering.predict(
            target_of(request),
            lambda definition, limits: decoded(definition, request.inputs, limits),
            request.output_filter,
            context.time_remaining(),
        )
        response = PredictResponse()
        response.model_spec.name = request.model_spec.name
        response.model_spec.signature_name = answer.signature
        response.model_spec.version.value = answer.number
        for name, array in answer.outputs.items():
            response.outputs[name].CopyFrom(_proto(array))
        return response

    async def GetModelMetadata(  # noqa: N802
        self, request: GetModelMetadataRequest, context: Context
    ) -> GetModelMetadataResponse:
        if not request.metadata_field:
            raise invalid("GetModelMetadataRequest must specify at least one metadata_field")
        for field in request.metadata_field:
            if field != METADATA:
                raise invalid(f"Metadata field {field} is not supported")
        target = target_of(request)
        self._answering.check_name(target)
        with self._answering.versions.lease(target.number, target.label) as servable:
            response = GetModelMetadataResponse()
            response.model_spec.name = target.name
            response.model_spec.version.value = servable.number
            response.metadata[METADATA].Pack(SignatureDefMap(signature_def=servable.predictor.signatures))
            return response


class ModelService(ModelServiceServicer):
    """GetModelStatus. HandleReloadConfigRequest answers UNIMPLEMENTED: no client chooses what is loaded."""

    def __init__(self, answering: Answering) -> None:
        self._answering = answering

    async def GetModelStatus(  # noqa: N802
        self, request: GetModelStatusRequest, context: Context
    ) -> GetModelStatusResponse:
        return model_status(self._answering, target_of(request))


def target_of(request: PredictRequest | GetModelMetadataRequest | GetModelStatusRequest) -> Target:
    """Raises ServingError unless it names a model."""
    spec = request.model_spec
    if not request.HasField("model_spec"):
        raise invalid("Missing ModelSpec")
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
