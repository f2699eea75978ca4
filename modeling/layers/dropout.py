"""Dropout whose mask depends on seed, step and call number alone: a resumed run draws the same masks."""

import tensorflow.compat.v1 as tf

LEVELS = 1 << 16  # masks are drawn in 16 bits: half the random numbers, and a rate exact to 1/65536


class Dropout:
    """Drops elements and scales the others by 1 / (1 - rate).

    Every call in the construction of a graph has its own number and so its own masks.

    Args:
      seed: Seed of the run.
      step: int64 scalar; the global step.
    """

    def __init__(self, seed: int, step: tf.Tensor) -> None:
        self._seed = seed
        self._step = tf.cast(step, tf.int64)
        self._calls = 0

    def __call__(self, x: tf.Tensor, rate: float) -> tf.Tensor:
        """Returns `x` with elements dropped at `rate`, same shape and dtype."""
        if not rate:
            return x
        self._calls += 1
        with tf.name_scope("dropout"):
            return x * self._mask(tf.shape(x, out_type=tf.int64), rate)

    def chances(self, count: int) -> tf.Tensor:
        """float32 [count], uniform in [0, 1): the step's own, and of no mask."""
        return tf.random.stateless_uniform([count], self._seed_of(0))

    def _mask(self, shape: tf.Tensor, rate: float) -> tf.Tensor:
        """float32 of `shape`: 0 or 1 / (1 - rate)."""
        size = tf.reduce_prod(shape)
        seed = self._seed_of(self._calls)
        words = tf.random.stateless_uniform(
            [(size + 1) // 2], seed, minval=None, maxval=None, dtype=tf.uint32
        )
        levels = tf.reshape(tf.bitcast(words, tf.uint16), [-1])[:size]
        keep = tf.cast(tf.cast(levels, tf.int32) >= round(rate * LEVELS), tf.float32)
        return tf.reshape(keep * (1 / (1 - rate)), shape)

    def _seed_of(self, call: int) -> tf.Tensor:
        """int64 [2]; calls count from 1."""
        return tf.stack([tf.constant(self._seed * 1000003 + call, tf.int64), self._step])


def drop(x: tf.Tensor, rate: float, dropout: Dropout | None) -> tf.Tensor:
    """`dropout` if there is one; evaluation, serving and frozen layers have none."""
    return x if dropout is None else dropout(x, rate)
