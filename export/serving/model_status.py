"""The state of a model's versions, as TF Serving's ModelService tells it."""

from tensorflow.core.protobuf.error_codes_pb2 import UNKNOWN
from tensorflow_serving.apis.get_model_status_pb2 import GetModelStatusResponse, ModelVersionStatus

from centrabert.export.serving.errors import ServingError
from centrabert.export.serving.prediction_service import Answering, Target
from centrabert.export.serving.version_manager import Version


def model_status(answering: Answering, target: Target) -> GetModelStatusResponse:
    """The state of every version that was seen, or of the one that is meant.

    Raises:
      ServingError: NOT_FOUND; there is no such model or version.
    """
    versions = answering.versions.statuses if answering.is_named(target) else []
    if versions and target.label is not None:
        versions = [answering.versions.find(None, target.label)]
    if target.number is not None:
        versions = [version for version in versions if version.number == target.number]
    if not versions:
        which = "any versions" if target.number is None else f"version {target.number}"
        raise ServingError("NOT_FOUND", f"Could not find {which} of model {target.name}")
    return GetModelStatusResponse(model_version_status=[_status(version) for version in versions])


def _status(version: Version) -> ModelVersionStatus:
    status = ModelVersionStatus(version=version.number, state=version.state)
    status.status.SetInParent()  # OK
    if version.error:
        status.status.error_code = UNKNOWN
        status.status.error_message = version.error
    return status
