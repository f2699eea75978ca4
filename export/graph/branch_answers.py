"""A branch's own part of the serving graph, the same wherever its rows come from."""

from dataclasses import replace

import tensorflow.compat.v1 as tf

from centrabert.export.graph.pieces import piece
from centrabert.modeling.branch import Branch
from centrabert.modeling.config import BertConfig
from centrabert.modeling.kinds.registry import KINDS
from centrabert.modeling.layers.encoder import encode
from centrabert.modeling.layers.heads import apply_head
from centrabert.modeling.task import TaskSpec


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
