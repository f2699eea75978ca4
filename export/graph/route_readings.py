"""Which readings of its texts each row of `route` needs: one, or two where its tasks read it differently."""

from collections.abc import Mapping
from dataclasses import dataclass

import tensorflow.compat.v1 as tf

from centrabert.modeling.task import TaskSpec


@dataclass(frozen=True)
class RouteReadings:
    """One reading for each row of the batch, and behind them a second one for those rows that need it.

    A row is read as a pair if it is for a pair task, else as its first text alone. One that has a second text
    and is for tasks of both kinds is read a second time, for its tasks of single texts.

    Attributes:
      rows: int64 [readings], of which row each is.
      pair: bool [readings], whether it reads both texts.
      twice: bool [batch], the rows with two readings.
      again: int64 [twice], their numbers.
    """

    rows: tf.Tensor
    pair: tf.Tensor
    twice: tf.Tensor
    again: tf.Tensor

    def serving(self, task: TaskSpec, wanted: tf.Tensor) -> tf.Tensor:
        """bool [readings], which of them are for a task that the rows `wanted`, bool [batch], want."""
        if task.pair:
            return tf.concat([wanted, tf.fill(tf.shape(self.again), False)], 0)
        return tf.concat([wanted & ~self.twice, tf.gather(wanted, self.again)], 0)


def route_readings(wanted: Mapping[TaskSpec, tf.Tensor], text_b: tf.Tensor) -> RouteReadings:
    """Decides them.

    Args:
      wanted: bool [batch] for each task.
      text_b: string [batch], or [0] where there is none.
    """
    some = next(iter(wanted.values()))
    nobody = tf.zeros_like(some)
    for_pairs, for_singles = (
        tf.reduce_any([nobody, *(rows for task, rows in wanted.items() if task.pair == pair)], 0)
        for pair in (True, False)
    )
    given = tf.not_equal(tf.strings.strip(text_b), "")
    has_second = tf.concat([given, tf.fill([tf.size(some) - tf.size(given)], False)], 0)
    twice = has_second & for_pairs & for_singles
    again = tf.where(twice)[:, 0]
    rows = tf.concat([tf.range(tf.size(some, out_type=tf.int64)), again], 0)
    return RouteReadings(rows, tf.concat([for_pairs, tf.fill(tf.shape(again), False)], 0), twice, again)
