"""Loading a version for a server: before any client's request it answers the goldens and the warm-up.

A version of a store takes from those that are loaded already the weights that it has in common with them,
and what computes a task that is like one of theirs (`compiled_graph.py`). Only those tasks are asked their
goldens that could answer otherwise than now, and only what TensorFlow has not run yet is run for the warm-up.
"""

import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
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
from centrabert.export.engine.compiled_graph import CompiledGraph
from centrabert.export.engine.fed_weights import Weights
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
COMPILED_AT_ONCE = 2  # graphs; three at once took longer on two cores, and the server answers meanwhile


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

    def proceed() -> None:
        if stopped.is_set():
            raise UserError(f"{folder}: stopped while it was loaded")

    files = check_files(folder, [each.files for each in loaded if each.files])
    manifest = read_manifest(folder / EXTRA)
    tokenizer = read_tokenizer(vocabulary_file(folder / ASSETS), manifest.do_lower_case)
    predictor = Predictor(folder, known=_known_weights(manifest, loaded) if files else None)
    try:
        new = [task for task in manifest.tasks if not _is_served(task, predictor, files, loaded)]
        if files and loaded:
            logging.info("%s: asks the golden texts of %s", folder, ", ".join(new) or "no task")
        goldens = _goldens(predictor, new, manifest, folder)
        first = [*goldens, *_warmup(predictor, folder / EXTRA / WARMUP, proceed)]
        for ask in tqdm(first, f"version {folder.name}", unit="request", leave=False, disable=None):
            proceed()
            ask()
    except BaseException:
        predictor.close()
        raise
    return Servable(
        int(folder.name), manifest, predictor, limits, executor, observe, tokenizer.padding_id, files
    )


def _known_weights(manifest: Manifest, loaded: Sequence[Servable]) -> Weights:
    """The version's weights that loaded versions have, by the digests that all were proved with."""
    by_name = {
        (name, digest): each.predictor.weights[name]
        for each in loaded
        if each.files
        for name, digest in each.manifest.variables().items()
        if name in each.predictor.weights  # but for those that no signature reads
    }
    by_digest = {digest: array for (_, digest), array in by_name.items()}  # a task may have been renamed
    return {
        name: by_name.get((name, digest), by_digest[digest])
        for name, digest in manifest.variables().items()
        if digest in by_digest
    }


def _is_served(
    task: str, predictor: Predictor, files: CheckedFiles | None, loaded: Sequence[Servable]
) -> bool:
    """Whether a loaded version answers the task's golden texts already, to the last bit as this one."""
    return files is not None and any(
        each.files is not None
        and files.same_branch(task, each.files)
        and predictor.answers_as(each.predictor, task)
        for each in loaded
    )


def _goldens(predictor: Predictor, tasks: Collection[str], manifest: Manifest, folder: Path) -> list[Ask]:
    """Asks tasks what they answered when they were trained."""
    asked = [branch.task for branch in manifest.plan.branches if branch.task.name in tasks]
    goldens = [read_golden(golden_file(folder / EXTRA, task.name), task) for task in asked]
    return [
        partial(replay, predictor, {task: golden}, folder)
        for task, golden in zip(asked, goldens, strict=True)
    ]


def _warmup(predictor: Predictor, file: Path, proceed: Callable[[], None]) -> Iterator[Ask]:
    """Asks what the file holds and no graph has answered yet; a version may do without.

    Of signatures with the same graph the first is asked: the file may lack the longest texts of the last.

    Args:
      proceed: Raises UserError when nobody waits for the version any more.
    """

    def made(kind: tuple[str, tuple[str, ...]]) -> CompiledGraph:
        proceed()
        return predictor.graph(*kind)

    requests = [record.predict_log.request for record in _records(file)] if file.exists() else []
    kinds = [(request.model_spec.signature_name, tuple(sorted(request.inputs))) for request in requests]
    unique = list(dict.fromkeys(kinds))
    with ThreadPoolExecutor(COMPILED_AT_ONCE) as executor:
        found = tqdm(
            executor.map(made, unique), "graphs", len(unique), unit="graph", leave=False, disable=None
        )
        graphs = dict(zip(unique, found, strict=True))
    answering = {graph: kind for kind, graph in reversed(graphs.items())}
    for kind, request in zip(kinds, requests, strict=True):
        if not graphs[kind].warm and answering[graphs[kind]] == kind:
            yield partial(_ask, predictor, request)
    yield partial(_set_warm, answering)


def _set_warm(graphs: Iterable[CompiledGraph]) -> None:
    for graph in graphs:
        graph.warm = True


def _ask(predictor: Predictor, request: PredictRequest) -> None:
    inputs = {name: tf.make_ndarray(proto) for name, proto in request.inputs.items()}
    predictor.predict(request.model_spec.signature_name, inputs)


def _records(file: Path) -> Iterator[PredictionLog]:
    try:
        for record in tf.data.TFRecordDataset(str(file)).as_numpy_iterator():
            yield PredictionLog.FromString(record)
    except (tf.errors.DataLossError, DecodeError):
        raise UserError(f"{file}: is damaged; export the model again") from None
