"""The signatures of the SavedModel: what clients may send and what they get."""

from collections.abc import Mapping, Sequence

import tensorflow.compat.v1 as tf
from tensorflow.core.protobuf.meta_graph_pb2 import SignatureDef, TensorInfo

from centrabert.errors import UserError
from centrabert.export.contract.signature_names import (
    DEFAULT,
    DESCRIBE,
    DESCRIPTION,
    ROUTE,
    ROUTE_IDS,
    UNKNOWN,
    ids_signature,
    words_signature,
)
from centrabert.export.graph.request_texts import Ids
from centrabert.export.graph.serving_graph import ServingGraph
from centrabert.modeling.task import TaskSpec

PREDICT = "tensorflow/serving/predict"  # the method name that TF Serving's Predict asks for


def signature_defs(graph: ServingGraph, tasks: Sequence[TaskSpec]) -> dict[str, SignatureDef]:
    """Every signature by its name.

    `<task>`: text_a, and text_b for a pair task, to the task's answers. `<task>_ids`: input_ids and
    segment_ids, for clients with a tokenizer of their own; of a task that tags words there is `<task>_words`
    instead, for words that are split already. `serving_default`: text_a and text_b to the answers of all
    tasks as `<task>/<answer>`, of which a client asks for some; a task of single texts reads text_a alone.
    `route`: alike, but every row names the tasks it wants in `tasks`; see `routing.route`. `route_ids`: the
    same for ids, without tasks that tag words. `describe`: text_a, whatever it says, to what clients must
    know of the tasks, in JSON.

    Raises:
      UserError: Two signatures would have one name.
    """
    texts = {"text_a": graph.text_a, "text_b": graph.text_b}
    signatures: dict[str, SignatureDef] = {}
    for task in tasks:
        answers = graph.answers[task.name]
        signatures[task.name] = _signature(texts if task.pair else {"text_a": graph.text_a}, answers)
        if task.split:
            name, inputs, answers = (
                words_signature(task.name),
                {"words": graph.words},
                graph.of_words[task.name],
            )
        else:
            name, inputs = ids_signature(task.name), _named(graph.ids)
        if name in {each.name for each in tasks}:
            raise UserError(
                f"task {name}: has the name of a signature of task {task.name}; rename one of them"
            )
        signatures[name] = _signature(inputs, answers)
    signatures[DEFAULT] = _signature(texts, _flat(graph.every))
    routed = {**_flat(graph.routed.answers), UNKNOWN: graph.routed.unknown}
    signatures[ROUTE] = _signature({**texts, "tasks": graph.tasks}, routed)
    if (by_ids := graph.routed_ids) is not None:
        routed = {**_flat(by_ids.answers), UNKNOWN: by_ids.unknown}
        signatures[ROUTE_IDS] = _signature({**_named(by_ids.ids), "tasks": graph.tasks}, routed)
    signatures[DESCRIBE] = _signature({"text_a": graph.text_a}, {DESCRIPTION: graph.description})
    return signatures


def _named(ids: Ids | None) -> dict[str, tf.Tensor]:
    return dict(zip(("input_ids", "segment_ids"), ids or (), strict=False))


def _flat(answers: Mapping[str, Mapping[str, tf.Tensor]]) -> dict[str, tf.Tensor]:
    """`<task>/<answer>` -> tensor."""
    return {f"{task}/{name}": tensor for task, own in answers.items() for name, tensor in own.items()}


def _signature(inputs: Mapping[str, tf.Tensor], outputs: Mapping[str, tf.Tensor]) -> SignatureDef:
    return SignatureDef(
        inputs={name: _tensor_info(tensor) for name, tensor in inputs.items()},
        outputs={name: _tensor_info(tensor) for name, tensor in outputs.items()},
        method_name=PREDICT,
    )


def _tensor_info(tensor: tf.Tensor) -> TensorInfo:
    shape = tensor.shape.as_proto()
    return TensorInfo(name=tensor.name, dtype=tensor.dtype.as_datatype_enum, tensor_shape=shape)
