"""From the top layer to a task's logits: pooling, dropout, and the head of the task's kind."""

from collections.abc import Collection, Mapping

import tensorflow.compat.v1 as tf

from centrabert.modeling.config import BertConfig
from centrabert.modeling.kinds.registry import KINDS
from centrabert.modeling.kinds.task_kind import Head
from centrabert.modeling.layers.attention import real_tokens
from centrabert.modeling.layers.dropout import Dropout, drop
from centrabert.modeling.layers.encoder import pool_first, pool_mean
from centrabert.modeling.task import TaskSpec

HEAD_DROPOUT = 0.1  # run_classifier.py of BERT


def apply_head(
    x: tf.Tensor,
    mask: tf.Tensor,
    task: TaskSpec,
    config: BertConfig,
    dropout: Dropout | None = None,
    seed: int = 0,
    places: tf.Tensor | None = None,
) -> Head:
    """Applies the task's head to the top layer (create_model of run_classifier.py of BERT).

    Args:
      x: float32 [batch, length, hidden]; for a task that reads "cls" the length may be 1.
      mask: From `attention_mask`.
      seed: Of the head's first weights.
      places: As in `Head`, for a task that tags words.
    """
    kind = KINDS[task.kind]
    read, real = x, None
    if task.reads == "cls":
        read = pool_first(x, config)
    elif task.reads == "mean":
        read = pool_mean(x, mask)
    else:
        real = real_tokens(mask)
    shapes = kind.head_shapes(task.labels, config.hidden_size)
    variables = _variables(shapes, config, seed, kind.untrained)
    logits = kind.logits(drop(read, HEAD_DROPOUT, dropout), variables)
    return Head(logits, variables, real, places, task.labels)


def _variables(
    shapes: Mapping[str, tuple[int, ...]], config: BertConfig, seed: int, untrained: Collection[str]
) -> dict[str, tf.Variable]:
    """Vectors start at zero, everything else as BERT's weights, each with a seed of its own."""
    return {
        name: tf.get_variable(
            name,
            shape,
            tf.float32,
            tf.zeros_initializer()
            if len(shape) == 1
            else tf.truncated_normal_initializer(stddev=config.initializer_range, seed=seed + place),
            trainable=name not in untrained,
            use_resource=True,
        )
        for place, (name, shape) in enumerate(shapes.items())
    }
