"""The trunk and the branches in the serving graph, the same wherever their rows come from."""

from dataclasses import replace

import tensorflow.compat.v1 as tf

from centrabert.export.graph.pieces import piece
from centrabert.modeling.branch import Branch
from centrabert.modeling.config import BertConfig
from centrabert.modeling.kinds.registry import KINDS
from centrabert.modeling.layers.encoder import embed, encode
from centrabert.modeling.layers.heads import apply_head
from centrabert.modeling.task import TaskSpec


def trunk_outputs(
    input_ids: tf.Tensor, segment_ids: tf.Tensor, mask: tf.Tensor, config: BertConfig, depth: int
) -> list[tf.Tensor]:
    """float32 [batch, length, hidden] after the embeddings and after each of `depth` layers.

    Args:
      input_ids, segment_ids: int32 [batch, length].
      mask: From `attention_mask`.
    """
    with tf.name_scope("bert"):
        outputs = [embedded(input_ids, segment_ids, config)]
        for layer in range(depth):
            with tf.name_scope(f"layer_{layer}"):
                outputs.append(one_layer(outputs[-1], mask, first=layer, config=config))
    return outputs


def embedded(input_ids: tf.Tensor, segment_ids: tf.Tensor, config: BertConfig) -> tf.Tensor:
    """The embeddings; float32 [batch, length, hidden]."""
    with tf.name_scope("embeddings"):
        return _embed(input_ids, segment_ids, config=config)


@piece
def _embed(input_ids: tf.Tensor, segment_ids: tf.Tensor, *, config: BertConfig) -> tf.Tensor:
    return embed(input_ids, segment_ids, config)


@piece
def one_layer(x: tf.Tensor, mask: tf.Tensor, *, first: int, config: BertConfig) -> tf.Tensor:
    """The layer with the number `first`, in a scope of its own; float32 [batch, length, hidden]."""
    return encode(x, mask, config, [first])


def any_name(task: TaskSpec) -> TaskSpec:
    """The task under a name that is the same for all: what is built for it does not depend on its name."""
    return replace(task, name="task")


def branch_answers(
    x: tf.Tensor, mask: tf.Tensor, branch: Branch, config: BertConfig, places: tf.Tensor | None = None
) -> dict[str, tf.Tensor]:
    """A task's own layers and head, above the trunk's output `x` at the depth where the branch leaves it.

    Args:
      x: float32 [batch, length, hidden].
      mask: From `attention_mask`.
      places: int32 [batch, words, COLUMNS], where words stand, for a task that tags them.

    Returns:
      By the names of the kind's `outputs`, batch first.
    """
    with tf.variable_scope(branch.task.name):
        return own_part(
            x,
            mask,
            places,
            task=any_name(branch.task),
            first=branch.frozen,
            layers=branch.tuned,
            config=config,
        )


@piece
def own_part(
    x: tf.Tensor,
    mask: tf.Tensor,
    places: tf.Tensor | None,
    *,
    task: TaskSpec,
    first: int,
    layers: int,
    config: BertConfig,
) -> dict[str, tf.Tensor]:
    """`branch_answers` within the scope of the task."""
    x = encode(x, mask, config, range(first, first + layers), first_only=task.reads == "cls")
    head = apply_head(x, mask, task, config, places=places)
    outputs = KINDS[task.kind].output_tensors(head, task.labels)
    return {name: tf.identity(tensor, name) for name, tensor in outputs.items()}
