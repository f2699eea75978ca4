"""Parts of a flat graph that run only where they have rows: an executor follows a Switch one way only."""

import tensorflow.compat.v1 as tf


def switch(tensor: tf.Tensor, count: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """The tensor for what runs if `count` is 0, and for what runs if it is not."""
    none, some = tf.raw_ops.Switch(data=tensor, pred=count > 0)
    return none, some


def merge(none: tf.Tensor, some: tf.Tensor) -> tf.Tensor:
    """Whichever was computed."""
    return tf.raw_ops.Merge(inputs=[none, some]).output
