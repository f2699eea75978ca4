"""A branch's own part of the serving graph, the same wherever its rows come from."""

import tensorflow.compat.v1 as tf

from centrabert.modeling.branch import Branch
from centrabert.modeling.config import BertConfig
from centrabert.modeling.kinds.registry import KINDS
from centrabert.modeling.layers.encoder import encode
from centrabert.modeling.layers.heads import apply_head


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
    task = branch.task
    with tf.variable_scope(task.name):
        own = range(branch.frozen, branch.depth)
        x = encode(x, mask, config, own, first_only=task.reads == "cls")
        head = apply_head(x, mask, task, config, places=places)
        outputs = KINDS[task.kind].output_tensors(head, task.labels)
        return {name: tf.identity(tensor, name) for name, tensor in outputs.items()}
