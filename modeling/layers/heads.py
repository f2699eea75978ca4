"""From the top layer to a task's answer: pooling, output layer, probabilities or score."""

import tensorflow.compat.v1 as tf

from centrabert.modeling.config import BertConfig
from centrabert.modeling.layers.dropout import Dropout, drop
from centrabert.modeling.layers.encoder import pool_first, pool_mean
from centrabert.modeling.task import TaskSpec

HEAD_DROPOUT = 0.1  # run_classifier.py of BERT


def task_logits(
    x: tf.Tensor,
    input_ids: tf.Tensor,
    task: TaskSpec,
    config: BertConfig,
    dropout: Dropout | None = None,
    seed: int = 0,
) -> tf.Tensor:
    """Pools the top layer and applies the output layer (create_model of run_classifier.py of BERT).

    Args:
      x: float32 [batch, length, hidden]; for pooling "cls" the length may be 1.
      input_ids: int32 [batch, length].
      seed: Of the output layer's first weights.

    Returns:
      float32 [batch, outputs].
    """
    pooled = pool_first(x, config) if task.pooling == "cls" else pool_mean(x, input_ids)
    initializer = tf.truncated_normal_initializer(stddev=config.initializer_range, seed=seed)
    shape = [task.num_outputs, config.hidden_size]
    weights = tf.get_variable("output_weights", shape, tf.float32, initializer, use_resource=True)
    bias = tf.get_variable(
        "output_bias", [task.num_outputs], tf.float32, tf.zeros_initializer(), use_resource=True
    )
    return tf.nn.bias_add(tf.matmul(drop(pooled, HEAD_DROPOUT, dropout), weights, transpose_b=True), bias)


def answers(task: TaskSpec, logits: tf.Tensor) -> dict[str, tf.Tensor]:
    """The tensors that a task's users ask for, batch first.

    Classification: label string [batch], probabilities float32 [batch, classes]. Regression: score float32
    [batch].
    """
    if task.kind == "regression":
        return {"score": logits[:, 0]}
    return {
        "label": tf.gather(tf.constant(task.labels), tf.argmax(logits, 1, output_type=tf.int32)),
        "probabilities": tf.nn.softmax(logits),
    }
