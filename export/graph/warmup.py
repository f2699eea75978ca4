"""Warm-up requests, which TF Serving sends to a version before it serves it: no client waits for a first run.

A set of outputs that was never asked for costs TensorFlow about a second once, and a new length of text some
more. The file holds a request for every signature and every length of LENGTHS that the model reads.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import tensorflow as tf
from tensorflow_serving.apis.predict_pb2 import PredictRequest
from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog, PredictLog

from centrabert.export.contract.signature_names import (
    DEFAULT,
    DESCRIBE,
    ROUTE,
    ROUTE_IDS,
    ids_signature,
    words_signature,
)
from centrabert.export.contract.task_selector import ALL_TASKS
from centrabert.export.contract.version_folder import EXTRA
from centrabert.merge.manifest import Manifest

FILE = "tf_serving_warmup_requests"  # TF Serving's name, in assets.extra
LENGTHS = (16, 64, 128, 512)  # word pieces with [CLS] and [SEP]; what is longer is cut
ROWS = 2  # a batch: of one row TensorFlow may treat a matrix product as another one
MAX_REQUESTS = 1000  # TF Serving refuses a file with more
WORD = "the"  # one piece of any English vocabulary, [UNK] of any other


def write_warmup(version: Path, manifest: Manifest, unknown_id: int) -> None:
    """Writes the file into the version folder; of a model with very many signatures the shortest requests.

    Args:
      unknown_id: A token of the tokenizer, for the requests of ids.

    Raises:
      OSError: The disk is full.
    """
    logs = [
        PredictionLog(predict_log=PredictLog(request=request)) for request in requests(manifest, unknown_id)
    ]
    with tf.io.TFRecordWriter(str(version / EXTRA / FILE)) as writer:
        for log in logs[:MAX_REQUESTS]:
            writer.write(log.SerializeToString())


def requests(manifest: Manifest, unknown_id: int) -> Iterator[PredictRequest]:
    """Every request, the shorter texts first."""
    yield _request(DESCRIBE, {"text_a": [""]})
    for length in _lengths(manifest.max_seq_length):
        text, none = [" ".join([WORD] * (length - 2))] * ROWS, [""] * ROWS
        texts = {"text_a": text, "text_b": none}
        yield _request(DEFAULT, texts)
        yield _request(ROUTE, {**texts, "tasks": [ALL_TASKS] * ROWS})
        pieces = np.full([ROWS, length], unknown_id, np.int32)
        ids = {"input_ids": pieces, "segment_ids": np.zeros_like(pieces)}
        if not all(branch.task.split for branch in manifest.plan.branches):
            yield _request(ROUTE_IDS, {**ids, "tasks": [ALL_TASKS] * ROWS})
        for branch in manifest.plan.branches:
            task = branch.task
            yield _request(task.name, texts if task.pair else {"text_a": text})
            if task.split:
                yield _request(words_signature(task.name), {"words": [each.split() for each in text]})
            else:
                yield _request(ids_signature(task.name), ids)


def _lengths(longest: int) -> list[int]:
    return sorted({min(length, longest) for length in LENGTHS})


def _request(signature: str, inputs: Mapping[str, object]) -> PredictRequest:
    request = PredictRequest()
    request.model_spec.signature_name = signature
    for name, value in inputs.items():
        request.inputs[name].CopyFrom(tf.make_tensor_proto(value))
    return request
