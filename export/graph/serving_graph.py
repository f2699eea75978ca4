"""The merged model as one flat graph, from text to every task's answers.

Flat, because only then does TensorFlow run just what a request asks for: no function, no table, no Keras.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import tensorflow.compat.v1 as tf

from centrabert.export.contract.model_description import write_description
from centrabert.export.contract.signature_names import DEFAULT, DESCRIPTION, ROUTE
from centrabert.export.graph.branch_answers import branch_answers
from centrabert.export.graph.request_texts import fed_ids, request_texts
from centrabert.export.graph.routing import Routed, route
from centrabert.export.graph.separate_readings import separate_answers
from centrabert.merge.manifest import Manifest
from centrabert.modeling.layers.attention import attention_mask
from centrabert.modeling.layers.encoder import embed, encode
from centrabert.modeling.tokenization.tokenizer import Tokenizer


@dataclass(frozen=True)
class ServingGraph:
    """The tensors that signatures are made of.

    Attributes:
      text_a: string [batch].
      text_b: string [batch]; [0] where it is not fed, and then there is no second text.
      input_ids, segment_ids: int32 [batch, length], padded with the tokenizer's padding id and with 0: the
        tokenizer's, or fed instead of it; for `answers`.
      tasks: string [batch], for `routed` alone.
      answers: By task, then by the name of the answer, see `TaskKind.outputs`; to both texts where both are
        fed.
      every: Alike, but a task of single texts reads text_a alone; for several tasks in one request.
      routed: Alike, computed for the rows that want them; see `routing.route`.
      description: string [batch], the same for every row; see `model_description`.
    """

    text_a: tf.Tensor
    text_b: tf.Tensor
    input_ids: tf.Tensor
    segment_ids: tf.Tensor
    tasks: tf.Tensor
    answers: dict[str, dict[str, tf.Tensor]]
    every: dict[str, dict[str, tf.Tensor]]
    routed: Routed
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
    # Empty where it is not fed: `request_texts` knows what that means, and what reads ids needs no text_a.
    text_b = tf.placeholder_with_default(tf.zeros([0], tf.string), [None], name="text_b")
    with tf.name_scope("text"):
        texts = request_texts(tokenizer, manifest, text_a, text_b)
        pairs = texts.pairs()
    fed = fed_ids(pairs)
    # TensorFlow knows nothing of the shape of a tensor that is fed, and how it rewrites the graph, so the
    # last bits of an answer, depends on what it knows: told here, texts and ids answer alike.
    input_ids, segment_ids = (tf.ensure_shape(tensor, [None, None]) for tensor in fed)
    mask = attention_mask(input_ids, tokenizer.padding_id)
    trunk = _trunk(input_ids, segment_ids, mask, manifest)
    answers = {
        branch.task.name: branch_answers(trunk[branch.frozen], mask, branch, manifest.config)
        for branch in manifest.plan.branches
    }
    tasks = tf.placeholder(tf.string, [None], name="tasks")
    with tf.variable_scope(tf.get_variable_scope(), reuse=True):
        with tf.name_scope(DEFAULT):
            alike = len({branch.task.pair for branch in manifest.plan.branches}) == 1
            every = answers if alike else separate_answers(manifest, texts)
        with tf.name_scope(ROUTE):
            routed = route(manifest, texts, text_b, tasks)
    text = write_description(branch.task for branch in manifest.plan.branches)
    description = tf.fill(tf.shape(text_a), text, DESCRIPTION)
    return ServingGraph(text_a, text_b, *fed, tasks, answers, every, routed, description)


def _trunk(
    input_ids: tf.Tensor, segment_ids: tf.Tensor, mask: tf.Tensor, manifest: Manifest
) -> list[tf.Tensor]:
    """float32 [batch, length, hidden] after the embeddings and after every layer of the trunk."""
    outputs = [embed(input_ids, segment_ids, manifest.config)]
    for layer in range(manifest.plan.trunk_depth):
        outputs.append(encode(outputs[-1], mask, manifest.config, [layer]))
    return outputs
