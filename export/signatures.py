"""The signatures of the SavedModel: what clients may send and what they get."""

from collections.abc import Mapping, Sequence
from typing import Any

import tensorflow.compat.v1 as tf

from centrabert.export.graph import ServingGraph
from centrabert.modeling.task import TaskSpec

DEFAULT = "serving_default"
PREDICT = "tensorflow/serving/predict"  # the method name that TF Serving's Predict asks for


def signature_defs(graph: ServingGraph, tasks: Sequence[TaskSpec]) -> dict[str, Any]:
    """Every signature by its name, as a SignatureDef.

    `<task>`: text_a, and text_b for a pair task, to the task's answers. `<task>_ids`: input_ids and
    segment_ids, for clients with a tokenizer of their own. `serving_default`: text_a and text_b to the
    answers of all tasks as `<task>/<answer>`, of which a client asks for some.
    """
    texts = {"text_a": graph.text_a, "text_b": graph.text_b}
    ids = {"input_ids": graph.input_ids, "segment_ids": graph.segment_ids}
    every: dict[str, tf.Tensor] = {}
    signatures: dict[str, Any] = {}
    for task in tasks:
        answers = graph.answers[task.name]
        signatures[task.name] = _signature(texts if task.pair else {"text_a": graph.text_a}, answers)
        signatures[ids_signature(task.name)] = _signature(ids, answers)
        every.update({f"{task.name}/{answer}": tensor for answer, tensor in answers.items()})
    signatures[DEFAULT] = _signature(texts, every)
    return signatures


def ids_signature(task: str) -> str:
    """The signature of a task for clients that send word-piece ids."""
    return f"{task}_ids"


def _signature(inputs: Mapping[str, tf.Tensor], outputs: Mapping[str, tf.Tensor]) -> Any:
    return tf.saved_model.build_signature_def(
        {name: tf.saved_model.build_tensor_info(tensor) for name, tensor in inputs.items()},
        {name: tf.saved_model.build_tensor_info(tensor) for name, tensor in outputs.items()},
        PREDICT,
    )
