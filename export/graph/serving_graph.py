"""The merged model as one flat graph, from text to every task's answers.

Flat, because only then does TensorFlow run just what a request asks for: no function, no table, no Keras.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import tensorflow.compat.v1 as tf

from centrabert.export.contract.model_description import write_description
from centrabert.export.contract.signature_names import DESCRIPTION, ROUTE
from centrabert.export.graph.branch_answers import branch_answers
from centrabert.export.graph.routing import routed
from centrabert.merge.manifest import Manifest
from centrabert.modeling.layers.attention import attention_mask
from centrabert.modeling.layers.encoder import embed, encode
from centrabert.modeling.tokenization.tokenizer import Tokenizer


@dataclass(frozen=True)
class ServingGraph:
    """The tensors that signatures are made of.

    Attributes:
      text_a: string [batch].
      text_b: string [batch]; all empty where it is not fed.
      input_ids, segment_ids: int32 [batch, length], padded with the tokenizer's padding id and with 0: the
        tokenizer's, or fed instead of it.
      tasks: string [batch], for `routed` alone.
      answers: By task, then by the name of the answer; see `TaskKind.outputs`.
      routed: Alike, computed for the rows that want them; see `route.routed`.
      unknown: string [batch], what `tasks` says where it is no list of tasks, else "".
      description: string [batch], the same for every row; see `model_description`.
    """

    text_a: tf.Tensor
    text_b: tf.Tensor
    input_ids: tf.Tensor
    segment_ids: tf.Tensor
    tasks: tf.Tensor
    answers: dict[str, dict[str, tf.Tensor]]
    routed: dict[str, dict[str, tf.Tensor]]
    unknown: tf.Tensor
    description: tf.Tensor


def build(manifest: Manifest, tokenizer: Tokenizer) -> ServingGraph:
    """Builds the model in the default graph, with variables named as in the merged checkpoint."""
    with tf.variable_scope("", custom_getter=_restored):
        return _build(manifest, tokenizer)


def _restored(getter: Callable[..., tf.Variable], name: str, **arguments: Any) -> tf.Variable:
    """A variable that only a checkpoint fills: listed once, and without the ops of a random start."""
    arguments.update(trainable=False, initializer=tf.zeros_initializer())
    return getter(name, **arguments)


def _build(manifest: Manifest, tokenizer: Tokenizer) -> ServingGraph:
    text_a = tf.placeholder(tf.string, [None], name="text_a")
    text_b = tf.placeholder_with_default(tf.fill(tf.shape(text_a), ""), [None], name="text_b")
    fed = _tokens(tokenizer, text_a, text_b, manifest.max_seq_length)
    # TensorFlow knows nothing of the shape of a tensor that is fed, and how it rewrites the graph, so the
    # last bits of an answer, depends on what it knows: told here, texts and ids answer alike.
    input_ids, segment_ids = (tf.ensure_shape(tensor, [None, None]) for tensor in fed)
    mask = attention_mask(input_ids, tokenizer.padding_id)
    trunk = _trunk(input_ids, segment_ids, mask, manifest)
    every = {
        branch.task.name: branch_answers(trunk[branch.frozen], mask, branch, manifest.config)
        for branch in manifest.plan.branches
    }
    tasks = tf.placeholder(tf.string, [None], name="tasks")
    with tf.variable_scope(tf.get_variable_scope(), reuse=True), tf.name_scope(ROUTE):
        by_row, unknown = routed(manifest, input_ids, segment_ids, tasks, tokenizer.padding_id)
    text = write_description(branch.task for branch in manifest.plan.branches)
    description = tf.fill(tf.shape(text_a), text, DESCRIPTION)
    return ServingGraph(text_a, text_b, *fed, tasks, every, by_row, unknown, description)


def _tokens(
    tokenizer: Tokenizer, text_a: tf.Tensor, text_b: tf.Tensor, max_seq_length: int
) -> tuple[tf.Tensor, tf.Tensor]:
    """int32 [batch, length] ids and segment ids, which clients with a tokenizer of their own feed."""
    with tf.name_scope("text"):
        ids, segments = tokenizer.encode(text_a, text_b, max_seq_length)
    return (
        tf.placeholder_with_default(ids, [None, None], "input_ids"),
        tf.placeholder_with_default(segments, [None, None], "segment_ids"),
    )


def _trunk(
    input_ids: tf.Tensor, segment_ids: tf.Tensor, mask: tf.Tensor, manifest: Manifest
) -> list[tf.Tensor]:
    """float32 [batch, length, hidden] after the embeddings and after every layer of the trunk."""
    outputs = [embed(input_ids, segment_ids, manifest.config)]
    for layer in range(manifest.plan.trunk_depth):
        outputs.append(encode(outputs[-1], mask, manifest.config, [layer]))
    return outputs
