"""Loading a version for a server: before any client's request it answers the goldens and the warm-up.

A version of a store shares graph and session with one that is loaded already, if the two differ in nothing
but the weights of some tasks. Then only these tasks are asked: all others answer with the very weights that
answer now, and no set of outputs is new to TensorFlow.
"""

import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import Executor
from functools import partial
from pathlib import Path

import tensorflow as tf
from absl import logging
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from tensorflow_serving.apis.predict_pb2 import PredictRequest
from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog
from tqdm import tqdm

from centrabert.errors import UserError
from centrabert.export.contract.version_folder import ASSETS, EXTRA
from centrabert.export.engine.golden_check import replay
from centrabert.export.engine.tensorflow_engine import Predictor
from centrabert.export.graph.warmup import FILE as WARMUP
from centrabert.export.serving.checked_files import CheckedFiles, check_files
from centrabert.export.serving.servable import Servable, ServingLimits
from centrabert.merge.manifest import Manifest
from centrabert.merge.merged_folder import golden_file, read_manifest
from centrabert.modeling.golden_file import read_golden
from centrabert.modeling.tokenization.tokenizer_files import read_tokenizer
from centrabert.modeling.tokenization.vocabulary import vocabulary_file

Ask = Callable[[], None]


def load_servable(
    folder: Path,
    limits: ServingLimits,
    executor: Executor,
    observe: Callable[[int], None],
    stopped: threading.Event,
    loaded: Sequence[Servable] = (),
) -> Servable:
    """The version in `folder`, which is named by its number.

    Args:
      executor, observe: See `Servable`.
      stopped: Is set when nobody waits for it any more; a version of many tasks takes minutes.
      loaded: Versions that are loaded already, and stay so while this one loads.

    Raises:
      UserError: The version is damaged, or does not answer as its branches did when they were trained. Or it
        was stopped.
      OSError: It cannot be read.
    """
    files = check_files(folder, [each.files for each in loaded if each.files])
    manifest = read_manifest(folder / EXTRA)
    tokenizer = read_tokenizer(vocabulary_file(folder / ASSETS), manifest.do_lower_case)
    predictor, changed = _predictor(folder, files, manifest, loaded)
    try:
        first = [*_goldens(predictor, manifest.tasks if changed is None else changed, manifest, folder)]
        if changed is None:
            first += _warmup(predictor, folder / EXTRA / WARMUP)
        for ask in tqdm(first, f"version {folder.name}", unit="request", leave=False, disable=None):
            if stopped.is_set():
                raise UserError(f"{folder}: stopped while it was loaded")
            ask()
    except BaseException:
        predictor.close()
        raise
    return Servable(
        int(folder.name), manifest, predictor, limits, executor, observe, tokenizer.padding_id, files
    )


def _predictor(
    folder: Path, files: CheckedFiles | None, manifest: Manifest, loaded: Sequence[Servable]
) -> tuple[Predictor, list[str] | None]:
    """The version's predictor, and the tasks that answer with other weights than in its twin.

    A twin is a loaded version with the same graph and the same trunk, to the last bit, whose session both
    then share; None if there is none.
    """
    if files is None:
        return Predictor(folder), None
    for each in loaded:
        if each.files and each.manifest.trunk == manifest.trunk and files.same_graph(each.files):
            changed = files.changed_tasks(each.files)
            logging.info("%s: is version %d but for %s", folder, each.number, ", ".join(changed) or "no task")
            return each.predictor.with_weights(folder, _own_variables(manifest, changed)), changed
    return Predictor(folder, fed=_own_variables(manifest, manifest.tasks)), None


def _own_variables(manifest: Manifest, tasks: Collection[str]) -> list[str]:
    """The names of what the branches of some tasks own."""
    return [copy.name for copy in manifest.plan.copies if copy.task in tasks]


def _goldens(predictor: Predictor, tasks: Collection[str], manifest: Manifest, folder: Path) -> list[Ask]:
    """Asks tasks what they answered when they were trained."""
    asked = [branch.task for branch in manifest.plan.branches if branch.task.name in tasks]
    goldens = [read_golden(golden_file(folder / EXTRA, task.name), task) for task in asked]
    return [
        partial(replay, predictor, {task: golden}, folder)
        for task, golden in zip(asked, goldens, strict=True)
    ]


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
