"""Loading a version for a server: before any client's request it answers the goldens and the warm-up."""

from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from pathlib import Path

import tensorflow as tf
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog

from centrabert.export.predictor import Predictor
from centrabert.export.replay import replay
from centrabert.export.servable import Servable, ServingLimits
from centrabert.export.versions import EXTRA
from centrabert.export.warmup import FILE as WARMUP
from centrabert.merge.merged_folder import golden_file, read_manifest
from centrabert.modeling.golden import Golden


def load_servable(
    folder: Path, limits: ServingLimits, executor: Executor, observe: Callable[[int], None]
) -> Servable:
    """The version in `folder`, which is named by its number.

    Args:
      executor, observe: See `Servable`.

    Raises:
      ValueError: The version is damaged, or does not answer as its branches did when they were trained.
      OSError: It cannot be read.
    """
    manifest = read_manifest(folder / EXTRA)
    goldens = {
        branch.task: Golden.read(golden_file(folder / EXTRA, branch.task.name))
        for branch in manifest.plan.branches
    }
    predictor = Predictor(folder)
    try:
        replay(predictor, goldens, folder)
        _warm(predictor, folder / EXTRA / WARMUP)
    except BaseException:
        predictor.close()
        raise
    return Servable(int(folder.name), manifest, predictor, limits, executor, observe)


def _warm(predictor: Predictor, file: Path) -> None:
    """Asks what the file holds; a version may do without."""
    if not file.exists():
        return
    for record in _records(file):
        request = record.predict_log.request
        inputs = {name: tf.make_ndarray(proto) for name, proto in request.inputs.items()}
        predictor.predict(request.model_spec.signature_name, inputs)


def _records(file: Path) -> Iterator[PredictionLog]:
    try:
        for record in tf.data.TFRecordDataset(str(file)).as_numpy_iterator():
            yield PredictionLog.FromString(record)
    except (tf.errors.DataLossError, DecodeError):
        raise ValueError(f"{file}: is damaged; export the model again") from None
