"""Loading a version for a server: before any client's request it answers the goldens and the warm-up."""

import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor
from functools import partial
from pathlib import Path

import tensorflow as tf
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from tensorflow_serving.apis.predict_pb2 import PredictRequest
from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog
from tqdm import tqdm

from centrabert.errors import UserError
from centrabert.export.contract.version_folder import ASSETS, EXTRA
from centrabert.export.engine.golden_check import replay
from centrabert.export.engine.tensorflow_engine import Predictor
from centrabert.export.graph.warmup import FILE as WARMUP
from centrabert.export.serving.servable import Servable, ServingLimits
from centrabert.merge.merged_folder import golden_file, read_manifest
from centrabert.modeling.golden import Golden
from centrabert.modeling.golden_file import read_golden
from centrabert.modeling.task import TaskSpec
from centrabert.modeling.tokenization.tokenizer_files import read_tokenizer
from centrabert.modeling.tokenization.vocabulary import vocabulary_file

Ask = Callable[[], None]


def load_servable(
    folder: Path,
    limits: ServingLimits,
    executor: Executor,
    observe: Callable[[int], None],
    stopped: threading.Event,
) -> Servable:
    """The version in `folder`, which is named by its number.

    Args:
      executor, observe: See `Servable`.
      stopped: Is set when nobody waits for it any more; a version of many tasks takes minutes.

    Raises:
      UserError: The version is damaged, or does not answer as its branches did when they were trained. Or it
        was stopped.
      OSError: It cannot be read.
    """
    manifest = read_manifest(folder / EXTRA)
    goldens = {
        branch.task: read_golden(golden_file(folder / EXTRA, branch.task.name), branch.task)
        for branch in manifest.plan.branches
    }
    tokenizer = read_tokenizer(vocabulary_file(folder / ASSETS), manifest.do_lower_case)
    predictor = Predictor(folder)
    try:
        first = [*_goldens(predictor, goldens, folder), *_warmup(predictor, folder / EXTRA / WARMUP)]
        for ask in tqdm(first, f"version {folder.name}", unit="request", leave=False, disable=None):
            if stopped.is_set():
                raise UserError(f"{folder}: stopped while it was loaded")
            ask()
    except BaseException:
        predictor.close()
        raise
    return Servable(int(folder.name), manifest, predictor, limits, executor, observe, tokenizer.padding_id)


def _goldens(predictor: Predictor, goldens: Mapping[TaskSpec, Golden], folder: Path) -> Iterator[Ask]:
    """Asks each task what it answered when it was trained."""
    return (partial(replay, predictor, {task: golden}, folder) for task, golden in goldens.items())


def _warmup(predictor: Predictor, file: Path) -> Iterator[Ask]:
    """Asks what the file holds; a version may do without."""
    records = _records(file) if file.exists() else ()
    return (partial(_ask, predictor, record.predict_log.request) for record in records)


def _ask(predictor: Predictor, request: PredictRequest) -> None:
    inputs = {name: tf.make_ndarray(proto) for name, proto in request.inputs.items()}
    predictor.predict(request.model_spec.signature_name, inputs)


def _records(file: Path) -> Iterator[PredictionLog]:
    try:
        for record in tf.data.TFRecordDataset(str(file)).as_numpy_iterator():
            yield PredictionLog.FromString(record)
    except (tf.errors.DataLossError, DecodeError):
        raise UserError(f"{file}: is damaged; export the model again") from None
