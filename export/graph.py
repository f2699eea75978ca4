"""The merged model as one flat graph, from text to every task's answers.

Flat, because only then does TensorFlow run just what a request asks for: no function, no table, no Keras.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import tensorflow.compat.v1 as tf

from centrabert.merge.manifest import Manifest
from centrabert.modeling.branch import Branch
from centrabert.modeling.config import BertConfig
from centrabert.modeling.encoder import attention_mask, embed, encode
from centrabert.modeling.heads import answers, task_logits
from centrabert.modeling.tokenizer import Tokenizer
from centrabert.modeling.vocabulary import Vocabulary


@dataclass(frozen=True)
class ServingGraph:
    """The tensors that signatures are made of.

    Attributes:
      text_a: string [batch].
      text_b: string [batch]; all empty where it is not fed.
      input_ids, segment_ids: int32 [batch, length], zero-padded: the tokenizer's, or fed instead of it.
      answers: By task, then by the name of the answer; see `heads.answers`.
    """

    text_a: tf.Tensor
    text_b: tf.Tensor
    input_ids: tf.Tensor
    segment_ids: tf.Tensor
    answers: dict[str, dict[str, tf.Tensor]]


def build(manifest: Manifest, vocabulary: Vocabulary) -> ServingGraph:
    """Builds the model in the default graph, with variables named as in the merged checkpoint."""
    with tf.variable_scope("", custom_getter=_restored):
        return _build(manifest, vocabulary)


def _restored(getter: Callable[..., tf.Variable], name: str, **arguments: Any) -> tf.Variable:
    """A variable that only a checkpoint fills: listed once, and without the ops of a random start."""
    arguments.update(trainable=False, initializer=tf.zeros_initializer())
    return getter(name, **arguments)


def _build(manifest: Manifest, vocabulary: Vocabulary) -> ServingGraph:
    text_a = tf.placeholder(tf.string, [None], name="text_a")
    text_b = tf.placeholder_with_default(tf.fill(tf.shape(text_a), ""), [None], name="text_b")
    fed = _tokens(Tokenizer(vocabulary), text_a, text_b, manifest.max_seq_length)
    # TensorFlow knows nothing of the shape of a tensor that is fed, and how it rewrites the graph, so the
    # last bits of an answer, depends on what it knows: told here, texts and ids answer alike.
    input_ids, segment_ids = (tf.ensure_shape(tensor, [None, None]) for tensor in fed)
    mask = attention_mask(input_ids)
    trunk = _trunk(input_ids, segment_ids, mask, manifest)
    every = {
        branch.task.name: _branch(trunk[branch.frozen], input_ids, mask, branch, manifest.config)
        for branch in manifest.plan.branches
    }
    return ServingGraph(text_a, text_b, *fed, every)


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


def _branch(
    x: tf.Tensor, input_ids: tf.Tensor, mask: tf.Tensor, branch: Branch, config: BertConfig
) -> dict[str, tf.Tensor]:
    """A task's own layers and head, above the trunk's output `x` at the depth where the branch leaves it."""
    with tf.variable_scope(branch.task.name):
        own = range(branch.frozen, branch.depth)
        x = encode(x, mask, config, own, first_only=branch.task.pooling == "cls")
        outputs = answers(branch.task, task_logits(x, input_ids, branch.task, config))
        return {name: tf.identity(tensor, name) for name, tensor in outputs.items()}
